"""Words, wildcards and sizes of topic patterns and keys."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulse_events.topics.patterns import has_wildcard, is_oversized, split_words

WORDS = st.sampled_from(["", "a", "b", "ä", "日", "*", "#", "a*", "#a", "**", "##"])
TEXTS = st.lists(WORDS, max_size=5).map(".".join)


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


@given(text=TEXTS)
def test_a_pattern_has_a_wildcard_only_as_a_whole_word(text: str) -> None:
    assert has_wildcard(text) == (not {"*", "#"}.isdisjoint(text.split(".")))


@given(key=st.text(st.sampled_from("ab.é日\U0001f600"), max_size=300))
def test_the_size_of_a_key_is_that_of_its_bytes_and_words(key: str) -> None:
    assert is_oversized(key) == (len(key.encode()) > 255 or len(key.split(".")) > 128)
