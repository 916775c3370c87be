"""What the caches of several indexes hold together, bounded in bytes.  Pure.

Each exchange has an index, and each index a cache: a bound for each of them would be none for
all, and a number of keys is none of bytes.
"""

from collections.abc import Hashable
from sys import getsizeof
from typing import Any, Generic, TypeVar

T = TypeVar("T", bound=Hashable)

DEFAULT_LIMIT_BYTES = 4 << 20
"""Some 5,000 keys like Taskcluster's.  A miss takes microseconds; what comes again comes soon."""
_ENTRY_BYTES = 400
"""A dictionary's place at its emptiest (100), a string's head (74), and a small set (216)."""
_SMALL_ANSWER = 4
"""Items that a set holds without a table of its own."""
_LARGEST_SHARE = 16


class CacheLimit:
    """The bytes that some caches may hold together; what would be more empties them all."""

    def __init__(self, limit_bytes: int = DEFAULT_LIMIT_BYTES) -> None:
        self.limit_bytes = limit_bytes
        self.held_bytes = 0
        self._filled: set[Cache[Any]] = set()

    def clear(self) -> None:
        """Empty all caches."""
        for cache in tuple(self._filled):
            cache.clear()

    def filled(self, cache: "Cache[Any]") -> None:
        """Note that ``cache`` holds something."""
        self._filled.add(cache)

    def emptied(self, cache: "Cache[Any]", held_bytes: int) -> None:
        """Note that ``cache`` holds nothing any more."""
        self._filled.discard(cache)
        self.held_bytes -= held_bytes


class Cache(Generic[T]):
    """Answers by key, to be looked up in ``answers`` and to be changed by nobody else."""

    __slots__ = ("_held_bytes", "_limit", "answers")

    def __init__(self, limit: CacheLimit) -> None:
        self._limit = limit
        self._held_bytes = 0
        self.answers: dict[str, frozenset[T]] = {}

    def keep(self, key: str, answer: frozenset[T]) -> None:
        """Put ``answer`` under ``key``, which has none; not if it would leave little to others."""
        limit = self._limit
        size_bytes = _ENTRY_BYTES + 4 * len(key)  # a character takes at most 4
        if len(answer) > _SMALL_ANSWER:
            size_bytes += getsizeof(answer)
        if limit.held_bytes + size_bytes > limit.limit_bytes:
            limit.clear()
        if size_bytes > limit.limit_bytes // _LARGEST_SHARE:
            return
        if not self.answers:
            limit.filled(self)
        self.answers[key] = answer
        self._held_bytes += size_bytes
        limit.held_bytes += size_bytes

    def clear(self) -> None:
        """Forget everything."""
        if self.answers:
            self.answers.clear()
            self._limit.emptied(self, self._held_bytes)
            self._held_bytes = 0
