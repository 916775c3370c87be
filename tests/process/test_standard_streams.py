"""Descriptors 0 to 2 that are closed, full, or read by nobody: one clear line, or it works."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator

import pytest

from tests.support.bare import children, descriptor_of, pipe, run_bare, running_bare
from tests.support.local_server import LocalServer, local_server
from tests.support.rabbit import free_port
from tests.support.raw_stream import RawStream, connect_target, ready_streams
from tests.support.waiting import wait_until

CLOSED = ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"]
NO_BROKER = "amqp://guest:guest@127.0.0.1:1/"
# How each ends where nothing is closed: exit code, whether it says something on stdout, on stderr.
COMMANDS = {
    "--version": (["--version"], 0, True, False),
    "--help": (["--help"], 0, True, False),
    "serve --help": (["serve", "--help"], 0, True, False),
    "listen": (["listen", "-b", "e=#", "http://127.0.0.1:1/"], 1, False, True),
    "publish": (["publish", "--broker", NO_BROKER, "e", "k"], 1, False, True),
    "publish -": (["publish", "--broker", NO_BROKER, "e", "k", "-"], 1, False, True),
}
PRINTING = pytest.mark.parametrize("command", ["--version", "--help", "serve --help"])
SERVING = pytest.mark.parametrize("workers", ["1", "2"])


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    with local_server() as running:
        yield running


def is_serving(port: int) -> bool:
    try:
        with RawStream(port, "/__lbheartbeat__") as stream:
            return bool(json.loads(stream.body())["status"] == "ok")
    except OSError:
        return False


def stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    assert process.wait(12) == 0


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("closed", CLOSED)
def test_a_command_ends_as_always_whatever_is_closed(closed: str, command: str) -> None:
    arguments, code, says, complains = COMMANDS[command]
    done = run_bare(closed, *arguments)
    assert done.returncode == code
    assert bool(done.stdout) is (says and ">&-" not in closed.replace("2>&-", ""))
    assert len(done.stderr.splitlines()) == (complains and "2>&-" not in closed)
    assert b"Traceback" not in done.stderr


@SERVING
@pytest.mark.parametrize("closed", CLOSED)
def test_the_server_serves_whatever_is_closed(closed: str, workers: str) -> None:
    port = str(free_port())
    with running_bare(closed, "serve", "--port", port, "--workers", workers) as process:
        wait_until(lambda: is_serving(int(port)), "it serves", within_s=20)
        pids = [process.pid, *children(process.pid)]
        with ready_streams(int(port), connect_target(("e", "#")), 20):
            for pid in pids:
                for number in range(3):
                    assert descriptor_of(pid, number), f"{number} of {pid} is closed"
                    assert "socket" not in descriptor_of(pid, number)
        assert [process.pid, *children(process.pid)] == pids
        stop(process)
        assert process.stderr is not None
        assert b"Assertion" not in process.stderr.read()


@PRINTING
def test_a_full_disk_under_stdout_is_one_line(command: str) -> None:
    done = run_bare(">/dev/full", *COMMANDS[command][0])
    line = b"pulse-events: cannot write to stdout: No space left on device\n"
    assert (done.returncode, done.stderr) == (1, line)


@pytest.fixture
def unread() -> Iterator[int]:
    """The end to write to of a pipe that nobody reads."""
    reader, writer = pipe()
    os.close(reader)
    yield writer
    os.close(writer)


@PRINTING
def test_a_reader_of_stdout_that_is_gone_is_one_line(command: str, unread: int) -> None:
    with running_bare("", *COMMANDS[command][0], stdout=unread) as process:
        assert process.stderr is not None
        line = b"pulse-events: cannot write to stdout: Broken pipe\n"
        assert (process.wait(10), process.stderr.read()) == (1, line)


@SERVING
def test_a_server_that_cannot_say_that_it_listens_does_not_start(workers: str) -> None:
    done = run_bare(">/dev/full", "serve", "--port", "0", "--workers", workers)
    lines = [line for line in done.stderr.splitlines() if b" INFO " not in line]
    text = b"pulse-events: cannot write to stdout: No space left on device"
    assert (done.returncode, lines) == (1, [text])


def test_listening_on_a_full_disk_is_one_line(server: LocalServer) -> None:
    url = f"http://127.0.0.1:{server.port}"
    with running_bare(">/dev/full", "listen", "-b", "e/full=#", url) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == b"ready\n"
        server.say("e/full", "k")
        line = b"pulse-events: cannot write to stdout: No space left on device\n"
        assert (process.wait(10), process.stderr.read()) == (1, line)


def test_listening_ends_without_a_word_when_its_reader_leaves_though_nothing_comes(
    server: LocalServer,
) -> None:
    url = f"http://127.0.0.1:{server.port}"
    with running_bare("", "listen", "-b", "e/quiet=#", url) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stderr.readline() == b"ready\n"
        process.stdout.close()
        assert (process.wait(10), process.stderr.read()) == (1, b"")


def test_listening_ends_without_a_word_when_a_pipeline_has_enough(server: LocalServer) -> None:
    url = f"http://127.0.0.1:{server.port}"
    with running_bare("| head -1", "listen", "-b", "e/head=#", url) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stderr.readline() == b"ready\n"
        server.say("e/head", "k")
        assert process.stdout.readline().startswith(b'{"payload":{}')
        assert (process.wait(10), process.stderr.read()) == (0, b"")  # the code is head's


@pytest.mark.parametrize("lost", ["2>/dev/full", "2>&-", "reader"])
def test_listening_goes_on_though_stderr_takes_nothing(server: LocalServer, lost: str) -> None:
    url = f"http://127.0.0.1:{server.port}"
    redirections = "" if lost == "reader" else lost
    with running_bare(redirections, "listen", "-b", "e/err=#", url) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stderr.close()
        said = server.counts().messages_out

        def has_come() -> bool:
            server.say("e/err", "k")
            return server.counts().messages_out > said

        wait_until(has_come, "it listens")
        assert process.stdout.readline().startswith(b'{"payload":{}')


def test_lines_reach_a_slow_reader_whose_pipe_somebody_made_non_blocking(
    server: LocalServer,
) -> None:
    url = f"http://127.0.0.1:{server.port}"
    reader, writer = pipe()
    os.set_blocking(writer, False)
    with running_bare("", "listen", "-b", "e/nb=#", url, stdout=writer) as process:
        os.close(writer)
        assert process.stderr is not None
        assert process.stderr.readline() == b"ready\n"
        for number in range(3):
            server.say("e/nb", "k", b'"%d%s"' % (number, b"x" * 100_000))
        with os.fdopen(reader, "rb") as output:
            for number in range(3):
                assert output.readline().startswith(b'{"payload":"%dxxx' % number)
