"""``pulse-events serve``: its line on stdout, its log, its exit codes, and what `ps` shows."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.support.forked_cli import run_forked_cli
from tests.support.raw_stream import RawStream, connect_target, ready_streams
from tests.support.server import Server, clean_environment, run_cli
from tests.support.waiting import wait_until

DOWN = "amqp://somebody:{password}@127.0.0.1:1/v"
WITHOUT_BROKER = ("--broker", DOWN.format(password="geheim"), "--workers")


def complaint(*arguments: str, environment: dict[str, str] | None = None) -> str:
    """Return the one line of a ``serve`` that did not start."""
    done = run_forked_cli("serve", "--port", "0", *arguments, environment=environment)
    assert (done.returncode, done.stdout) == (2, b"")
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith("pulse-events: ")
    assert "geheim" not in line
    return line


BAD = {
    "--port": ["--port", "x"],
    "--no-such-option": ["--no-such-option"],
    "--workers": ["--workers", "0"],
    "--demo": ["--demo", "1", "--broker", "amqp://u:geheim@h"],
    "--trusted-proxies": ["--trusted-proxies", "::1", "--trusted-proxies", "10.0.0.1/8"],
    "there.yml": ["--config", "there.yml"],
    "--broker: ": ["--broker", "http://u:geheim@h/"],
    "no-such-ca.pem": ["--broker", "amqps://u:geheim@h", "--broker-ca-file", "no-such-ca.pem"],
    "no.such.host.invalid": ["--host", "no.such.host.invalid"],
    "a" * 70: ["--host", "a" * 70],
}


@pytest.mark.parametrize("part", BAD)
def test_a_bad_option_stops_the_start_with_one_line_and_exit_code_2(part: str) -> None:
    assert part in complaint(*BAD[part])


@pytest.mark.parametrize("variable", ["PULSE_EVENTS_BROKER", "PULSE_CONNECTION_STRING"])
def test_a_bad_broker_variable_is_named_without_its_password(variable: str) -> None:
    line = complaint(environment={variable: "amqp://u:geheim@:x/"})
    assert f"environment variable {variable}: " in line


@pytest.mark.parametrize("workers", ["1", "2"])
def test_an_occupied_port_stops_the_start(workers: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as occupied:
        port = str(occupied.getsockname()[1])
        assert port in complaint("--port", port, *WITHOUT_BROKER, workers)


def test_a_port_that_another_server_shares_among_its_workers_is_occupied() -> None:
    with Server(*WITHOUT_BROKER, "2") as server:
        port = str(server.port)
        for workers in ("1", "2"):
            assert port in complaint("--port", port, *WITHOUT_BROKER, workers)


def test_without_a_command_the_help_is_on_stderr_and_the_exit_code_is_2() -> None:
    done = run_cli()
    forked = run_forked_cli()
    assert (done.returncode, done.stdout, done.stderr) == (
        forked.returncode,
        forked.stdout,
        forked.stderr,
    )
    assert (done.returncode, done.stdout) == (2, b"")
    lines = done.stderr.decode().splitlines()
    assert lines[0].startswith("Usage:")
    assert any(line.split()[:1] == ["serve"] for line in lines)


def test_every_option_is_in_the_help() -> None:
    done = run_forked_cli("serve", "--help")
    assert (done.returncode, done.stderr) == (0, b"")
    for option in ("--host", "--broker", "--demo", "--profile", "--log-format", "--ping-interval"):
        assert option in done.stdout.decode()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_server_with_exit_code_0_and_tells_its_clients(
    how: signal.Signals,
) -> None:
    with Server() as server:
        with ready_streams(server.port, connect_target(("e", "#")), 3) as streams:
            assert server.stop(how) == 0
            for stream in streams:
                assert "stopping" in stream.event("error").json
                assert stream.rest() == b""
        assert server.stdout == f"listening on {server.url}\n"
        assert "Traceback" not in server.stderr


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_server_without_clients(how: signal.Signals) -> None:
    with Server("--demo", "50") as server:
        assert server.stop(how) == 0
        assert "Traceback" not in server.stderr


def test_connections_without_a_request_do_not_delay_the_end() -> None:
    with Server() as server, socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(b"GET / HT")
        assert server.stop(within_s=8) == 0


def test_python_m_is_the_same_program() -> None:
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [sys.executable, "-m", "pulse_events", "serve", "--port", "0"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=clean_environment(),
            cwd=folder,
        )
        with process:
            assert process.stdout is not None
            assert process.stdout.readline().startswith(b"listening on http://127.0.0.1:")
            process.terminate()
            assert process.wait(10) == 0
            assert process.stdout.read() == b""


def test_the_demo_sends_messages_of_taskcluster() -> None:
    with Server("--demo", "100") as server:
        target = connect_target(("exchange/taskcluster-queue/v1/task-pending", "#"))
        with RawStream(server.port, target).ready() as stream:
            assert stream.event("message").json["payload"]["status"]["taskId"]


def test_each_line_of_a_json_log_is_mozlog() -> None:
    broker = DOWN.format(password="geheim")
    with Server("--log-format", "json", "--log-level", "debug", "--broker", broker) as server:
        wait_until(lambda: "no broker at" in server.stderr, "a line about the broker")
        assert server.stop() == 0
        lines = [json.loads(line) for line in server.stderr.splitlines()]
        assert "geheim" not in server.stderr
    expected = {
        "Timestamp",
        "Type",
        "Logger",
        "Hostname",
        "EnvVersion",
        "Severity",
        "Pid",
        "Fields",
    }
    assert all(expected <= line.keys() for line in lines)
    assert {line["Logger"] for line in lines} == {"pulse-events"}


def command_lines(server: Server) -> list[str]:
    """Return what `ps` shows of the processes of the server's group."""
    shown = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if os.getpgid(int(folder.name)) == server.pid:
                shown.append((folder / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue  # ended meanwhile
    return shown


@pytest.mark.parametrize(
    ("password", "workers"),
    [("geheim", "2"), ("pa geheim", "1"), ("x:geheim", "1"), ("p@geheim", "1")],
)
def test_no_process_shows_the_password(password: str, workers: str) -> None:
    broker = DOWN.format(password=password)
    with Server("--broker", broker, "--workers", workers, "--log-level", "debug") as server:
        shown = command_lines(server)
        assert len(shown) == {"1": 1, "2": 3}[workers]
        assert not [line for line in shown if "geheim" in line]
        assert "--broker amqp://somebody:***@127.0.0.1:1/v" in " ".join(shown)
        wait_until(lambda: "no broker at" in server.stderr, "a line about the broker")
        assert "geheim" not in server.stderr
