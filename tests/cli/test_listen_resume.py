"""``listen`` with a history: where it begins, what it notes in a file, and what a gap does."""

import fcntl
import json
import select
import signal
import sys
import termios
from pathlib import Path
from typing import IO, Any

import pytest

from tests.support.forked_cli import run_forked_cli
from tests.support.listening import line_of, listening, said
from tests.support.local_server import local_server
from tests.support.raw_server import RawServer, answer
from tests.support.scripted_server import MEMORY, STAY, ScriptedServer, event, gap, message, ready
from tests.support.waiting import wait_until


def cursor_in(file: Path) -> Any:
    return json.loads(file.read_text())["cursor"]


def wait_for_cursor(file: Path, cursor: str) -> None:
    wait_until(lambda: file.exists() and cursor_in(file) == cursor, f"{cursor} is noted")


def has_cursor(file: Path, url: str, cursor: str) -> Path:
    """Write what an earlier process noted."""
    bindings = [{"exchange": "e", "routingKeyPattern": "#"}]
    document = {"url": f"{url}events/v1/connect/", "bindings": bindings, "cursor": cursor}
    file.write_text(json.dumps(document))
    return file


def test_it_says_of_no_retry_that_messages_may_be_missing_where_they_are_not() -> None:
    with ScriptedServer([ready("1")], [ready("1"), message("a", "2"), STAY]) as server:
        with listening("-b", "e=#", server.url) as process:
            assert json.loads(line_of(process)) == {"payload": "a"}
            told = said(process).decode()
    assert "; again in " in told
    assert "missing" not in told
    assert [each.last_event_id for each in server.asked] == [None, "1"]


def test_without_resume_it_begins_anew() -> None:
    with ScriptedServer([ready()], [ready(), message("a"), STAY]) as server:
        with listening("-b", "e=#", "--no-resume", server.url) as process:
            assert json.loads(line_of(process)) == {"payload": "a"}
            assert b"messages may be missing" in said(process)
    assert not any("resume" in each.query for each in server.asked)


@pytest.mark.parametrize(("option", "value"), [("since", "10m"), ("last", "5")])
def test_it_begins_with_what_the_server_holds(option: str, value: str) -> None:
    with ScriptedServer([ready("9"), message("a", "2"), STAY]) as server:
        with listening("-b", "e=#", f"--{option}", value, server.url) as process:
            assert json.loads(line_of(process)) == {"payload": "a"}
    assert server.asked[0].query[option] == value
    assert server.asked[0].query["resume"] == "true"


def test_a_file_notes_what_was_printed_and_the_next_process_goes_on_there(tmp_path: Path) -> None:
    file = tmp_path / "f"
    scripts = [
        [ready("1"), message("a", "2"), message("b", "3"), STAY],
        [ready("3"), message("c", "4"), event("ping", {}, "5"), STAY],
    ]
    with ScriptedServer(*scripts) as server:
        with listening("-b", "e=#", "--resume-file", file, server.url) as process:
            wait_for_cursor(file, "3")
        assert process.returncode == -signal.SIGKILL
        with listening("-b", "e=#", "--resume-file", file, server.url) as process:
            assert json.loads(line_of(process)) == {"payload": "c"}
            wait_for_cursor(file, "5")
    assert [each.last_event_id for each in server.asked] == [None, "3"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_has_it_note_the_last_line(tmp_path: Path, number: signal.Signals) -> None:
    file = tmp_path / "f"
    many = [message(n, str(n)) for n in range(2, 100)]
    with ScriptedServer([ready("1"), *many, STAY]) as server:
        with listening("-b", "e=#", "--resume-file", file, server.url) as process:
            for _ in many:
                line_of(process)
            process.send_signal(number)
            stdout, stderr = process.communicate(timeout=10)
    assert process.returncode == (130 if number == signal.SIGINT else -number)
    assert (stdout, stderr.strip()) == (b"", b"")
    # SIGTERM may come between the line and the note of it.
    assert cursor_in(file) in ("99", "98" if number == signal.SIGTERM else "99")


def test_a_reader_that_takes_nothing_does_not_keep_it_from_ending(tmp_path: Path) -> None:
    file = tmp_path / "f"
    scripts = [[ready("1"), message("a", "2"), message("x" * (1 << 20), "3"), STAY]]
    with ScriptedServer(*scripts) as server:
        with listening("-b", "e=#", "--resume-file", file, server.url) as process:
            assert json.loads(line_of(process)) == {"payload": "a"}
            wait_until(lambda: is_full(process.stdout), "it waits for its reader")
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == -signal.SIGTERM
    assert cursor_in(file) == "2"


def is_full(pipe: IO[bytes] | None) -> bool:
    assert pipe is not None
    unread = int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), sys.byteorder)
    # A page that is half read takes no more.
    return unread > fcntl.fcntl(pipe, fcntl.F_GETPIPE_SZ) - select.PIPE_BUF


