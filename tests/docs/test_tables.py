"""The documents' tables are tables: Markdown leaves out the cells that their heads do not have."""

import re
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import pytest

from tests.docs.blocks import DOCUMENTS

_BLOCK = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_EDGE = re.compile(r"(?<!\\)\|")


def tables(document: Path) -> Iterator[list[str]]:
    """Yield the lines of each table."""
    text = _BLOCK.sub("", document.read_text(encoding="utf-8"))
    for is_table, lines in groupby(text.split("\n"), lambda line: line.startswith("|")):
        if is_table:
            yield list(lines)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_each_row_has_as_many_cells_as_the_head(document: Path) -> None:
    for head, *rows in tables(document):
        odd = [row for row in rows if len(_EDGE.findall(row)) != len(_EDGE.findall(head))]
        assert not odd, f"under {head}"
