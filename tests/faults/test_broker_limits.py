"""What RabbitMQ says when it does not let us in, in words that say what to change."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest

from tests.support.rabbit import Rabbit
from tests.support.server import Server, run_cli
from tests.support.waiting import wait_until

USER, PASSWORD = "bounded", "geheim"
_DOWN = 'rabbit_vhost_sup_sup:stop_and_delete_vhost(<<"/">>).'


@pytest.fixture(scope="module", autouse=True)
def user(faulty_node: Rabbit) -> Iterator[None]:
    """Who is bounded here."""
    faulty_node.add_user(USER, PASSWORD, configure=".*", write=".*", read=".*")
    faulty_node.ctl("add_vhost", "closed")
    yield
    faulty_node.ctl("delete_vhost", "closed")
    faulty_node.ctl("delete_user", USER)


class Refusal(NamedTuple):
    """What is in the way, what is said of it, and how it is put right."""

    said: str
    cause: Callable[[Rabbit], object]
    repair: Callable[[Rabbit], object]
    vhost: str = "/"
    publishes: bool = False


def limit_user(limit: str) -> Callable[[Rabbit], object]:
    return lambda node: node.ctl("set_user_limits", USER, limit)


def limit_vhost(limit: str) -> Callable[[Rabbit], object]:
    return lambda node: node.ctl("set_vhost_limits", "-p", "/", limit)


def free_user(node: Rabbit) -> None:
    node.ctl("clear_user_limits", USER, "all")


def free_vhost(node: Rabbit) -> None:
    node.ctl("clear_vhost_limits", "-p", "/")


def nothing(_node: Rabbit) -> None:
    """Change nothing."""


REFUSALS = {
    "user's connections": Refusal(
        "the user's limit of connections is reached (NOT_ALLOWED - ",
        limit_user('{"max-connections": 0}'),
        free_user,
    ),
    "user's channels": Refusal(
        "the user's limit of channels is reached (NOT_ALLOWED - ",
        limit_user('{"max-channels": 0}'),
        free_user,
    ),
    "virtual host's connections": Refusal(
        "the virtual host's limit of connections is reached (NOT_ALLOWED - ",
        limit_vhost('{"max-connections": 0}'),
        free_vhost,
    ),
    "virtual host's queues": Refusal(
        "the virtual host's limit of queues is reached (PRECONDITION_FAILED - ",
        limit_vhost('{"max-queues": 0}'),
        free_vhost,
        publishes=True,
    ),
    "virtual host down": Refusal(
        "the virtual host is down (INTERNAL_ERROR - ",
        lambda node: node.ctl("eval", _DOWN),
        lambda node: node.ctl("restart_vhost", "-p", "/"),
    ),
    "virtual host missing": Refusal(
        "the virtual host is refused (NOT_ALLOWED - vhost none not found)",
        nothing,
        nothing,
        vhost="none",
    ),
    "virtual host refused": Refusal(
        "the virtual host is refused (NOT_ALLOWED - access to vhost 'closed' refused for user ",
        nothing,
        nothing,
        vhost="closed",
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_what_is_in_the_way_is_said_to_the_operator_and_to_who_publishes(
    node: Rabbit, name: str
) -> None:
    refusal = REFUSALS[name]
    url = node.url(USER, PASSWORD, refusal.vhost)
    refusal.cause(node)
    try:
        with Server("--broker", url) as server:
            wait_until(lambda: refusal.said in server.stderr, "the reason", within_s=15)
            assert "\\" not in server.stderr
        done = run_cli("publish", "--broker", url, "amq.topic", "k")
        if refusal.publishes:
            assert (done.returncode, done.stderr) == (0, b"")
        else:
            (line,) = done.stderr.decode().splitlines()
            assert (done.returncode, refusal.said in line) == (1, True)
            assert "geheim" not in line
    finally:
        refusal.repair(node)


def test_a_node_that_goes_into_maintenance_is_told_from_one_that_is_gone(node: Rabbit) -> None:
    with Server("--broker", node.url(USER, PASSWORD)) as server:
        wait_until(lambda: "consuming" in server.stderr, "it consumes")
        node.maintain(begin=True)
        said = "the node is in maintenance (CONNECTION_FORCED - "
        wait_until(lambda: said in server.stderr, "the reason")
        node.maintain(begin=False)
        wait_until(lambda: server.stderr.count("consuming") == 2, "it is back", within_s=20)


def test_a_virtual_host_that_goes_down_is_told(node: Rabbit) -> None:
    with Server("--broker", node.url(USER, PASSWORD)) as server:
        wait_until(lambda: "consuming" in server.stderr, "it consumes")
        node.ctl("eval", _DOWN)
        try:
            # The connection is closed for it, or lost with it, and then the next one is refused.
            said = "the virtual host is down ("
            wait_until(lambda: said in server.stderr, "the reason", within_s=30)
        finally:
            node.ctl("restart_vhost", "-p", "/")  # other tests need it
        wait_until(lambda: server.stderr.count("consuming") == 2, "it is back", within_s=20)
