"""``listen --exec``: a command for each message, one at a time, and what ends it."""

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pulse_events.cli.execution import key_fields
from tests.support.forked_cli import run_forked_cli
from tests.support.listening import listening
from tests.support.scripted_server import STAY, ScriptedServer, event, message, ready
from tests.support.waiting import wait_until

QUEUE = "exchange/taskcluster-queue/v1"


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    """Three messages, ``a``, ``b`` and ``c``."""
    messages = [message(name, str(n)) for n, name in enumerate("abc", 2)]
    with ScriptedServer([ready("1"), *messages, STAY]) as running:
        yield running


def test_each_message_is_on_the_stdin_of_a_command_which_prints(server: ScriptedServer) -> None:
    done = run_forked_cli("listen", "-b", "e=#", "-n", "2", "--exec", "tr a-z A-Z", server.url)
    assert (done.returncode, done.stderr) == (0, b"ready\n")
    assert done.stdout == b'{"PAYLOAD": "A"}\n{"PAYLOAD": "B"}\n'


def test_what_would_be_printed_is_on_its_stdin(server: ScriptedServer) -> None:
    options = ["-n", "1", "--exec", "cat", "--format", "<{payload}>", "--where", "payload=b"]
    assert run_forked_cli("listen", "-b", "e=#", *options, server.url).stdout == b"<b>\n"


def test_commands_run_one_after_the_other(server: ScriptedServer) -> None:
    command = "echo begin; sleep 0.2; cat >/dev/null; echo end"
    done = run_forked_cli("listen", "-b", "e=#", "-n", "3", "--exec", command, server.url)
    assert done.stdout == b"begin\nend\n" * 3


def held_by_sockets() -> int:
    """Return how many bytes of one connection the system holds at most, at both ends."""
    files = [Path(f"/proc/sys/net/ipv4/tcp_{name}") for name in ("rmem", "wmem")]
    return sum(int(file.read_text().split()[2]) for file in files)


