"""Pictures of few colours come out of `shrink` as they went in."""

import struct
import zlib
from collections import Counter

import pytest

from tests.screenshots import png

COLOURS = [b"\xff\xff\xff", b"\x16\x63\xc7", b"\xd1\x37\x3f", b"\x1c\x1e\x21"]
PIXELS = [[COLOURS[(x * y + x) % 4] for x in range(9)] for y in range(7)]


def filtered(kind: int) -> bytes:
    """Return the rows as a PNG has them, each with this filter (PNG, section 9.2)."""
    above = bytes(27)
    lines = b""
    for pixels in PIXELS:
        row = b"".join(pixels)
        guesses = []
        for at in range(27):
            left, corner = (row[at - 3], above[at - 3]) if at >= 3 else (0, 0)
            up = above[at]
            guess = left + up - corner
            paeth = min((left, up, corner), key=lambda value: abs(guess - value))
            guesses.append((0, left, up, (left + up) // 2, paeth)[kind])
        lines += bytes([kind, *((value - g) & 255 for value, g in zip(row, guesses, strict=True))])
        above = row
    return lines


@pytest.mark.parametrize("kind", range(5))
def test_each_filter_of_rows_is_undone(kind: int) -> None:
    head = struct.pack(">IIBBBBB", 9, 7, 8, 2, 0, 0, 0)
    large = png._SIGNATURE + b"".join(
        [
            png._chunk(b"IHDR", head),
            png._chunk(b"IDAT", zlib.compress(filtered(kind))),
            png._chunk(b"IEND", b""),
        ]
    )
    small = png.shrink(large)
    palette = png._chunks(small, b"PLTE")
    lines = zlib.decompress(png._chunks(small, b"IDAT"))
    for y, pixels in enumerate(PIXELS):
        row = lines[y * 10 + 1 : y * 10 + 10]
        assert [palette[index * 3 : index * 3 + 3] for index in row] == pixels


def test_the_colour_of_few_pixels_is_kept_beside_many_shades() -> None:
    counts = Counter({bytes([shade] * 3): 1000 for shade in range(256)})
    counts |= Counter({bytes([shade, shade, shade // 2 + 100]): 900 for shade in range(256)})
    counts[b"\xd1\x37\x3f"] = 3
    assert b"\xd1\x37\x3f" in png._palette(counts)
    assert len(png._palette(counts)) == 256
