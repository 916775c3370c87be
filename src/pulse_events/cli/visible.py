"""Text from outside as a terminal may show it: nothing in it moves the cursor or turns lines."""

import re

_SHORT = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}
_UNSAFE = re.compile(
    "["
    "\x00-\x1f\x7f-\x9f"  # control characters: a terminal's commands begin with one
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # what turns the direction of text
    "\u2028\u2029"  # line ends
    "\ud800-\udfff"  # what is no character, and cannot be written in UTF-8
    "]"
)


def visible(text: str) -> str:
    """Return ``text`` with JSON's escape for each character that does more than stand there."""
    return _UNSAFE.sub(_escape, text)


def one_line(text: str) -> str:
    """Return ``text`` as one line for people, white space made one blank each."""
    return visible(" ".join(text.split()))


def _escape(found: re.Match[str]) -> str:
    return _SHORT.get(found[0]) or f"\\u{ord(found[0]):04x}"
