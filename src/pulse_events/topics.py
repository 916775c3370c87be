"""AMQP 0-9-1 topic patterns as RabbitMQ matches them.  Knows neither exchanges nor clients.

Words are what stands between dots; the empty key has no word at all, ``.`` has two empty ones.
``*`` stands for one word, ``#`` for zero or more; both only as a whole word (``a*`` is literal).
Probed against RabbitMQ 3.10; its topic exchange is the oracle in ``tests/broker/``.

The keys of a message are anybody's, in any number and, in ``CC``, of any length: what is done for
one message is bounded, and who asks is told what was left out.
"""

from collections.abc import Hashable, Sequence
from typing import Generic, TypeVar

from pulse_events.cache_limit import Cache, CacheLimit

ONE_WORD = "*"
ANY_WORDS = "#"

KEY_LIMIT_BYTES = 255
KEY_LIMIT_WORDS = 128
"""A longer key matches ``#`` alone.  No routing key has more bytes; a key in ``CC`` may."""
CC_LIMIT = 128
"""Keys of ``CC`` that are looked at; Taskcluster allows 64 routes a task."""
WORK_LIMIT = 30_000
"""Steps through the trie for the keys of one message, of 0.2 to 0.4 µs each.  A key of ten words
takes some ten; one that is made for patterns that are made for it takes a million."""
_FEW_KEYS = 8
_FEW_STEPS = 1_000
"""Up to so many further keys and steps for a key, each key is looked up alone, and remembered."""
_BELOW_LIMIT = 1_000_000
"""Nodes that are looked at for who may match what was not compared to the end; with more, all are
told.  So many that nobody reaches it: at 20,000, 50 hostile addresses ended everybody's streams."""
_REPLACED = "\ufffd"

T = TypeVar("T", bound=Hashable)


def split_words(text: str) -> list[str]:
    """Return the words of a pattern or routing key; the empty text has none."""
    return text.split(".") if text else []


def has_wildcard(pattern: str) -> bool:
    """Tell whether a pattern can match a routing key other than itself."""
    return any(word in (ONE_WORD, ANY_WORDS) for word in split_words(pattern))


def is_oversized(key: str) -> bool:
    """Tell whether ``key`` has over 255 bytes of UTF-8, or over 128 words.

    What stands for a byte that is no UTF-8 counts as this one byte.
    """
    size = len(key)
    if size > KEY_LIMIT_BYTES or (size >= KEY_LIMIT_WORDS and key.count(".") >= KEY_LIMIT_WORDS):
        return True
    if key.isascii():
        return False
    return len(key.encode(errors="surrogatepass")) - 2 * key.count(_REPLACED) > KEY_LIMIT_BYTES


