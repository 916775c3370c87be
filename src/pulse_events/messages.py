"""One AMQP delivery as a value, and its JSON form on the wire.  Knows no broker and no stream."""

import base64
import json
import math
from typing import Any, NamedTuple

import orjson

ROUTE_PREFIX = "route."


class Message(NamedTuple):
    """One delivery, as it came from the broker.

    A named tuple, not a frozen dataclass: one is made per delivery, and the tuple takes 0.26 µs
    where the dataclass takes 0.62 µs.
    """

    exchange: str
    routing_key: str
    body: bytes
    cc: tuple[str, ...] = ()
    """Further routing keys, from the ``CC`` header."""
    redelivered: bool = False
    """The broker may have delivered this message before."""


def encode_message(message: Message) -> bytes:
    """Return the message as one line of compact JSON, keys in the order of the contract.

    The body stands in ``payload`` with its own numbers, escapes and key order if it is JSON; as a
    string if it is other UTF-8 text; else in base64, which ``payloadEncoding`` then says.
    """
    payload, encoding = _payload(message.body)
    cc = message.cc
    fields: dict[str, Any] = {
        "payload": payload,
        "exchange": message.exchange,
        "routingKey": message.routing_key,
        "redelivered": message.redelivered,
        "routes": [key[len(ROUTE_PREFIX) :] for key in cc if key.startswith(ROUTE_PREFIX)],
        "cc": cc,
    }
    if encoding is not None:
        fields["payloadEncoding"] = encoding
    return orjson.dumps(fields)


def _payload(body: bytes) -> tuple[orjson.Fragment | str, str | None]:
    """Return what stands in ``payload``, and the value of ``payloadEncoding`` if one is needed."""
    if is_json(body):
        # A raw line break in JSON is always white space between tokens: strings escape theirs.
        return orjson.Fragment(body.translate(None, b"\r\n")), None
    try:
        return body.decode(), None
    except UnicodeDecodeError:
        return base64.b64encode(body).decode(), "base64"


def is_json(body: bytes) -> bool:
    """Tell whether ``body`` is a JSON text (RFC 8259) in UTF-8, nested at most some 1,000 deep.

    orjson decides.  Where it refuses, the slower parser has the last word: the grammar allows
    escaped lone surrogates and numbers beyond a double, orjson does not.
    """
    try:
        orjson.loads(body)
    except orjson.JSONDecodeError:
        return _is_unusual_json(body)
    return True


def _is_unusual_json(body: bytes) -> bool:
    try:
        json.loads(body.decode(), parse_constant=_refuse, parse_int=_ignore, parse_float=_ignore)
    except (ValueError, RecursionError):
        return False
    return True


def _ignore(_digits: str) -> float:
    """Stand in for a number: converting one of many digits takes quadratic time."""
    return math.nan


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
