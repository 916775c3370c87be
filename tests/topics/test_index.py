"""Items under topic patterns, against a tiny reference; RabbitMQ is another, in ``brokers/``."""

import time
import weakref
from collections import Counter
from contextlib import suppress
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from pulse_events.topics.cache_limit import CacheLimit
from pulse_events.topics.index import OddKeys, TopicIndex
from pulse_events.topics.patterns import canonical, is_oversized
from tests.support.topic_reference import reference_match

WORDS = st.sampled_from(["", "a", "b", "ä", "日", "*", "#", "a*", "#a", "**", "##"])
TEXTS = st.lists(WORDS, max_size=5).map(".".join)
WILD = st.lists(st.sampled_from(["#", "#", "*", "a", ""]), max_size=7).map(".".join)
PATTERNS = st.one_of(TEXTS, WILD).map(canonical)


def matches(pattern: str, key: str) -> bool:
    """Tell what an index of one pattern says."""
    index: TopicIndex[str] = TopicIndex()
    index.add(canonical(pattern), "item")
    return index.match(key) == {"item"}


@pytest.mark.parametrize(
    ("pattern", "key"),
    [
        ("", ""),
        ("a.b", "a.b"),
        ("#", ""),
        ("#", "a.b.c"),
        ("#", "."),
        ("*.*", "."),
        ("*", "a"),
        ("a.*", "a."),
        ("a.#", "a"),
        ("a.#.b", "a.b"),
        ("a.#.b", "a.x.y.b"),
        ("#.b", "b"),
        ("#.#", ""),
        ("*.#", "a"),
        ("#.*", "a.b"),
        ("#.a.#", "x.a.y"),
        ("#.a.#.a", "a.b.a"),
        ("a*", "a*"),
        ("*", "*"),
        ("*", "#"),
        ("primary.*.0.#", "primary.XXVJ.0.worker.group.-"),
        ("日.*", "日.本"),
    ],
)
def test_it_matches(pattern: str, key: str) -> None:
    assert matches(pattern, key)
    assert reference_match(pattern, key)


@pytest.mark.parametrize(
    ("pattern", "key"),
    [
        ("", "a"),
        ("", "."),
        ("a", ""),
        ("a", "b"),
        ("a", "a.b"),
        ("a.b", "a"),
        ("*", ""),
        ("*", "a.b"),
        ("*", "."),
        ("a.*", "a"),
        ("a.#.b", "a.b.c"),
        ("*.#", ""),
        ("#.*", ""),
        ("a*", "ab"),
        ("a*", "a"),
        ("a#", "a"),
        ("**", "a"),
        ("##", "a.b"),
        ("a.b", "A.B"),
        ("a", "*"),
        ("a", "#"),
        ("ä", "a\u0308"),
    ],
)
def test_it_does_not_match(pattern: str, key: str) -> None:
    assert not matches(pattern, key)
    assert not reference_match(pattern, key)


@given(pattern=PATTERNS, key=TEXTS)
def test_one_pattern_matches_as_the_reference_says(pattern: str, key: str) -> None:
    assert matches(pattern, key) == reference_match(pattern, key)


@settings(deadline=None)
@given(patterns=st.lists(PATTERNS, max_size=25), keys=st.lists(TEXTS, max_size=25))
def test_many_patterns_match_as_the_reference_says(patterns: list[str], keys: list[str]) -> None:
    index: TopicIndex[str] = TopicIndex()
    for pattern in patterns:
        index.add(pattern, pattern)
    for key in keys:
        assert index.match(key) == {p for p in patterns if reference_match(p, key)}


def test_a_pattern_of_many_any_words_does_not_take_exponential_time() -> None:
    pattern = ".".join(["#", "a"] * 30)
    assert not matches(pattern, ".".join(["a"] * 100) + ".b")
    assert matches(pattern, ".".join(["a"] * 100))


def test_a_pair_that_is_filed_twice_is_there_once() -> None:
    index: TopicIndex[str] = TopicIndex()
    index.add("a.*", "x")
    index.add("a.*", "x")
    assert len(index) == 1
    index.remove("a.*", "x")
    assert len(index) == 0
    assert index.match("a.b") == frozenset()


