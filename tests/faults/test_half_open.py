"""Clients whose packets vanish: nothing says that they are gone, so their silence must."""

import time

from pulse_events.brokers.rabbitmq.broker import RabbitMQ
from tests.faults.conftest import EXCHANGE
from tests.faults.figures import Figures, keep
from tests.faults.proxy import deafen
from tests.faults.trial import stats, trial
from tests.support.local_server import local_server
from tests.support.rabbit import Rabbit
from tests.support.raw_stream import connect_target, ready_streams
from tests.support.waiting import wait_until

PING_INTERVAL_S = 1.0
FREED_WITHIN_S = 15
"""Ten seconds in which nothing is acknowledged, from the first ping that is not; and some grace."""
IDLE, BUSY = connect_target((EXCHANGE, "never")), connect_target((EXCHANGE, "n.#"))


def test_clients_that_vanish_are_freed_though_little_or_much_is_sent_to_them(
    node: Rabbit,
) -> None:
    with local_server(broker=RabbitMQ(node.amqp_url), ping_interval=PING_INTERVAL_S) as server:
        with trial(server.port, [node.amqp_url]) as run:
            staying = stats(server.port)["clients"]
            with (
                ready_streams(server.port, IDLE, 10) as idle,
                ready_streams(server.port, BUSY, 10) as busy,
            ):
                for stream in (*idle, *busy):
                    deafen(stream.socket)
                fault_s = time.monotonic()
                wait_until(
                    lambda: stats(server.port)["clients"] == staying,
                    "the streams are freed",
                    within_s=FREED_WITHIN_S + 10,
                )
                freed_s = time.monotonic() - fault_s
            found = run.finish("20 clients vanish: the others", fault_s)
        assert found.lost == 0
        assert freed_s < FREED_WITHIN_S
        keep(Figures("20 clients vanish", remark=f"freed after {freed_s:.1f} s"))
