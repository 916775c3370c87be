"""The load client (``load.c``) as an object: open streams, measure, stop or slow some of them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Self
from urllib.parse import quote

from bench.processes import BUILT, OTHER_CPUS, Child, idle_cpu_s
from bench.workload import EXCHANGE

READY = "event: ready\n"


def connect_path(*patterns: str, exchange: str = EXCHANGE, form: str = "") -> str:
    """Return the path of a stream that is bound with ``patterns``; ``form`` is put behind it."""
    bindings = [{"exchange": exchange, "routingKeyPattern": pattern} for pattern in patterns]
    document = json.dumps({"bindings": bindings}, separators=(",", ":"))
    return f"/events/v1/connect/?bindings={quote(document, safe='')}{form}"


EVERYTHING = connect_path("#")
RESUMES = "&resume=true"


@dataclass(frozen=True, slots=True)
class Crowd:
    """Which streams to open.

    ``sample`` is how many of them are read, the others being counted by their bytes; ``None``
    reads all.  ``path`` may be a file, with a path on each line for each stream.  With
    ``caught_up_s`` a stream is open when it has read a message that was sent so long before the
    first connect, or later.  All must be open after ``within_s``.
    """

    streams: int
    path: str | Path = EVERYTHING
    sample: int | None = None
    gzip: bool = False
    ready: str = READY
    concurrency: int = 128
    ping_interval_s: float = 0.0
    pause_ms: float = 0.0
    caught_up_s: float = 0.0
    within_s: float = 60.0

    def options(self) -> list[str]:
        """Return the load client's options."""
        chosen: dict[str, object] = {
            "--streams": self.streams,
            "--paths" if isinstance(self.path, Path) else "--path": self.path,
            "--ready": self.ready,
            "--concurrency": self.concurrency,
            "--ping-interval": self.ping_interval_s,
            "--pause-ms": self.pause_ms,
            "--caught-up": self.caught_up_s,
            "--within": self.within_s,
        }
        if self.sample is not None:
            chosen["--sample"] = self.sample
        words = [str(word) for pair in chosen.items() for word in pair]
        return [*words, "--gzip"] if self.gzip else words


@dataclass(frozen=True, slots=True)
class Measured:
    """What one measurement saw; times in seconds unless the name says otherwise."""

    seconds: float
    deliveries: float
    wire_bytes: float
    server_cpu_s: float
    client_cpu_s: float
    most_rss_kb: int
    writes: int
    closed: int
    p50_ms: float
    p99_ms: float
    max_ms: float
    ping_late_ms: float
    pings: int
    others_idle: float
    """Of the CPUs that broker, publisher and client share.  Near 0 they hold the server up, what
    comes comes in bursts, and the server joins more than it would by itself."""

    @property
    def per_cpu_s(self) -> float:
        """Deliveries per CPU second of the server."""
        return self.deliveries / max(self.server_cpu_s, 1e-9)

    @property
    def joined(self) -> float:
        """Messages per system call that writes: how many went into one chunk."""
        return self.deliveries / max(self.writes, 1)

    @property
    def bytes_per_delivery(self) -> float:
        """Bytes on the wire for each message and stream."""
        return self.wire_bytes / max(self.deliveries, 1)

    def __str__(self) -> str:
        """Return it for a reader who is tuning."""
        return (
            f"{self.deliveries / self.seconds / 1e3:9,.1f}k/s {self.per_cpu_s / 1e3:9,.1f}k/cpu-s "
            f"cpu {self.server_cpu_s / self.seconds:4.2f} "
            f"client {self.client_cpu_s / self.seconds:4.2f} "
            f"joined {self.joined:6.2f} bytes {self.bytes_per_delivery:6.0f} "
            f"p50 {self.p50_ms:7.2f} p99 {self.p99_ms:7.2f} max {self.max_ms:7.2f} ms "
            f"rss {self.most_rss_kb / 1024:6.1f} MB others idle {self.others_idle:4.0%}"
        )


class Settled(NamedTuple):
    """What streams had, since they opened, when nothing came any more."""

    least_bytes: int
    """Of any stream."""
    most_bytes: int
    deliveries: int
    """To those that are read."""
    closed: int


class Load:
    """Streams that are open; the client's process measures the server's processes itself.

    Args:
        port: Where the server listens.
        pids: The server's processes.
        crowd: Which streams to open.
    """

    def __init__(self, port: int, pids: Sequence[int], crowd: Crowd) -> None:
        words = [str(BUILT / "load"), "--port", str(port), *crowd.options()]
        for pid in pids:
            words += ["--pid", str(pid)]
        self._child = Child(words)
        try:
            self.ready_after_s: float = self._answer(crowd.within_s + 30)["seconds"]
        except BaseException:
            self._child.close()
            raise

    @property
    def pid(self) -> int:
        """The client's process."""
        return self._child.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._child.close()

    def measure(self, seconds: float) -> Measured:
        """Measure for so long, from now on."""
        idle_s = idle_cpu_s(OTHER_CPUS)
        self._child.tell(f"measure {seconds}")
        answer = self._answer(seconds + 30)
        idle_s = idle_cpu_s(OTHER_CPUS) - idle_s
        servers, latency_ms = answer["servers"], answer["latency_ms"]
        return Measured(
            seconds=answer["seconds"],
            deliveries=answer["deliveries"],
            wire_bytes=answer["bytes"],
            server_cpu_s=sum(server["cpu_s"] for server in servers),
            client_cpu_s=answer["client_cpu_s"],
            most_rss_kb=answer["most_rss_kb"],
            writes=sum(server["writes"] for server in servers),
            closed=answer["closed"],
            p50_ms=latency_ms["p50"],
            p99_ms=latency_ms["p99"],
            max_ms=latency_ms["max"],
            ping_late_ms=answer["ping_late_ms"],
            pings=answer["pings"],
            others_idle=idle_s / answer["seconds"] / len(OTHER_CPUS),
        )

    def stop_reading(self, streams: int) -> None:
        """Have so many streams read nothing any more."""
        self._child.tell(f"stop {streams}")
        self._answer()

    def slow_down(self, bytes_per_s: float) -> None:
        """Have each stream read so much at most while it is measured; 0 reads all that comes."""
        self._child.tell(f"slow {bytes_per_s}")
        self._answer()

    def settle(self, within_s: float = 10.0) -> Settled:
        """Wait until nothing comes any more."""
        self._child.tell(f"settle {within_s}")
        answer = self._answer(within_s + 30)
        return Settled(*(answer[name] for name in Settled._fields))

    def _answer(self, within_s: float = 30.0) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self._child.read_line(within_s))
        return answer
