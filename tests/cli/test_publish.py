"""``pulse-events publish``, against RabbitMQ."""

import subprocess
from pathlib import Path

import pytest

from tests.support.amqp import Amqp
from tests.support.rabbit import Rabbit, free_port
from tests.support.server import CONSOLE_SCRIPT, run_cli
from tests.support.waiting import wait_until


@pytest.fixture
def queue(amqp: Amqp, exchange: str) -> str:
    name = amqp.declare_queue()
    amqp.bind_queue(name, exchange, "#")
    return name


def test_one_message_is_published_with_its_keys(
    rabbit: Rabbit, amqp: Amqp, exchange: str, queue: str
) -> None:
    done = run_cli(
        *("publish", "--broker", rabbit.amqp_url, "--cc", "route.a", "--cc", "b"),
        *(exchange, "k.é", '{"n": 1.50}'),
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    (message,) = amqp.take(queue, 1)
    assert (message.routing_key, message.body) == ("k.é", b'{"n": 1.50}')
    assert message.headers == {"CC": ["route.a", "b"]}


def test_without_json_the_message_is_an_empty_object(
    rabbit: Rabbit, amqp: Amqp, exchange: str, queue: str
) -> None:
    environment = {"PULSE_CONNECTION_STRING": rabbit.amqp_url}
    assert run_cli("publish", exchange, "k", environment=environment).returncode == 0
    assert amqp.take(queue, 1)[0].body == b"{}"


def test_each_line_of_stdin_is_one_message(
    rabbit: Rabbit, amqp: Amqp, exchange: str, queue: str
) -> None:
    lines = b'{"n": 1}\r\n\n  \n{"n": "\xc3\xa9"}\n3'
    done = run_cli("publish", "--broker", rabbit.amqp_url, exchange, "k", "-", stdin=lines)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    bodies = [message.body for message in amqp.take(queue, 3)]
    assert bodies == [b'{"n": 1}', b'{"n": "\xc3\xa9"}', b"3"]


def test_its_password_cannot_be_seen_from_outside() -> None:
    url = "amqp://user:geh@heim@127.0.0.1:1/"
    command = [CONSOLE_SCRIPT, "publish", "--broker", url, "e", "k", "-"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        title = Path(f"/proc/{process.pid}/cmdline")
        wait_until(lambda: b"user:***@127.0.0.1" in title.read_bytes(), "the password is hidden")
        assert b"geh" not in title.read_bytes()
        process.kill()


def test_tls_needs_the_right_authority(
    rabbit: Rabbit, amqp: Amqp, exchange: str, queue: str
) -> None:
    url = rabbit.amqps_url
    done = run_cli("publish", "--broker", url, exchange, "k")
    assert done.returncode == 1
    assert b"certificate verify failed" in done.stderr
    trusted = ("--broker-ca-file", str(rabbit.ca_file))
    done = run_cli("publish", "--broker", url, *trusted, exchange, "k")
    assert (done.returncode, done.stderr) == (0, b"")
    amqp.take(queue, 1)


def complaint(code: int, *arguments: str, stdin: bytes = b"") -> str:
    """Return the one line of a ``publish`` that failed."""
    done = run_cli("publish", *arguments, stdin=stdin)
    assert (done.returncode, done.stdout) == (code, b"")
    (line,) = done.stderr.decode().splitlines()
    assert "geheim" not in line
    return line


def test_what_is_not_json_is_refused_with_its_line(
    rabbit: Rabbit, amqp: Amqp, exchange: str, queue: str
) -> None:
    arguments = ("--broker", rabbit.amqp_url, exchange, "k")
    assert "payload is not JSON" in complaint(2, *arguments, "{")
    assert amqp.depth(queue) == 0
    assert "line 3 is not JSON" in complaint(2, *arguments, "-", stdin=b"1\n\nx\n4\n")
    assert [message.body for message in amqp.take(queue, 1)] == [b"1"]


def test_an_exchange_that_does_not_exist_is_named(rabbit: Rabbit) -> None:
    line = complaint(1, "--broker", rabbit.amqp_url, "exchange/of/nobody", "k")
    assert "exchange/of/nobody" in line


def test_a_routing_key_that_is_too_long_is_refused(rabbit: Rabbit, exchange: str) -> None:
    assert "255" in complaint(1, "--broker", rabbit.amqp_url, exchange, "k" * 256)


def test_wrong_credentials_are_refused_in_words(rabbit: Rabbit, exchange: str) -> None:
    url = f"amqp://nobody:geheim@127.0.0.1:{rabbit.port}/"
    assert "refused" in complaint(1, "--broker", url, exchange, "k").lower()


def test_a_broker_that_is_not_there_is_named() -> None:
    port = free_port()
    assert str(port) in complaint(1, "--broker", f"amqp://u:geheim@127.0.0.1:{port}/", "e", "k")


def test_the_embedded_broker_is_not_published_to() -> None:
    assert "--broker" in complaint(2, "e", "k")
    assert "--broker: " in complaint(2, "--broker", "http://u:geheim@h", "e", "k")
