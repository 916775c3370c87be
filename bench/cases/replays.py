"""R4, R5, R9: streams that begin far back in the log, which the process does not hold in memory."""

import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPResponse

from bench.cases.comeback import next_cursor, read_until, storm
from bench.filler import fill
from bench.instances import SharedLog
from bench.load import Crowd
from bench.processes import ANSWER_WITHIN_S, cpu_s
from bench.rows import AT_MOST, Row
from bench.servers import RunningServer
from bench.setting import PAUSE, Setting, median

STREAMS, MESSAGES = 100, 100_000
SINCE = "&since=1h"
LITTLE = "--history-bytes", str(4 << 20)
"""Some 2,000 messages, those that an instance reads at its start."""
RATE = 1000
BYSTANDERS = 10
CALM_S, STORM_S = 10.0, 20.0
"""For how long the bystanders' latency is taken; the replays take longer."""
DONE_WITHIN_S, LIMIT_S = 180.0, 400.0
MARGIN_S = 0.1
"""A replay is taken to be done with a message that was sent so long before the last."""
FIRSTS = 30
_MESSAGE = b"event: message"
SIZES = 0, MESSAGES, 700_000
"""Messages in the log; of the last it has 1 GB."""


def run_r4(setting: Setting) -> list[Row]:
    """Replay 100,000 messages to 100 streams at once: when all are live, and who notices."""
    log = SharedLog(setting, "R4")
    fill(log, MESSAGES)
    with (
        log.publisher() as publisher,
        log.instance(*LITTLE) as server,
        server.open(Crowd(BYSTANDERS, log.path())) as bystanders,
    ):
        publisher.pace(RATE)
        calm = bystanders.measure(CALM_S)
        load, stormy = storm(server, bystanders, _replays(log, STREAMS, MARGIN_S), STORM_S)
        with load:
            publisher.pace(PAUSE)
            came = load.settle(within_s=30).deliveries
        gaps = server.count("gaps")
    setting.say(
        f"calm             {calm}\nstorm            {stormy}\n  all live after "
        f"{load.ready_after_s:.1f} s; {came:,} messages came, {gaps} gaps"
    )
    wrong = abs(came - STREAMS * (MESSAGES + publisher.sent))
    what = f"{STREAMS} replays of {MESSAGES:,}: all live"
    return [
        Row("R4", what, load.ready_after_s, "s", bound=AT_MOST, target=DONE_WITHIN_S),
        Row("R4", "… p99 of others", stormy.p99_ms, "ms", "calm", calm.p99_ms, AT_MOST, 2.0),
        Row("R4", "… lost or doubled", wrong, "messages", bound=AT_MOST, target=0.0),
    ]


def _replays(log: SharedLog, streams: int, caught_up_s: float) -> Crowd:
    return Crowd(streams, log.path(SINCE), caught_up_s=caught_up_s, within_s=LIMIT_S)


def run_r5(setting: Setting) -> list[Row]:
    """The broker's CPU time for 100 replays of 100,000 messages, beside that for one."""
    log = SharedLog(setting, "R5")
    last_s = fill(log, MESSAGES)
    with log.instance(*LITTLE) as server:
        one_s, one_wrong = _broker_s(log, server, 1, last_s)
        many_s, many_wrong = _broker_s(log, server, STREAMS, last_s)
    what = f"the broker for {STREAMS} replays of {MESSAGES:,}"
    wrong = one_wrong + many_wrong
    return [
        Row("R5", what, many_s, "CPU s", "for one", one_s, AT_MOST, 1.5),
        Row("R5", "… lost or doubled", wrong, "messages", bound=AT_MOST, target=0.0),
    ]


def _broker_s(
    log: SharedLog, server: RunningServer, streams: int, last_s: float
) -> tuple[float, int]:
    """Replay all to so many streams at once; return the broker's CPU time, and what was wrong."""
    broker = log.setting.broker.pid
    before_s, start_s = cpu_s(broker), time.monotonic()
    caught_up_s = time.time() - last_s + MARGIN_S
    with server.open(_replays(log, streams, caught_up_s)) as load:
        came = load.settle().deliveries
    used_s = cpu_s(broker) - before_s
    log.setting.say(
        f"{streams:<4} replays: {came:,} messages in {time.monotonic() - start_s:.1f} s, "
        f"{used_s:.2f} CPU s of the broker, {server.count('gaps')} gaps"
    )
    return used_s, abs(came - streams * MESSAGES)


def run_r9(setting: Setting) -> list[Row]:
    """How soon a replay from the log gives its first event, and an instance is ready; by size."""
    return [row for messages in SIZES for row in _of_size(setting, messages)]


def _of_size(setting: Setting, messages: int) -> Iterator[Row]:
    log = SharedLog(setting, f"R9-{messages}")
    fill(log, messages)
    start_s = time.monotonic()
    with log.instance(*LITTLE) as server:
        ready_s = time.monotonic() - start_s
        yield Row("R9", f"{messages:,} in the log: an instance is ready", ready_s, "s")
        if messages:
            cursors = _cursors(log, server, messages)
            late_ms = [_first_after_ms(log, server, cursor) for cursor in cursors]
            setting.say(f"{messages:,}: " + " ".join(f"{late:.1f}" for late in late_ms) + " ms")
            p50_ms = median(late_ms)
            yield Row("R9", "… first event of a replay", p50_ms, "ms", bound=AT_MOST, target=25.0)
            yield Row("R9", "… the latest of them", max(late_ms), "ms")


def _cursors(log: SharedLog, server: RunningServer, messages: int) -> Sequence[str]:
    """Return cursors from everywhere in the log but its end."""
    cursors = []
    every = messages // (FIRSTS + 1)
    with _reading(log, server, SINCE) as answer:
        for number in range(FIRSTS * every):
            read_until(answer, _MESSAGE)
            cursor = next_cursor(answer)
            if number % every == 0:
                cursors.append(cursor)
    return cursors


def _first_after_ms(log: SharedLog, server: RunningServer, cursor: str) -> float:
    """Come back with a cursor; return when the first message was there, since the connect."""
    start_s = time.monotonic()
    with _reading(log, server, f"&lastEventId={cursor}") as answer:
        read_until(answer, _MESSAGE)
    return 1000 * (time.monotonic() - start_s)


@contextmanager
def _reading(log: SharedLog, server: RunningServer, form: str) -> Iterator[HTTPResponse]:
    """Read a stream of the log, from behind its ``ready``."""
    url = f"http://127.0.0.1:{server.port}{log.path(form)}"
    with urllib.request.urlopen(url, timeout=ANSWER_WITHIN_S) as answer:
        next_cursor(answer)
        yield answer
