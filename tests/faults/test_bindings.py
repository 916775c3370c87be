"""Many bindings at once, some of which the broker refuses, and one that it cannot even refuse."""

import json
import resource
import time
from contextlib import ExitStack

import pytest

from tests.faults.conftest import EXCHANGE
from tests.faults.figures import Figures, keep
from tests.faults.proxy import Proxy
from tests.faults.trial import heartbeat, stats, trial
from tests.support.amqp import Amqp
from tests.support.rabbit import Rabbit
from tests.support.raw_stream import RawStream, connect_target
from tests.support.server import Server

CLIENTS = 1000
EXCHANGES = 10
WITHIN_S = 60.0


def is_missing(client: int) -> bool:
    return client % 10 == 7


def exchange_of(client: int) -> str:
    kind = f"missing/{client}" if is_missing(client) else f"many/{client % EXCHANGES}"
    return f"exchange/faults/{kind}"


def test_of_1000_bindings_at_once_the_100_to_missing_exchanges_are_refused_by_name(
    node: Rabbit,
) -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # often 1,024, which is just too few
    served = [client for client in range(CLIENTS) if not is_missing(client)]
    with ExitStack() as opened:
        amqp = opened.enter_context(Amqp(node.amqp_url))
        for exchange in sorted({exchange_of(client) for client in served}):
            amqp.declare_exchange(exchange)
            opened.callback(amqp.delete_exchange, exchange)
        server = opened.enter_context(Server("--broker", node.amqp_url))
        start_s = time.monotonic()
        streams = [
            opened.enter_context(
                RawStream(server.port, connect_target((exchange_of(c), f"key.{c}")))
            )
            for c in range(CLIENTS)
        ]
        for client in served:
            streams[client].ready(within_s=WITHIN_S)
        ready_s = time.monotonic() - start_s
        for client in set(range(CLIENTS)).difference(served):
            assert streams[client].head().status == 200
            text = streams[client].event("error", within_s=WITHIN_S).json
            assert text.startswith(f"exchange '{exchange_of(client)}': it does not exist")
        all_s = time.monotonic() - start_s
        for client in served:
            amqp.publish(exchange_of(client), f"key.{client}", json.dumps(client).encode())
        for client in served:
            assert streams[client].event("message").json["payload"] == client
        assert stats(server.port)["bindings"] == len(served)
        assert stats(server.port)["unrouted"] == 0
        assert "no broker at" not in server.stderr
    remark = f"900 ready after {ready_s:.1f} s, 100 refused after {all_s:.1f} s"
    keep(
        Figures(
            "1,000 bindings at once, 100 to missing exchanges", len(served), 0, 0, remark=remark
        )
    )


@pytest.mark.parametrize(
    ("name", "losses"), [("exchange/faults/deadly", 1), ("ü" * 100, 0)], ids=["found", "foreseen"]
)
def test_a_binding_over_which_the_broker_ends_the_connection_does_not_end_all_that_follow(
    node: Rabbit, name: str, losses: int
) -> None:
    with Proxy(node.port, deadly=name.encode()) as proxy:
        with Server("--broker", proxy.url(node.amqp_url)) as server:
            with trial(server.port, [node.amqp_url]) as run:
                fault_s = time.monotonic()
                with RawStream(server.port, connect_target((EXCHANGE, "x"), (name, "#"))) as client:
                    assert client.head().status == 200
                    text = client.event("error", within_s=20).json
                    assert text.startswith(f"exchange '{name}': it cannot be bound")
                with RawStream(server.port, connect_target((EXCHANGE, "x"))).ready():
                    pass
                fault = f"connection ended over a binding, {losses} of all clients'"
                assert run.finish(fault, fault_s).lost == 0
            assert server.stderr.count("no broker at") == losses
            assert heartbeat(server.port) == (200, "")
