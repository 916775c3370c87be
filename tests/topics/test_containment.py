"""Containment, overlap and canonical form against enumeration and subset construction."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pulse_events.topics.containment import BROKER_HASHES, covers, for_broker, overlaps
from pulse_events.topics.patterns import canonical
from tests.support.thorough import examples
from tests.support.topic_reference import reference_match, words_of

PATTERN_WORDS, KEY_WORDS = 3, 6
"""Longest in the enumeration.  Two patterns of so many words that differ differ on such a key."""

PATTERNS = st.lists(st.sampled_from(["a", "b", "*", "*", "#", "#", ""]), max_size=9).map(".".join)


def _texts(words: str, longest: int) -> list[str]:
    return [".".join(text) for n in range(longest + 1) for text in product(words, repeat=n)]


@pytest.fixture(scope="module")
def languages() -> dict[str, frozenset[str]]:
    """All short patterns, each with the keys that it matches; ``z`` is a word that none names."""
    keys = _texts("abz", KEY_WORDS)
    return {
        pattern: frozenset(key for key in keys if reference_match(pattern, key))
        for pattern in _texts("ab*#", PATTERN_WORDS)
    }


def test_what_covers_and_overlaps_say_is_what_enumeration_says(
    languages: dict[str, frozenset[str]],
) -> None:
    for (one, its), (other, others) in product(languages.items(), repeat=2):
        assert covers(one, other) == (others <= its), (one, other)
        assert overlaps(one, other) == bool(its & others), (one, other)


def test_patterns_that_match_the_same_have_one_canonical_form(
    languages: dict[str, frozenset[str]],
) -> None:
    spellings: dict[frozenset[str], str] = {}
    for pattern, keys in languages.items():
        assert spellings.setdefault(keys, canonical(pattern)) == canonical(pattern)
        assert languages[canonical(pattern)] == keys


def _subset_construction_covers(pattern: str, other: str) -> bool:
    """Tell whether ``pattern`` covers ``other``, by its sets of places; slow, and another way."""
    places, todo = words_of(pattern), [(0, _closed(words_of(pattern), {0}))]
    words, seen = words_of(other), set(todo)
    while todo:
        at, here = todo.pop()
        if at == len(words):
            if len(places) not in here:
                return False
            continue
        fresh = "z" if words[at] in ("*", "#") else words[at]
        after = _after(places, here, fresh)
        following = {(at, after), (at + 1, here)} if words[at] == "#" else {(at + 1, after)}
        todo += following - seen
        seen |= following
    return True


def _closed(words: list[str], places: set[int]) -> frozenset[int]:
    """Return ``places`` with those that a ``#`` lets be reached without a word."""
    for place in range(len(words)):
        if place in places and words[place] == "#":
            places.add(place + 1)
    return frozenset(places)


def _after(words: list[str], places: frozenset[int], word: str) -> frozenset[int]:
    reached = {
        place + (words[place] != "#")
        for place in places
        if place < len(words) and words[place] in ("*", "#", word)
    }
    return _closed(words, reached)


@settings(max_examples=examples(1500), deadline=None)
@given(PATTERNS, PATTERNS)
def test_covers_says_what_subset_construction_says(one: str, other: str) -> None:
    assert covers(one, other) == _subset_construction_covers(one, other)


@settings(max_examples=examples(500), deadline=None)
@given(PATTERNS, st.lists(st.sampled_from("ab"), max_size=6).map(".".join))
def test_a_key_is_a_pattern_of_literals(pattern: str, key: str) -> None:
    assert covers(pattern, key) == overlaps(pattern, key) == reference_match(pattern, key)


@settings(max_examples=examples(1000), deadline=None)
@given(PATTERNS, PATTERNS)
def test_what_follows_of_the_definitions_holds_for_long_patterns(one: str, other: str) -> None:
    assert overlaps(one, other) == overlaps(other, one)
    assert covers(one, canonical(one))
    assert covers(canonical(one), one)
    if covers(one, other):
        assert overlaps(one, other)
        assert not covers(other, one) or canonical(one) == canonical(other)


@given(PATTERNS)
def test_the_broker_is_asked_for_at_least_as_much_with_few_hashes(pattern: str) -> None:
    asked = for_broker(canonical(pattern))
    assert covers(asked, pattern)
    assert asked.split(".").count("#") <= BROKER_HASHES
    assert canonical(asked) == asked
    if canonical(pattern).split(".").count("#") <= BROKER_HASHES:
        assert asked == canonical(pattern)


@pytest.mark.parametrize(
    ("pattern", "form"),
    [
        ("", ""),
        ("a.b", "a.b"),
        ("#", "#"),
        ("#.#.#", "#"),
        ("a.#.*.#", "a.*.#"),
        ("#.*.b", "*.#.b"),
        ("#..#", "#..#"),
        ("#.", "#."),
        ("a#.##.*", "a#.##.*"),
    ],
)
def test_stars_come_first_and_one_hash_behind_them(pattern: str, form: str) -> None:
    assert canonical(pattern) == form


@pytest.mark.parametrize(
    ("pattern", "asked"),
    [
        ("#.a.#", "#.a.#"),
        ("#.a.#.b.#", "#.a.#"),
        ("x.#.a.#.b.#.c.#.y", "x.#.a.#.y"),
        ("#.a.*.#.b.#.z", "#.a.*.#.z"),
    ],
)
def test_what_stands_between_the_second_and_the_last_hash_is_not_asked_for(
    pattern: str, asked: str
) -> None:
    assert for_broker(pattern) == asked


def test_all_patterns_of_fifteen_wildcards_have_sixteen_forms() -> None:
    patterns = map(".".join, product("*#", repeat=15))
    assert len(set(map(canonical, patterns))) == 16
