"""``pulse-events publish``, against RabbitMQ."""

import subprocess
from pathlib import Path

import pytest

from tests.support.amqp import Amqp
from tests.support.bare import run_bare
from tests.support.forked_cli import run_forked_cli
from tests.support.rabbit import Rabbit, free_port
from tests.support.server import CONSOLE_SCRIPT
from tests.support.waiting import wait_until


@pytest.fixture
def queue(amqp: Amqp, exchange: str) -> str:
    name = amqp.declare_queue()
    amqp.bind_queue(name, exchange, "#")
    return name


def test_one_message_is_published_with_its_keys(
    rabbit: Rabbit, amqp: Amqp, exchange: str, queue: str
) -> None:
    done = run_forked_cli(
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
    assert run_forked_cli("publish", exchange, "k", environment=environment).returncode == 0
    assert amqp.take(queue, 1)[0].body == b"{}"


def test_each_line_of_stdin_is_one_message(
    rabbit: Rabbit, amqp: Amqp, exchange: str, queue: str
) -> None:
    lines = b'{"n": 1}\r\n\n  \n{"n": "\xc3\xa9"}\n3'
    done = run_forked_cli("publish", "--broker", rabbit.amqp_url, exchange, "k", "-", stdin=lines)
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
    done = run_forked_cli("publish", "--broker", url, exchange, "k")
    assert done.returncode == 1
    assert b"certificate verify failed" in done.stderr
    trusted = ("--broker-ca-file", str(rabbit.ca_file))
    done = run_forked_cli("publish", "--broker", url, *trusted, exchange, "k")
    assert (done.returncode, done.stderr) == (0, b"")
    amqp.take(queue, 1)


def complaint(code: int, *arguments: str | bytes, stdin: bytes = b"") -> str:
    """Return the one line of a ``publish`` that failed."""
    done = run_forked_cli("publish", *arguments, stdin=stdin)
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


# JSON that the server passes on

PASSED_ON = ['"\\ud800"', "1e400", "-5", "-0.5e-3", "[-5]", "null", '"é"', "[" * 500 + "]" * 500]


@pytest.mark.parametrize("payload", PASSED_ON, ids=lambda payload: payload[:10])
def test_what_the_server_passes_on_as_json_is_published_as_it_is(
    rabbit: Rabbit, amqp: Amqp, exchange: str, queue: str, payload: str
) -> None:
    arguments = ("publish", "--broker", rabbit.amqp_url, exchange, "k")
    done = run_forked_cli(*arguments, payload)
    assert (done.returncode, done.stderr) == (0, b"")
    done = run_forked_cli(*arguments, "-", stdin=payload.encode())
    assert (done.returncode, done.stderr) == (0, b"")
    assert [message.body for message in amqp.take(queue, 2)] == [payload.encode()] * 2


WHERE = {
    "last": ("{exchange}", "k", "-5"),
    "before an option": ("{exchange}", "k", "-5", "--cc", "-6"),
    "first of all": ("{exchange}", "-7", "-5", "--cc", "-6"),
    "behind --": ("--cc", "-6", "--", "{exchange}", "k", "-5"),
}


@pytest.mark.parametrize("where", WHERE)
def test_a_negative_number_is_a_payload_or_a_key_but_no_option(
    rabbit: Rabbit, amqp: Amqp, exchange: str, queue: str, where: str
) -> None:
    arguments = [text.format(exchange=exchange) for text in WHERE[where]]
    done = run_forked_cli("publish", "--broker", rabbit.amqp_url, *arguments)
    assert (done.returncode, done.stderr) == (0, b"")
    (message,) = amqp.take(queue, 1)
    assert message.body == b"-5"
    assert message.routing_key == ("-7" if "-7" in arguments else "k")
    assert message.headers == ({"CC": ["-6"]} if "-6" in arguments else {})


def test_what_begins_with_a_dash_may_stand_behind_two(
    rabbit: Rabbit, amqp: Amqp, exchange: str, queue: str
) -> None:
    done = run_forked_cli("publish", "--broker", rabbit.amqp_url, "--", exchange, "--key", "1")
    assert (done.returncode, done.stderr) == (0, b"")
    assert amqp.take(queue, 1)[0].routing_key == "--key"


NO_OPTIONS = {
    "--brokr; did you mean --broker": ["--brokr", "amqp://h", "e", "k"],
    "--kc": ["e", "k", "--kc", "x"],
    "-x": ["-x", "e", "k"],
    "too many arguments: 1": ["e", "k", "1", "-5"],
}


@pytest.mark.parametrize("said", NO_OPTIONS)
def test_an_option_that_does_not_exist_is_still_one(said: str) -> None:
    assert said in complaint(2, "--broker", "amqp://127.0.0.1:1/", *NO_OPTIONS[said])


NO_JSON = ["{", "NaN", "Infinity", "'x'", "", b'"\xff"', b'"\xed\xa0\x80"', "1 2", "-5x"]


@pytest.mark.parametrize("payload", NO_JSON, ids=repr)
def test_what_is_not_json_is_refused_before_a_broker_is_asked(payload: str | bytes) -> None:
    arguments = ("--broker", "amqp://u:geheim@127.0.0.1:1/", "e", "k")
    assert "the payload is not JSON in UTF-8" in complaint(2, *arguments, payload)


NAMES: dict[str, list[str | bytes]] = {
    "exchange": [b"\xff", "k"],
    "the routing key": ["e", b"\xff"],
    "the routing key holds": ["e", "k", "--cc", b"\xff"],
    "the routing key 'a": ["e", "a\nb"],
    "the routing key is 256 bytes": ["e", "k" * 256],
}


@pytest.mark.parametrize("said", NAMES)
def test_a_name_that_amqp_cannot_carry_is_refused(said: str) -> None:
    assert said in complaint(1, "--broker", "amqp://127.0.0.1:1/", *NAMES[said])


def test_a_stdin_that_cannot_be_read_is_said(rabbit: Rabbit, exchange: str) -> None:
    done = run_bare("0>/dev/null", "publish", "--broker", rabbit.amqp_url, exchange, "k", "-")
    line = b"pulse-events: cannot read stdin: Bad file descriptor\n"
    assert (done.returncode, done.stderr) == (1, line)


# What the broker refuses


@pytest.fixture
def full_queue(amqp: Amqp, exchange: str) -> None:
    arguments = {"x-max-length": 0, "x-overflow": "reject-publish"}
    amqp.bind_queue(amqp.declare_queue(arguments=arguments), exchange, "#")


@pytest.mark.usefixtures("full_queue")
def test_a_message_that_a_queue_rejects_is_said(rabbit: Rabbit, exchange: str) -> None:
    assert "a queue is full" in complaint(1, "--broker", rabbit.amqp_url, exchange, "k")


def test_an_exchange_that_may_not_be_written_to_is_said(rabbit: Rabbit, exchange: str) -> None:
    rabbit.add_user("reader", "geheim", read=".*")
    url = rabbit.url("reader", "geheim")
    assert "ACCESS_REFUSED" in complaint(1, "--broker", url, exchange, "k")


def test_a_message_that_is_too_long_for_the_broker_is_said(rabbit: Rabbit, exchange: str) -> None:
    limit = (  # where RabbitMQ 3 looks, and where 4 does
        "application:set_env(rabbit, max_message_size, {0}),"
        "persistent_term:put(max_message_size, {0})."
    )
    rabbit.ctl("eval", limit.format(1000))
    try:
        line = complaint(1, "--broker", rabbit.amqp_url, exchange, "k", f'"{"x" * 2000}"')
        assert "message size 2002 is larger" in line
    finally:
        rabbit.ctl("eval", limit.format(128 << 20))


# The broker's file


def test_the_broker_s_url_may_be_in_a_file_and_nothing_shows_it(
    rabbit: Rabbit, amqp: Amqp, exchange: str, queue: str, tmp_path: Path
) -> None:
    file = tmp_path / "url"
    file.write_text(f"{rabbit.amqp_url}\n")
    done = run_forked_cli("publish", "--broker-file", str(file), exchange, "k", "1")
    assert (done.returncode, done.stderr) == (0, b"")
    environment = {"PULSE_EVENTS_BROKER_FILE": str(file)}
    assert run_forked_cli("publish", exchange, "k", "2", environment=environment).returncode == 0
    assert [message.body for message in amqp.take(queue, 2)] == [b"1", b"2"]


def test_a_broker_s_file_that_holds_no_url_is_named(tmp_path: Path) -> None:
    file = tmp_path / "url"
    file.write_text("u:geheim@h\n")
    line = complaint(2, "--broker-file", str(file), "e", "k")
    assert f"the broker file {file}: the broker URL must look like" in line
    assert "only one" in complaint(2, "--broker-file", "x", "--broker", "amqp://h", "e", "k")
