"""F1, F2, F3: the same messages to 500 streams; deliveries per CPU second of the server."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from bench.load import Crowd, Load, Measured
from bench.processes import Child
from bench.rows import Row
from bench.servers import as_nchan_crowd, fanout, nchan
from bench.setting import FLAT_OUT, PAUSE, WARM_S, Publisher, Setting, median
from bench.workload import EXCHANGE

STREAMS = 500
SAMPLE = 5
"""Streams that are read; with all of them the client would be what is measured."""
FANOUT_RATES = (1500, 3000)
"""At 3,000 msg/s one CPU is just busy; at 1,500 it need not be, and less can be joined."""
CLIENT_PAUSE_MS = 1.0
"""The client reads each stream at most so often; else it, not the server, would be the limit."""
LOW_RATE = 100
STARVED, ENOUGH_IDLE = "(machine too busy)", 0.03
UNIT = "deliveries / CPU s"

OURS, NCHAN, LOOP, JOINED = "pulse-events", "nchan", "C send() loop", "C, joined chunks"


@dataclass(slots=True)
class Side:
    """One of those that are compared: how to start and stop its messages, and what was seen."""

    name: str
    load: Load
    start: Callable[[], object]
    stop: Callable[[], object]
    seen: list[Measured] = field(default_factory=list)

    def measure(self, setting: Setting) -> Measured:
        """Measure once, with a warm-up."""
        self.start()
        self.load.measure(WARM_S)
        seen = self.load.measure(setting.seconds)
        self.stop()
        self.seen.append(seen)
        setting.say(f"{self.name:16} {seen}")
        return seen

    @property
    def note(self) -> str:
        """A warning if the machine had other work, which makes chunks, and so figures, larger."""
        return STARVED if median([seen.others_idle for seen in self.seen]) < ENOUGH_IDLE else ""

    @property
    def per_cpu_s(self) -> float:
        """The median of deliveries per CPU second."""
        return median([seen.per_cpu_s for seen in self.seen])


@contextmanager
def our_side(
    setting: Setting, crowd: Crowd, rate: float | str, *options: str, exchange: str = EXCHANGE
) -> Iterator[Side]:
    """Run the server with its broker and publisher."""
    with (
        setting.publisher(exchange=exchange) as publisher,
        setting.serving(*options, cpus=2 if "--workers" in options else 1) as server,
        server.open(crowd) as load,
    ):
        yield _published(OURS, load, publisher, rate)


@contextmanager
def nchan_side(rate: float | str, crowd: Crowd) -> Iterator[Side]:
    """Run nchan, fed by HTTP."""
    with (
        nchan() as server,
        Publisher("http", f"http://127.0.0.1:{server.port}/p") as publisher,
        server.open(crowd) as load,
    ):
        yield _published(NCHAN, load, publisher, rate)


def _published(name: str, load: Load, publisher: Publisher, rate: float | str) -> Side:
    return Side(name, load, lambda: publisher.pace(rate), lambda: publisher.pace(PAUSE))


@contextmanager
def c_sides(crowd: Crowd, rate: float, ours: Side) -> Iterator[list[Side]]:
    """Run the C peer, once plain and once with chunks as long as ours were in the last round."""
    with fanout() as server, server.open(crowd) as load:
        yield [
            Side(
                LOOP, load, lambda: _drive(server.child, ours, rate, 1), server_stop(server.child)
            ),
            Side(
                JOINED,
                load,
                lambda: _drive(server.child, ours, rate, max(1.0, ours.seen[-1].joined)),
                server_stop(server.child),
            ),
        ]


def server_stop(child: Child) -> Callable[[], object]:
    """Return what stops the C peer's messages."""
    return lambda: child.tell("0 1 1400")


def _drive(child: Child, ours: Side, rate: float, joined: float) -> None:
    """Send what ours sent: the same bytes a message, and the rate that ours reached."""
    seen = ours.seen[-1]
    reached = seen.deliveries / seen.seconds / STREAMS
    child.tell(f"{min(rate, reached) or rate} {joined:.3f} {round(seen.bytes_per_delivery)}")


def run_f1(setting: Setting) -> list[Row]:
    """Fan-out of plain text to 500 streams at rates that keep the server busy."""
    crowd = Crowd(STREAMS, sample=SAMPLE, pause_ms=CLIENT_PAUSE_MS)
    return [row for rate in FANOUT_RATES for row in _fanout_rows(setting, crowd, rate)]


def _fanout_rows(setting: Setting, crowd: Crowd, rate: int) -> list[Row]:
    sides = _compare(setting, crowd, rate)
    ours, note = sides[OURS].per_cpu_s, sides[OURS].note
    rows = [Row("F1", f"500 streams, {rate:,} msg/s", ours, UNIT, target=1.5e6, note=note)]
    for name, target in ((NCHAN, 8.0), (LOOP, None), (JOINED, 0.85)):
        if name in sides:
            peer = sides[name].per_cpu_s
            rows.append(Row("F1", f"… beside {name}", ours, UNIT, name, peer, target=target))
    return rows


def run_f2(setting: Setting) -> list[Row]:
    """Fan-out to clients that accept gzip, as fast as the broker can feed."""
    crowd = Crowd(STREAMS, sample=SAMPLE, gzip=True, pause_ms=CLIENT_PAUSE_MS)
    with our_side(setting, crowd, FLAT_OUT) as ours:
        for _ in range(setting.rounds):
            ours.measure(setting)
    return [Row("F2", "500 gzip streams, flat out", ours.per_cpu_s, UNIT, target=8e6)]


def run_f3(setting: Setting) -> list[Row]:
    """Fan-out at a low rate, where nothing can be joined."""
    sides = _compare(setting, Crowd(STREAMS), LOW_RATE, joined=False)
    ours = sides[OURS].per_cpu_s
    rows = [Row("F3", "500 streams, 100 msg/s", ours, UNIT, note=sides[OURS].note)]
    for name, target in ((LOOP, 0.95), (NCHAN, 1.0)):
        if name in sides:
            peer = sides[name].per_cpu_s
            rows.append(Row("F3", f"… beside {name}", ours, UNIT, name, peer, target=target))
    return rows


def _compare(
    setting: Setting, crowd: Crowd, rate: float, *, joined: bool = True
) -> dict[str, Side]:
    """Measure all sides in turn, round after round."""
    with ExitStack() as stack:
        ours = stack.enter_context(our_side(setting, crowd, rate))
        sides = [ours]
        if setting.peers:
            sides.append(stack.enter_context(nchan_side(rate, as_nchan_crowd(crowd))))
            sides += stack.enter_context(c_sides(crowd, rate, ours))[: 2 if joined else 1]
        for _ in range(setting.rounds):
            for side in sides:
                side.measure(setting)
        return {side.name: side for side in sides}