def test_an_answer_from_before_a_change_is_not_given_after_it() -> None:
    index: TopicIndex[str] = TopicIndex()
    index.add("a", "x")
    assert index.match("a") == {"x"}
    index.add("*", "y")
    assert index.match("a") == {"x", "y"}
    index.remove("a", "x")
    assert index.match("a") == {"y"}


def test_an_answer_stays_as_it_was_when_the_index_changes() -> None:
    index: TopicIndex[str] = TopicIndex()
    index.add("a", "x")
    answer = index.match("a")
    index.add("a", "y")
    assert answer == {"x"}


@pytest.mark.parametrize("pattern", ["b", "a.b.c", "a", "a.b"])
def test_what_was_never_filed_cannot_be_removed(pattern: str) -> None:
    index: TopicIndex[str] = TopicIndex()
    index.add("a.b", "x")
    with pytest.raises(KeyError):
        index.remove(pattern, "y")
    assert len(index) == 1
    assert index.match("a.b") == {"x"}


def test_the_items_under_a_pattern_are_not_those_that_match_it() -> None:
    index: TopicIndex[str] = TopicIndex()
    index.add("a.#", "x")
    index.add("a.b", "y")
    index.add("", "z")
    assert index.under("a.b") == {"y"}
    assert index.under("a.#") == {"x"}
    assert index.under("a") == frozenset()
    assert index.under("c.d") == frozenset()
    assert index.under("") == {"z"}


@given(keys=st.lists(TEXTS, max_size=40), limit_bytes=st.sampled_from([1, 20_000, 30_000]))
def test_answers_are_right_however_small_the_cache(keys: list[str], limit_bytes: int) -> None:
    index: TopicIndex[str] = TopicIndex(CacheLimit(limit_bytes))
    index.add("a.#", "x")
    index.add("*.b", "y")
    for key in keys:
        expected = {i for p, i in (("a.#", "x"), ("*.b", "y")) if reference_match(p, key)}
        assert index.match(key) == expected


def test_an_answer_is_kept_until_the_cache_is_full() -> None:
    index: TopicIndex[str] = TopicIndex(CacheLimit(100_000))
    index.add("#", "x")
    answers = [weakref.ref(index.match(f"key.{n}")) for n in range(1000)]
    assert index.match("key.999") is answers[-1]()
    assert 0 < sum(answer() is not None for answer in answers) < 300


def words(count: int) -> str:
    """Return a key of so many words."""
    return ".".join("a" * count)


OVERSIZED = ["a" * 256, "é" * 128, "日" * 86, words(129), "." * 128, "a." * 60_000, "\ud800" * 86]
LARGE = ["a" * 255, "é" * 127 + "x", "日" * 85, words(128), "." * 127, "\ufffd" * 255]


@pytest.mark.parametrize("key", OVERSIZED)
def test_a_key_over_255_bytes_or_128_words_matches_any_words_alone(key: str) -> None:
    index: TopicIndex[str] = TopicIndex()
    assert is_oversized(key)
    for pattern in ("a.#", "#.a", "*.#", "*", "*.*.#"):
        index.add(pattern, pattern)
    with pytest.raises(OddKeys) as told:
        index.match(key)
    assert told.value.found == frozenset()
    index.add("#", "all")
    with pytest.raises(OddKeys) as told:
        index.match(key)
    assert told.value.found == {"all"}
    with pytest.raises(OddKeys) as told:
        index.match("b.c.d", ["x", key, key])
    assert told.value.found == {"all", "*.#", "*.*.#", "*"}
    assert (told.value.oversized, told.value.skipped) == (2, 0)
    assert told.value.undecided == frozenset()


@pytest.mark.parametrize("key", LARGE)
def test_a_key_of_255_bytes_or_128_words_matches_as_any_other(key: str) -> None:
    index: TopicIndex[str] = TopicIndex()
    assert not is_oversized(key)
    for pattern in ("#", "*.#", "b"):
        index.add(pattern, pattern)
    assert index.match(key) == {"#", "*.#"}


def test_oversized_keys_are_not_remembered() -> None:
    limit = CacheLimit()
    index: TopicIndex[str] = TopicIndex(limit)
    index.add("#", "x")
    for key in OVERSIZED:
        with pytest.raises(OddKeys):
            index.match(key, ["b"])
    assert limit.held_bytes == 0


