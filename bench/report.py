"""The result as a table for people and as JSON for programs."""

import json
import os
import platform
import subprocess
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.processes import ROOT
from bench.rows import AT_MOST, Row

RESULTS = ROOT / "bench" / "results.json"
_HEADINGS = ("case", "what", "figure", "beside", "its figure", "ratio", "target", "verdict")
_LEFT_COLUMNS = 2
_VERDICTS = {True: "reached", False: "MISSED", None: ""}


def number(value: float) -> str:
    """Return a number as people read it: three digits, k and M."""
    for unit, size in (("M", 1e6), ("k", 1e4)):
        if abs(value) >= size:
            scaled = value / (1e3 if unit == "k" else size)
            return f"{scaled:.{_decimals(scaled)}f} {unit}"
    return f"{value:.{_decimals(value)}f}"


def _decimals(value: float) -> int:
    return 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2


def table(rows: Sequence[Row]) -> str:
    """Return the rows as aligned text."""
    lines = [_HEADINGS, *map(_cells, rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    ruler = tuple("-" * width for width in widths)
    return "\n".join(_line(cells, widths) for cells in (lines[0], ruler, *lines[1:]))


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    aligned = [
        cell.ljust(width) if column < _LEFT_COLUMNS else cell.rjust(width)
        for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return "  ".join(aligned).rstrip()


def _cells(row: Row) -> tuple[str, ...]:
    sign = "<=" if row.bound == AT_MOST else ">="
    suffix = "x" if row.peer else ""
    return (
        row.case,
        row.what,
        f"{number(row.figure)} {row.unit}",
        row.peer,
        "" if row.peer_figure is None else number(row.peer_figure),
        "" if row.ratio is None else f"{row.ratio:.2f}x",
        "" if row.target is None else f"{sign} {number(row.target)}{suffix}",
        " ".join(filter(None, (_VERDICTS[row.reached], row.note))),
    )


def write_results(rows: Sequence[Row], broker_version: str, path: Path = RESULTS) -> None:
    """Write the rows and what they were measured on."""
    document: dict[str, Any] = {
        "measured": time.strftime("%Y-%m-%d", time.gmtime()),
        "machine": {
            "cpu": _cpu_model(),
            "cpus": os.cpu_count(),
            "kernel": platform.release(),
            "python": platform.python_version(),
            "rabbitmq": broker_version,
            "nginx": _nginx_version(),
        },
        "rows": [asdict(row) | {"ratio": row.ratio, "reached": row.reached} for row in rows],
    }
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _nginx_version() -> str:
    done = subprocess.run(["nginx", "-v"], capture_output=True, text=True, check=False)
    return done.stderr.strip().rpartition("/")[2]
