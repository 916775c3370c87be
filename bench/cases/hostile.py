"""H1: what well-behaved clients notice of 50 hostile addresses and a hostile publisher."""

import sys
import time
from concurrent.futures import ThreadPoolExecutor

from bench.cases.fairness import ready_after_s
from bench.load import Crowd, Load, Measured, connect_path
from bench.processes import Child
from bench.rows import AT_MOST, Row
from bench.servers import RunningServer
from bench.setting import PAUSE, WARM_S, Setting
from bench.workload import EXCHANGE

STREAMS = 500
"""With `RATE` the load of F8: a server that has something to do."""
RATE = 150
CALM_WINDOWS, HOSTILE_WINDOWS = 5, 20
"""Of ``--seconds`` each: with 15, five minutes of it."""
PROBE_EVERY_S = 0.5
TARGET = 2.0
READY_TARGET_S = 1.0
# On loopback all addresses are this machine's own: without being named, limits spare those.
LIMITS = (
    *("--max-streams-per-address", "1000"),
    *("--max-request-rate", "1000"),
    *("--max-bindings-per-address", "10000"),
    *("--max-connections-per-address", "1000"),
    *("--max-outstanding-bindings", "2000"),
)


def run_h1(setting: Setting) -> list[Row]:
    """Hostile clients and messages: latency of 500 others, before and while they are there."""
    crowd = Crowd(STREAMS, connect_path("primary.#"))
    with (
        setting.publisher() as publisher,
        setting.serving(*LIMITS) as server,
        server.open(crowd) as load,
    ):
        publisher.pace(RATE)
        load.measure(WARM_S)
        calm, calm_waits = _measure(setting, server, load, CALM_WINDOWS, "calm")
        with Child(
            [
                *(sys.executable, "-m", "bench.peers.hostile"),
                *(str(server.port), setting.broker.amqp_url, EXCHANGE),
            ]
        ) as hostile:
            hostile.read_line()
            load.measure(WARM_S)
            seen, waits = _measure(setting, server, load, HOSTILE_WINDOWS, "hostile")
        publisher.pace(PAUSE)
    share = (seen.deliveries / seen.seconds) / (calm.deliveries / calm.seconds)
    return [
        Row("H1", "latency p99", seen.p99_ms, "ms", "calm", calm.p99_ms, AT_MOST, TARGET),
        Row("H1", "latency p50", seen.p50_ms, "ms", "calm", calm.p50_ms, AT_MOST),
        Row("H1", "messages that came", share, "of the calm", target=0.99),
        Row("H1", "closed", float(seen.closed), "streams", bound=AT_MOST, target=0.0),
        Row("H1", "ready, 95 %", waits, "s", "calm", calm_waits, AT_MOST, note="new bindings"),
        Row("H1", "memory", seen.most_rss_kb / 1024, "MB", "calm", calm.most_rss_kb / 1024),
    ]


def _measure(
    setting: Setting, server: RunningServer, load: Load, windows: int, name: str
) -> tuple[Measured, float]:
    """Measure while a well-behaved client connects now and then; return its waits' 95 % too."""
    seconds, waits = windows * setting.seconds, list[float]()
    with ThreadPoolExecutor(1) as threads:
        measuring = threads.submit(load.measure, seconds)
        while not measuring.done():
            waits.append(ready_after_s(server.port, connect_path(f"{name}.{len(waits)}.#")))
            time.sleep(PROBE_EVERY_S)
        seen = measuring.result()
    slow = sorted(waits)[int(len(waits) * 0.95)]
    setting.say(f"{name:<16} {seen}\n  {len(waits)} probes: ready 95 % {slow:.3f} s")
    return seen, slow
