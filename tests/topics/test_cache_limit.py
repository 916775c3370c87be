"""Caches hold together what the limit allows, and forget all when it would be more."""

import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from pulse_events.topics.cache_limit import DEFAULT_LIMIT_BYTES, Cache, CacheLimit

SMALL: frozenset[int] = frozenset({1})


def test_what_is_kept_is_there_until_it_is_forgotten() -> None:
    cache: Cache[int] = Cache(limit := CacheLimit())
    cache.keep("a", SMALL)
    assert cache.answers == {"a": SMALL}
    assert limit.held_bytes > 0
    cache.clear()
    cache.clear()
    assert (cache.answers, limit.held_bytes) == ({}, 0)


def test_what_would_be_too_much_empties_all_caches() -> None:
    limit = CacheLimit(20_000)
    first: Cache[int] = Cache(limit)
    second: Cache[int] = Cache(limit)
    first.keep("a", SMALL)
    number = 0
    while first.answers:
        number += 1
        second.keep(f"key.{number}", SMALL)
    assert number > 20
    assert second.answers == {f"key.{number}": SMALL}
    assert 0 < limit.held_bytes < 1000


def test_an_answer_that_leaves_little_to_others_is_not_kept() -> None:
    limit = CacheLimit(50_000)
    cache: Cache[int] = Cache(limit)
    cache.keep("many", frozenset(range(1000)))
    cache.keep("x" * 1000, SMALL)
    assert (cache.answers, limit.held_bytes) == ({}, 0)


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.text(max_size=20), st.integers(0, 60) | st.none()),
        max_size=60,
    )
)
def test_the_bytes_are_those_of_all_that_is_held(
    acts: list[tuple[int, str, int | None]],
) -> None:
    limit = CacheLimit(10_000)
    caches: list[Cache[int]] = [Cache(limit) for _ in range(4)]
    for which, key, items in acts:
        if items is None:
            caches[which].clear()
        elif key not in caches[which].answers:
            caches[which].keep(key, frozenset(range(items)))
        assert 0 <= limit.held_bytes <= 10_000
        assert bool(limit.held_bytes) == any(cache.answers for cache in caches)
    for cache in caches:
        cache.clear()
    assert limit.held_bytes == 0


def test_two_hundred_caches_take_no_more_memory_than_the_limit_says() -> None:
    limit = CacheLimit()
    caches: list[Cache[int]] = [Cache(limit) for _ in range(200)]
    tracemalloc.start()
    try:
        for number in range(40_000):
            key = f"primary.{number}." + "é" * (number % 100)
            caches[number % 200].keep(key, frozenset(range(number % 40)))
        assert tracemalloc.get_traced_memory()[1] < 1.1 * DEFAULT_LIMIT_BYTES
    finally:
        tracemalloc.stop()
