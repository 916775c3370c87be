"""F5: from RabbitMQ to one stream that is bound with ``#``; messages per CPU second.

The consumer is stopped (SIGSTOP) while messages gather in its queue, then continued: so the broker
delivers as fast as it can, and the publisher does not compete with it for a CPU.
"""

import sys
import time

from bench.load import Crowd
from bench.processes import SERVER_CPUS, Child, cpu_s, stopped
from bench.rows import Row
from bench.setting import FLAT_OUT, PAUSE, WARM_S, Publisher, Setting, median

UNIT = "messages / CPU s"
GATHER_S = 3.0
"""Shorter than two missed heartbeats, and fewer messages than the queue's limit of 100,000."""
DRAIN_S = 4.0


def run_f5(setting: Setting) -> list[Row]:
    """Ingest, beside a program that only takes messages from the queue with pika."""
    ours: list[float] = []
    pika: list[float] = []
    with (
        setting.publisher() as publisher,
        setting.serving() as server,
        server.open(Crowd(1)) as load,
    ):
        for _ in range(setting.rounds):
            _warm_up(publisher)
            load.settle()
            _gather(server.child.pid, publisher)
            seen = load.measure(DRAIN_S)
            ours.append(seen.per_cpu_s)
            setting.say(f"pulse-events {seen.deliveries:,.0f} messages {seen}")
            if setting.peers:
                pika.append(_pika_alone(setting, publisher))
    rows = [Row("F5", "ingest, one # stream", median(ours), UNIT, target=50e3)]
    if pika:
        rows.append(Row("F5", "… beside pika", median(ours), UNIT, "pika alone", median(pika)))
    return rows


def _warm_up(publisher: Publisher) -> None:
    publisher.pace(FLAT_OUT)
    time.sleep(WARM_S)
    publisher.pace(PAUSE)


def _gather(pid: int, publisher: Publisher) -> None:
    """Stop the process while messages gather."""
    with stopped(pid):
        publisher.pace(FLAT_OUT)
        time.sleep(GATHER_S)
        publisher.pace(PAUSE)


def _pika_alone(setting: Setting, publisher: Publisher) -> float:
    command = [sys.executable, "-m", "bench.peers.pika_consumer", setting.broker.amqp_url]
    with Child(command, cpus=SERVER_CPUS[:1]) as child:
        child.read_line()
        _warm_up(publisher)
        _gather(child.pid, publisher)
        before, before_s = _count(child), cpu_s(child.pid)
        time.sleep(DRAIN_S)
        messages, used_s = _count(child) - before, cpu_s(child.pid) - before_s
    setting.say(
        f"pika alone   {messages:,} messages "
        f"{messages / used_s / 1e3:9,.1f}k/cpu-s cpu {used_s / DRAIN_S:.2f}"
    )
    return messages / used_s


def _count(child: Child) -> int:
    child.tell("count")
    return int(child.read_line())
