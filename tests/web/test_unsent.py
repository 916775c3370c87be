"""What waits for a slow reader: whole chunks, in order, and how much."""

import pytest

from pulse_events.web.unsent import TAKEN_BYTES, Unsent


def test_chunks_come_as_they_were_put_there_and_their_bytes_count_until_then() -> None:
    unsent, chunks = Unsent(), [b"a" * TAKEN_BYTES * 2, b"b" * TAKEN_BYTES]
    for chunk in chunks:
        unsent.add(chunk)
    assert unsent.size_bytes == 3 * TAKEN_BYTES
    (taken,) = unsent.take()
    assert taken is chunks[0]  # shared with other streams, not copied
    assert unsent.size_bytes == TAKEN_BYTES
    assert unsent.take() == [chunks[1]]
    assert unsent.size_bytes == 0


def test_of_small_chunks_several_are_taken_but_not_so_many_that_little_could_be_dropped() -> None:
    unsent, half = Unsent(), b"a" * (TAKEN_BYTES // 2)
    for _ in range(3):
        unsent.add(half)
    unsent.add(b"b")
    assert unsent.take() == [half, half]
    assert unsent.take() == [half, b"b"]
    assert unsent.size_bytes == 0


def test_looks_are_in_vain_while_no_more_is_taken() -> None:
    unsent = Unsent()
    assert [unsent.looks_in_vain(acked) for acked in (7, 7, 7, 8, 8, 9)] == [0, 1, 2, 0, 1, 0]


def test_what_is_dropped_is_gone_and_what_comes_after_it_is_kept() -> None:
    unsent = Unsent()
    unsent.add(b"a")
    unsent.drop()
    assert unsent.size_bytes == 0
    unsent.add(b"bc")
    assert (unsent.size_bytes, unsent.take()) == (2, [b"bc"])
    with pytest.raises(IndexError):
        unsent.take()
