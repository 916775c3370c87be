"""R4, R5, R9: streams that begin far back in the log, which the process does not hold in memory."""

import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPResponse
from typing import Self

from bench.cases.comeback import next_cursor, read_until, settle, storm
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
HELD = 100
"""Of these at least some are surely in memory."""
RATE = 1000
BYSTANDERS = 10
CALM_S, STORM_S = 10.0, 20.0
"""For how long the bystanders' latency is taken; the replays take longer."""
DONE_WITHIN_S, LIMIT_S = 180.0, 400.0
MARGIN_S = 0.1
"""A replay is taken to be done with a message that was sent so long before the last."""
FIRSTS = 30
"""Replays that are begun one after the other, each somewhere else in the log."""
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
        start = _behind_the_first(log, server)
        publisher.pace(RATE)
        calm = bystanders.measure(CALM_S)
        load, stormy = storm(server, bystanders, _replays(log, STREAMS, start, MARGIN_S), STORM_S)
        with load:
            publisher.pace(PAUSE)
            expected = STREAMS * (MESSAGES - 1 + publisher.sent)
            came = settle(load, expected).deliveries
        gaps = server.count("gaps")
    setting.say(
        f"calm             {calm}\nstorm            {stormy}\n  all live after "
        f"{load.ready_after_s:.1f} s; {came:,} messages came, {gaps} gaps"
    )
    wrong = abs(came - expected)
    what = f"{STREAMS} replays of {MESSAGES:,}: all live"
    return [
        Row("R4", what, load.ready_after_s, "s", bound=AT_MOST, target=DONE_WITHIN_S),
        Row("R4", "… p99 of others", stormy.p99_ms, "ms", "calm", calm.p99_ms, AT_MOST, 2.0),
        Row("R4", "… lost or doubled", wrong, "messages", bound=AT_MOST, target=0.0),
    ]


def _behind_the_first(log: SharedLog, server: RunningServer) -> str:
    """Return how a stream asks for what follows the log's first message."""
    with _reading(log, server, SINCE) as answer:
        read_until(answer, _MESSAGE)
        return f"&lastEventId={next_cursor(answer)}"


def _replays(log: SharedLog, streams: int, start: str, caught_up_s: float) -> Crowd:
    return Crowd(streams, log.path(start), caught_up_s=caught_up_s, within_s=LIMIT_S)


def run_r5(setting: Setting) -> list[Row]:
    """The broker's CPU time for 100 replays of 100,000 messages, beside that for one."""
    log = SharedLog(setting, "R5")
    last_s = fill(log, MESSAGES)
    with log.instance(*LITTLE) as server:
        behind = _behind_the_first(log, server)
        one = _Replayed.by(log, server, 1, behind, last_s)
        at_once = _Replayed.by(log, server, STREAMS, behind, last_s)
        in_turn = _Replayed.by(log, server, STREAMS, SINCE, last_s)
    what = f"the broker for {STREAMS} replays of {MESSAGES:,}"
    wrong = abs(one.came - (MESSAGES - 1)) + abs(at_once.came - STREAMS * (MESSAGES - 1))
    return [
        Row("R5", what, at_once.broker_s, "CPU s", "for one", one.broker_s, AT_MOST, 1.5),
        Row("R5", "… lost or doubled", wrong, "messages", bound=AT_MOST, target=0.0),
        Row(
            "R5",
            "… that look for a time first",
            in_turn.broker_s,
            "CPU s",
            "for one",
            one.broker_s,
            AT_MOST,
            1.5,
        ),
        Row(
            "R5",
            "… lost or doubled",
            abs(in_turn.came - STREAMS * MESSAGES),
            "messages",
            bound=AT_MOST,
            target=0.0,
        ),
    ]


@dataclass(frozen=True, slots=True)
class _Replayed:
    """What came, of everything in a log, and what CPU time the broker took for it."""

    came: int
    broker_s: float

    @classmethod
    def by(
        cls, log: SharedLog, server: RunningServer, streams: int, start: str, last_s: float
    ) -> Self:
        """Replay to so many streams at once, while nothing else happens."""
        broker = log.setting.broker.pid
        before_s, start_s, gaps = cpu_s(broker), time.monotonic(), server.count("gaps")
        caught_up_s = time.time() - last_s + MARGIN_S
        with server.open(_replays(log, streams, start, caught_up_s)) as load:
            came = load.settle().deliveries
        used_s = cpu_s(broker) - before_s
        log.setting.say(
            f"{streams:<4} replays: {came:,} messages in {time.monotonic() - start_s:.1f} s, "
            f"{used_s:.2f} CPU s of the broker, {server.count('gaps') - gaps} gaps"
        )
        return cls(came, used_s)


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
            *cursors, newest = _cursors(log, server, messages)
            late_ms, held_ms = [], []
            for cursor in cursors:
                late_ms.append(_first_after_ms(log, server, cursor))
                held_ms.append(_first_after_ms(log, server, newest))
            setting.say(f"{messages:,}: " + " ".join(f"{late:.1f}" for late in late_ms) + " ms")
            p50_ms = median(late_ms)
            yield Row("R9", "… first event of a replay", p50_ms, "ms", bound=AT_MOST, target=25.0)
            yield Row("R9", "… of what is in memory", median(held_ms), "ms")
            yield Row("R9", "… the latest of a replay", max(late_ms), "ms")


def _cursors(log: SharedLog, server: RunningServer, messages: int) -> Sequence[str]:
    """Return cursors from everywhere in the log, the last of them from its end."""
    cursors = []
    every = messages // (FIRSTS + 1)
    with _reading(log, server, SINCE) as answer:
        for number in range(messages - HELD):
            read_until(answer, _MESSAGE)
            cursor = next_cursor(answer)
            if number % every == 0:
                cursors.append(cursor)
    return [*cursors[:FIRSTS], cursor]


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
