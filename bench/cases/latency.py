"""F8: from the publisher's clock to the client's, 500 streams, an easy rate."""

from contextlib import ExitStack

from bench.cases.fanout import NCHAN, OURS, STREAMS, nchan_side, our_side
from bench.load import Crowd
from bench.rows import AT_MOST, Row
from bench.servers import as_nchan_crowd
from bench.setting import Setting, median

RATE = 150
P50_TARGET_MS, P99_TARGET_MS = 4.0, 12.0


def run_f8(setting: Setting) -> list[Row]:
    """Latency end to end, beside nchan; nchan has no broker in between, which is in its favour."""
    with ExitStack() as stack:
        sides = [stack.enter_context(our_side(setting, Crowd(STREAMS), RATE))]
        if setting.peers:
            sides.append(stack.enter_context(nchan_side(RATE, as_nchan_crowd(Crowd(STREAMS)))))
        for _ in range(setting.rounds):
            for side in sides:
                side.measure(setting)
    p50 = {side.name: median([seen.p50_ms for seen in side.seen]) for side in sides}
    p99 = {side.name: median([seen.p99_ms for seen in side.seen]) for side in sides}
    rows = [
        Row(
            "F8",
            "latency p50",
            p50[OURS],
            "ms",
            bound=AT_MOST,
            target=P50_TARGET_MS,
            note=sides[0].note,
        ),
        Row("F8", "latency p99", p99[OURS], "ms", bound=AT_MOST, target=P99_TARGET_MS),
    ]
    if NCHAN in p50:
        rows.append(Row("F8", "… p50 beside nchan", p50[OURS], "ms", NCHAN, p50[NCHAN], AT_MOST))
        rows.append(Row("F8", "… p99 beside nchan", p99[OURS], "ms", NCHAN, p99[NCHAN], AT_MOST))
    return rows
