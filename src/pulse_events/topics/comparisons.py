"""Items under the patterns that a key must be compared with, word by word.

Each pattern is filed under one word of its own, the one with the fewest patterns so far, and is
compared only with keys that have this word: of thousands of patterns, with a few.  Who makes it
many, with patterns of words that all keys have, has made them for himself: see `find_fairly`.
"""

from collections import Counter
from collections.abc import Collection, Hashable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import Generic, NamedTuple, TypeVar

from pulse_events.topics.automaton import Matcher, cost_of, matcher_of
from pulse_events.topics.patterns import ANY_WORDS, ONE_WORD, split_words

WORK_LIMIT = 2_500
"""Steps that comparing may take for one message, of some 0.1 µs."""
FEW_STEPS = 1_000
"""Steps that it may take for one key, if there are few."""
_SHARES_FROM = 64
"""Patterns under one word from which on their owners are told apart: sooner it only takes memory,
later it would take all the time at once, 1 ms for 1,000."""
_OWNERS_LIMIT = 16
"""Owners of a pattern that are known; who comes later shares the fate of these."""

T = TypeVar("T", bound=Hashable)
Words = Sequence[str]


class TooMuchWork(Exception):
    """A key takes more than `FEW_STEPS`."""


class LeftOut(NamedTuple, Generic[T]):
    """What was not compared."""

    items: AbstractSet[T] = frozenset()
    """Those of the patterns."""
    keys: int = 0


class _Pattern(Generic[T]):
    """A pattern and its items."""

    __slots__ = ("cost", "items", "matches", "owners", "word")

    def __init__(self, text: str, word: str) -> None:
        self.word = word
        self.cost = cost_of(text)
        self.items: set[T] = set()
        self.owners: tuple[str, ...] = ()
        # Now, in the time of who asks for it, not in that of the first message.
        self.matches: Matcher = matcher_of(text)


class _Group(Generic[T]):
    """Patterns that are compared together, and what that takes."""

    __slots__ = ("_each", "_per_word", "patterns")

    def __init__(self) -> None:
        self.patterns: dict[_Pattern[T], None] = {}
        self._each = self._per_word = 0

    def put(self, pattern: _Pattern[T]) -> None:
        self.patterns[pattern] = None
        self._each += pattern.cost.each
        self._per_word += pattern.cost.per_word

    def take(self, pattern: _Pattern[T]) -> None:
        del self.patterns[pattern]
        self._each -= pattern.cost.each
        self._per_word -= pattern.cost.per_word

    def steps(self, keys: int, words: int) -> int:
        """Return the steps for so many keys, which have so many words together."""
        return self._each * keys + self._per_word * words


class _Share(_Group[T]):
    """The patterns under one word that have the same owners, and their items."""

    __slots__ = ("items",)

    def __init__(self) -> None:
        super().__init__()
        self.items: Counter[T] = Counter()

    def put(self, pattern: _Pattern[T]) -> None:
        super().put(pattern)
        self.items.update(pattern.items)

    def take(self, pattern: _Pattern[T]) -> None:
        super().take(pattern)
        self.items.subtract(pattern.items)
        for item in pattern.items:
            if not self.items[item]:
                del self.items[item]


class _Word(_Group[T]):
    """The patterns that are filed under one word."""

    __slots__ = ("_shares",)

    def __init__(self) -> None:
        super().__init__()
        self._shares: dict[tuple[str, ...], _Share[T]] | None = None

    def shares(self) -> dict[tuple[str, ...], _Share[T]]:
        """Return the patterns by owners; kept up to date once it was made."""
        if self._shares is None:
            self._shares = {}
            for pattern in self.patterns:
                self._shares.setdefault(pattern.owners, _Share()).put(pattern)
        return self._shares

    def put(self, pattern: _Pattern[T]) -> None:
        super().put(pattern)
        if self._shares is not None:
            self._shares.setdefault(pattern.owners, _Share()).put(pattern)
        elif len(self.patterns) == _SHARES_FROM:
            self.shares()

    def take(self, pattern: _Pattern[T]) -> None:
        super().take(pattern)
        if self._shares is not None:
            share = self._shares[pattern.owners]
            share.take(pattern)
            if not share.patterns:
                del self._shares[pattern.owners]


class _Turn(NamedTuple, Generic[T]):
    """Comparing one share with the keys that have its word."""

    owners: tuple[str, ...]
    share: _Share[T]
    word: str
    keys: Sequence[Words]
    steps: int


