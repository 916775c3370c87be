"""What a listening yields: the events of the wire as objects, checked.  Pure."""

import json
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeAlias

from pulse_events.errors import PulseEventsError
from pulse_events.wire.sse import Event


class BadEvent(PulseEventsError):
    """The server sent an event that is none of ours; another connection would bring it again."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message, as the server's JSON has it; each field is described in docs/python.md."""

    payload: Any
    """Any JSON value; a str of base64 if ``payload_encoding`` says so."""
    exchange: str
    routing_key: str
    redelivered: bool
    routes: tuple[str, ...]
    """Those of ``cc`` that begin with ``route.``, without that."""
    cc: tuple[str, ...]
    payload_encoding: str | None
    """``base64`` if the body was neither JSON nor text, else ``None``."""
    cursor: str | None
    """Where to go on once it is dealt with; ``None`` where the server keeps no history."""
    json: str = field(repr=False)
    """The JSON that the server sent, all fields, in one line."""

    @property
    def body(self) -> bytes | None:
        """The bytes of a body that was neither JSON nor text; ``None`` for all others."""
        return b64decode(self.payload) if self.payload_encoding == "base64" else None


@dataclass(frozen=True, slots=True)
class Ready:
    """Every binding is bound: a message that is published from now on will come."""

    cursor: str | None


@dataclass(frozen=True, slots=True)
class Gap:
    """Messages may be missing here, published from ``start`` to ``end``; times are aware.

    Others of that time may have come, or may follow.
    """

    reason: str
    start: datetime | None
    """``None`` where it is not known."""
    end: datetime
    cursor: str | None

    def __str__(self) -> str:
        """Say so in one line."""
        begin = f"from {_iso(self.start)} " if self.start else ""
        return f"messages may be missing {begin}up to {_iso(self.end)}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Ping:
    """The connection is alive; the server's time, which is aware."""

    time: datetime
    cursor: str | None


Item: TypeAlias = Message | Ready | Gap | Ping

_TYPES = (str, str, bool)
_TEXT_LIMIT_CHARS = 2000


def item_of(event: Event, cursor: str | None, now: Callable[[], datetime]) -> Item | None:
    """Return what a user is to see of an event that is no message.

    ``None``, if its kind is of later versions.

    Args:
        event: As it came; neither a message nor an error.
        cursor: Where to go on behind it.
        now: Tells the time, which stands for those that the server does not tell.

    Raises:
        BadEvent: It is not what a server of ours sends.
    """
    if event.kind == "ready":
        return Ready(cursor)
    if event.kind not in ("gap", "ping"):
        return None
    value = value_of(event)
    said: Mapping[str, Any] = value if isinstance(value, dict) else {}
    if event.kind == "ping":
        return Ping(_time(said.get("time")) or now(), cursor)
    reason = one_line(said.get("reason", ""))
    return Gap(reason, _time(said.get("from")), _time(said.get("to")) or now(), cursor)


def message_of(data: str, cursor: str | None) -> Message:
    """Return the message whose JSON is ``data``; fields that are missing are empty.

    Raises:
        BadEvent: It is not JSON, not an object, or a field is of another type.
    """
    value = _json_value(data)
    if not isinstance(value, dict):
        raise BadEvent("the server sent a message that is not an object")
    found = Message(
        value.get("payload"),
        value.get("exchange", ""),
        value.get("routingKey", ""),
        value.get("redelivered", False),
        _texts(value.get("routes", ())),
        _texts(value.get("cc", ())),
        value.get("payloadEncoding"),
        cursor,
        data if "\n" not in data else json.dumps(value),
    )
    _check(found)
    return found


def _check(message: Message) -> None:
    values: tuple[Any, ...] = (message.exchange, message.routing_key, message.redelivered)
    if tuple(map(type, values)) != _TYPES or not _is_decodable(message):
        raise BadEvent("the server sent a message with a field of another type")


def _is_decodable(message: Message) -> bool:
    encoding: Any = message.payload_encoding
    if encoding is None:
        return True
    try:
        _ = message.body
    except (ValueError, TypeError):
        return False
    return isinstance(encoding, str)


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(text, str) for text in value):
        raise BadEvent("the server sent a message with a list that is not one of texts")
    return tuple(value)


def value_of(event: Event) -> Any:
    """Return the JSON value of an event.

    Raises:
        BadEvent: It is not JSON.
    """
    return _json_value(event.data)


def _json_value(text: str) -> Any:
    # Not by orjson, which rounds large integers and refuses lone surrogates.
    try:
        return json.loads(text)
    except RecursionError:
        return _deep_value(text)
    except ValueError:
        pass
    try:
        return json.loads(text, parse_int=_integer)
    except (ValueError, RecursionError) as error:
        raise BadEvent(f"the server sent an event that is not JSON: {error}") from None


def _integer(digits: str) -> int | float:
    try:
        return int(digits)
    except ValueError:  # Python reads 4,300 digits; whoever publishes more must not end a listening
        return float(digits)


def _deep_value(text: str) -> Any:
    """Return what is nested deeper than Python's own parser goes; the server's goes as deep."""
    import orjson

    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise BadEvent(f"the server sent an event that is not JSON: {error}") from None


def one_line(value: Any) -> str:
    """Return what the server says as text that may be shown: one line, printable, not too long."""
    text = " ".join(str(value)[:_TEXT_LIMIT_CHARS].split())
    return "".join(char if char.isprintable() else "�" for char in text)


def _time(value: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (TypeError, ValueError, OverflowError):
        return None


def _iso(moment: datetime) -> str:
    precision = "milliseconds" if moment.microsecond else "seconds"
    return moment.isoformat(timespec=precision).replace("+00:00", "Z")
