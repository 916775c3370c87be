"""A log that nobody reads, or that no disk takes: the server goes on, and what is lost is told."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.bare import pipe, running_bare
from tests.support.rabbit import free_port
from tests.support.server import clean_environment
from tests.support.waiting import wait_until

SERVING = pytest.mark.parametrize("workers", ["1", "2"])
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def answers(port: int) -> bool:
    try:
        url = f"http://127.0.0.1:{port}/events/v1/ping"
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(json.load(answer)["alive"])
    except OSError:
        return False


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S


def serve_and_stop(redirections: str, workers: str, stderr: int = subprocess.DEVNULL) -> None:
    """See that a server starts, serves and stops in order."""
    port = free_port()
    # The broker that is not there makes lines of the log.
    arguments = ["serve", "--port", str(port), "--workers", workers]
    broker = ["--broker", "amqp://u:p@127.0.0.1:1/", "--log-level", "debug"]
    with running_bare(redirections, *arguments, *broker, stderr=stderr) as process:
        wait_until(lambda: answers(port), "it serves", within_s=20)
        for _ in range(20):
            assert answers(port)
        used_s = cpu_s(process.pid)
        process.send_signal(signal.SIGTERM)
        assert process.wait(12) == 0
        assert used_s < 5.0


@pytest.fixture
def unread() -> Iterator[int]:
    """The end to write to of a pipe that is full, and that somebody holds but does not read."""
    reader, writer = pipe()
    os.write(writer, b"x" * 4096)
    yield writer
    os.close(reader)
    os.close(writer)


@SERVING
def test_a_server_whose_log_nobody_reads_goes_on_and_stops(workers: str, unread: int) -> None:
    serve_and_stop("", workers, stderr=unread)


@SERVING
@pytest.mark.parametrize("redirections", ["2>/dev/full", "2>&-"])
def test_a_server_whose_log_cannot_be_written_goes_on_and_stops(
    redirections: str, workers: str
) -> None:
    serve_and_stop(redirections, workers)


@SERVING
def test_a_server_whose_log_has_no_reader_any_more_goes_on_and_stops(workers: str) -> None:
    reader, writer = pipe()
    os.close(reader)
    serve_and_stop("", workers, stderr=writer)
    os.close(writer)


LOGGER = """
import logging, sys
from pulse_events.process import logs
from pulse_events.process.standard_streams import prepare_streams

prepare_streams()
logs.LINES_LIMIT = 50
logs.configure_logging("info", sys.argv[1])
for number in range(200):
    logging.info("line %d %s", number, "x" * 100)
print("logged", flush=True)
sys.stdin.readline()
logging.info("the last line")
"""


@pytest.mark.parametrize("form", ["text", "json"])
def test_lines_that_a_reader_let_wait_too_long_are_lost_and_counted_in_the_log(form: str) -> None:
    reader, writer = pipe()
    process = subprocess.Popen(
        [sys.executable, "-c", LOGGER, form],
        env=clean_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=writer,
    )
    os.close(writer)
    with process, os.fdopen(reader, "rb") as log:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == b"logged\n"
        process.stdin.write(b"\n")
        process.stdin.close()
        lines = log.read().splitlines()
    told = [line for line in lines if b"did not take" in line]
    assert sum(number_in(line, form) for line in told) == 201 - (len(lines) - len(told)) > 0


def number_in(line: bytes, form: str) -> int:
    text = json.loads(line)["Fields"]["msg"] if form == "json" else line.decode()
    return int(text.rpartition(" ")[2])


def test_bytes_that_are_no_utf_8_are_shown_in_a_line() -> None:
    program = LOGGER.replace("200", "0").replace("the last", "\\udcff the last")
    done = subprocess.run(
        [sys.executable, "-c", program, "text"],
        env=clean_environment(),
        input=b"\n",
        capture_output=True,
        timeout=20,
        check=True,
    )
    assert done.stderr.endswith(b"INFO root: \\udcff the last line\n")
