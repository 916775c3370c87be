"""F9: what a new client, and pings, wait for while RabbitMQ feeds more than the server can take."""

import socket
import time
from concurrent.futures import ThreadPoolExecutor

from bench.load import Crowd, Measured, connect_path
from bench.rows import AT_MOST, Row
from bench.servers import RunningServer
from bench.setting import FLAT_OUT, PAUSE, Publisher, Setting, median

STREAMS = 500
SAMPLE = 50
PING_INTERVAL_S = 1.0
PROBE_EVERY_S = 0.25
READY_LIMIT_S = 20.0
WARM_S = 2.0


def run_f9(setting: Setting) -> list[Row]:
    """Overload: connect again and again, each time with a binding that nobody has yet."""
    waits_s: list[float] = []
    late_ms: list[float] = []
    crowd = Crowd(STREAMS, sample=SAMPLE, ping_interval_s=PING_INTERVAL_S)
    with (
        setting.publisher() as publisher,
        setting.serving(ping_interval_s=PING_INTERVAL_S) as server,
    ):
        for turn in range(setting.rounds):
            seen, waits = _overload(setting, server, publisher, crowd, turn)
            waits_s += waits
            late_ms.append(seen.ping_late_ms)
            setting.say(
                f"pulse-events {seen}\n  {len(waits)} probes: ready after median "
                f"{median(waits):.3f} s, worst {max(waits):.3f} s; "
                f"{seen.pings} pings, worst {seen.ping_late_ms:.0f} ms late; {seen.closed} closed"
            )
    worst = sorted(waits_s)[int(len(waits_s) * 0.95)]
    return [
        Row("F9", "overload: ready, 95 %", worst, "s", bound=AT_MOST, target=0.5),
        Row("F9", "overload: latest ping", max(late_ms) / 1e3, "s", bound=AT_MOST, target=1.0),
    ]


def _overload(
    setting: Setting, server: RunningServer, publisher: Publisher, crowd: Crowd, turn: int
) -> tuple[Measured, list[float]]:
    """Measure while clients connect; return that, and what each waited for ``ready``."""
    with server.open(crowd) as load, ThreadPoolExecutor(1) as threads:
        publisher.pace(FLAT_OUT)
        load.measure(WARM_S)
        measuring = threads.submit(load.measure, setting.seconds)
        waits: list[float] = []
        while not measuring.done():
            path = connect_path(f"primary.turn-{turn}.probe-{len(waits)}.#")
            waits.append(ready_after_s(server.port, path))
            time.sleep(PROBE_EVERY_S)
        publisher.pace(PAUSE)
        return measuring.result(), waits


def ready_after_s(port: int, path: str) -> float:
    """Connect, wait for ``ready``, and leave; the limit if it does not come within it."""
    start_s = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), READY_LIMIT_S) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n".encode())
        answer = b""
        while b"event: ready\n" not in answer:
            connection.settimeout(max(0.01, start_s + READY_LIMIT_S - time.monotonic()))
            try:
                piece = connection.recv(65536)
            except TimeoutError:
                return READY_LIMIT_S
            if not piece:
                raise ConnectionError(f"the server closed a probe: {answer!r}")
            answer += piece
    return time.monotonic() - start_s
