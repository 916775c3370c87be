"""Instances that share a log: how they are started, and what a message costs each of them."""

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench.load import RESUMES, Crowd, connect_path
from bench.processes import ChildError, cpu_s
from bench.servers import RunningServer
from bench.setting import PAUSE, Publisher, Setting
from bench.workload import EXCHANGE

_READ_WITHIN_S = 60.0
_LOOK_EVERY_S = 0.1
"""Asking for the counts takes the server 0.3 ms, which is in what is measured."""


@dataclass(frozen=True, slots=True)
class SharedLog:
    """A log of a case's own, and an exchange of its own of which everything is recorded.

    What one case leaves in the broker's queues is then no work for the next.
    """

    setting: Setting
    name: str

    @property
    def exchange(self) -> str:
        """What is recorded."""
        return f"{EXCHANGE}/{self.name}"

    def path(self, form: str = "") -> str:
        """Return the path of a stream of everything in the log."""
        return connect_path("#", exchange=self.exchange, form=RESUMES + form)

    @contextlib.contextmanager
    def instance(self, *options: str) -> Iterator[RunningServer]:
        """Run a server that reads the log up to its end, and records if none did before."""
        words = ("--history", "amqp", "--namespace", self.name, "--record", f"{self.exchange}=#")
        with self.setting.serving(*words, *options) as server:
            with server.open(Crowd(1, self.path())):
                pass  # its stream is ready when the log is read up to its end
            yield server

    def publisher(self) -> contextlib.AbstractContextManager[Publisher]:
        """Run a publisher to the exchange."""
        return self.setting.publisher(exchange=self.exchange)


def wait_until_read(server: RunningServer, entries: int) -> None:
    """Wait until an instance has read so many entries of the log since its start.

    Raises:
        ChildError: It has not, for a minute.
    """
    end_s = time.monotonic() + _READ_WITHIN_S
    while (count := server.count("messagesIn")) < entries:
        if time.monotonic() > end_s:
            raise ChildError(f"{count} of {entries} entries are read\n{server.child.stderr}")
        time.sleep(_LOOK_EVERY_S)


def begin_recording(publisher: Publisher, recorder: RunningServer) -> None:
    """Have an instance record its first messages, so that the next one only reads."""
    before = recorder.count("messagesIn")
    publisher.pace(100)
    wait_until_read(recorder, before + 10)
    publisher.pace(PAUSE)


def cost_us(publisher: Publisher, rate: float, seconds: float, pids: Sequence[int]) -> list[float]:
    """Publish at ``rate``; return the CPU time a message of each process, in microseconds."""
    sent = publisher.sent
    before_s = [cpu_s(pid) for pid in pids]
    publisher.pace(rate)
    time.sleep(seconds)
    publisher.pace(PAUSE)
    spent_s = [cpu_s(pid) - before for pid, before in zip(pids, before_s, strict=True)]
    return [1e6 * spent / (publisher.sent - sent) for spent in spent_s]