class Comparisons(Generic[T]):
    """Items by pattern.

    Args:
        work_limit: Steps that one message may take.
    """

    def __init__(self, work_limit: int = WORK_LIMIT) -> None:
        self._work_limit = work_limit
        self._patterns: dict[str, _Pattern[T]] = {}
        self.words: dict[str, _Word[T]] = {}
        """The patterns by the words that they are filed under."""

    def add(self, text: str, item: T, owner: str) -> bool:
        """File ``item`` under a pattern for ``owner``; return whether it was not there."""
        pattern = self._patterns.get(text)
        if pattern is None:
            pattern = self._patterns[text] = _Pattern(text, self._rarest_word(text))
            word = self.words.setdefault(pattern.word, _Word())
        else:
            is_known = owner in pattern.owners or len(pattern.owners) == _OWNERS_LIMIT
            if item in pattern.items and is_known:
                return False
            word = self.words[pattern.word]
            word.take(pattern)
        is_new = item not in pattern.items
        pattern.items.add(item)
        if owner not in pattern.owners and len(pattern.owners) < _OWNERS_LIMIT:
            pattern.owners = tuple(sorted((*pattern.owners, owner)))
        word.put(pattern)
        return is_new

    def remove(self, text: str, item: T) -> None:
        """Take ``item`` away; raises ``KeyError`` if it is not there."""
        pattern = self._patterns[text]
        if item not in pattern.items:
            raise KeyError(item)
        word = self.words[pattern.word]
        word.take(pattern)
        pattern.items.remove(item)
        if pattern.items:
            word.put(pattern)
            return
        del self._patterns[text]
        if not word.patterns:
            del self.words[pattern.word]

    def under(self, text: str) -> AbstractSet[T]:
        """Return the items under a pattern; they may change."""
        pattern = self._patterns.get(text)
        return pattern.items if pattern else frozenset()

    def find(self, words: Words) -> list[AbstractSet[T]]:
        """Return what matches the key of these ``words``, pattern by pattern.

        Raises:
            TooMuchWork: It is not a matter of a few steps.
        """
        hits: list[AbstractSet[T]] = []
        steps = 0
        known = self.words
        for word in {word for word in words if word in known}:
            group = known[word]
            steps += group.steps(1, len(words))
            if steps > FEW_STEPS:
                raise TooMuchWork
            hits += [pattern.items for pattern in group.patterns if pattern.matches(words)]
        return hits

    def find_fairly(self, keys: Collection[Words]) -> tuple[list[AbstractSet[T]], LeftOut[T]]:
        """Return what matches any of ``keys``, each given by its words, and what is left out.

        If comparing all would take too long, the owners with the least to compare come first, so
        that who has filed much is left out before who has filed little.
        """
        keys_with = dict[str, list[Words]]()
        for words in keys:
            for word in self.words.keys() & words:
                keys_with.setdefault(word, []).append(words)
        hits, items, untold = list[AbstractSet[T]](), set[T](), set[str]()
        left = self._work_limit
        for turn in self._turns(keys_with):
            left -= turn.steps
            if left >= 0:
                hits += _matching(turn)
            else:
                left += turn.steps
                items.update(turn.share.items)
                untold.add(turn.word)
        skipped = sum(not untold.isdisjoint(words) for words in keys) if untold else 0
        return hits, LeftOut(items, skipped)

    def _turns(self, keys_with: dict[str, list[Words]]) -> list[_Turn[T]]:
        """Return what is to be compared, in the order of its owners' work."""
        turns = list[_Turn[T]]()
        work = Counter[str]()
        for word, keys in keys_with.items():
            length = sum(map(len, keys))
            for owners, share in self.words[word].shares().items():
                steps = share.steps(len(keys), length)
                turns.append(_Turn(owners, share, word, keys, steps))
                for owner in owners:
                    work[owner] += steps
        # What several want is of the one with the least: else who asks for what all ask for, and
        # for thousands more, would take it away from them.
        return sorted(turns, key=lambda t: (min(work[o] for o in t.owners), t.steps, t.word))

    def _rarest_word(self, text: str) -> str:
        literals = [word for word in split_words(text) if word not in (ONE_WORD, ANY_WORDS)]
        return min(literals, key=lambda word: len(self._of(word)))

    def _of(self, word: str) -> Collection[_Pattern[T]]:
        known = self.words.get(word)
        return known.patterns if known else ()


def _matching(turn: _Turn[T]) -> Iterator[AbstractSet[T]]:
    for pattern in turn.share.patterns:
        if any(map(pattern.matches, turn.keys)):
            yield pattern.items
