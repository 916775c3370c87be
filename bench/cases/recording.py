"""R2, R3: what the log that instances share costs those who read it, and the one that writes it.

For the most that a process can, messages gather while it is stopped (SIGSTOP): then it has as many
at hand as the broker can give.  Its CPU time counts from then on until it has read all of them in
the log; there are no streams.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from bench.cases.fanout import ENOUGH_IDLE, STARVED
from bench.instances import SharedLog, begin_recording, cost_us, wait_until_read
from bench.load import RESUMES, Crowd, Load, connect_path
from bench.processes import cpu_s, stopped
from bench.rows import AT_MOST, Row
from bench.servers import RunningServer
from bench.setting import FLAT_OUT, PAUSE, WARM_S, Publisher, Setting, median
from bench.workload import EXCHANGE

UNIT = "records / CPU s"
READER_TARGET, RECORDER_TARGET = 50e3, 15e3
TAKEN_RATE, GATHER_S = 3000, 4.0
"""What a recorder takes as it comes.  A process that is stopped for 8 s loses its connection."""
RATE = 997
"""Not 1,000: where CPU time is counted by looking every 10 ms what runs, that would always look at
the same moment of a message."""
ADDED_P50_MS, ADDED_US, BROKER_RATIO = 1.5, 70.0, 2.5
TURNS = 3
"""Of each side in a round, short ones: other work on the machine comes and goes."""
INSTANCES = 1, 2, 4
LOG, MEMORY = "with the log", "in memory"


def run_r2(setting: Setting) -> list[Row]:
    """Read the log in an instance that does not record; records per CPU s."""
    log = SharedLog(setting, "R2")
    with log.publisher() as publisher, log.instance() as recorder:
        begin_recording(publisher, recorder)

        def gather() -> None:
            behind = recorder.count("messagesIn") - publisher.sent
            _publish(publisher, TAKEN_RATE)
            wait_until_read(recorder, behind + publisher.sent)

        with log.instance() as reader:
            figure = _most(setting, publisher, reader, gather)
    return [Row("R2", "the log, read by an instance", figure, UNIT, target=READER_TARGET)]


def run_r3(setting: Setting) -> list[Row]:
    """Record: as fast as it goes, then some 1,000 a second beside a history in memory."""
    return [_flat_out(setting), *_beside_memory(setting)]


def _flat_out(setting: Setting) -> Row:
    log = SharedLog(setting, "R3")
    with log.publisher() as publisher, log.instance() as recorder:
        begin_recording(publisher, recorder)
        figure = _most(setting, publisher, recorder, lambda: _publish(publisher, FLAT_OUT))
    return Row("R3", "recorded, and read back", figure, UNIT, target=RECORDER_TARGET)


def _publish(publisher: Publisher, rate: float | str) -> None:
    publisher.pace(rate)
    time.sleep(GATHER_S)
    publisher.pace(PAUSE)


def _most(
    setting: Setting, publisher: Publisher, server: RunningServer, gather: Callable[[], None]
) -> float:
    """Return how many entries a server reads a CPU second that gathered while it was stopped."""
    pid, figures = server.child.pid, []
    for _ in range(setting.rounds):
        behind, sent = server.count("messagesIn") - publisher.sent, publisher.sent
        with stopped(pid):
            gather()
            before_s, start_s = cpu_s(pid), time.monotonic()
        wait_until_read(server, behind + publisher.sent)
        used_s, took_s = cpu_s(pid) - before_s, time.monotonic() - start_s
        figures.append((publisher.sent - sent) / used_s)
        setting.say(
            f"{publisher.sent - sent:,} entries in {took_s:.2f} s, "
            f"{figures[-1] / 1e3:.1f}k/cpu-s cpu {used_s / took_s:.2f}"
        )
    return median(figures)


@dataclass(frozen=True, slots=True)
class _Side:
    """A server with one stream of all messages, and what was measured: medians of rounds."""

    name: str
    publisher: Publisher
    server: RunningServer
    load: Load
    p50_ms: list[float] = field(default_factory=list)
    own_us: list[float] = field(default_factory=list)
    """CPU time a message, of the server; of the broker below."""
    broker_us: list[float] = field(default_factory=list)
    idle: list[float] = field(default_factory=list)

    def measure(self, setting: Setting) -> None:
        """Measure once, with a warm-up."""
        self.publisher.pace(RATE)
        self.load.measure(WARM_S)
        before_s = cpu_s(setting.broker.pid)
        seen = self.load.measure(setting.seconds / TURNS)
        broker_s = cpu_s(setting.broker.pid) - before_s
        self.publisher.pace(PAUSE)
        self.p50_ms.append(seen.p50_ms)
        self.own_us.append(1e6 * seen.server_cpu_s / seen.deliveries)
        self.broker_us.append(1e6 * broker_s / seen.deliveries)
        self.idle.append(seen.others_idle)
        setting.say(
            f"{self.name:14} {self.own_us[-1]:4.0f} us a message, the broker "
            f"{self.broker_us[-1]:4.0f} us; {seen}"
        )


def _beside_memory(setting: Setting) -> list[Row]:
    log = SharedLog(setting, "R3b")
    with _recording_side(log) as ours, _memory_side(setting) as other:
        for _ in range(setting.rounds * TURNS):
            ours.measure(setting)
            other.measure(setting)
    p50_ms = median(ours.p50_ms), median(other.p50_ms)
    own_us = median(ours.own_us), median(other.own_us)
    broker_us = median(ours.broker_us), median(other.broker_us)
    note = STARVED if median(ours.idle + other.idle) < ENOUGH_IDLE else ""
    added_ms = _added(ours.p50_ms, other.p50_ms)
    added_us = _added(ours.own_us, other.own_us)
    return [
        Row(
            "R3",
            f"{RATE} msg/s: p50 added",
            added_ms,
            "ms",
            bound=AT_MOST,
            target=ADDED_P50_MS,
            note=note,
        ),
        Row("R3", "… p50", p50_ms[0], "ms", MEMORY, p50_ms[1]),
        Row("R3", "… CPU a message added", added_us, "us", bound=AT_MOST, target=ADDED_US),
        Row("R3", "… CPU a message", own_us[0], "us", MEMORY, own_us[1]),
        Row(
            "R3",
            "… the broker's CPU a message",
            broker_us[0],
            "us",
            MEMORY,
            broker_us[1],
            AT_MOST,
            BROKER_RATIO,
        ),
    ]


def _added(ours: Sequence[float], others: Sequence[float]) -> float:
    """Return the median of what is added from one turn to the other's next."""
    return median([one - other for one, other in zip(ours, others, strict=True)])


