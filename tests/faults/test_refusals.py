"""The broker is there and does not let us in, or not everywhere: in words, and with patience."""

import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest

from tests.faults import figures
from tests.faults.conftest import EXCHANGE
from tests.faults.trial import TARGETS, heartbeat, most_tries, stats, trial
from tests.support.amqp import Amqp
from tests.support.rabbit import Rabbit
from tests.support.raw_stream import RawStream, connect_target
from tests.support.server import Server
from tests.support.waiting import wait_until

PASSWORD = "geheim"
OWN = "^(queue|exchange)/{user}/.*"


class Refusal(NamedTuple):
    """What an operator may have got wrong, what the log says of it, and how it is put right.

    What the log says begins with what everybody is told.
    """

    fault: str
    user: str
    said: str
    permissions: dict[str, str]
    repair: Callable[[Rabbit], object]
    password: str = PASSWORD
    vhost: str = "/"


def allow_all(user: str, vhost: str = "/") -> Callable[[Rabbit], object]:
    return lambda node: node.ctl("set_permissions", "-p", vhost, user, ".*", ".*", ".*")


def _add_vhost(node: Rabbit) -> None:
    node.ctl("add_vhost", "nowhere")
    allow_all("guest", "nowhere")(node)
    with Amqp(node.url("guest", "guest", "nowhere")) as amqp:
        amqp.declare_exchange(EXCHANGE)  # before the server can come, at any moment
    allow_all("homeless", "nowhere")(node)


REFUSALS = [
    Refusal(
        "wrong password",
        "forgetful",
        "the login is refused",
        {"configure": ".*", "write": ".*", "read": ".*"},
        lambda node: node.ctl("change_password", "forgetful", "other-geheim"),
        password="other-geheim",
    ),
    Refusal(
        "virtual host missing",
        "homeless",
        "the virtual host is refused (NOT_ALLOWED - vhost nowhere not found)",
        {},
        _add_vhost,
        vhost="nowhere",
    ),
    Refusal(
        "declaring the queue refused",
        "barren",
        "no configure permission for the queue: access is refused",
        {"write": ".*", "read": ".*"},
        allow_all("barren"),
    ),
    Refusal(
        "reading the queue refused",
        "illiterate",
        "no read permission for the queue: access is refused",
        {"configure": ".*", "write": ".*"},
        allow_all("illiterate"),
    ),
]


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.user)
def test_what_an_operator_got_wrong_is_said_in_words_and_can_be_put_right(
    node: Rabbit, refusal: Refusal
) -> None:
    node.add_user(refusal.user, PASSWORD, **refusal.permissions)
    url = node.url(refusal.user, refusal.password, refusal.vhost)
    start_s = time.monotonic()
    with Server("--broker", url) as server, RawStream(server.port, TARGETS[0]) as waiting:
        wait_until(lambda: server.stderr.count(refusal.said) >= 3, "three tries")
        status, reason = heartbeat(server.port)
        assert (status, reason) == (503, refusal.said.partition(" (")[0].partition(":")[0])
        with RawStream(server.port, "/metrics") as metrics:
            told = reason + metrics.body().decode() + str(stats(server.port))
        assert not [name for name in (refusal.user, "nowhere", "RabbitMQ") if name in told]
        refusal.repair(node)
        fault_s = time.monotonic()
        assert waiting.head().status == 200
        waiting.event("ready", within_s=20)
        ready_s = time.monotonic()
        with Amqp(url) as amqp:
            amqp.publish(EXCHANGE, "k", b'"here"')
        assert waiting.event("message").json["payload"] == "here"
        tries = server.stderr.count("no broker at")
        assert tries <= most_tries(ready_s - start_s)
        assert PASSWORD not in server.stderr + reason
        assert "Traceback" not in server.stderr
        remark = f"{tries} tries in {ready_s - start_s:.0f} s"
        figures.keep(figures.Figures(refusal.fault, recovered_s=ready_s - fault_s, remark=remark))


@pytest.fixture
def secret(node: Rabbit) -> Iterator[str]:
    with Amqp(node.amqp_url) as amqp:
        yield amqp.declare_exchange("exchange/secret/numbers")
        amqp.delete_exchange("exchange/secret/numbers")


def test_a_refused_bind_reaches_only_its_client(node: Rabbit, secret: str) -> None:
    own = OWN.format(user="guarded")
    node.add_user("guarded", PASSWORD, configure=own, write=own, read=f"{own}|^exchange/faults/.*")
    targets = [connect_target((EXCHANGE, "#"), (secret, f"k.{n}")) for n in range(6)]
    with Server("--broker", node.url("guarded", PASSWORD)) as server:
        with trial(server.port, [node.amqp_url]) as run:
            fault_s = time.monotonic()
            for target in targets[:5]:
                with RawStream(server.port, target) as refused:
                    assert refused.head().status == 200
                    text = refused.event("error").json
                    access = "access" if node.major < 4 else "read access"
                    words = f"access is refused (ACCESS_REFUSED - {access} to exchange '{secret}'"
                    assert text == f"exchange '{secret}': {words})"
            found = run.finish("binding refused", fault_s, "5 refused, the others go on")
        assert found.lost == 0
        assert server.stderr.count(f"not bound: exchange '{secret}': {words}") == 5
        assert "in vhost '/' refused for user 'guarded')" in server.stderr
        assert heartbeat(server.port)[0] == 200
        allow_all("guarded")(node)
        with RawStream(server.port, targets[5]) as allowed:  # one whose refusal is not remembered
            allowed.ready()


def test_a_binding_that_the_exchange_finds_invalid_reaches_only_its_client(node: Rabbit) -> None:
    node.enable("rabbitmq_consistent_hash_exchange")
    with Amqp(node.amqp_url) as amqp:
        picky = amqp.declare_exchange("exchange/faults/hashing", "x-consistent-hash")
    with Server("--broker", node.amqp_url) as server:
        with trial(server.port, [node.amqp_url]) as run:
            fault_s = time.monotonic()
            with RawStream(server.port, connect_target((picky, "no-number"))) as refused:
                assert refused.head().status == 200
                text = refused.event("error").json
                assert text.startswith(f"exchange '{picky}': it is refused (PRECONDITION_FAILED")
            found = run.finish("binding invalid for its exchange", fault_s)
        assert found.lost == 0
        assert "no broker at" not in server.stderr