def test_nothing_is_read_while_a_command_runs(tmp_path: Path) -> None:
    began, go = tmp_path / "began", tmp_path / "go"
    large = message("x" * (held_by_sockets() // 16), "2")
    pieces = [ready("1"), *[large] * 32]  # twice as much
    command = f"touch {began}; until [ -e {go} ]; do sleep 0.05; done"
    with ScriptedServer([*pieces, STAY]) as server:
        with listening("-b", "e=#", "--exec", command, server.url):
            wait_until(began.exists, "the first command runs")
            # Who reads ahead takes all of it, and then it rests as well.
            wait_until(lambda: time.monotonic() - server.written_s > 2, "the server rests")
            assert server.written < len(pieces)
            go.touch()
            wait_until(lambda: server.written == len(pieces), "the others are read", within_s=30)


def test_a_code_that_is_not_0_is_told_and_it_goes_on(server: ScriptedServer) -> None:
    command = "grep -q b || exit 7"
    done = run_forked_cli("listen", "-b", "e=#", "-n", "3", "--exec", command, server.url)
    assert done.returncode == 0
    told = f"--exec: ended with code 7: {command}"
    assert done.stderr.decode().splitlines() == ["ready", told, told]


def test_a_signal_that_ended_it_is_told_by_its_name(server: ScriptedServer) -> None:
    options = ["-n", "1", "--exec", "kill -9 $$"]
    done = run_forked_cli("listen", "-b", "e=#", *options, server.url)
    assert b"--exec: ended by SIGKILL: kill -9" in done.stderr


def test_the_fields_are_in_its_environment() -> None:
    key = "primary.T.0.wg.w.prov.type.sched.G._"
    said: dict[str, object] = {
        "payload": "$(x)",
        "exchange": f"{QUEUE}/task-failed",
        "routingKey": key,
    }
    said |= {"redelivered": True, "routes": [], "cc": []}
    with ScriptedServer([ready("1"), event("message", said, "2"), STAY]) as server:
        options = ["-n", "1", "--exec", "env | grep ^MESSAGE_ | sort"]
        done = run_forked_cli("listen", "-b", "e=#", *options, server.url)
    assert done.stdout.decode().splitlines() == [
        "MESSAGE_CURSOR=2",
        f"MESSAGE_EXCHANGE={QUEUE}/task-failed",
        "MESSAGE_PROVISIONER_ID=prov",
        "MESSAGE_REDELIVERED=true",
        f"MESSAGE_ROUTING_KEY={key}",
        "MESSAGE_ROUTING_KEY_KIND=primary",
        "MESSAGE_RUN_ID=0",
        "MESSAGE_SCHEDULER_ID=sched",
        "MESSAGE_TASK_GROUP_ID=G",
        "MESSAGE_TASK_ID=T",
        "MESSAGE_WORKER_GROUP=wg",
        "MESSAGE_WORKER_ID=w",
        "MESSAGE_WORKER_TYPE=type",
    ]


def test_hostile_fields_end_nothing() -> None:
    said = {"payload": "\ud800", "exchange": "e", "routingKey": f"a\0b\ud800{'x' * 200_000}"}
    with ScriptedServer([ready("1"), event("message", said, "2"), STAY]) as server:
        options = ["-n", "1", "--exec", 'echo "${#MESSAGE_ROUTING_KEY}"; wc -l']
        done = run_forked_cli("listen", "-b", "e=#", *options, server.url)
    assert (done.returncode, done.stderr) == (0, b"ready\n")
    size, lines = done.stdout.split()
    assert 60_000 < int(size) <= 1 << 16
    assert lines == b"1"


def test_a_command_that_does_not_exist_is_told(server: ScriptedServer) -> None:
    options = ["-n", "3", "--exec", "no-such-command"]
    done = run_forked_cli("listen", "-b", "e=#", *options, server.url)
    assert (done.returncode, done.stdout) == (0, b"")
    assert done.stderr.count(b"--exec: ended with code 127: no-such-command\n") == 3


def test_a_command_that_reads_nothing_is_none_the_worse() -> None:
    with ScriptedServer([ready("1"), message("x" * 900_000, "2"), STAY]) as server:
        options = ["-n", "1", "--exec", "echo done"]
        done = run_forked_cli("listen", "-b", "e=#", *options, server.url)
    assert (done.returncode, done.stdout) == (0, b"done\n")


def has_ended(file: Path) -> bool:
    """Tell whether the process whose id is in a file is no more."""
    return not Path(f"/proc/{file.read_text().strip()}").exists()


def test_a_time_limit_ends_the_command_and_what_it_started(
    server: ScriptedServer, tmp_path: Path
) -> None:
    options = ["--timeout", "4", "--exec", f"sleep 60 | (echo $$ > {tmp_path}/pid; sleep 60)"]
    done = run_forked_cli("listen", "-b", "e=#", *options, server.url)
    assert done.returncode == 124
    wait_until(lambda: has_ended(tmp_path / "pid"), "the command ends")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_command_too(
    server: ScriptedServer, tmp_path: Path, number: signal.Signals
) -> None:
    file = tmp_path / "pid"
    with listening("-b", "e=#", "--exec", f"echo $$ > {file}; sleep 60", server.url) as process:
        wait_until(lambda: file.exists() and file.read_text(), "the command runs")
        process.send_signal(number)
        assert process.wait(10) == (130 if number == signal.SIGINT else -signal.SIGTERM)
        wait_until(lambda: has_ended(file), "the command ends")


def test_a_command_may_tidy_up_before_it_ends(server: ScriptedServer, tmp_path: Path) -> None:
    tidied = tmp_path / "tidied"
    command = f"trap 'echo yes > {tidied}; exit' TERM; sleep 60 & wait"
    run_forked_cli("listen", "-b", "e=#", "--timeout", "4", "--exec", command, server.url)
    assert tidied.read_text() == "yes\n"


def test_a_command_that_ignores_the_end_is_killed(server: ScriptedServer, tmp_path: Path) -> None:
    options = ["--timeout", "4", "--exec", f"trap '' TERM; echo $$ > {tmp_path}/pid; sleep 60"]
    assert run_forked_cli("listen", "-b", "e=#", *options, server.url).returncode == 124
    wait_until(lambda: has_ended(tmp_path / "pid"), "the command ends")


def test_the_cursor_is_noted_when_the_command_has_ended(
    server: ScriptedServer, tmp_path: Path
) -> None:
    file = tmp_path / "f"
    options = ["--resume-file", str(file), "--exec", "cat >/dev/null; [ -e go ] || sleep 60"]
    with listening("-b", "e=#", *options, server.url) as process:
        wait_until(file.exists, "ready is noted")
        process.send_signal(signal.SIGTERM)
        process.wait(10)
    assert json.loads(file.read_text())["cursor"] == "1"


def test_only_taskclusters_keys_have_named_words() -> None:
    assert key_fields("e", "primary.T") == {}
    assert key_fields("exchange/taskcluster-notify/v1/notification", "primary.a.b") == {
        "routingKeyKind": "primary"
    }
    assert key_fields(f"{QUEUE}/task-failed", "primary") == {"routingKeyKind": "primary"}
