"""R1: what it costs live streams that they can be resumed; deliveries per CPU second."""

from collections.abc import Iterator
from contextlib import contextmanager

from bench.cases.fanout import CLIENT_PAUSE_MS, SAMPLE, STREAMS, UNIT, Side, our_side
from bench.load import RESUMES, Crowd, connect_path
from bench.rows import Row
from bench.setting import Setting
from bench.workload import EXCHANGE

RATE = 1500
TARGET = 0.95
WITH, WITHOUT = "with resume", "history off"


def run_r1(setting: Setting) -> list[Row]:
    """Live with resume, plain and gzip, beside a server that keeps no history."""
    return [_row(setting, is_gzip=is_gzip) for is_gzip in (False, True)]


def _row(setting: Setting, *, is_gzip: bool) -> Row:
    with (
        _side(setting, WITH, RESUMES, is_gzip=is_gzip) as ours,
        _side(setting, WITHOUT, "", "--history", "off", is_gzip=is_gzip) as other,
    ):
        for _ in range(setting.rounds):
            ours.measure(setting)
            other.measure(setting)
    return Row(
        "R1",
        f"500 {'gzip' if is_gzip else 'plain'} streams, {RATE:,} msg/s",
        ours.per_cpu_s,
        UNIT,
        WITHOUT,
        other.per_cpu_s,
        target=TARGET,
        note=ours.note or other.note,
    )


@contextmanager
def _side(setting: Setting, name: str, form: str, *options: str, is_gzip: bool) -> Iterator[Side]:
    """Run a server whose streams ask in ``form``, on an exchange of its own.

    With one for both, each server would also get what is published for the other.
    """
    exchange = f"{EXCHANGE}/{name.replace(' ', '-')}"
    path = connect_path("#", exchange=exchange, form=form)
    crowd = Crowd(STREAMS, path, sample=SAMPLE, gzip=is_gzip, pause_ms=CLIENT_PAUSE_MS)
    with our_side(setting, crowd, RATE, *options, exchange=exchange) as side:
        side.name = name
        yield side
