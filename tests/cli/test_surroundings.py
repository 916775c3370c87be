"""Odd folders, limits, locales, arguments that are no text: one clear line, or it works."""

import os
import re
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import nobody
from tests.support.bare import children
from tests.support.forked_cli import run_forked_cli
from tests.support.server import CONSOLE_SCRIPT, Server, clean_environment
from tests.support.waiting import wait_until

NOBODY = [sys.executable, nobody.__file__]
_AS_OURSELVES = "from pulse_events.cli import main; main()"
BROKEN = b"\xff\xfe"


def line_of(done: subprocess.CompletedProcess[bytes], code: int) -> str:
    """Return the one line of a program that failed."""
    assert (done.returncode, done.stdout) == (code, b""), done.stderr
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith("pulse-events: ")
    return line


def run_in(
    folder: Path, *arguments: str, program: list[str] | None = None, **environment: str
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*(program or [CONSOLE_SCRIPT]), *arguments],
        cwd=folder,
        env=clean_environment(environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=20,
        check=False,
    )


def serves_in(folder: Path, *arguments: str, program: list[str] | None = None) -> str:
    """See that a server starts in a folder, and stops; return its log."""
    process = subprocess.Popen(
        [*(program or [CONSOLE_SCRIPT]), "serve", "--port", "0", *arguments],
        cwd=folder,
        env=clean_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with process:
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            assert re.match(rb"listening on http://127.0.0.1:\d+/\n", process.stdout.readline())
            process.terminate()
            assert process.wait(12) == 0
            return process.stderr.read().decode()
        finally:
            process.kill()


# Arguments that are not UTF-8


BROKEN_ARGUMENTS: dict[str, tuple[list[str | bytes], int]] = {
    "a command": ([BROKEN], 2),
    "an option": (["serve", b"--" + BROKEN], 2),
    "an argument": (["serve", BROKEN], 2),
    "listen's exchange": (["listen", "-b", BROKEN + b"=#", "http://127.0.0.1:1/"], 2),
    "listen's pattern": (["listen", "-b", b"e=" + BROKEN, "http://127.0.0.1:1/"], 2),
    "listen's binding": (["listen", "-b", BROKEN, "http://127.0.0.1:1/"], 2),
    "listen's seconds": (["listen", "-b", "e=#", "--stale-after", BROKEN, "http://h/"], 2),
    "listen's host": (["listen", "-b", "e=#", b"http://" + BROKEN], 2),
    "listen's path": (["listen", "-b", "e=#", b"http://127.0.0.1:1/" + BROKEN], 1),
    "the broker's user": (["serve", "--broker", b"amqp://" + BROKEN + b":geheim@h"], 2),
    "the broker's password": (["serve", "--broker", b"amqp://u:geheim" + BROKEN + b"@h"], 2),
    "the broker's host": (["serve", "--broker", b"amqp://u:geheim@" + BROKEN], 2),
    "the broker's file": (["serve", "--broker-file", BROKEN], 2),
    "the CA file": (["serve", "--broker", "amqps://h", "--broker-ca-file", BROKEN], 2),
    "a number": (["serve", "--port", BROKEN], 2),
}


@pytest.mark.parametrize("name", BROKEN_ARGUMENTS)
def test_an_argument_that_is_not_utf_8_is_one_line(name: str) -> None:
    arguments, code = BROKEN_ARGUMENTS[name]
    assert "geheim" not in line_of(run_forked_cli(*arguments), code)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_file_may_be_named_by_any_bytes(workers: str, tmp_path: Path) -> None:
    url = tmp_path / os.fsdecode(BROKEN)
    url.write_text("amqp://u:geheim@127.0.0.1:1/")
    with Server("--broker-file", str(url), "--workers", workers) as server:
        wait_until(lambda: "no broker at 127.0.0.1:1" in server.stderr, "it tries")
        assert b"\xef\xbf\xbd" in Path(f"/proc/{server.pid}/cmdline").read_bytes()


# The working folder


@pytest.fixture
def forbidden(tmp_path: Path) -> Iterator[Path]:
    """A folder that may not be entered, with a config file that would be seen."""
    (tmp_path / "user-config.yml").write_text("no-such-key: 1\n")
    tmp_path.chmod(0)
    yield tmp_path
    tmp_path.chmod(0o755)


def test_a_working_folder_that_may_not_be_entered_is_as_good_as_any(forbidden: Path) -> None:
    assert "Traceback" not in serves_in(Path("/"), program=[*NOBODY, str(forbidden)])


def test_a_working_folder_that_is_deleted_is_as_good_as_any(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    for workers in ("1", "2"):
        gone.mkdir()
        program = [sys.executable, "-c", f"import os; os.rmdir({str(gone)!r}); {_AS_OURSELVES}"]
        assert "Traceback" not in serves_in(gone, "--workers", workers, program=program)


def test_a_config_file_that_may_not_be_read_is_one_line(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    config = tmp_path / "user-config.yml"
    config.write_text("broker: amqp://u:geheim@h\n")
    config.chmod(0)
    line = line_of(run_in(tmp_path, "serve", program=[*NOBODY, str(tmp_path)]), 2)
    assert line.endswith("cannot read the config file user-config.yml: Permission denied")


def test_modules_in_the_working_folder_are_not_those_of_the_program(tmp_path: Path) -> None:
    for name in ("orjson", "uvloop", "random", "signal", "pulse_events"):
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('not this one')\n")
    assert "not this one" not in serves_in(tmp_path, "--workers", "2")


# The rest


@pytest.mark.parametrize("path", ["/dev/zero", "/proc/self/mem", "/tmp"])
def test_a_config_file_that_is_none_is_one_line(path: str) -> None:
    assert path in line_of(run_forked_cli("serve", "--config", path), 2)


def test_a_config_file_that_is_a_pipe_of_no_yaml_is_one_line(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    writer = os.open(tmp_path / "pipe", os.O_RDWR)
    os.write(writer, b"\xff" * 1000)
    threading.Timer(0.5, os.close, [writer]).start()
    assert "pipe: it is not UTF-8" in line_of(
        run_forked_cli("serve", "--config", str(tmp_path / "pipe")), 2
    )


def test_a_port_that_only_root_may_have_is_one_line(tmp_path: Path) -> None:
    start = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text()
    port = min(80, int(start) - 1)
    done = run_in(tmp_path, "serve", "--port", str(port), program=[*NOBODY, str(tmp_path)])
    assert f"port {port}: Permission denied" in line_of(done, 2) or port < 0


HOSTS = ["::::", "256.1.1.1", "a b", "a\nb", "http://127.0.0.1/", "192.0.2.77", "a." * 300]


@pytest.mark.parametrize("host", HOSTS, ids=lambda host: host[:10])
def test_a_host_that_is_none_of_this_machine_is_one_line(host: str) -> None:
    assert "cannot listen on" in line_of(run_forked_cli("serve", "--host", host), 2)


@pytest.mark.parametrize("count", [6, 16, 31])
@pytest.mark.parametrize("workers", ["1", "2"])
def test_too_few_descriptors_are_one_line(count: int, workers: str, tmp_path: Path) -> None:
    program = ["prlimit", f"--nofile={count}", CONSOLE_SCRIPT]
    done = run_in(tmp_path, "serve", "--workers", workers, program=program)
    assert f"{count} descriptors" in line_of(done, 2)


@pytest.mark.parametrize("command", ["listen", "publish"])
def test_too_few_descriptors_are_one_line_for_clients_too(command: str, tmp_path: Path) -> None:
    arguments = {
        "listen": ["-b", "e=#", "http://127.0.0.1:1/"],
        "publish": ["--broker", "amqp://127.0.0.1:1/", "e", "k"],
    }
    program = ["prlimit", "--nofile=6", CONSOLE_SCRIPT]
    done = run_in(tmp_path, command, *arguments[command], program=program)
    assert "6 descriptors" in line_of(done, 2)


def test_a_low_limit_that_may_be_raised_is_raised(tmp_path: Path) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    program = ["prlimit", f"--nofile=12:{hard}", CONSOLE_SCRIPT]
    for workers in ("1", "2"):
        serves_in(tmp_path, "--workers", workers, program=program)


@pytest.mark.parametrize("encoding", ["ascii", "utf-8", "utf-16", "latin-1"])
def test_help_can_be_written_in_every_encoding(encoding: str, tmp_path: Path) -> None:
    done = run_in(tmp_path, "serve", "--help", LC_ALL="C", PYTHONIOENCODING=encoding)
    assert (done.returncode, done.stderr) == (0, b"")
    # click makes UTF-8 of ASCII, which nobody has meant.
    text = done.stdout.decode("utf-8" if encoding == "ascii" else encoding)
    assert "--broker-file" in text


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_home_that_cannot_be_written_does_not_matter(workers: str, tmp_path: Path) -> None:
    program = ["env", "HOME=/proc/none", "TMPDIR=/proc/none", CONSOLE_SCRIPT]
    assert "Traceback" not in serves_in(tmp_path, "--workers", workers, program=program)


def test_an_interrupt_while_workers_start_is_no_traceback() -> None:
    process = subprocess.Popen(
        [CONSOLE_SCRIPT, "serve", "--port", "0", "--workers", "4"],
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    with process:
        wait_until(lambda: len(children(process.pid)) == 4, "workers are being started")
        os.killpg(process.pid, signal.SIGINT)
        _, stderr = process.communicate(timeout=15)
    assert (process.returncode, b"Traceback" in stderr) == (0, False), stderr


NO_THREADS = """
import threading

def refuse(_thread):
    raise RuntimeError("can't start new thread")

threading.Thread.start = refuse
"""


def test_a_system_that_gives_no_thread_is_one_line(tmp_path: Path) -> None:
    program = [sys.executable, "-c", f"{NO_THREADS}{_AS_OURSELVES}"]
    line = line_of(run_in(tmp_path, "serve", program=program), 1)
    assert line == "pulse-events: can't start new thread"
