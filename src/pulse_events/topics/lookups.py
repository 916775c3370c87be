"""Items under the patterns that a key need not be compared with: they are looked up.

Those are the patterns without a wildcard, those with none but a ``#`` at the end, and those of
wildcards alone.  However many there are, a key takes a step or two for each of its words.
"""

from collections import Counter
from collections.abc import Hashable
from collections.abc import Set as AbstractSet
from typing import Generic, TypeVar

from pulse_events.topics.patterns import (
    ANY_WORDS,
    KEY_LIMIT_WORDS,
    ONE_WORD,
    has_wildcard,
    split_words,
)

T = TypeVar("T", bound=Hashable)

_TAIL = f".{ANY_WORDS}"
_WILDCARDS = {ONE_WORD, ANY_WORDS}
_STARS = [".".join([ONE_WORD] * count) for count in range(KEY_LIMIT_WORDS + 1)]
_STARS_OR_MORE = [ANY_WORDS, *(stars + _TAIL for stars in _STARS[1:])]


def is_looked_up(pattern: str) -> bool:
    """Tell whether ``pattern``, in canonical form, belongs here."""
    return not has_wildcard(pattern.removesuffix(_TAIL)) or _is_wild(pattern)


def _is_wild(pattern: str) -> bool:
    return pattern != "" and _WILDCARDS.issuperset(split_words(pattern))


class Lookups(Generic[T]):
    """Items by pattern."""

    def __init__(self) -> None:
        self._literal: dict[str, set[T]] = {}
        self._tailed: dict[str, set[T]] = {}
        """By what is before ``.#``."""
        self._wild: dict[str, set[T]] = {}
        self._tailed_by_depth: Counter[int] = Counter()
        """How many have so many words there."""
        self._depths = range(0)
        self._has_stars = False

    def add(self, pattern: str, item: T) -> bool:
        """File ``item`` under ``pattern``; return whether it was not there."""
        place, name = self._place(pattern)
        items = place.get(name)
        if items is None:
            items = place[name] = set()
            self._note(place, name, 1)
        if item in items:
            return False
        items.add(item)
        return True

    def remove(self, pattern: str, item: T) -> None:
        """Take ``item`` away; raises ``KeyError`` if it is not there."""
        place, name = self._place(pattern)
        place[name].remove(item)
        if not place[name]:
            del place[name]
            self._note(place, name, -1)

    def under(self, pattern: str) -> AbstractSet[T]:
        """Return the items under ``pattern``; they may change."""
        place, name = self._place(pattern)
        return place.get(name, frozenset())

    def find(self, key: str) -> list[AbstractSet[T]]:
        """Return what matches ``key``, pattern by pattern."""
        hits: list[AbstractSet[T]] = []
        if found := self._literal.get(key):
            hits.append(found)
        if key:  # the empty key has no word, not an empty one
            end, tailed, dot = -1, self._tailed, key.find
            for _ in self._depths:
                # The first word, the first two, and so on: a pattern's ``#`` may be the rest.
                end = dot(".", end + 1)
                if end < 0:
                    if key in tailed:
                        hits.append(tailed[key])
                    break
                if (name := key[:end]) in tailed:
                    hits.append(tailed[name])
        if self._wild:
            if found := self._wild.get(ANY_WORDS):
                hits.append(found)
            if self._has_stars:
                self._find_wild(len(split_words(key)), hits)
        return hits

    def _find_wild(self, count: int, hits: list[AbstractSet[T]]) -> None:
        names = (_STARS[count], *_STARS_OR_MORE[1 : count + 1])
        hits += filter(None, map(self._wild.get, names))

    def _place(self, pattern: str) -> tuple[dict[str, set[T]], str]:
        if _is_wild(pattern):
            return self._wild, pattern
        if pattern.endswith(_TAIL):
            return self._tailed, pattern.removesuffix(_TAIL)
        return self._literal, pattern

    def _note(self, place: dict[str, set[T]], name: str, change: int) -> None:
        """Note that there is a pattern more or less."""
        if place is self._wild:
            self._has_stars = bool(self._wild.keys() - {ANY_WORDS})
        elif place is self._tailed:
            depth = name.count(".") + 1
            self._tailed_by_depth[depth] += change
            if not self._tailed_by_depth[depth]:
                del self._tailed_by_depth[depth]
            self._depths = range(max(self._tailed_by_depth, default=0))
