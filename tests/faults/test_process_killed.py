"""Our own process is killed: the broker cleans up behind it, and a worker is replaced."""

import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from tests.faults.conftest import EXCHANGE
from tests.faults.feed import Feed
from tests.faults.figures import Figures, judge, keep
from tests.faults.follower import Follower
from tests.faults.trial import TARGETS, queues_of
from tests.support import reaper
from tests.support.rabbit import Rabbit
from tests.support.server import Server
from tests.support.waiting import wait_until

EXPIRES_S = 1.5
CONSUMER = f"""
import asyncio, sys
from pulse_events.brokers.rabbitmq.pace import BrokerPace
from pulse_events.brokers.rabbitmq.broker import RabbitMQ
from pulse_events.hub.hub import Hub

broker = RabbitMQ(sys.argv[1], namespace="killed", pace=BrokerPace(queue_expires_s={EXPIRES_S}))
asyncio.run(broker.run(Hub(broker, lambda flush: flush())))
"""
"""The server's side of the broker, with a queue that expires soon."""


def exchanges_of(node: Rabbit, namespace: str) -> set[str]:
    names = {row["name"] for row in node.rows("list_exchanges", "name")}
    return {name for name in names if name.startswith(f"exchange/{namespace}/")}


def test_a_killed_server_leaves_a_queue_that_expires_after_a_minute(node: Rabbit) -> None:
    with Server("--broker", node.amqp_url, "--namespace", "minute") as server:
        wait_until(lambda: queues_of(node, "minute"), "the queue is declared")
        server.kill()
        (queue,) = queues_of(node, "minute")
        rows = node.rows("list_queues", "name", "arguments", "durable", "exclusive")
        (row,) = (row for row in rows if row["name"] == queue)
    arguments = {name: value for name, _, value in row["arguments"]}
    assert arguments["x-expires"] == 60_000
    assert (row["durable"], row["exclusive"]) == (True, False)


def test_what_a_killed_server_has_at_the_broker_goes_by_itself(node: Rabbit) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", CONSUMER, node.amqp_url], start_new_session=True
    )
    reaper.watch(process.pid)
    try:
        wait_until(lambda: queues_of(node, "killed"), "the queue is declared")
        wait_until(lambda: exchanges_of(node, "killed"), "the exchange for alarms is declared")
    finally:
        process.kill()
        process.wait(10)
        reaper.forget(process.pid)
    fault_s = time.monotonic()
    wait_until(lambda: not queues_of(node, "killed"), "the queue expires")
    gone_s = time.monotonic() - fault_s
    wait_until(lambda: not exchanges_of(node, "killed"), "the exchange goes with it")
    remark = f"queue gone after {gone_s:.1f} s, its expiry is {EXPIRES_S} s here"
    keep(Figures("process killed (SIGKILL)", remark=remark))


def workers(server: Server) -> list[int]:
    """Return the ids of the processes that the supervisor has started."""
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text()
    return [int(word) for word in children.split()]


def test_clients_of_a_killed_worker_can_come_back_and_the_others_go_on(node: Rabbit) -> None:
    with ExitStack() as opened:
        server = opened.enter_context(Server("--broker", node.amqp_url, "--workers", "2"))
        feed = opened.enter_context(Feed([node.amqp_url], EXCHANGE, rate=200))

        def follow() -> Follower:
            return opened.enter_context(Follower(server.port, TARGETS[0]))

        followers = [follow() for _ in range(20)]
        since = feed.published
        feed.goes_on(100)
        fault_s = time.monotonic()
        victim = workers(server)[0]
        os.kill(victim, signal.SIGKILL)
        wait_until(lambda: victim not in workers(server), "the victim is gone")
        wait_until(lambda: len(workers(server)) == 2, "there are two again")
        feed.goes_on(100)
        staying = [follower for follower in followers if not follower.ended]
        renewed = [follow() for _ in range(20 - len(staying))]
        ready_s = time.monotonic() - fault_s
        since_anew = feed.published
        feed.goes_on(100)
        feed.stop()
        last = max(feed.confirmed)
        for follower in (*staying, *renewed):
            wait_until(lambda f=follower: f.got[-1].number >= last, "the last message comes")  # type: ignore[misc]
        remark = f"{len(staying)} of 20 clients"
        found = judge(
            "a worker killed: the other's", feed, staying, fault_s, since=since, remark=remark
        )
        assert found.lost == 0
        remark = f"{len(renewed)} clients, ready again after {ready_s:.1f} s"
        found = judge(
            "a worker killed: its own", feed, renewed, fault_s, since=since_anew, remark=remark
        )
        assert found.lost == 0
