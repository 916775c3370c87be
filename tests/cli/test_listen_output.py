"""``listen``: which messages it prints, as what, and how many."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.forked_cli import run_forked_cli
from tests.support.local_server import LocalServer, local_server
from tests.support.scripted_server import STAY, ScriptedServer, event, gap, message, ready

BODIES = [
    b'{"status": {"state": "pending", "n": 1.50}}',
    b'{"status": {"state": "failed", "n": 2}}',
    b'"a\\nb"',
    b"\xff",
]


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    with local_server(record=("e/held=#",)) as running:
        for number, body in enumerate(BODIES):
            running.say("e/held", f"k.{number}", body, cc=("route.r",))
        yield running


def listened(server: LocalServer, *options: str, say: int | None = None) -> list[str]:
    """Return the lines that are printed of the messages that are held."""
    where = f"127.0.0.1:{server.port}"
    done = run_forked_cli("listen", "-b", "e/held=#", "--last", "9", *options, where)
    assert done.returncode == 0, done.stderr
    return done.stdout.decode().splitlines()


def test_it_ends_after_so_many_messages(server: LocalServer) -> None:
    assert [json.loads(line)["routingKey"] for line in listened(server, "-n", "3")] == [
        "k.0",
        "k.1",
        "k.2",
    ]


def test_the_payload_alone_is_printed_as_it_came(server: LocalServer) -> None:
    assert listened(server, "-n", "4", "--payload") == [
        '{"status": {"state": "pending", "n": 1.50}}',
        '{"status": {"state": "failed", "n": 2}}',
        '"a\\nb"',
        '"/w=="',
    ]


def test_a_template_is_filled_for_each_message(server: LocalServer) -> None:
    template = r"{routingKey}\t{payload.status.state} {routes.0} {payloadEncoding}"
    assert listened(server, "-n", "4", "--format", template) == [
        "k.0\tpending r ",
        "k.1\tfailed r ",
        "k.2\t r ",
        "k.3\t r base64",
    ]


WHERE = {
    "a text": (["payload.status.state=failed"], "k.1"),
    "a number": (["payload.status.n=1.5"], "k.0"),
    "the key": (["routingKey=k.2"], "k.2"),
    "an entry": (["cc=route.r", "payloadEncoding=base64"], "k.3"),
}


@pytest.mark.parametrize(("conditions", "key"), WHERE.values(), ids=WHERE)
def test_only_messages_as_wanted_are_printed_and_counted(
    server: LocalServer, conditions: list[str], key: str
) -> None:
    options = [word for each in conditions for word in ("--where", each)]
    (line,) = listened(server, "-n", "1", *options)
    assert json.loads(line)["routingKey"] == key


def said_of_fields(server: LocalServer, *options: str) -> list[str]:
    where = f"127.0.0.1:{server.port}"
    done = run_forked_cli("listen", "-b", "e/held=#", "--last", "9", *options, where)
    return [line for line in done.stderr.decode().splitlines() if "has no field" in line]


def test_a_wrong_path_is_told_once_with_the_nearest_field(server: LocalServer) -> None:
    options = ["--where", "payload.status.stat=failed", "--timeout", "3"]
    assert said_of_fields(server, *options) == [
        "the first message has no field payload.status.stat; did you mean payload.status.state?"
    ]
    assert said_of_fields(server, "-n", "2", "--format", "{status.n} {zzz}") == [
        "the first message has no field status.n; did you mean payload.status.n?",
        "the first message has no field zzz",
    ]


def test_a_path_that_only_later_messages_lack_is_not_told(server: LocalServer) -> None:
    assert not said_of_fields(server, "-n", "4", "--format", "{payload.status.state}")


def printed(server: ScriptedServer, *options: str) -> tuple[int, list[Any], list[str]]:
    """Return the exit code, and the lines of stdout, which are JSON, and of stderr."""
    done = run_forked_cli("listen", "-b", "e=#", *options, server.url)
    out, err = (text.decode().splitlines() for text in (done.stdout, done.stderr))
    return done.returncode, [json.loads(line) for line in out], err


def test_events_stand_among_the_messages_in_order() -> None:
    scripts = [
        [ready("1"), message("a", "2"), gap("some reason", "3"), event("error", "enough", "4")],
        [ready("4"), event("ping", {}, "5"), message("b", "6"), STAY],
    ]
    with ScriptedServer(*scripts) as server:
        code, lines, _ = printed(server, "--events", "-n", "2")
    assert code == 0
    error = lines.pop(3)
    assert error.pop("retryInS") > 0
    assert error == {"event": "error", "message": "enough"}
    end = "2026-11-25T10:12:31.000Z"
    assert lines == [
        {"event": "ready", "cursor": "1"},
        {"payload": "a"},
        {"event": "gap", "reason": "some reason", "from": None, "to": end, "cursor": "3"},
        {"event": "ready", "cursor": "4"},
        {"payload": "b"},
    ]


def test_the_error_that_ends_it_is_an_event_too() -> None:
    with ScriptedServer(400) as server:
        code, lines, err = printed(server, "--events")
    assert (code, lines, err) == (
        1,
        [{"event": "error", "message": "a 400"}],
        ["pulse-events: a 400"],
    )


def test_nothing_but_messages_is_printed_without_them() -> None:
    with ScriptedServer([ready("1"), gap("g", "2"), message("a", "3"), STAY]) as server:
        code, lines, err = printed(server, "-n", "1")
    assert (code, lines, len(err)) == (0, [{"payload": "a"}], 2)


def test_quiet_says_nothing_and_verbose_says_more() -> None:
    script = [ready("1"), gap("g", "2"), event("ping", {}, "3"), message("a", "4"), STAY]
    with ScriptedServer(script) as server:
        assert printed(server, "-n", "1", "-q")[2] == []
        assert "ping, at 3" in printed(server, "-n", "1", "-v")[2]
    with ScriptedServer(400) as server:
        assert printed(server, "-q")[2] == ["pulse-events: a 400"]


def test_what_a_server_says_reaches_stderr_as_one_line_without_control_characters() -> None:
    script = [ready("1"), gap("a\n\x1b[31mb\u202e", "2"), message("a", "3"), STAY]
    with ScriptedServer(script) as server:
        _, _, err = printed(server, "-n", "1")
    assert len(err) == 2
    assert err[1].isprintable()


def test_fields_of_hostile_values_stay_on_their_line() -> None:
    hostile = "x\ny\x1b]0;t\x07\x85\u2028"
    with ScriptedServer([ready("1"), message(hostile, "2"), STAY]) as server:
        done = run_forked_cli("listen", "-b", "e=#", "-n", "1", "--format", "{payload}", server.url)
    assert done.stdout == rb"x\ny\u001b]0;t\u0007\u0085\u2028" + b"\n"


WRONG = {
    "two forms": (["--payload", "--format", "x"], "--payload and --format"),
    "no template": (["--format", "{"], "--format"),
    "no condition": (["--where", "x"], "FIELD=VALUE"),
    "no count": (["-n", "0"], "--count"),
    "no time": (["--timeout", "0"], "--timeout"),
    "no number": (["--timeout", "nan"], "--timeout"),
    "no end": (["--timeout", "inf"], "--timeout"),
    "loud and quiet": (["-q", "-v"], "--quiet and --verbose"),
    "with and without": (["--wait", "--no-retry"], "--wait and --no-retry"),
    "no header": (["-H", "secret"], "-H"),
    "no task": (["--task", "a.b"], "--task"),
    "no group": (["--group", "#"], "--group"),
    "no file": (["--token-file", "nowhere"], "nowhere"),
}


@pytest.mark.parametrize(("options", "part"), WRONG.values(), ids=WRONG)
def test_wrong_use_is_one_line_and_code_2(options: list[str], part: str) -> None:
    done = run_forked_cli("listen", "-b", "e=#", *options, "127.0.0.1:1")
    assert (done.returncode, done.stdout) == (2, b"")
    (line,) = done.stderr.decode().splitlines()
    assert part in line
    assert "secret" not in line


def test_without_anything_to_listen_to_it_says_what_there_is() -> None:
    done = run_forked_cli("listen", "127.0.0.1:1")
    assert (done.returncode, done.stdout) == (2, b"")
    for option in (b"-b", b"--task", b"--group"):
        assert option in done.stderr
