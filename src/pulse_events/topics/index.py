"""Who asked for what: items under topic patterns, and which of them match the keys of a message.

The keys of a message are anybody's, in any number and, in ``CC``, of any length; the patterns are
anybody's, too.  What is done for one message is bounded.  Where that does not suffice, owners who
have little to compare come first, and who asks is told whose items were left out.

Not one trie of words: there a key is in as many places at once as patterns begin like it, and
30,000 that were made for a message took 150 ms of everybody's time.
"""

from collections import Counter
from collections.abc import Hashable, Sequence
from collections.abc import Set as AbstractSet
from typing import Generic, TypeVar

from pulse_events.topics.cache_limit import Cache, CacheLimit
from pulse_events.topics.comparisons import WORK_LIMIT, Comparisons, TooMuchWork
from pulse_events.topics.lookups import Lookups, is_looked_up
from pulse_events.topics.patterns import ANY_WORDS, is_oversized, split_words

CC_LIMIT = 128
"""Keys of ``CC`` that are looked at; Taskcluster allows 64 routes a task."""
_FEW_KEYS = 8
"""Up to so many further keys, each is looked for alone, and remembered."""

T = TypeVar("T", bound=Hashable)


class OddKeys(Exception, Generic[T]):
    """Some keys of a message were not matched against all patterns.

    Args:
        found: The items that match nonetheless.
        oversized: Keys that were matched against ``#`` alone.
        skipped: Keys that were not looked at, or not compared with all patterns.
        undecided: The items whose patterns some key was not compared with: they may match.
    """

    def __init__(
        self,
        found: frozenset[T],
        oversized: int = 0,
        skipped: int = 0,
        undecided: frozenset[T] = frozenset(),
    ) -> None:
        super().__init__(oversized, skipped)
        self.found = found
        self.oversized = oversized
        self.skipped = skipped
        self.undecided = undecided


class _Oversized(Exception):
    """A key is too long to look for."""


class TopicIndex(Generic[T]):
    """Items filed under patterns; answers which items match the keys of a message.

    Answers are cached per key; every change of the patterns empties the cache.

    Args:
        limit: What this cache may hold together with others.
        work_limit: Steps that comparing may take for one message, of some 0.1 µs.
    """

    def __init__(self, limit: CacheLimit | None = None, work_limit: int = WORK_LIMIT) -> None:
        self._items: Counter[T] = Counter()  # how many patterns each has
        # Not `Lookups[T]()`, which takes µs: who asks for exchanges that are not there makes many.
        self._lookups: Lookups[T] = Lookups()
        self._comparisons: Comparisons[T] = Comparisons(work_limit)
        self._cache: Cache[T] = Cache(limit or CacheLimit())
        self._answers = self._cache.answers

    def __len__(self) -> int:
        """Number of pairs of pattern and item."""
        return self._items.total()

    def __bool__(self) -> bool:
        """Tell whether there is any."""
        return bool(self._items)

    def add(self, pattern: str, item: T, owner: str = "") -> None:
        """File ``item`` under ``pattern``; filing the same pair again changes nothing.

        Args:
            pattern: In canonical form.
            item: What is to be found.
            owner: Whose part of the comparing it takes, if it must be compared.
        """
        is_new = (
            self._lookups.add(pattern, item)
            if is_looked_up(pattern)
            else self._comparisons.add(pattern, item, owner)
        )
        if is_new:
            self._items[item] += 1
            self._cache.clear()

    def remove(self, pattern: str, item: T) -> None:
        """Take ``item`` from under ``pattern``.

        Raises:
            KeyError: The pair was never filed.
        """
        self._place(pattern).remove(pattern, item)
        self._items[item] -= 1
        if not self._items[item]:
            del self._items[item]
        self._cache.clear()

    def under(self, pattern: str) -> frozenset[T]:
        """Return the items filed under exactly this ``pattern``."""
        return frozenset(self._place(pattern).under(pattern))

    def _place(self, pattern: str) -> Lookups[T] | Comparisons[T]:
        return self._lookups if is_looked_up(pattern) else self._comparisons

    def items(self) -> frozenset[T]:
        """Return all items."""
        return frozenset(self._items)

    def match(self, key: str, others: Sequence[str] = ()) -> frozenset[T]:
        """Return the items whose patterns match ``key`` or any of ``others``.

        Raises:
            OddKeys: The keys are too long, too many, or take too much work; it has what was found.
        """
        if len(others) <= _FEW_KEYS:
            try:
                answer = self._match_one(key)
                return answer.union(*map(self._match_one, others)) if others else answer
            except (_Oversized, TooMuchWork):
                pass
        return self._match_carefully(key, others)

    def _match_one(self, key: str) -> frozenset[T]:
        answer = self._answers.get(key)
        if answer is None:
            if is_oversized(key):
                raise _Oversized
            hits = self._lookups.find(key)
            if self._comparisons.words:
                hits += self._comparisons.find(split_words(key))
            answer = _united(hits)
            self._cache.keep(key, answer)
        return answer

    def _match_carefully(self, key: str, others: Sequence[str]) -> frozenset[T]:
        """Match all keys, each once, with no more work than one message may make."""
        hits: list[AbstractSet[T]] = []
        keys = dict[str, list[str]]()
        oversized, looked_at = 0, (key, *others[:CC_LIMIT])
        for each in looked_at:
            if is_oversized(each):
                hits.append(self._lookups.under(ANY_WORDS))
                oversized += 1
            elif each not in keys:
                keys[each] = split_words(each)
                hits += self._lookups.find(each)
        compared, left_out = self._comparisons.find_fairly(keys.values())
        found = _united(hits + compared)
        skipped = 1 + len(others) - len(looked_at) + left_out.keys
        if oversized or skipped:
            raise OddKeys(found, oversized, skipped, frozenset(left_out.items) - found)
        if not others:
            self._cache.keep(key, found)
        return found


def _united(hits: Sequence[AbstractSet[T]]) -> frozenset[T]:
    # With one set a third of the time.
    return frozenset(hits[0]) if len(hits) == 1 else frozenset[T]().union(*hits)