class OddKeys(Exception, Generic[T]):
    """Some keys of a message were not matched against all patterns.

    Args:
        found: The items that match nonetheless.
        oversized: Keys that were matched against ``#`` alone.
        skipped: Keys that were not looked at, or not to the end.
        undecided: The items whose patterns a key was being compared with when the work ended.
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


class _Node(Generic[T]):
    """One word of the patterns; ``items`` are those whose pattern ends here."""

    __slots__ = ("children", "is_any", "items")

    def __init__(self, *, is_any: bool = False) -> None:
        self.children: dict[str, _Node[T]] = {}
        self.items: set[T] = set()
        self.is_any = is_any


class _Unusual(Exception):
    """A key takes more than a few steps, or is too long to look for."""


class TopicIndex(Generic[T]):
    """Items filed under patterns; answers which items match the keys of a message.

    A trie of words.  Answers are cached per key; every change of the patterns empties the cache.

    Args:
        limit: What this cache may hold together with others.
    """

    def __init__(self, limit: CacheLimit | None = None) -> None:
        self._root: _Node[T] = _Node()
        self._cache: Cache[T] = Cache(limit or CacheLimit())
        self._answers = self._cache.answers
        self._size = 0
        self._patterns: dict[T, int] = {}  # how many each item is filed under

    def __len__(self) -> int:
        """Number of pairs of pattern and item."""
        return self._size

    def add(self, pattern: str, item: T) -> None:
        """File ``item`` under ``pattern``; filing the same pair twice changes nothing."""
        node = self._root
        for word in split_words(pattern):
            child = node.children.get(word)
            if child is None:
                child = node.children[word] = _Node(is_any=word == ANY_WORDS)
            node = child
        if item not in node.items:
            node.items.add(item)
            self._size += 1
            self._patterns[item] = self._patterns.get(item, 0) + 1
            self._cache.clear()

    def remove(self, pattern: str, item: T) -> None:
        """Take ``item`` from under ``pattern``.

        Raises:
            KeyError: The pair was never filed.
        """
        path = [self._root]
        words = split_words(pattern)
        for word in words:
            path.append(path[-1].children[word])
        path[-1].items.remove(item)
        self._size -= 1
        self._patterns[item] -= 1
        if not self._patterns[item]:
            del self._patterns[item]
        self._cache.clear()
        while words and not path[-1].items and not path[-1].children:
            path.pop()
            del path[-1].children[words.pop()]

    def under(self, pattern: str) -> frozenset[T]:
        """Return the items filed under exactly this ``pattern``."""
        node: _Node[T] | None = self._root
        for word in split_words(pattern):
            node = node.children.get(word) if node else None
        return frozenset(node.items) if node else frozenset()

    def items(self) -> frozenset[T]:
        """Return all items."""
        return frozenset(self._patterns)

    def match(self, key: str, others: Sequence[str] = ()) -> frozenset[T]:
        """Return the items whose patterns match ``key`` or any of ``others``.

        Raises:
            OddKeys: The keys are too long, too many, or take too much work; it has what was found.
        """
        if len(others) <= _FEW_KEYS:
            try:
                answer = self._match_one(key)
                return answer.union(*map(self._match_one, others)) if others else answer
            except _Unusual:
                pass
        return self._match_carefully(key, others)

    def _match_one(self, key: str) -> frozenset[T]:
        answer = self._answers.get(key)
        if answer is None:
            hits: set[_Node[T]] = set()
            if is_oversized(key) or _walk(self._root, key, hits, _FEW_STEPS)[1] < 0:
                raise _Unusual
            answer = _items_of(hits)
            self._cache.keep(key, answer)
        return answer

    def _match_carefully(self, key: str, others: Sequence[str]) -> frozenset[T]:
        """Match all keys in one search, so that what they find is put together once."""
        hits: set[_Node[T]] = set()
        steps, oversized, looked_at = WORK_LIMIT, 0, 0
        undecided: frozenset[T] = frozenset()
        for each in (key, *others[:CC_LIMIT]):
            if is_oversized(each):
                hits.update(filter(None, (self._root.children.get(ANY_WORDS),)))
                oversized += 1
            else:
                alive, steps = _walk(self._root, each, hits, steps)
                if steps < 0:
                    undecided = self._items_below(alive)
                    break
            looked_at += 1
        found, skipped = _items_of(hits), 1 + len(others) - looked_at
        if oversized or skipped:
            raise OddKeys(found, oversized, skipped, undecided - found)
        return found

    def _items_below(self, nodes: set[_Node[T]]) -> frozenset[T]:
        """Return the items under patterns that go on behind ``nodes``; all, if those are many."""
        seen, left = set(nodes), list(nodes)
        while left:
            if len(seen) > _BELOW_LIMIT:
                return self.items()
            below = [child for child in left.pop().children.values() if child not in seen]
            seen.update(below)
            left.extend(below)
        return _items_of(seen)


def _items_of(nodes: set[_Node[T]]) -> frozenset[T]:
    if len(nodes) == 1:  # a third of the time
        (node,) = nodes
        return frozenset(node.items)
    return frozenset().union(*[node.items for node in nodes])


def _walk(root: _Node[T], key: str, hits: set[_Node[T]], steps: int) -> tuple[set[_Node[T]], int]:
    """Add the nodes that ``key`` leads to, by way of the set of those reachable after each word.

    A set instead of recursion: ``#.#.#`` against a long key would take exponential time.

    Returns:
        Where it stopped, and how many of ``steps`` are left: below zero if there were too few.
    """
    nodes: set[_Node[T]] = set()
    _reach(root, nodes, hits)
    if nodes:  # there is more than ``#``
        for word in split_words(key):
            steps -= len(nodes)
            if steps < 0:
                return nodes, steps
            nodes = _advance(nodes, word, hits)
            if not nodes:
                return nodes, steps
        hits |= nodes
    return nodes, steps


def _advance(nodes: set[_Node[T]], word: str, hits: set[_Node[T]]) -> set[_Node[T]]:
    """Return the nodes that are reachable from ``nodes`` by one more ``word``."""
    reached: set[_Node[T]] = set()
    for node in nodes:
        if node.is_any:
            reached.add(node)  # it swallows the word and stays
        children = node.children
        if (child := children.get(word)) is not None:
            _reach(child, reached, hits)
        if (child := children.get(ONE_WORD)) is not None:
            _reach(child, reached, hits)
    return reached


def _reach(node: _Node[T], reached: set[_Node[T]], hits: set[_Node[T]]) -> None:
    """Add ``node`` and the ``#`` nodes behind it, which need no word to be reached.

    A ``#`` that ends its pattern matches whatever follows, so it is found at once: with 10,000
    patterns ``primary.<taskId>.#`` the walk ends after two words.
    """
    while True:
        if node.is_any:
            hits.add(node)
            if not node.children:
                return
        reached.add(node)
        following = node.children.get(ANY_WORDS)
        if following is None:
            return
        node = following
