"""Workers that hang, or cannot start; and counts that do not fall when one dies."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pulse_events.process import worker_process, workers
from pulse_events.process.loops import new_event_loop
from tests.support.bare import children
from tests.support.raw_stream import RawStream, connect_target, ready_streams
from tests.support.server import Server, clean_environment
from tests.support.waiting import wait_until

EXCHANGE = "exchange/hanging"
TARGET = connect_target((EXCHANGE, "#"))
ASK_EVERY_S, QUESTIONS, QUESTIONS_AT_START = 0.2, 5, 100
IMPATIENT = f"""
import asyncio, logging, sys
from functools import partial

from pulse_events.configuration.settings import Settings
from pulse_events.process.system import open_socket
from pulse_events.process.worker_process import Patience, spawn_worker
from pulse_events.process.workers import supervise

PATIENCE = Patience({ASK_EVERY_S}, {QUESTIONS}, {QUESTIONS_AT_START})
spawn = spawn_worker
"""
RUN = """
def announce(url):
    print(f"listening on {url}", flush=True)

logging.basicConfig()
settings = Settings(workers=2)
with open_socket(settings.host, 0, shared=True) as reserved:
    asyncio.run(supervise(settings, reserved, announce, PATIENCE, spawn))
"""


def program(more: str = "") -> list[str]:
    """Return the program with an impatient supervisor, and what else is to be different."""
    return [sys.executable, "-c", f"{IMPATIENT}{more}{RUN}"]


@pytest.fixture
def server() -> Iterator[Server]:
    with Server("--workers", "2", program=program()) as running:
        yield running


@pytest.fixture
def patient() -> Iterator[Server]:
    with Server("--workers", "2") as running:
        yield running


def stats(server: Server) -> dict[str, int]:
    with RawStream(server.port, "/api/events/v1/stats") as stream:
        return dict(json.loads(stream.body()))


def asked_of(server: Server) -> dict[str, int]:
    """Return the counts, of whichever worker answers: one that is stopped does not."""
    deadline_s = time.monotonic() + 15
    while True:
        try:
            with RawStream(server.port, "/api/events/v1/stats") as stream:
                stream.socket.settimeout(2.5)
                return dict(json.loads(stream.body()))
        except (OSError, EOFError):
            assert time.monotonic() < deadline_s


@contextmanager
def stopped(*pids: int) -> Iterator[None]:
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            if Path(f"/proc/{pid}").exists():
                os.kill(pid, signal.SIGCONT)


def has_gone(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):  # it may go between two looks
        return True
    return stat.rpartition(")")[2].split()[0] == "Z"


def test_a_worker_that_hangs_is_replaced_and_the_other_one_goes_on(server: Server) -> None:
    victim, survivor = children(server.pid)
    with ready_streams(server.port, TARGET, 20):
        server.publish(EXCHANGE, "k", 1)
        wait_until(lambda: stats(server)["messagesOut"] == 20, "all have it")
        with stopped(victim):
            lowest = min(asked_of(server)["messagesOut"] for _ in range(3))
            assert lowest == 20
            wait_until(lambda: has_gone(victim), "it is killed")
        wait_until(lambda: len(children(server.pid)) == 2, "there are two again")
        assert survivor in children(server.pid)
    said = f"worker {victim} has said nothing for {ASK_EVERY_S * QUESTIONS:.1f} s; killing it"
    assert said in server.stderr
    wait_until(lambda: "a worker ended with code -9" in server.stderr, "it is logged")
    wait_until(lambda: asked_of(server)["clients"] == 0, "the new one answers")
    assert asked_of(server)["messagesOut"] == 20
    assert server.stop() == 0


def test_nobody_is_killed_because_all_stood_still_together(server: Server) -> None:
    pids = children(server.pid)
    with stopped(server.pid, *pids):
        time.sleep(2 * ASK_EVERY_S * QUESTIONS)  # what is tested is that nothing comes of it
    for _ in range(10):
        assert stats(server)["clients"] == 0
    with stopped(server.pid):  # the workers answer, but their supervisor does not listen
        time.sleep(2 * ASK_EVERY_S * QUESTIONS)
    for _ in range(10):
        assert stats(server)["clients"] == 0
    assert children(server.pid) == pids
    assert "killing" not in server.stderr


def test_a_supervisor_that_hangs_makes_no_count_fall(patient: Server) -> None:
    server = patient
    with ready_streams(server.port, TARGET, 20):
        server.publish(EXCHANGE, "k", 1)
        wait_until(lambda: stats(server)["messagesOut"] == 20, "all have it")
        for _ in range(8):
            assert stats(server)["messagesOut"] == 20  # so each of the workers has heard it
        with stopped(server.pid):
            assert stats(server)["messagesOut"] == 20


def test_a_worker_that_hangs_does_not_keep_the_others_from_stopping(server: Server) -> None:
    victim, survivor = children(server.pid)
    with stopped(victim):
        os.kill(server.pid, signal.SIGTERM)
        wait_until(lambda: has_gone(survivor), "the other one has stopped", within_s=5)
        assert server.stop() == 0
        assert has_gone(victim)


def test_counts_do_not_fall_when_workers_die(patient: Server) -> None:
    server, expected = patient, 0
    for _ in range(3):
        with ready_streams(server.port, TARGET, 20):
            server.publish(EXCHANGE, "k", 1)
            expected += 20
            wait_until(lambda: stats(server)["messagesOut"] == expected, "all have it")  # noqa: B023
            victim, _ = children(server.pid)
            os.kill(victim, signal.SIGKILL)
            while victim in children(server.pid) or len(children(server.pid)) < 2:
                assert asked_of(server)["messagesOut"] == expected
        wait_until(lambda: asked_of(server)["clients"] == 0, "the streams are gone")
        assert asked_of(server)["messagesOut"] == expected


NONSENSE = r"import os, sys; os.write(int(sys.argv[1]), b'x\n')"
CANNOT_START = {
    "ends at once": (
        "spawn = partial(spawn_worker, program='raise SystemExit(3)')\n",
        "ended with code 3",
    ),
    "no process": (
        "def no(_): raise BlockingIOError(11, 'no process for you')\nspawn = no\n",
        "could not be started: [Errno 11] no process for you",
    ),
    "says nonsense": (
        f"spawn = partial(spawn_worker, program={NONSENSE!r})\n",
        "which says what makes no sense",
    ),
}


@pytest.mark.parametrize("name", CANNOT_START)
def test_workers_that_cannot_start_are_tried_again_but_not_in_a_hurry(name: str) -> None:
    more, said = CANNOT_START[name]
    process = subprocess.Popen(
        [*program(more), "serve", "--port", "0", "--workers", "2"],
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    with process:
        try:
            assert process.stderr is not None
            lines = [process.stderr.readline()]
            start_s = time.monotonic()
            while time.monotonic() - start_s < 2.0:
                lines.append(process.stderr.readline())
            process.send_signal(signal.SIGTERM)
            assert process.wait(12) == 0
        finally:
            process.kill()
    text = b"".join(lines).decode()
    assert said in text
    assert "Traceback" not in text
    assert text.count("restarting it") <= 16


async def test_a_channel_whose_other_end_does_not_read_is_given_up() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        _, channel = await asyncio.open_connection(sock=ours)
        for _ in range(1000):
            workers._write(channel, {"publish": "x" * 10_000}, limit_bytes=100_000)
            assert channel.transport.get_write_buffer_size() < 200_000
        assert channel.is_closing()
        channel.close()


def test_a_channel_whose_other_end_has_gone_takes_what_is_said_to_it() -> None:
    async def talk() -> None:
        ours, theirs = socket.socketpair()
        reader, channel = await asyncio.open_connection(sock=ours)
        theirs.close()
        assert await reader.read() == b""
        await asyncio.sleep(0)
        for _ in range(3):
            workers._write(channel, {"count": True})
            await asyncio.sleep(0.01)
        channel.close()

    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(talk())


def test_a_worker_whose_supervisor_is_gone_before_it_has_begun_ends_without_a_word() -> None:
    ours, theirs = socket.socketpair()
    ours.close()
    with theirs:
        done = subprocess.run(
            [sys.executable, "-P", "-c", worker_process.PROGRAM, str(theirs.fileno())],
            env=clean_environment(),
            pass_fds=[theirs.fileno()],
            capture_output=True,
            timeout=20,
            check=False,
        )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
