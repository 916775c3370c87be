"""Codings: which one a client gets, and that shared blocks decode wherever a body joins them."""

import gzip
import io
import random
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulse_events.wire.compression import GZIP, IDENTITY, accepts_gzip

GZIP_BODY = 16 + zlib.MAX_WBITS
ACCEPTED = {
    "": False,
    "identity": False,
    "br": False,
    "deflate, br, zstd": False,
    "*": False,
    "*;q=1, br": False,
    "gzip": False,
    "gzip, deflate": False,  # what `requests` sends without further packages, whoever reads
    "x-gzip": False,
    "gzip, deflate, br, zstd": True,
    "gzip, br": True,
    "deflate, gzip, zstd": True,
    "GZip, BR": True,
    "x-gzip, zstd": True,
    "br;q=1.0 , gzip ; q=0.8": True,
    "gzip;q=0.001, br": True,
    "gzip;Q=1, br": True,
    "gzip;q=0, br": False,
    "gzip; q=0.000, br": False,
    "gzip, br;q=0": False,
    "gzip, br;q=0, zstd": True,
    "x-gzip;q=0, br, *": False,
    "gzip;q=0, x-gzip, br": True,
    "gzip;q=, br": False,
    "gzip;q=high, br": False,
    "gzip;q=nan, br": False,
    "gzip;q=-1, br": False,
    "gzip;level=1, br": True,
    "gzipped, br": False,
    "gzip, brotli": False,
    ",, ,;": False,
}


@pytest.mark.parametrize(("value", "accepted"), ACCEPTED.items())
def test_gzip_is_accepted_where_it_and_a_newer_coding_are_named_and_not_forbidden(
    value: str, accepted: bool
) -> None:
    assert accepts_gzip(value) is accepted


def test_identity_changes_no_byte_and_adds_none() -> None:
    chunk = bytes(range(256))
    assert IDENTITY.encode(chunk) is chunk
    assert IDENTITY.prologue == b""


@given(st.lists(st.binary(max_size=2000), max_size=8), st.integers(0, 8))
def test_a_body_decodes_from_whichever_block_it_starts_with(chunks: list[bytes], at: int) -> None:
    blocks = [GZIP.encode(chunk) for chunk in chunks]
    body = GZIP.prologue + b"".join(blocks[at:])
    assert zlib.decompressobj(GZIP_BODY).decompress(body) == b"".join(chunks[at:])


def test_blocks_of_other_bodies_in_between_are_not_missed() -> None:
    chunks = [b"the same words in every block, number %d; " % number * 50 for number in range(20)]
    blocks = [GZIP.encode(chunk) for chunk in chunks]
    for step in (2, 3, 7):
        body = GZIP.prologue + b"".join(blocks[::step])
        assert zlib.decompressobj(GZIP_BODY).decompress(body) == b"".join(chunks[::step])


def test_each_block_is_decoded_to_its_end_without_the_next_one() -> None:
    inflater = zlib.decompressobj(GZIP_BODY)
    assert inflater.decompress(GZIP.prologue) == b""
    source = random.Random(1)
    for size in (1, 10, 1000, 40_000, 1 << 20, 3, 0, 5):
        chunk = source.randbytes(size)
        assert inflater.decompress(GZIP.encode(chunk)) == chunk


def test_a_block_made_anew_is_the_same_block() -> None:
    block = GZIP.encode(b"words " * 100)
    GZIP.encode(b"other words " * 1000)
    assert GZIP.encode(b"words " * 100) == block


def test_the_prologue_is_a_gzip_header_without_a_name_or_a_time() -> None:
    body = GZIP.prologue + GZIP.encode(b"text")
    with gzip.GzipFile(fileobj=io.BytesIO(body)) as file:
        assert file.read(4) == b"text"
    assert (GZIP.prologue[3], GZIP.prologue[4:8]) == (0, bytes(4))


def test_events_become_smaller() -> None:
    event = b'event: message\ndata: {"payload": {"status": "running"}, "exchange": "e"}\nid: -\n\n'
    assert len(GZIP.encode(event * 20)) < len(event * 20) / 5
    assert (IDENTITY.name, GZIP.name) == ("identity", "gzip")
