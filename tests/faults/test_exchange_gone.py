"""An exchange is deleted while it is bound.  The broker tells nobody; the audit finds out."""

import time
from collections.abc import Iterator

import pytest

from pulse_events.brokers.rabbitmq.broker import RabbitMQ
from pulse_events.brokers.rabbitmq.pace import BrokerPace
from tests.faults.conftest import EXCHANGE
from tests.faults.figures import Figures, keep
from tests.faults.trial import heartbeat, stats, trial
from tests.support.amqp import Amqp
from tests.support.local_server import local_server
from tests.support.rabbit import Rabbit
from tests.support.raw_stream import RawStream, connect_target
from tests.support.waiting import wait_until

AUDIT_EVERY_S = 2.0
"""Instead of 25."""


@pytest.fixture
def doomed(node: Rabbit) -> Iterator[str]:
    with Amqp(node.amqp_url) as amqp:
        yield amqp.declare_exchange("exchange/faults/doomed")
        amqp.delete_exchange("exchange/faults/doomed")


def test_the_clients_of_a_deleted_exchange_are_told_and_no_others(
    node: Rabbit, doomed: str
) -> None:
    broker = RabbitMQ(node.amqp_url, pace=BrokerPace(audit_every_s=AUDIT_EVERY_S))
    bindings = [[(doomed, "#")], [(doomed, "a.*")], [(EXCHANGE, "never"), (doomed, "a.b")]]
    with local_server(broker=broker) as server, Amqp(node.amqp_url) as amqp:
        with trial(server.port, [node.amqp_url]) as run:
            streams = [RawStream(server.port, connect_target(*b)).ready() for b in bindings]
            before = stats(server.port)
            fault_s = time.monotonic()
            amqp.publish(doomed, "a.b", b'"last"')
            amqp.delete_exchange(doomed)
            for stream in streams:
                assert stream.event("message").json["payload"] == "last"
                text = stream.event("error").json
                assert text.startswith(f"exchange '{doomed}': it does not exist")
                assert stream.rest() == b""
                stream.close()
            told_s = time.monotonic() - fault_s
            found = run.finish("exchange deleted: the other clients", fault_s)
        assert found.lost == 0
        assert told_s < AUDIT_EVERY_S + 1
        keep(Figures("exchange deleted: its clients", remark=f"all told after {told_s:.1f} s"))
        assert stats(server.port)["bindings"] == before["bindings"] - 4
        assert heartbeat(server.port) == (200, "")


def test_an_exchange_that_is_made_again_is_bound_again_with_the_next_audit(
    node: Rabbit, doomed: str
) -> None:
    broker = RabbitMQ(node.amqp_url, pace=BrokerPace(audit_every_s=AUDIT_EVERY_S))
    with local_server(broker=broker) as server, Amqp(node.amqp_url) as amqp:
        with trial(server.port, [node.amqp_url], exchange=doomed) as run:
            amqp.delete_exchange(doomed)
            amqp.declare_exchange(doomed)
            fault_s = time.monotonic()
            last = max(run.feed.confirmed)
            wait_until(lambda: run.followers[0].got[-1].number > last, "messages come again")
            found = run.finish("exchange deleted and made again at once", fault_s, "nobody told")
        assert found.recovered_s is not None
        assert found.recovered_s < AUDIT_EVERY_S + 1
