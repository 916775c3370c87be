"""The exchanges that Taskcluster's services publish to, and the words of their routing keys.

Owns ``taskcluster-exchanges.json``.  Knows no broker: which of them exist there is not its affair.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

import orjson

from pulse_events.topics.patterns import ANY_WORDS, ONE_WORD

CATALOGUE_FILE = "taskcluster-exchanges.json"
"""Package data: one object per exchange, as Taskcluster's own references describe it."""

ABSENT = "_"
"""Stands in a routing key for an optional word without a value."""

_WORD = re.compile(r"(?P<name>\w+)(=(?P<constant>\w+))?(?P<many>#)?(?P<optional>\?)?")


@dataclass(frozen=True, slots=True)
class Word:
    """One named part of a routing key."""

    name: str
    constant: str | None
    """What always stands here."""
    many: bool
    """May stand for several words, dots between them."""
    optional: bool
    """May be `ABSENT`."""


@dataclass(frozen=True, slots=True)
class KnownExchange:
    """One exchange of one service."""

    service: str
    event: str
    name: str
    words: tuple[Word, ...]

    def routing_key(self, values: Mapping[str, str]) -> str:
        """Return the key that says ``values``; what the exchange has no word for is left out.

        Raises:
            KeyError: A word that is not optional has no value.
        """
        return ".".join(
            word.constant or (values.get(word.name, ABSENT) if word.optional else values[word.name])
            for word in self.words
        )

    def pattern(self, values: Mapping[str, str]) -> str:
        """Return the pattern of the keys that say ``values``, whatever their other words are.

        Raises:
            KeyError: The exchange has no word for one of them.
        """
        places = {word.name: place for place, word in enumerate(self.words)}
        last = max(places[name] for name in values)
        words = [w.constant or values.get(w.name, ONE_WORD) for w in self.words[: last + 1]]
        return ".".join([*words, ANY_WORDS])

    def has(self, name: str) -> bool:
        """Tell whether its routing keys have a word of this name."""
        return any(word.name == name for word in self.words)


@cache
def load_catalogue() -> tuple[KnownExchange, ...]:
    """Return all exchanges, in the order of the file, which is read once."""
    text = resources.files(__package__).joinpath(CATALOGUE_FILE).read_bytes()
    return tuple(
        KnownExchange(
            service=entry["service"],
            event=entry["event"],
            name=entry["exchange"],
            words=tuple(map(_parse_word, entry["routingKey"])),
        )
        for entry in orjson.loads(text)
    )


def known_exchange(name: str) -> KnownExchange | None:
    """Return the exchange of this name, if it is one of Taskcluster's."""
    return _by_name().get(name)


@cache
def _by_name() -> Mapping[str, KnownExchange]:
    return {each.name: each for each in load_catalogue()}


def _parse_word(text: str) -> Word:
    """Read ``name``, ``name=constant``, ``name#`` (many words), ``name?`` (optional)."""
    match = _WORD.fullmatch(text)
    if match is None:
        raise ValueError(f"{CATALOGUE_FILE} holds {text!r}, which describes no routing key word")
    return Word(match["name"], match["constant"], bool(match["many"]), bool(match["optional"]))