@contextmanager
def _recording_side(log: SharedLog) -> Iterator[_Side]:
    with (
        log.publisher() as publisher,
        log.instance() as server,
        server.open(Crowd(1, log.path())) as load,
    ):
        yield _Side(LOG, publisher, server, load)


@contextmanager
def _memory_side(setting: Setting) -> Iterator[_Side]:
    exchange = f"{EXCHANGE}/memory"
    path = connect_path("#", exchange=exchange, form=RESUMES)
    with (
        setting.publisher(exchange=exchange) as publisher,
        setting.serving("--history", "memory") as server,
        server.open(Crowd(1, path)) as load,
    ):
        yield _Side(MEMORY, publisher, server, load)


def run_instances(setting: Setting) -> list[Row]:
    """What a message costs the broker, the recording instance and each other one, of 1, 2, 4."""
    log = SharedLog(setting, "instances")
    rows = []
    with ExitStack() as stack:
        publisher = stack.enter_context(log.publisher())
        servers = [stack.enter_context(log.instance())]
        begin_recording(publisher, servers[0])
        for count in INSTANCES:
            while len(servers) < count:
                servers.append(stack.enter_context(log.instance()))
            rows += _costs(setting, publisher, servers)
    return rows


def _costs(setting: Setting, publisher: Publisher, servers: list[RunningServer]) -> list[Row]:
    pids = [setting.broker.pid, *(server.child.pid for server in servers)]
    rounds = [cost_us(publisher, RATE, setting.seconds, pids) for _ in range(setting.rounds)]
    broker_us, recorder_us, *others_us = map(median, zip(*rounds, strict=True))
    what = f"{len(servers)} at {RATE:,} msg/s:"
    rows = [
        Row("instances", f"{what} the broker's CPU a message", broker_us, "us"),
        Row("instances", "… of the one that records", recorder_us, "us"),
    ]
    if others_us:
        rows.append(Row("instances", "… of each other one", median(others_us), "us"))
    return rows
