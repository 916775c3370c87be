"""``pulse-events wait``: exit codes by outcome, the history first, and what it cannot know."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.test_outcome import QUEUE
from tests.cli.test_outcome import said as queue_message
from tests.support.forked_cli import run_forked_cli
from tests.support.listening import said
from tests.support.local_server import LocalServer, local_server
from tests.support.raw_server import HEAD, RawServer, answer
from tests.support.scripted_server import STAY, ScriptedServer, event, gap, ready
from tests.support.server import CONSOLE_SCRIPT, clean_environment

EVENTS = ("defined", "pending", "running", "completed", "failed", "exception", "group-resolved")
RECORDED = tuple(f"{QUEUE}/task-{event}=#" for event in EVENTS)


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    with local_server(record=RECORDED) as running:
        yield running


@pytest.fixture(scope="module")
def forgetful() -> Iterator[LocalServer]:
    """A server without a history."""
    with local_server(history="off") as running:
        yield running


def tell(server: LocalServer, event_name: str, task: str = "T", group: str = "G") -> None:
    """Have the queue say something."""
    told = queue_message(event_name, task, group)
    server.say(told.exchange, told.routing_key)


def scripted(event_name: str, cursor: str) -> bytes:
    """Return what the queue says as a step of a script."""
    told = queue_message(event_name)
    names = {"exchange": told.exchange, "routingKey": told.routing_key}
    return event("message", {"payload": {}, **names}, cursor)


def waited(server: LocalServer, *options: str) -> tuple[int, str]:
    """Return the exit code and what is said."""
    done = run_forked_cli("wait", *options, "--timeout", "15", f"127.0.0.1:{server.port}")
    assert done.stdout == b""
    return done.returncode, done.stderr.decode()


@pytest.mark.parametrize(("outcome", "code"), [("completed", 0), ("failed", 1), ("exception", 3)])
def test_a_task_that_is_resolved_already_ends_it_at_once(
    server: LocalServer, outcome: str, code: int
) -> None:
    tell(server, "task-pending", f"was-{outcome}")
    tell(server, f"task-{outcome}", f"was-{outcome}")
    assert waited(server, "--task", f"was-{outcome}") == (code, f"{outcome}\n")


@contextmanager
def waiting(server: LocalServer, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run ``wait`` for the block, in a process of its own."""
    words = ["wait", *options, "--timeout", "20", f"127.0.0.1:{server.port}"]
    with subprocess.Popen(
        # A test run in the background ignores SIGINT, and so would what it starts.
        ["env", "--default-signal=INT", CONSOLE_SCRIPT, *words],
        stderr=subprocess.PIPE,
        env=clean_environment(),
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def end_of(process: subprocess.Popen[bytes]) -> tuple[int, str]:
    """Return the exit code, and the rest of what is said."""
    _, err = process.communicate(timeout=15)
    return process.returncode, err.decode()


@pytest.mark.parametrize(("outcome", "code"), [("completed", 0), ("failed", 1), ("exception", 3)])
def test_a_task_that_is_not_yet_resolved_ends_it_when_it_is(
    server: LocalServer, outcome: str, code: int
) -> None:
    task = f"will-be-{outcome}"
    tell(server, "task-pending", task)
    with waiting(server, "--task", task) as process:
        assert said(process) == b"last known of it here: taskPending; waiting\n"
        tell(server, "task-failed", "another")
        tell(server, f"task-{outcome}", task)
        code_and_words = end_of(process)
    assert code_and_words[0] == code
    assert code_and_words[1].endswith(f"{outcome}\n")


def test_a_task_that_is_run_once_more_is_waited_for(server: LocalServer) -> None:
    tell(server, "task-failed", "again")
    tell(server, "task-pending", "again")
    with waiting(server, "--task", "again") as process:
        assert b"taskPending" in said(process)
        tell(server, "task-completed", "again")
        assert end_of(process)[0] == 0


def test_what_the_server_cannot_know_is_said(server: LocalServer) -> None:
    with waiting(server, "--task", "unknown") as process:
        line = said(process).decode()
        assert "messages may be missing" in line
        assert line.endswith("if it was resolved then, this waits in vain\n")
        tell(server, "task-failed", "unknown")
        assert end_of(process) == (1, "failed\n")


@pytest.mark.parametrize(("gap_id", "is_vague"), [("1", True), ("2", False)])
def test_what_is_held_of_the_time_of_a_gap_does_not_make_up_for_it(
    gap_id: str, is_vague: bool
) -> None:
    """A gap with the id of what came before it comes before what is held of its time."""
    script = [
        ready("1"),
        gap("lost", gap_id),
        scripted("task-running", "3"),
        event("ping", {}, "4"),
    ]
    with ScriptedServer([*script, scripted("task-completed", "5"), STAY]) as server:
        done = run_forked_cli("wait", "--task", "T", server.url)
    first, *others = done.stderr.decode().splitlines()
    assert first == "last known of it here: taskRunning; waiting"
    assert others.pop() == "completed"
    assert ["lost; if it was resolved then" in line for line in others] == [True] * is_vague


def test_without_a_history_it_says_so_and_waits_for_what_comes(forgetful: LocalServer) -> None:
    with waiting(forgetful, "-v", "--task", "T") as process:
        line = said(process).decode()
        assert "what happened until now is not known here" in line
        assert "this server keeps no history (--history off); if it was resolved then" in line
        assert said(process) == b"ready\n"
        tell(forgetful, "task-exception")
        assert end_of(process)[0] == 3


def test_a_server_that_comes_back_without_a_history_ends_it() -> None:
    refused = answer("400 No", b'{"message": "this server keeps no history; leave out \'resume\'"}')
    with RawServer(HEAD + ready("1"), refused) as server:
        done = run_forked_cli("wait", "--task", "T", server.url)
    assert done.returncode == 1
    assert done.stderr.decode().splitlines()[-1] == "pulse-events: this server keeps no history"


GROUPS = {
    "completed": (["completed", "completed"], 0),
    "failed": (["completed", "exception", "failed"], 1),
    "exception": (["completed", "exception"], 3),
}


@pytest.mark.parametrize("outcome", GROUPS)
def test_a_group_ends_as_its_tasks_did(server: LocalServer, outcome: str) -> None:
    tasks, code = GROUPS[outcome]
    for number, state in enumerate(tasks):
        tell(server, "task-pending", f"t{number}", outcome)
        tell(server, f"task-{state}", f"t{number}", outcome)
    tell(server, "task-group-resolved", group=outcome)
    found, err = waited(server, "--group", outcome)
    assert found == code
    assert err.startswith(f"{outcome}, its tasks as far as they are known: ")


def test_a_group_that_got_another_task_is_waited_for(server: LocalServer) -> None:
    tell(server, "task-completed", "one", "more")
    tell(server, "task-group-resolved", group="more")
    tell(server, "task-pending", "two", "more")
    with waiting(server, "--group", "more") as process:
        assert b"taskPending" in said(process)
        tell(server, "task-failed", "two", "more")
        tell(server, "task-group-resolved", group="more")
        assert end_of(process)[0] == 1


def test_a_gap_while_it_waits_is_said() -> None:
    script = [ready("1"), event("ping", {}, "2"), gap("lost", "3"), scripted("task-failed", "4")]
    with ScriptedServer([*script, STAY]) as server:
        done = run_forked_cli("wait", "--task", "T", server.url)
    assert done.returncode == 1
    assert b"lost; if it was resolved then" in done.stderr
    assert done.stderr.endswith(b"failed\n")


def test_the_time_limit_has_a_code_of_its_own(server: LocalServer) -> None:
    url = f"127.0.0.1:{server.port}"
    assert run_forked_cli("wait", "--task", "never", "--timeout", "1", url).returncode == 124


def test_quiet_says_nothing(server: LocalServer) -> None:
    tell(server, "task-failed", "quiet")
    assert waited(server, "-q", "--task", "quiet") == (1, "")


WRONG = {
    "nothing": ([], "--task ID or --group ID"),
    "both": (["--task", "T", "--group", "G"], "either"),
    "no task": (["--task", "a.b"], "'a.b' is no ID"),
    "no group": (["--group", ""], "--group"),
    "no time": (["--task", "T", "--since", "x"], "--since"),
    "not a header": (["--task", "T", "-H", "Last-Event-ID: 1"], "-H: the header Last-Event-ID"),
    "no limit": (["--task", "T", "--timeout", "-1"], "--timeout"),
    "no proxy": (["--task", "T", "--proxy", "http://h:99999"], "--proxy: the proxy is not a URL"),
    "no such proxies": (["--task", "T", "--proxy", "x://h"], "the proxy cannot be used"),
    "no CA file": (["--task", "T", "--ca-file", "/nowhere"], "the CA file /nowhere"),
}


@pytest.mark.parametrize(("options", "part"), WRONG.values(), ids=WRONG)
def test_wrong_use_is_one_line_and_code_2(options: list[str], part: str) -> None:
    done = run_forked_cli("wait", *options, "127.0.0.1:1")
    assert (done.returncode, done.stdout) == (2, b"")
    (line,) = done.stderr.decode().splitlines()
    assert part in line


def test_a_url_that_only_the_http_client_refuses_is_wrong_use() -> None:
    done = run_forked_cli("wait", "--task", "T", "http://ü..de/")
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"is not a URL" in done.stderr


def test_a_token_that_cannot_be_sent_is_wrong_use(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("geheim-é")
    token = ["--token-file", str(tmp_path / "token")]
    done = run_forked_cli("wait", "--task", "T", *token, "127.0.0.1:1")
    assert (done.returncode, done.stdout) == (2, b"")
    (line,) = done.stderr.decode().splitlines()
    assert "--token-file: the token is not" in line
    assert "geheim" not in line


def test_a_proxy_of_the_environment_that_is_none_is_no_failed_task() -> None:
    done = run_forked_cli(
        "wait", "--task", "T", "127.0.0.1:1", environment={"HTTP_PROXY": "x://user:geheim@h"}
    )
    assert (done.returncode, done.stdout) == (2, b"")
    (line,) = done.stderr.decode().splitlines()
    assert "the proxy cannot be used" in line
    assert "geheim" not in line


def test_no_server_is_one_line() -> None:
    done = run_forked_cli("wait", "--task", "T", "127.0.0.1:1")
    assert (done.returncode, done.stdout) == (1, b"")
    (line,) = done.stderr.decode().splitlines()
    assert "127.0.0.1:1" in line


def test_ctrl_c_ends_it_without_a_word(server: LocalServer) -> None:
    tell(server, "task-pending", "interrupted")
    with waiting(server, "--task", "interrupted") as process:
        assert b"taskPending" in said(process)
        process.send_signal(signal.SIGINT)
        code, words = end_of(process)
    assert code == 130
    assert "Traceback" not in words
    assert "pulse-events" not in words