def test_a_reader_that_leaves_has_it_note_the_last_line(tmp_path: Path) -> None:
    file = tmp_path / "f"
    with ScriptedServer([ready("1"), message("a", "2"), message("b", "3"), STAY]) as server:
        with listening("-b", "e=#", "--resume-file", file, server.url) as process:
            for _ in range(2):
                line_of(process)
            assert process.stdout is not None
            process.stdout.close()
            assert process.wait(10) == 1
    assert cursor_in(file) == "3"


def test_a_line_that_nobody_took_is_not_noted(tmp_path: Path) -> None:
    file = tmp_path / "f"
    long = message("x" * (1 << 20), "3")
    with ScriptedServer([ready("1"), message("a", "2"), long, STAY]) as server:
        with listening("-b", "e=#", "--resume-file", file, server.url) as process:
            assert json.loads(line_of(process)) == {"payload": "a"}
            assert process.stdout is not None
            process.stdout.close()
            assert process.wait(10) == 1
    assert cursor_in(file) == "2"


def test_a_gap_is_a_line_and_the_stream_goes_on(tmp_path: Path) -> None:
    file = tmp_path / "f"
    told = gap("older messages\nare no longer held", "5", "2026-11-25T10:00:00Z")
    with ScriptedServer([ready("1"), told, message("a", "6"), STAY]) as server:
        with listening("-b", "e=#", "--resume-file", file, server.url) as process:
            assert json.loads(line_of(process)) == {"payload": "a"}
            assert said(process).decode() == (
                "messages may be missing from 2026-11-25T10:00:00Z up to 2026-11-25T10:12:31Z: "
                "older messages are no longer held\n"
            )
            wait_for_cursor(file, "6")


def test_a_gap_is_the_end_where_that_is_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "f"
    scripts = [[ready("1"), message("a", "2"), gap("gone", "5"), message("b", "6"), STAY]]
    with ScriptedServer(*scripts) as server:
        arguments = ["-b", "e=#", "--fail-on-gap", "--resume-file", str(file), server.url]
        done = run_forked_cli("listen", *arguments)
    assert done.returncode == 3
    assert done.stdout == b'{"payload": "a"}\n'
    assert done.stderr.decode().splitlines() == [
        "ready",
        "messages may be missing up to 2026-11-25T10:12:31Z: gone",
    ]
    assert cursor_in(file) == "5"


def test_a_gap_is_the_end_without_a_file_too() -> None:
    with ScriptedServer([ready("1"), gap("gone", "5"), STAY]) as server:
        assert run_forked_cli("listen", "-b", "e=#", "--fail-on-gap", server.url).returncode == 3
    assert server.asked[0].query["resume"] == "true"


