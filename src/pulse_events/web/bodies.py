"""Bodies of requests: read within limits of size and time, and what a published message says."""

import asyncio

import orjson
from aiohttp import web

from pulse_events.bindings import Binding
from pulse_events.errors import InputError
from pulse_events.messages import Message

BODY_LIMIT_BYTES = 16 << 20
BODY_WITHIN_S = 30.0
"""How long a client may take to send the body of its request."""


async def read_body(request: web.BaseRequest, limit_bytes: int, within_s: float) -> bytes:
    """Return a request's body, whose limit is not aiohttp's.

    Raises:
        HTTPRequestEntityTooLarge: It is longer; the rest is not read.
        InputError: It is broken, or does not come in time.
    """
    body = bytearray()
    try:
        async with asyncio.timeout(within_s):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > limit_bytes:
                    raise web.HTTPRequestEntityTooLarge(limit_bytes, len(body))
    except TimeoutError:
        raise InputError(f"the body did not come within {within_s:.0f} s") from None
    except (web.RequestPayloadError, ConnectionError) as error:
        raise InputError(f"the body is broken: {error}") from None
    return bytes(body)


def parse_message(body: bytes) -> Message:
    """Read the body of a publish request.

    Raises:
        InputError: It is not ``{"exchange", "routingKey", "payload", "cc"?}``.
    """
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InputError(f"the body is not JSON: {error}") from None
    if not isinstance(document, dict):
        raise InputError("the body must be a JSON object")
    missing = [k for k in ("exchange", "routingKey", "payload") if k not in document]
    unknown = sorted(document.keys() - {"exchange", "routingKey", "payload", "cc"})
    if missing or unknown:
        fault = f"lacks '{missing[0]}'" if missing else f"has the unknown key {unknown[0]!r}"
        raise InputError(f"the body {fault}; its keys are exchange, routingKey, payload, cc")
    cc = document.get("cc", [])
    keys = [document["exchange"], document["routingKey"], *(cc if isinstance(cc, list) else [None])]
    if not all(isinstance(key, str) for key in keys):
        raise InputError("exchange and routingKey must be strings, cc an array of strings")
    for key in keys[1:]:
        Binding(keys[0], key)  # the same limits as for a pattern
    return Message(keys[0], keys[1], orjson.dumps(document["payload"]), tuple(keys[2:]))
