"""What waits for a slow reader: whole chunks, in order, and how much."""

import pytest

from pulse_events.web.unsent import Unsent


def test_chunks_come_as_they_were_put_there_and_their_bytes_count_until_then() -> None:
    unsent, chunks = Unsent(), [b"a" * 10, b"b" * 20]
    for chunk in chunks:
        unsent.add(chunk)
    assert unsent.size_bytes == 30
    assert unsent.take() is chunks[0]  # shared with other streams, not copied
    assert unsent.size_bytes == 20
    assert unsent.take() is chunks[1]
    assert unsent.size_bytes == 0


def test_what_is_dropped_is_gone_and_what_comes_after_it_is_kept() -> None:
    unsent = Unsent()
    unsent.add(b"a")
    unsent.drop()
    assert unsent.size_bytes == 0
    unsent.add(b"bc")
    assert (unsent.size_bytes, unsent.take()) == (2, b"bc")
    with pytest.raises(IndexError):
        unsent.take()
