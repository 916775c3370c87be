"""Bodies of requests: read within limits of size and time, and what a published message says."""

import asyncio
from typing import TYPE_CHECKING, cast

import msgspec
from aiohttp import HttpVersion11, web

from pulse_events.bindings import Binding
from pulse_events.errors import InputError
from pulse_events.messages import Message

if TYPE_CHECKING:
    from pulse_events.web.http_connection import HttpConnection

BODY_LIMIT_BYTES = 16 << 20
CC_LIMIT_BYTES = 131_072
"""What AMQP could carry of ``cc``: a header is one frame."""
_CC_KEY_BYTES = 5
"""What a key takes there beside its own bytes."""
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
    try:
        with cast("HttpConnection", request.protocol).waiting_for_body():
            async with asyncio.timeout(within_s):
                return await _read(request, limit_bytes)
    except TimeoutError:
        raise InputError(f"the body did not come within {within_s:.0f} s") from None
    except (web.RequestPayloadError, ConnectionError) as error:
        raise InputError(f"the body is broken: {error}") from None


async def _read(request: web.BaseRequest, limit_bytes: int) -> bytes:
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > limit_bytes:
            raise web.HTTPRequestEntityTooLarge(limit_bytes, len(body))
    return bytes(body)


class _Posted(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """What is posted to be published."""

    exchange: str
    routing_key: str
    payload: msgspec.Raw
    cc: tuple[str, ...] = ()


_decode = msgspec.json.Decoder(_Posted).decode


class _Key(str):
    """A key as it stands in an object; msgspec hands one of a type of our own to a hook."""

    __slots__ = ()


def _refuse_repeated_keys(body: bytes) -> None:
    """Raise `InputError` if the object in ``body`` has a key twice: msgspec takes the last one.

    Keys deeper inside are the publisher's own business.
    """
    seen: set[str] = set()

    def note(_type: type, key: str) -> str:
        if key in seen:
            raise InputError(f"the body has the key {key!r} twice")
        seen.add(key)
        return _Key(key)

    msgspec.json.decode(body, type=dict[_Key, msgspec.Raw], dec_hook=note)


def parse_message(body: bytes) -> Message:
    """Read the body of a publish request; the payload only loses its blanks.

    Raises:
        InputError: It is not ``{"exchange", "routingKey", "payload", "cc"?}``.
    """
    try:
        body.decode()  # msgspec does not look inside of the payload's strings
        posted = _decode(body)
        _refuse_repeated_keys(body)  # only now: it has no other keys, so they are few
        payload = msgspec.json.format(posted.payload, indent=-1)
    except msgspec.ValidationError as error:
        keys = "exchange, routingKey, payload and, an array of strings, cc"
        raise InputError(f"the body is not as it must be: {error}; its keys are {keys}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"the body is not JSON: {error}") from None
    if _CC_KEY_BYTES * len(posted.cc) + sum(map(len, posted.cc)) > CC_LIMIT_BYTES:
        raise InputError(f"cc takes more bytes than a header of AMQP has, {CC_LIMIT_BYTES}")
    for key in (posted.routing_key, *posted.cc):
        Binding(posted.exchange, key)  # the same limits as for a pattern
    return Message(posted.exchange, posted.routing_key, payload, posted.cc)
