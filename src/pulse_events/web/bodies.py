"""Bodies of requests: read within limits of size and time, and what a published message says."""

import asyncio

import msgspec
from aiohttp import HttpVersion11, web

from pulse_events.bindings import Binding
from pulse_events.errors import InputError
from pulse_events.messages import Message

BODY_LIMIT_BYTES = 16 << 20
BODY_WITHIN_S = 30.0
"""How long a client may take to send the body of its request."""
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def expects_continue(request: web.BaseRequest) -> bool:
    """Tell whether a client waits to be told to send its body, as curl does with 1 MB or more."""
    if request.version < HttpVersion11:
        return False  # there it means nothing (RFC 9110, 10.1.1)
    return request.headers.get("Expect", "").lower() == "100-continue"


async def read_body(request: web.BaseRequest, limit_bytes: int, within_s: float) -> bytes:
    """Return a request's body, whose limit is not aiohttp's; tell a client that waits to send it.

    Raises:
        HTTPRequestEntityTooLarge: It is longer; the rest is not read.
        InputError: It is broken, or does not come in time.
    """
    if (announced := request.content_length or 0) > limit_bytes:
        raise web.HTTPRequestEntityTooLarge(limit_bytes, announced)
    if expects_continue(request) and not request.content.is_eof() and request.transport is not None:
        request.transport.write(_CONTINUE)
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


class _Posted(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """What is posted to be published."""

    exchange: str
    routing_key: str
    payload: msgspec.Raw
    cc: tuple[str, ...] = ()


_decode = msgspec.json.Decoder(_Posted).decode


def parse_message(body: bytes) -> Message:
    """Read the body of a publish request; the payload only loses its blanks.

    Raises:
        InputError: It is not ``{"exchange", "routingKey", "payload", "cc"?}``.
    """
    try:
        body.decode()  # msgspec does not look inside of the payload's strings
        posted = _decode(body)
        payload = msgspec.json.format(posted.payload, indent=-1)
    except msgspec.ValidationError as error:
        keys = "exchange, routingKey, payload and, an array of strings, cc"
        raise InputError(f"the body is not as it must be: {error}; its keys are {keys}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"the body is not JSON: {error}") from None
    for key in (posted.routing_key, *posted.cc):
        Binding(posted.exchange, key)  # the same limits as for a pattern
    return Message(posted.exchange, posted.routing_key, payload, posted.cc)
