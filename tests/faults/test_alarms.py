"""The broker runs short of memory or disk and blocks whoever publishes; streams go on."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import pytest

from pulse_events.brokers.rabbitmq.broker import RabbitMQ
from pulse_events.brokers.rabbitmq.pace import BrokerPace
from tests.faults.trial import TARGETS, heartbeat, stats, trial
from tests.support.local_server import local_server
from tests.support.rabbit import Rabbit
from tests.support.raw_stream import RawStream
from tests.support.waiting import wait_until


class Alarm(NamedTuple):
    """What sets an alarm off, what ends it, and what is said of it."""

    resource: str
    command: str
    too_little: str
    enough: str


ALARMS = [
    Alarm("memory", "set_vm_memory_high_watermark", "0.00001", "0.4"),
    Alarm("disk", "set_disk_free_limit", "900000GB", "50MB"),
]

ALARM_S = 6.0


@contextmanager
def raised(node: Rabbit, alarm: Alarm) -> Iterator[None]:
    """Have the alarm for the block."""
    node.ctl(alarm.command, alarm.too_little)
    try:
        yield
    finally:
        node.ctl(alarm.command, alarm.enough)


@pytest.mark.parametrize("alarm", ALARMS, ids=lambda alarm: alarm.resource)
def test_streams_go_on_during_an_alarm_and_the_heartbeat_says_so(
    node: Rabbit, alarm: Alarm
) -> None:
    broker = RabbitMQ(node.amqp_url, pace=BrokerPace(heartbeat_s=3, alarm_every_s=0.5))
    with local_server(broker=broker) as server:
        with trial(server.port, [node.amqp_url]) as run:
            with raised(node, alarm):
                warning = f"the broker blocks publishers: low on {alarm.resource}"
                wait_until(lambda: heartbeat(server.port) == (200, warning), "the warning")
                already = max(run.feed.confirmed)
                for follower in run.followers:
                    wait_until(lambda f=follower: f.got[-1].number >= already, "all that came")  # type: ignore[misc]
                with RawStream(server.port, TARGETS[0]) as another:
                    another.ready()
                time.sleep(ALARM_S)  # the fault itself, longer than a silent broker is believed
                assert not any(follower.ended for follower in run.followers)
                assert heartbeat(server.port) == (200, warning)
            fault_s = time.monotonic()
            wait_until(lambda: heartbeat(server.port) == (200, ""), "no warning")
            quiet_s = time.monotonic() - fault_s
            remark = f"warning gone after {quiet_s:.1f} s"
            found = run.finish(f"{alarm.resource} alarm of {ALARM_S:.0f} s", fault_s, remark)
        assert found.lost == 0
        assert stats(server.port)["losses"] == 0
