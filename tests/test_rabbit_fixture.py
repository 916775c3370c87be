"""The private broker does what the other tests rely on."""

import contextlib
import os
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pika.exceptions
import pytest

from tests.support.amqp import Amqp
from tests.support.rabbit import Rabbit, RabbitError
from tests.support.waiting import wait_until


@pytest.fixture
def own_rabbit() -> Iterator[Rabbit]:
    with Rabbit() as node:
        yield node


def test_a_published_message_arrives_with_its_cc_keys_and_without_its_bcc_keys(
    amqp: Amqp, exchange: str
) -> None:
    queue = amqp.declare_queue()
    amqp.bind_queue(queue, exchange, "route.#")
    amqp.publish(exchange, "a.b", b'{"n": 1}', cc=["route.x"], bcc=["hidden"])
    (message,) = amqp.take(queue, 1)
    assert (message.exchange, message.routing_key, message.body) == (exchange, "a.b", b'{"n": 1}')
    assert message.headers == {"CC": ["route.x"]}


def test_many_messages_are_all_in_the_queue_when_publishing_returns(
    amqp: Amqp, exchange: str
) -> None:
    queue = amqp.declare_queue()
    amqp.bind_queue(queue, exchange, "#")
    assert amqp.publish_many(exchange, ((f"k.{n}", b"x" * 100) for n in range(3000))) == 3000
    assert amqp.depth(queue) == 3000


def test_bindings_are_counted_through_rabbitmqctl(
    rabbit: Rabbit, amqp: Amqp, exchange: str
) -> None:
    queue = amqp.declare_queue()
    amqp.bind_queue(queue, exchange, "a.*")
    amqp.bind_queue(queue, exchange, "#")
    assert rabbit.bindings(exchange) == {(queue, "a.*"), (queue, "#")}


def test_tls_works_with_the_fixtures_authority_and_with_no_other(rabbit: Rabbit) -> None:
    with Amqp(rabbit.amqps_url, ca_file=rabbit.ca_file) as amqp:
        queue = amqp.declare_queue()
        amqp.publish("", queue, b"over tls")
        assert amqp.take(queue, 1)[0].body == b"over tls"
    with pytest.raises(ssl.SSLCertVerificationError):
        Amqp(rabbit.amqps_url)


def test_a_restricted_user_is_refused_what_was_not_granted(rabbit: Rabbit, exchange: str) -> None:
    rabbit.add_user("limited", "secret", configure="^queue/limited/", read="^queue/limited/")
    with Amqp(rabbit.url("limited", "secret")) as amqp:
        amqp.declare_queue("queue/limited/mine")
        amqp.delete_queue("queue/limited/mine")
        with pytest.raises(pika.exceptions.ChannelClosedByBroker) as refused:
            amqp.publish(exchange, "k")
        assert refused.value.reply_code == 403


def test_a_failed_rabbitmqctl_says_why(rabbit: Rabbit) -> None:
    with pytest.raises(RabbitError, match="nobody does not exist"):
        rabbit.ctl("set_permissions", "nobody", ".*", ".*", ".*")


@pytest.mark.timeout(120)
def test_a_durable_queue_and_its_messages_outlive_a_stop_and_a_kill(own_rabbit: Rabbit) -> None:
    for end in (own_rabbit.stop, own_rabbit.kill):
        with Amqp(own_rabbit.amqp_url) as amqp:
            amqp.declare_queue("kept", durable=True)
            amqp.publish("", "kept", b"kept")
            pid = own_rabbit.pid
            end()
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
        own_rabbit.start()
        with Amqp(own_rabbit.amqp_url) as amqp:
            assert amqp.take("kept", 1)[0].body == b"kept"


@pytest.mark.timeout(120)
def test_two_nodes_form_a_cluster(own_rabbit: Rabbit) -> None:
    with Rabbit(peer=own_rabbit) as second:
        second.join(own_rabbit)
        with Amqp(own_rabbit.amqp_url) as amqp, Amqp(second.amqp_url) as other:
            queue = amqp.declare_queue("shared", durable=True)
            other.publish("", queue, b"through the other node")
            assert amqp.take(queue, 1)[0].body == b"through the other node"


def _command_line(pid: int) -> bytes:
    """Return nothing for a process that is gone, or that its new parent has yet to collect."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


_STARTER = """
import sys, time
from {} import Rabbit
rabbit = Rabbit()
rabbit.start()
print(rabbit.pid, rabbit.folder.parent, flush=True)
sys.stdin.read()
"""


@pytest.mark.timeout(120)
def test_nothing_is_left_when_the_test_run_is_killed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _STARTER.format(Rabbit.__module__)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parent.parent,
    ) as starter:
        assert starter.stdout is not None
        pid, folder = starter.stdout.readline().split()
        starter.send_signal(signal.SIGKILL)
    wait_until(lambda: not _command_line(int(pid)), "the broker is gone")
    wait_until(lambda: not Path(folder.decode()).exists(), "its folder is gone")
