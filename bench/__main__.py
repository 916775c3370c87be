"""``python -m bench [CASE …]``: run cases, print what they gave.

Everything runs on this machine: a private RabbitMQ, the publisher, the load client, the server and
its peers.  A server has a CPU for itself, everything else shares the others.
"""

import argparse
import time
from typing import TYPE_CHECKING

from bench.cases import CASES, LONG
from bench.chart import write_chart
from bench.processes import ChildError, keep_to_other_cpus
from bench.programs import build
from bench.report import table, write_results
from bench.servers import OURS
from bench.setting import Setting
from tests.support.rabbit import Rabbit

if TYPE_CHECKING:
    from bench.rows import Row


def main() -> None:
    """Run the cases that were asked for."""
    options = _parser().parse_args()
    names = options.cases or [name for name in CASES if name not in LONG]
    build()
    keep_to_other_cpus()
    rows: list[Row] = []
    with Rabbit() as broker:
        setting = Setting(
            broker, options.server_command, options.seconds, options.rounds, options.peers, _say
        )
        for name in names:
            start_s = time.monotonic()
            _say(f"{name}: {_first_line(name)}")
            rows += _twice(name, setting)
            _say(f"{name}: {time.monotonic() - start_s:.0f} s\n")
        version = broker.ctl("version").strip()
    _say(table(rows))
    if options.write:
        write_results(rows, version)
        write_chart()


def _twice(name: str, setting: Setting) -> list["Row"]:
    """Run a case, and once more if a program of it failed: ten minutes are not for nothing."""
    for attempt in ("failed, once more", "failed, left out"):
        try:
            return CASES[name](setting)
        except ChildError as error:
            _say(f"{name}: {attempt}: {error}")
    return []


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument(
        "cases",
        nargs="*",
        choices=[*CASES, []],
        metavar="CASE",
        help=f"of {', '.join(CASES)}; all but {', '.join(sorted(LONG))}, which take minutes",
    )
    parser.add_argument("--seconds", type=float, default=3.0, help="of one measurement")
    parser.add_argument("--rounds", type=int, default=3, help="measurements; the median counts")
    parser.add_argument("--no-peers", dest="peers", action="store_false", help="only the server")
    parser.add_argument("--server-command", default=OURS, help="another server of this interface")
    parser.add_argument("--write", action="store_true", help="write results.json and chart.svg")
    return parser


def _first_line(name: str) -> str:
    return (CASES[name].__doc__ or "").partition("\n")[0]


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    main()
