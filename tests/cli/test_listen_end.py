"""``listen``: what ends it, when, and with which code."""

import json
import signal
import subprocess
from collections.abc import Iterator

import pytest

from tests.support.forked_cli import run_forked_cli
from tests.support.listening import line_of, listening, said
from tests.support.local_server import LocalServer, local_server
from tests.support.rabbit import free_port
from tests.support.scripted_server import STAY, ScriptedServer, gap, message, ready
from tests.support.server import CONSOLE_SCRIPT, Server, clean_environment


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    with local_server(record=("e/held=#",)) as running:
        running.say("e/held", "k")
        yield running


def test_a_time_limit_has_a_code_of_its_own(server: LocalServer) -> None:
    done = run_forked_cli("listen", "-b", "e=#", "--timeout", "0.5", f"127.0.0.1:{server.port}")
    assert (done.returncode, done.stdout) == (124, b"")
    assert done.stderr in (b"ready\n", b"")


def test_a_time_limit_counts_while_it_waits_for_a_server() -> None:
    done = run_forked_cli("listen", "-b", "e=#", "--wait", "--timeout", "1", "127.0.0.1:1")
    assert done.returncode == 124


def test_enough_messages_are_enough_whatever_the_limit(server: LocalServer) -> None:
    with ScriptedServer([ready("1"), message("a", "2"), message("b", "3"), STAY]) as scripted:
        options = ["-n", "2", "--timeout", "20"]
        done = run_forked_cli("listen", "-b", "e=#", *options, scripted.url)
    assert (done.returncode, done.stdout.count(b"\n")) == (0, 2)


def test_a_time_limit_holds_though_nobody_reads_what_is_printed() -> None:
    """The pipe holds 64 KiB; the rest would be waited for."""
    script = [ready("1"), *(message("x" * 50_000, str(n)) for n in range(2, 9)), STAY]
    with ScriptedServer(script) as server:
        with listening("-b", "e=#", "--timeout", "4", server.url) as process:
            assert process.wait(20) == 124


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_without_a_word(server: LocalServer, number: signal.Signals) -> None:
    with listening("-b", "e=#", f"127.0.0.1:{server.port}") as process:
        process.send_signal(number)
        stdout, stderr = process.communicate(timeout=10)
    code = 130 if number == signal.SIGINT else -signal.SIGTERM
    assert (process.returncode, stdout, stderr.strip()) == (code, b"", b"")


def test_head_gets_its_line_and_both_end_though_no_other_message_comes(
    server: LocalServer,
) -> None:
    with listening("-b", "e/head=#", f"127.0.0.1:{server.port}") as process:
        server.say("e/head", "k")
        head = subprocess.run(
            ["head", "-1"], stdin=process.stdout, capture_output=True, timeout=10, check=True
        )
        assert json.loads(head.stdout)["routingKey"] == "k"
        assert process.stdout is not None
        process.stdout.close()  # ours; `head` has closed its own
        assert process.wait(10) == 1
        assert process.stderr is not None
        assert process.stderr.read() == b""


def test_a_gap_ends_it_with_3_if_that_is_asked_for() -> None:
    with ScriptedServer([ready("1"), gap("g", "2"), message("a", "3"), STAY]) as server:
        done = run_forked_cli("listen", "-b", "e=#", "--fail-on-gap", "--events", server.url)
    assert done.returncode == 3
    assert [json.loads(line)["event"] for line in done.stdout.splitlines()] == ["ready", "gap"]


def test_without_retrying_a_lost_connection_is_the_end() -> None:
    with ScriptedServer([ready("1"), message("a", "2")], [ready("2"), STAY]) as server:
        done = run_forked_cli("listen", "-b", "e=#", "--no-retry", server.url)
        assert len(server.asked) == 1
    assert (done.returncode, done.stdout.count(b"\n")) == (1, 1)
    assert done.stderr.splitlines()[-1].startswith(b"pulse-events: ")


def test_it_waits_for_a_server_that_is_not_there_yet() -> None:
    port = free_port()
    process = subprocess.Popen(
        [CONSOLE_SCRIPT, "listen", "-b", "e=#", "--wait", "-n", "1", f"127.0.0.1:{port}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=clean_environment(),
    )
    with process:
        try:
            assert b"; again in " in said(process)
            with local_server(port=port) as server:
                while (line := said(process)) != b"ready\n":
                    assert b"; again in " in line
                server.say("e", "k")
                assert json.loads(line_of(process))["routingKey"] == "k"
                assert process.wait(10) == 0
        finally:
            process.kill()


def test_the_url_may_come_from_the_environment(server: LocalServer) -> None:
    url = f"127.0.0.1:{server.port}"
    environment = {"PULSE_EVENTS_URL": url}
    options = ["-n", "1", "--last", "1"]
    done = run_forked_cli("listen", "-b", "e/held=#", *options, environment=environment)
    assert (done.returncode, done.stderr) == (0, b"ready\n")
    for nothing in ({}, {"PULSE_EVENTS_URL": ""}):
        done = run_forked_cli("listen", "-b", "e=#", environment=nothing)
        assert (done.returncode, done.stdout) == (2, b"")
        assert b"PULSE_EVENTS_URL" in done.stderr


def test_messages_of_a_task_and_of_a_group_come() -> None:
    queue = "exchange/taskcluster-queue/v1"
    recorded = ["--record", f"{queue}/task-running=#", "--record", f"{queue}/artifact-created=#"]
    with Server(*recorded) as server:
        for task, group in (("T", "G"), ("U", "G"), ("V", "H")):
            key = f"primary.{task}.0.wg.w.prov.type.sched.{group}._"
            server.publish(f"{queue}/task-running", key, {"task": task})
        server.publish(f"{queue}/artifact-created", "primary.V.0.wg.w.p.t.s.H._", {"task": "V!"})
        options = ["--last", "9", "--format", "{payload.task}", server.url]
        about_group = run_forked_cli("listen", "--group", "G", "--task", "V", "-n", "4", *options)
        assert about_group.stdout.split() == [b"T", b"U", b"V", b"V!"]
        about_both = run_forked_cli("listen", "--task", "T", "--group", "H", "-n", "3", *options)
        assert about_both.stdout.split() == [b"T", b"V", b"V!"]
