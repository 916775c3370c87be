"""Bindings: what a client asks to listen to, and the request JSON that says so, with its limits.

Knows the wire form of a request, nothing of HTTP, brokers or clients.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from pulse_events.errors import InputError, TooManyBindings
from pulse_events.json_keys import repeated_key
from pulse_events.topics.containment import for_broker
from pulse_events.topics.patterns import canonical

NAME_LIMIT_BYTES = 255
"""An AMQP short string: exchange names and routing keys (AMQP 0-9-1, section 4.2.5.3)."""

DEFAULT_LIMIT = 100
"""Bindings that one stream may have."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_FIELDS = ("exchange", "routingKeyPattern")


def _check_name(label: str, text: str) -> None:
    """Raise `InputError` unless ``text`` can be an AMQP name or routing key."""
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise InputError(f"{label} holds a lone surrogate, which is not UTF-8") from None
    if size > NAME_LIMIT_BYTES:
        raise InputError(f"{label} is {size} bytes, the limit is {NAME_LIMIT_BYTES}")
    if _CONTROL.search(text):
        raise InputError(f"{label} {text!r} holds a control character")


@dataclass(frozen=True, slots=True, order=True)
class Binding:
    """One exchange and one topic pattern; both at most 255 bytes of UTF-8, no control characters.

    Raises:
        InputError: On construction, if a part is too long or holds a control character.
    """

    exchange: str
    pattern: str

    def __post_init__(self) -> None:
        """Refuse what AMQP cannot carry."""
        _check_name("exchange", self.exchange)
        _check_name("routingKeyPattern", self.pattern)


@dataclass(frozen=True, slots=True)
class BindingSet:
    """Bindings in canonical form: sorted, each once, each pattern spelled as `canonical` has it.

    Sets are equal if they have the same patterns, however those are spelled and ordered.
    """

    bindings: tuple[Binding, ...]
    asked: tuple[Binding, ...] = field(init=False, repr=False, compare=False)
    """What the broker is asked for instead: see `containment.for_broker`.  Mostly the same."""
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Sort, drop repetitions, and keep the hash: sets of 10,000 are looked up per connect."""
        bindings = _sorted_set(canonical, self.bindings)
        asked = _sorted_set(for_broker, bindings)
        object.__setattr__(self, "bindings", bindings)
        object.__setattr__(self, "asked", bindings if asked == bindings else asked)
        object.__setattr__(self, "_hash", hash(bindings))

    def __hash__(self) -> int:
        """Return the hash made at construction."""
        return self._hash

    def __iter__(self) -> Iterator[Binding]:
        """Yield the bindings in canonical order."""
        return iter(self.bindings)

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, str]]) -> "BindingSet":
        """Return the set of these pairs of exchange and pattern."""
        return cls(tuple(Binding(exchange, pattern) for exchange, pattern in pairs))


def _sorted_set(spell: Callable[[str], str], bindings: Iterable[Binding]) -> tuple[Binding, ...]:
    """Return ``bindings`` with patterns as ``spell`` has them, in order, each once."""
    spelled = {
        b if (pattern := spell(b.pattern)) == b.pattern else Binding(b.exchange, pattern)
        for b in bindings
    }
    return tuple(sorted(spelled))


def parse_bindings(
    text: str | None,
    limit: int = DEFAULT_LIMIT,
    *,
    place: str = "the query parameter 'bindings'",
) -> BindingSet:
    """Read the ``bindings`` parameter of a request.

    Args:
        text: ``{"bindings": [{"exchange": "…", "routingKeyPattern": "…"}, …]}``, or ``None``
            if the request has no such parameter.  Other fields of an entry are ignored:
            Taskcluster's libraries give ``routingKeyReference``.
        limit: Bindings allowed in it, repetitions counted.
        place: What the message of a text that is not JSON calls it.

    Raises:
        InputError: The text is anything else, or has a key twice; the message names the entry
            (``bindings[3]``), the fault, and the limit where there is one.
        TooManyBindings: There are more entries than ``limit``.
    """
    if text is None:
        raise InputError(
            "the query parameter 'bindings' is missing; it is URL-encoded JSON like "
            '{"bindings": [{"exchange": "exchange/name", "routingKeyPattern": "#"}]}'
        )
    entries = _entries(_parse_json(text, place))
    if len(entries) > limit:
        raise TooManyBindings(f"bindings has {len(entries)} entries, the limit is {limit}")
    return BindingSet(tuple(_entry(i, entry) for i, entry in enumerate(entries)))


def format_bindings(bindings: Iterable[Binding]) -> str:
    """Return the request JSON that `parse_bindings` reads; a `BindingSet` is in canonical order."""
    entries = [{"exchange": b.exchange, "routingKeyPattern": b.pattern} for b in bindings]
    return orjson.dumps({"bindings": entries}).decode()


def _parse_json(text: str, place: str) -> Any:
    try:
        document = orjson.loads(text)
        repeated = repeated_key(text)
    except ValueError as error:  # both parsers' own
        raise InputError(f"{place} is not JSON: {error}") from None
    except RecursionError:
        raise InputError(f"{place} is nested too deep") from None
    if repeated:
        where = repeated.place.removeprefix(".") or "the JSON object"
        raise InputError(f"{where} has the key {repeated.key!r} twice")
    return document


def _entries(document: Any) -> list[Any]:
    if not isinstance(document, dict):
        raise InputError(f"bindings must be a JSON object, this is {_kind(document)}")
    others = sorted(document.keys() - {"bindings"})
    if others:
        raise InputError(f"unknown key {others[0]!r}; the only key is 'bindings'")
    if "bindings" not in document:
        raise InputError("the key 'bindings' is missing in the JSON object")
    entries = document["bindings"]
    if not isinstance(entries, list):
        raise InputError(f"'bindings' must be an array, this is {_kind(entries)}")
    if not entries:
        raise InputError("'bindings' is empty; name at least one binding")
    return entries


def _entry(index: int, entry: Any) -> Binding:
    place = f"bindings[{index}]"
    if not isinstance(entry, dict):
        raise InputError(f"{place} must be an object, this is {_kind(entry)}")
    for name in _FIELDS:
        if name not in entry:
            raise InputError(f"{place} lacks the field '{name}'")
        if not isinstance(entry[name], str):
            raise InputError(f"{place}.{name} must be a string, this is {_kind(entry[name])}")
    try:
        return Binding(entry["exchange"], entry["routingKeyPattern"])
    except InputError as error:
        raise InputError(f"{place}: {error}") from None


def _kind(value: Any) -> str:
    """Name a JSON value's type as its sender calls it."""
    kinds = {dict: "an object", list: "an array", str: "a string", bool: "a boolean"}
    return "null" if value is None else kinds.get(type(value), "a number")


def read_pair(text: str) -> Binding:
    """Read ``EXCHANGE=PATTERN``, as options have it.

    Raises:
        InputError: There is no ``=``, or a part cannot be in a binding.
    """
    exchange, separator, pattern = text.partition("=")
    if not separator:
        raise InputError(f"{text!r} is not EXCHANGE=PATTERN")
    return Binding(exchange, pattern)
