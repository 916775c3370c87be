"""What every case is given: the broker, the server's command, how long and how often to measure."""

import contextlib
import json
import statistics
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

from bench.load import Load
from bench.processes import SERVER_CPUS, Child, uninterrupted
from bench.servers import NO_PINGS_S, RunningServer, serving
from bench.workload import EXCHANGE
from tests.support.rabbit import Rabbit

WARM_S = 1.0
"""Between the first message and the first measurement."""
FLAT_OUT = "max"
PAUSE = "0"


class Publisher:
    """The publisher's process; see `bench.publisher`."""

    def __init__(self, kind: str, url: str, tasks: int = 0, exchange: str = EXCHANGE) -> None:
        words = ["-m", "bench.publisher", kind, url, str(tasks), exchange]
        self._child = Child([sys.executable, *words])
        self._answer()
        self.sent = 0
        """Messages, up to the last change of pace."""
        self._paced = False

    @property
    def pid(self) -> int:
        """The publisher's process."""
        return self._child.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._child.close()

    def pace(self, rate: float | str) -> float:
        """Publish at ``rate`` from now on; return the rate reached since the last call."""
        self._child.tell(str(rate))
        if not self._paced:
            self._paced = True
            return 0.0
        answer = self._answer()
        self.sent += answer["messages"]
        return float(answer["messages"] / max(answer["seconds"], 1e-9))

    def _answer(self) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self._child.read_line())
        return answer


@dataclass(frozen=True, slots=True)
class Setting:
    """Passed to each case."""

    broker: Rabbit
    command: str
    """Starts the server; ``--broker``, ``--port`` and ``--ping-interval`` are added."""
    seconds: float
    """Of one measurement."""
    rounds: int
    """Measurements of each side, taken in turn; the median counts."""
    peers: bool
    """Measure the peers too."""
    say: Callable[[str], None]
    """Prints what a reader who tunes wants to see."""

    def serving(
        self, *options: str, cpus: int = 1, ping_interval_s: float = NO_PINGS_S
    ) -> contextlib.AbstractContextManager[RunningServer]:
        """Run the server that is measured, on as many CPUs if there are so many for servers."""
        options = (*options, "--ping-interval", str(ping_interval_s))
        return serving(self.command, self.broker.amqp_url, *options, cpus=SERVER_CPUS[:cpus])

    @contextlib.contextmanager
    def undisturbed(self, publisher: Publisher, load: Load) -> Iterator[None]:
        """Let a publisher, the broker and a load client wait for no CPU; see `uninterrupted`."""
        with uninterrupted(self.broker.pid, publisher.pid, load.pid) as is_permitted:
            if not is_permitted:
                self.say("others' CPU may be taken from them: that is root's to forbid")
            yield

    @contextlib.contextmanager
    def publisher(self, tasks: int = 0, exchange: str = EXCHANGE) -> Iterator[Publisher]:
        """Run a publisher to the broker; its exchange exists from then on."""
        with Publisher("amqp", self.broker.amqp_url, tasks, exchange) as publisher:
            yield publisher


def median(values: Sequence[float]) -> float:
    """Return the median, 0 of nothing."""
    return statistics.median(values) if values else 0.0
