"""JSON laid out for people: each entry on a line of its own, every literal as it was.

Works on the text, not on values: those of Python would round numbers, and refuse what is nested
deep or has thousands of digits.
"""

import re
from collections.abc import Iterator

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[][{},:]|[^][{},:\s"]+', re.DOTALL)
_INDENT_LIMIT = 40
"""Deeper levels are no further to the right: a line would be mostly blanks."""


def laid_out(text: str) -> str:
    """Return JSON with line ends and two blanks for each level; empty ones stay ``{}`` or ``[]``.

    Args:
        text: Any JSON.
    """
    return "".join(_parts([found[0] for found in _TOKEN.finditer(text)]))


def _parts(tokens: list[str]) -> Iterator[str]:
    depth = 0
    for token, following in zip(tokens, [*tokens[1:], ""], strict=True):
        if token in "[{" and following not in "]}":
            depth += 1
            yield token + _line(depth)
        elif token in "[{":
            depth += 1
            yield token
        elif token == ",":
            yield token + _line(depth)
        elif token == ":":
            yield ": "
        else:
            yield token
            depth -= token in "]}"
        if following and following in "]}" and token not in "[{":
            yield _line(depth - 1)


def _line(depth: int) -> str:
    return "\n" + "  " * min(depth, _INDENT_LIMIT)
