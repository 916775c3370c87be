"""The chart that the README shows: ``bench/results.json`` as an SVG of bars, light and dark.

``python -m bench.chart`` draws it anew from the last results.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from bench.processes import ROOT
from bench.report import RESULTS, number

CHART = ROOT / "bench" / "chart.svg"

_WIDTH, _MARGIN, _GAP = 880, 28, 36
_TITLE_HEIGHT, _PANEL_HEAD, _BAR, _STEP, _FOOT = 62, 48, 18, 27, 30
_NAME_WIDTH, _VALUE_WIDTH = 132, 74
_STYLE = """
  text { font: 13px system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif;
         fill: #24292f }
  .page { fill: #ffffff } .title { font-size: 19px; font-weight: 650 }
  .head { font-size: 14px; font-weight: 600 } .dim { fill: #59636e; font-size: 12px }
  .track { fill: #eef1f4 } .ours { fill: #0f766e } .peer { fill: #a3aebb }
  .bold { font-weight: 650 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .page { fill: #0d1117 } .dim { fill: #9198a1 }
    .track { fill: #1c232c } .ours { fill: #2dd4bf } .peer { fill: #56616e }
  }
"""

Results = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar; ours are coloured."""

    name: str
    value: float
    ours: bool


@dataclass(frozen=True, slots=True)
class Panel:
    """Bars of one unit."""

    title: str
    subtitle: str
    bars: Sequence[Bar]

    @property
    def height(self) -> int:
        """In pixels."""
        return _PANEL_HEAD + len(self.bars) * _STEP


def panels(results: Results) -> list[Panel]:
    """Return what the chart shows, of what was measured."""
    found = [_fan_out(results), _broker(results), _latency(results), _memory(results)]
    return [panel for panel in found if panel.bars]


def _fan_out(results: Results) -> Panel:
    rows = _rows(results, "F2") + _rows(results, "F1")[-4:]
    bars = [Bar("gzip, shared", r["figure"], ours=True) for r in rows if r["case"] == "F2"]
    plain = [r for r in rows if r["case"] == "F1"]
    bars += [Bar("plain", r["figure"], ours=True) for r in plain if not r["peer"]]
    bars += [Bar(r["peer"], r["peer_figure"], ours=False) for r in reversed(plain) if r["peer"]]
    return Panel("Deliveries per CPU second of the server", "500 streams; more is better", bars)


def _latency(results: Results) -> Panel:
    bars = []
    for row in _rows(results, "F8"):
        percentile = "p50" if "p50" in row["what"] else "p99"
        if row["peer"]:
            bars.append(Bar(f"pulse-events {percentile}", row["figure"], ours=True))
            bars.append(Bar(f"{row['peer']} {percentile}", row["peer_figure"], ours=False))
    return Panel("Latency, milliseconds", "500 streams at 150 messages/s; less is better", bars)


def _memory(results: Results) -> Panel:
    rows = [row for row in _rows(results, "F4") if row["peer"]]
    return Panel("Server memory per idle stream, KB", "9,000 streams; less is better", _pairs(rows))


def _broker(results: Results) -> Panel:
    rows = [r for r in _rows(results, "queues") if "CPU" in r["what"] and "1000" in r["what"]]
    bars = [
        Bar(name, 100 * value, ours)
        for row in rows
        for name, value, ours in (
            ("one queue (ours)", row["figure"], True),
            (row["peer"], row["peer_figure"], False),
        )
    ]
    return Panel("RabbitMQ's CPU, % of one", "1,000 clients at 10 messages/s; less is better", bars)


def _pairs(rows: Iterable[Results]) -> list[Bar]:
    return [
        bar
        for row in rows
        for bar in (
            Bar("pulse-events", row["figure"], ours=True),
            Bar(row["peer"], row["peer_figure"], ours=False),
        )
    ]


def _rows(results: Results, case: str) -> list[Results]:
    return [row for row in results["rows"] if row["case"] == case]


def draw(results: Results) -> str:
    """Return the SVG: panels in two columns."""
    columns: tuple[list[Panel], list[Panel]] = ([], [])
    for panel in panels(results):
        shorter = min(columns, key=lambda column: sum(p.height + _GAP for p in column))
        shorter.append(panel)
    width = (_WIDTH - 2 * _MARGIN - _GAP) // 2
    parts: list[str] = []
    bottom = _TITLE_HEIGHT
    for number_, column in enumerate(columns):
        x, y = _MARGIN + number_ * (width + _GAP), _TITLE_HEIGHT + 8
        for panel in column:
            parts += _panel(panel, x, y, width)
            y += panel.height + _GAP - 8
        bottom = max(bottom, y)
    machine = results["machine"]
    foot = (
        f"Measured {results['measured']} on {machine['cpus']} CPUs ({machine['cpu']}), "
        f"RabbitMQ {machine['rabbitmq']}, messages of 1.2 KB; make bench measures it on yours."
    )
    return _document(parts, bottom + _FOOT, foot)


def _document(parts: Iterable[str], height: int, foot: str) -> str:
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}"',
            f' width="{_WIDTH}" height="{height}" role="img" aria-label="Benchmark results">',
            f"<style>{_STYLE}</style>",
            f'<rect class="page" width="{_WIDTH}" height="{height}" rx="8"/>',
            f'<text class="title" x="{_MARGIN}" y="40">pulse-events beside its peers</text>',
            *parts,
            f'<text class="dim" x="{_MARGIN}" y="{height - 16}">{escape(foot)}</text>',
            "</svg>\n",
        )
    )


def _panel(panel: Panel, x: int, y: int, width: int) -> list[str]:
    most = max(bar.value for bar in panel.bars) or 1.0
    room = width - _NAME_WIDTH - _VALUE_WIDTH
    parts = [
        f'<text class="head" x="{x}" y="{y + 14}">{escape(panel.title)}</text>',
        f'<text class="dim" x="{x}" y="{y + 32}">{escape(panel.subtitle)}</text>',
    ]
    for row, bar in enumerate(panel.bars):
        top = y + _PANEL_HEAD + row * _STEP
        parts += _bar(bar, (x, top), room, bar.value / most)
    return parts


def _bar(bar: Bar, place: tuple[int, int], room: int, share: float) -> list[str]:
    x, top = place
    kind, weight = ("ours", ' class="bold"') if bar.ours else ("peer", "")
    start, base, length = x + _NAME_WIDTH, top + 14, max(2.0, room * share)
    return [
        f'<text{weight} x="{x}" y="{base}">{escape(bar.name)}</text>',
        f'<rect class="track" x="{start}" y="{top}" width="{room}" height="{_BAR}" rx="3"/>',
        f'<rect class="{kind}" x="{start}" y="{top}" width="{length:.1f}" height="{_BAR}" rx="3"/>',
        f'<text{weight} x="{start + room + 8}" y="{base}">{number(bar.value)}</text>',
    ]


def write_chart(results_path: Path = RESULTS, path: Path = CHART) -> None:
    """Draw the chart of the last results."""
    path.write_text(draw(json.loads(results_path.read_text())))


if __name__ == "__main__":
    write_chart()
