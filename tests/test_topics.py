"""Topic patterns against a tiny reference; RabbitMQ is the oracle in ``broker/``."""

import weakref
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from pulse_events.topics import TopicIndex, has_wildcard, split_words
from tests.support.topic_reference import reference_match

WORDS = st.sampled_from(["", "a", "b", "ä", "日", "*", "#", "a*", "#a", "**", "##"])
TEXTS = st.lists(WORDS, max_size=5).map(".".join)
WILD = st.lists(st.sampled_from(["#", "#", "*", "a", ""]), max_size=7).map(".".join)


def matches(pattern: str, key: str) -> bool:
    """Tell what an index of one pattern says."""
    index: TopicIndex[str] = TopicIndex()
    index.add(pattern, "item")
    return index.match(key) == {"item"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        ("a", ["a"]),
        (".", ["", ""]),
        ("a.", ["a", ""]),
        (".a", ["", "a"]),
        ("a..b", ["a", "", "b"]),
    ],
)
def test_words_stand_between_dots_and_the_empty_text_has_none(text: str, words: list[str]) -> None:
    assert split_words(text) == words


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


@given(pattern=st.one_of(TEXTS, WILD), key=TEXTS)
def test_one_pattern_matches_as_the_reference_says(pattern: str, key: str) -> None:
    assert matches(pattern, key) == reference_match(pattern, key)


@settings(deadline=None)
@given(patterns=st.lists(st.one_of(TEXTS, WILD), max_size=25), keys=st.lists(TEXTS, max_size=25))
def test_many_patterns_match_as_the_reference_says(patterns: list[str], keys: list[str]) -> None:
    index: TopicIndex[str] = TopicIndex()
    for pattern in patterns:
        index.add(pattern, pattern)
    for key in keys:
        assert index.match(key) == {p for p in patterns if reference_match(p, key)}


@given(text=TEXTS)
def test_a_pattern_has_a_wildcard_only_as_a_whole_word(text: str) -> None:
    assert has_wildcard(text) == (not {"*", "#"}.isdisjoint(text.split(".")))


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


@given(keys=st.lists(TEXTS, max_size=40), cache_limit=st.integers(1, 4))
def test_answers_are_right_however_small_the_cache(keys: list[str], cache_limit: int) -> None:
    index: TopicIndex[str] = TopicIndex(cache_limit)
    index.add("a.#", "x")
    index.add("*.b", "y")
    for key in keys:
        expected = {i for p, i in (("a.#", "x"), ("*.b", "y")) if reference_match(p, key)}
        assert index.match(key) == expected


def test_answers_are_kept_for_no_more_keys_than_the_limit() -> None:
    index: TopicIndex[str] = TopicIndex(cache_limit=10)
    index.add("#", "x")
    answers = [weakref.ref(index.match(f"key.{n}")) for n in range(95)]
    assert 0 < sum(answer() is not None for answer in answers) <= 10


class IndexMachine(RuleBasedStateMachine):
    """Pairs come and go between questions; a plain set of pairs is the model."""

    @initialize()
    def start(self) -> None:
        self.index: TopicIndex[int] = TopicIndex(cache_limit=3)
        self.pairs: Counter[tuple[str, int]] = Counter()

    @rule(pattern=st.one_of(TEXTS, WILD), item=st.integers(0, 2))
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

    @rule(pattern=TEXTS)
    def under(self, pattern: str) -> None:
        assert self.index.under(pattern) == {i for p, i in self.pairs if p == pattern}

    @invariant()
    def the_length_is_the_number_of_pairs(self) -> None:
        assert len(self.index) == len(self.pairs)


TestIndexMachine = IndexMachine.TestCase
TestIndexMachine.settings = settings(deadline=None)
