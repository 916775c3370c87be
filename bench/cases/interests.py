"""F6: ten thousand streams, each with a binding of its own; each message matches one of them."""

import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.load import Crowd, connect_path
from bench.rows import AT_MOST, Row
from bench.setting import FLAT_OUT, PAUSE, WARM_S, Setting, median
from bench.workload import EXCHANGE, task_ids

STREAMS = 10_000
THRESHOLD = 256
"""Patterns of one exchange above which the server binds ``#`` instead."""
UNIT = "messages / CPU s"


def run_f6(setting: Setting) -> list[Row]:
    """Own interests: route each message to the stream that asked for its task."""
    seen: list[float] = []
    with (
        tempfile.NamedTemporaryFile("w", suffix=".paths") as paths,
        setting.publisher(tasks=STREAMS) as publisher,
        setting.serving() as server,
        ThreadPoolExecutor(1) as threads,
    ):
        for task_id in task_ids(STREAMS):
            paths.write(connect_path(f"primary.{task_id}.#") + "\n")
        paths.flush()
        opening = threads.submit(server.open, Crowd(STREAMS, path=Path(paths.name)))
        bindings = [_bindings(setting)]
        while not opening.done():
            bindings.append(_bindings(setting))
        with opening.result() as load:
            setting.say(f"bindings at the broker: {bindings}; ready after {load.ready_after_s} s")
            for _ in range(setting.rounds):
                publisher.pace(FLAT_OUT)
                load.measure(WARM_S)
                measured = load.measure(setting.seconds)
                rate = publisher.pace(PAUSE)
                seen.append(measured.per_cpu_s)
                setting.say(f"pulse-events {measured} published {rate:,.0f}/s")
            bindings.append(_bindings(setting))
    most = max(bindings)
    return [
        Row("F6", "10,000 own bindings", median(seen), UNIT, target=30e3),
        Row("F6", "most at the broker", most, "bindings", bound=AT_MOST, target=THRESHOLD),
    ]


def _bindings(setting: Setting) -> int:
    return len(setting.broker.bindings(EXCHANGE))