@pytest.mark.parametrize("count", [0, 1, 8, 9, 127, 128])
def test_up_to_128_further_keys_count_like_the_first(count: int) -> None:
    index: TopicIndex[str] = TopicIndex()
    for number in (0, 1, 8, 9, 127, 128, 129):
        index.add(f"key.{number}", str(number))
    keys = [f"key.{number}" for number in range(count + 1)]
    expected = {str(number) for number in (0, 1, 8, 9, 127, 128) if number <= count}
    assert index.match(keys[0], keys[1:]) == expected


def test_what_is_beyond_128_further_keys_is_not_looked_at() -> None:
    index: TopicIndex[str] = TopicIndex()
    index.add("key.128", "in")
    index.add("key.129", "out")
    keys = [f"key.{number}" for number in range(20_000)]
    with pytest.raises(OddKeys) as told:
        index.match(keys[0], keys[1:])
    assert told.value.found == {"in"}
    assert (told.value.oversized, told.value.skipped) == (0, 19_999 - 128)
    assert told.value.undecided == frozenset()


@given(
    patterns=st.lists(PATTERNS, max_size=10),
    keys=st.lists(TEXTS, min_size=1, max_size=20),
)
def test_many_keys_match_what_each_of_them_matches(patterns: list[str], keys: list[str]) -> None:
    index: TopicIndex[str] = TopicIndex()
    for pattern in patterns:
        index.add(pattern, pattern)
    assert index.match(keys[0], keys[1:]) == frozenset().union(*map(index.match, keys))


def hostile(prefix: str, tail: str = "", count: int = 12) -> list[str]:
    """Return patterns that are all alive while a key of one word again and again is looked for."""
    return [prefix + ".".join(each) + tail for each in product("*a", repeat=count)]


def test_work_is_bounded_and_who_may_match_what_is_left_is_named() -> None:
    index: TopicIndex[str] = TopicIndex()
    for pattern in hostile("#.", ".b"):
        index.add(pattern, "hostile")
    for pattern in ("a.#", "a.a", "#", "#.c.d", "c.#", "x.*.y"):
        index.add(pattern, pattern)
    with pytest.raises(OddKeys) as told:
        index.match(words(127) + ".b", ["x.z.y", "c.d"])
    assert told.value.found == {"a.#", "#", "#.c.d", "c.#", "x.*.y"}
    assert told.value.undecided == {"hostile"}
    assert told.value.skipped == 1


def test_what_many_patterns_make_costly_is_still_found() -> None:
    index: TopicIndex[str] = TopicIndex()
    for pattern in hostile("", count=9):
        index.add(pattern, pattern)
    assert len(index.match(words(9))) == 2**9


def test_keys_that_are_compared_leave_those_that_are_looked_up() -> None:
    index: TopicIndex[str] = TopicIndex()
    for pattern in hostile("x.*.", count=13):
        index.add(pattern, "hostile")
    index.add("x.y", "late")
    with pytest.raises(OddKeys) as told:
        index.match("b", ["x.x." + words(13)] * 100 + ["x.y"])
    assert told.value.found == {"late"}
    assert told.value.undecided == {"hostile"}


def test_who_has_filed_much_is_left_out_before_who_has_filed_little() -> None:
    index: TopicIndex[str] = TopicIndex()
    for number, pattern in enumerate(hostile("#.", ".b")):
        index.add(pattern, "hostile", f"hostile {number % 3}")
    for number in range(100):
        index.add(f"#.a.{number}", str(number), str(number))
    index.add("#.a.a.b", "at the end", "one")
    index.add("#.b", "also", "one")
    with pytest.raises(OddKeys) as told:
        index.match(words(15) + ".b")
    assert told.value.found == {"at the end", "also"}
    assert told.value.undecided == {"hostile"}


def test_who_asks_for_what_others_ask_for_does_not_take_it_from_them() -> None:
    index: TopicIndex[str] = TopicIndex()
    index.add("#.a.b", "both", "hostile")
    for pattern in hostile("#.", ".b"):
        index.add(pattern, "hostile", "hostile")
    with pytest.raises(OddKeys) as told:
        index.match(words(15) + ".b")
    assert "both" in told.value.undecided
    index.add("#.a.b", "both", "another")
    with pytest.raises(OddKeys) as told:
        index.match(words(15) + ".b")
    assert told.value.found == {"both"}
    assert told.value.undecided == {"hostile"}
    index.remove("#.a.b", "both")
    with pytest.raises(OddKeys) as told:
        index.match(words(15) + ".b")
    assert told.value.found == frozenset()
    assert told.value.undecided == {"hostile"}


