"""AMQP 0-9-1 topic patterns as RabbitMQ matches them.  Knows neither exchanges nor clients.

Words are what stands between dots; the empty key has no word at all, ``.`` has two empty ones.
``*`` stands for one word, ``#`` for zero or more; both only as a whole word (``a*`` is literal).
Probed against RabbitMQ 3.10; its topic exchange is the oracle in ``tests/broker/``.
"""

from collections.abc import Hashable
from typing import Generic, TypeVar

ONE_WORD = "*"
ANY_WORDS = "#"

T = TypeVar("T", bound=Hashable)


def split_words(text: str) -> list[str]:
    """Return the words of a pattern or routing key; the empty text has none."""
    return text.split(".") if text else []


def has_wildcard(pattern: str) -> bool:
    """Tell whether a pattern can match a routing key other than itself."""
    return any(word in (ONE_WORD, ANY_WORDS) for word in split_words(pattern))


class _Node(Generic[T]):
    """One word of the patterns; ``items`` are those whose pattern ends here."""

    __slots__ = ("children", "is_any", "items")

    def __init__(self, *, is_any: bool = False) -> None:
        self.children: dict[str, _Node[T]] = {}
        self.items: set[T] = set()
        self.is_any = is_any


class TopicIndex(Generic[T]):
    """Items filed under patterns; answers which items match a routing key.

    A trie of words.  Answers are cached per key, at most ``cache_limit`` of them; every change
    of the patterns empties the cache.
    """

    def __init__(self, cache_limit: int = 4096) -> None:
        self._root: _Node[T] = _Node()
        self._cache: dict[str, frozenset[T]] = {}
        self._cache_limit = cache_limit
        self._size = 0

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

    def match(self, key: str) -> frozenset[T]:
        """Return the items whose patterns match the routing key ``key``."""
        answer = self._cache.get(key)
        if answer is None:
            answer = self._search(key)
            if len(self._cache) >= self._cache_limit:
                self._cache.clear()
            self._cache[key] = answer
        return answer

    def _search(self, key: str) -> frozenset[T]:
        """Walk the trie with the set of nodes reachable after each word.

        A set instead of recursion: ``#.#.#`` against a long key would take exponential time.
        """
        found: set[T] = set()
        nodes: set[_Node[T]] = set()
        _reach(self._root, nodes, found)
        for word in split_words(key):
            nodes = _advance(nodes, word, found)
            if not nodes:
                break
        for node in nodes:
            found |= node.items
        return frozenset(found)


def _advance(nodes: set[_Node[T]], word: str, found: set[T]) -> set[_Node[T]]:
    """Return the nodes that are reachable from ``nodes`` by one more ``word``."""
    reached: set[_Node[T]] = set()
    for node in nodes:
        if node.is_any:
            reached.add(node)  # it swallows the word and stays
        for step in (word, ONE_WORD):
            child = node.children.get(step)
            if child is not None:
                _reach(child, reached, found)
    return reached


def _reach(node: _Node[T], reached: set[_Node[T]], found: set[T]) -> None:
    """Add ``node`` and the ``#`` nodes behind it, which need no word to be reached.

    A ``#`` that ends its pattern matches whatever follows, so it is answered at once: with
    10,000 patterns ``primary.<taskId>.#`` the walk ends after two words.
    """
    while node.children or not node.is_any:
        reached.add(node)
        following = node.children.get(ANY_WORDS)
        if following is None:
            return
        node = following
    found |= node.items