@pytest.mark.parametrize(("option", "value"), [("--since", "10m"), ("--last", "5")])
def test_a_file_goes_before_another_beginning(tmp_path: Path, option: str, value: str) -> None:
    with ScriptedServer([ready("7"), gap("gone", "8"), STAY]) as server:
        file = has_cursor(tmp_path / "f", server.url, "7")
        arguments = ["-b", "e=#", "--fail-on-gap", option, value, "--resume-file", str(file)]
        done = run_forked_cli("listen", *arguments, server.url)
    line = f"going on where {file} says; {option} does not count"
    assert done.stderr.decode().splitlines()[0] == line
    assert server.asked[0].last_event_id == "7"
    assert option.strip("-") not in server.asked[0].query
    assert cursor_in(file) == "8"


def test_a_file_for_another_stream_or_a_broken_one_is_wrong_use(tmp_path: Path) -> None:
    file = has_cursor(tmp_path / "f", "http://127.0.0.1:1/", "7")
    with ScriptedServer([ready("1"), STAY]) as server:
        for begin in (["-b", "e=#", server.url], ["-b", "e=a", "http://127.0.0.1:1"]):
            done = run_forked_cli("listen", "--resume-file", str(file), *begin)
            assert (done.returncode, done.stdout) == (2, b"")
            assert f"{file} is for " in done.stderr.decode()
        file.write_text("")
        done = run_forked_cli("listen", "-b", "e=#", "--resume-file", str(file), server.url)
        assert done.returncode == 2
        assert b"remove it to begin anew" in done.stderr
        assert not server.asked


def test_no_password_gets_into_the_file(tmp_path: Path) -> None:
    file = tmp_path / "f"
    with ScriptedServer([ready("1"), gap("gone", "5"), STAY]) as server:
        url = server.url.replace("://", "://user:geheim@") + "events/v1/connect/?token=geheim"
        arguments = ["-b", "e=#", "--fail-on-gap", "--resume-file", str(file), url]
        assert run_forked_cli("listen", *arguments).returncode == 3
    assert "geheim" not in file.read_text()
    assert json.loads(file.read_text())["url"] == f"{server.url}events/v1/connect/"


@pytest.mark.parametrize("options", [["--since", "10m"], ["--last", "5"], ["--fail-on-gap"], []])
def test_a_server_without_a_history_is_told_apart(tmp_path: Path, options: list[str]) -> None:
    wanted = options or ["--resume-file", str(tmp_path / "f")]
    with ScriptedServer([ready(), STAY], config=None) as server:
        done = run_forked_cli("listen", "-b", "e=#", *wanted, server.url)
    assert (done.returncode, done.stdout) == (1, b"")
    said = f"pulse-events: the server keeps no history; leave out {wanted[0]}\n"
    assert done.stderr.decode() == said
    assert not (tmp_path / "f").exists()


@pytest.mark.parametrize("options", [["--since", "10m"], ["--last", "5", "--fail-on-gap"]])
def test_what_to_leave_out_is_said_as_it_was_typed(options: list[str]) -> None:
    with local_server(history="off") as server:
        url = f"127.0.0.1:{server.port}"
        done = run_forked_cli("listen", "-b", "e=#", "--events", *options, url)
    names = " and ".join(word for word in options if word.startswith("--"))
    why = f"this server keeps no history (--history off); leave out {names}"
    assert (done.returncode, done.stderr.decode()) == (1, f"pulse-events: {why}\n")
    assert json.loads(done.stdout) == {"event": "error", "message": why}


def test_who_gave_no_such_option_is_told_of_the_one_that_helps() -> None:
    refused = answer("400 No", b'{"message": "this server keeps no history; leave out \'resume\'"}')
    with RawServer(refused, config=answer("200 OK", MEMORY)) as server:
        done = run_forked_cli("listen", "-b", "e=#", server.url)
    assert done.stderr == b"pulse-events: this server keeps no history; give --no-resume\n"


def test_a_file_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "f.new").mkdir()
    with ScriptedServer([ready("1"), STAY]) as server:
        arguments = ["-b", "e=#", "--resume-file", str(tmp_path / "f"), server.url]
        done = run_forked_cli("listen", *arguments)
    assert done.returncode == 1
    assert b"cannot write" in done.stderr
    assert b"Traceback" not in done.stderr