@given(
    patterns=st.lists(st.tuples(PATTERNS, st.integers(0, 2), st.sampled_from("xyz")), max_size=40),
    keys=st.lists(TEXTS, min_size=1, max_size=12),
    limit=st.integers(0, 60),
)
def test_what_is_not_compared_is_undecided_and_nothing_else_is_wrong(
    patterns: list[tuple[str, int, str]], keys: list[str], limit: int
) -> None:
    index: TopicIndex[int] = TopicIndex(work_limit=limit)
    for pattern, item, owner in patterns:
        index.add(pattern, item, owner)
    expected = {i for p, i, _ in patterns if any(reference_match(p, key) for key in keys)}
    try:
        found, undecided = index.match(keys[0], keys[1:] + ["x"] * 9), frozenset[int]()
    except OddKeys as odd:
        found, undecided = odd.found, odd.undecided
        assert odd.skipped
    more = {i for p, i, _ in patterns if reference_match(p, "x")}
    assert found <= expected | more <= found | undecided
    assert not found & undecided


@pytest.mark.parametrize(
    ("patterns", "key", "others"),
    [
        ([], "a." * 60_000, ()),
        (hostile("#.", ".b"), words(128), [words(128)] * 128),
        (hostile(""), words(12), [words(12), *map(words, range(128))]),
        (hostile("#.", ".a"), words(128), [words(128 - n) for n in range(128)]),
        ([".".join(["#", "a"] * 63)], words(128), [words(128 - n) for n in range(100)]),
        ([f"#.{n}.#" for n in range(2000)], words(128), [words(128 - n) for n in range(100)]),
    ],
    ids=["giant key", "alive for ever", "all match", "too much", "any words again", "many"],
)
def test_a_hostile_message_is_matched_in_a_moment(
    patterns: list[str], key: str, others: list[str]
) -> None:
    index: TopicIndex[int] = TopicIndex()
    for number, pattern in enumerate(patterns):
        index.add(pattern, number)
    start_s = time.process_time()
    with suppress(OddKeys):
        index.match(key, others)
    assert time.process_time() - start_s < 0.05  # 5 ms on a quiet machine


def test_all_items_are_those_under_any_pattern() -> None:
    index: TopicIndex[str] = TopicIndex()
    assert index.items() == frozenset()
    for pattern in ("", "a", "a.b.c", "#", "*.x"):
        index.add(pattern, pattern)
    assert index.items() == {"", "a", "a.b.c", "#", "*.x"}


class IndexMachine(RuleBasedStateMachine):
    """Pairs come and go between questions; a plain set of pairs is the model."""

    @initialize()
    def start(self) -> None:
        self.index: TopicIndex[int] = TopicIndex(CacheLimit(20_000))
        self.pairs: Counter[tuple[str, int]] = Counter()

    @rule(pattern=PATTERNS, item=st.integers(0, 2))
    def add(self, pattern: str, item: int) -> None:
        self.index.add(pattern, item)
        self.pairs[pattern, item] = 1

    @rule(draw=st.data())
    def remove(self, draw: st.DataObject) -> None:
        if self.pairs:
            pattern, item = draw.draw(st.sampled_from(sorted(self.pairs)))
            self.index.remove(pattern, item)
            del self.pairs[pattern, item]

    @rule(key=TEXTS)
    def match(self, key: str) -> None:
        expected = {item for pattern, item in self.pairs if reference_match(pattern, key)}
        assert self.index.match(key) == expected

    @rule(pattern=PATTERNS)
    def under(self, pattern: str) -> None:
        assert self.index.under(pattern) == {i for p, i in self.pairs if p == pattern}

    @invariant()
    def the_length_is_the_number_of_pairs(self) -> None:
        assert len(self.index) == len(self.pairs)


TestIndexMachine = IndexMachine.TestCase
TestIndexMachine.settings = settings(deadline=None)
