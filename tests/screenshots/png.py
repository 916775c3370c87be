"""PNG files made small: at most 256 colours, which is enough for a page of text.

Reads only what Chromium writes: 8 bits a channel, not interlaced.
"""

import struct
import zlib
from collections import Counter

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOURS = 256


def shrink(png: bytes) -> bytes:
    """Return the picture with the nearest colour of a palette for each pixel."""
    width, height, size = _head(png)
    rows = _rows(zlib.decompress(_chunks(png, b"IDAT")), width, height, size)
    pixels = [[bytes(row[at : at + 3]) for at in range(0, width * size, size)] for row in rows]
    counts = Counter(pixel for row in pixels for pixel in row)
    palette = _palette(counts)
    index = {colour: _nearest(colour, palette) for colour in counts}
    lines = b"".join(b"\0" + bytes(index[pixel] for pixel in row) for row in pixels)
    head = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    return _SIGNATURE + b"".join(
        [
            _chunk(b"IHDR", head),
            _chunk(b"PLTE", b"".join(palette)),
            _chunk(b"IDAT", zlib.compress(lines, 9)),
            _chunk(b"IEND", b""),
        ]
    )


def _head(png: bytes) -> tuple[int, int, int]:
    """Return width, height, and the bytes of a pixel."""
    width, height, depth, kind, _, _, interlaced = struct.unpack(">IIBBBBB", _chunks(png, b"IHDR"))
    if (depth, interlaced) != (8, 0) or kind not in (2, 6):
        raise ValueError(f"not a picture of Chromium: {depth} bits, kind {kind}")
    return width, height, 3 if kind == 2 else 4


def _chunks(png: bytes, wanted: bytes) -> bytes:
    """Return the content of all chunks of one kind."""
    found, at = b"", len(_SIGNATURE)
    while at < len(png):
        size, kind = struct.unpack_from(">I4s", png, at)
        if kind == wanted:
            found += png[at + 8 : at + 8 + size]
        at += size + 12
    return found


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + _checksum(kind + content)


def _checksum(content: bytes) -> bytes:
    return struct.pack(">I", zlib.crc32(content))


def _rows(filtered: bytes, width: int, height: int, size: int) -> list[bytearray]:
    """Return the bytes of each row, unfiltered (PNG, section 9.2)."""
    length = width * size
    above = bytearray(length)
    rows = []
    for start in range(0, height * (length + 1), length + 1):
        row = bytearray(filtered[start + 1 : start + 1 + length])
        _unfilter(filtered[start], row, above, size)
        rows.append(row)
        above = row
    return rows


def _unfilter(kind: int, row: bytearray, above: bytearray, size: int) -> None:
    for at in range(len(row)):
        left = row[at - size] if at >= size else 0
        corner = above[at - size] if at >= size else 0
        if kind == 1:
            row[at] = (row[at] + left) & 255
        elif kind == 2:
            row[at] = (row[at] + above[at]) & 255
        elif kind == 3:
            row[at] = (row[at] + (left + above[at]) // 2) & 255
        elif kind == 4:
            row[at] = (row[at] + _paeth(left, above[at], corner)) & 255


def _paeth(left: int, above: int, corner: int) -> int:
    guess = left + above - corner
    distances = abs(guess - left), abs(guess - above), abs(guess - corner)
    return (left, above, corner)[distances.index(min(distances))]


def _palette(counts: Counter[bytes]) -> list[bytes]:
    """Return frequent colours of all kinds: the shades of text would leave no place for others."""
    kinds: dict[tuple[int, ...], bytes] = {}
    for colour, _ in counts.most_common():
        kinds.setdefault(tuple(part >> 5 for part in colour), colour)
    chosen = dict.fromkeys([*kinds.values()][: _COLOURS // 2])
    for colour, _ in counts.most_common():
        if len(chosen) == _COLOURS:
            break
        chosen[colour] = None
    return list(chosen)


def _nearest(colour: bytes, palette: list[bytes]) -> int:
    def distance(at: int) -> int:
        return sum((a - b) ** 2 for a, b in zip(colour, palette[at], strict=True))

    return min(range(len(palette)), key=distance)
