"""``pulse-events listen``: messages on stdout, everything else on stderr, exit codes."""

import json
import signal
from collections.abc import Iterator

import pytest

from tests.support.forked_cli import run_forked_cli
from tests.support.listening import line_of, listening, said
from tests.support.local_server import LocalServer, local_server
from tests.support.rabbit import free_port
from tests.support.waiting import wait_until


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    with local_server() as running:
        yield running


@pytest.mark.parametrize("path", ["", "/", "/events/v1/connect/", "/v1/connect"])
def test_each_message_is_one_line_of_json_as_on_the_wire(server: LocalServer, path: str) -> None:
    url = f"http://127.0.0.1:{server.port}{path}"
    with listening("-b", "exchange/listen=a.*", "-b", "exchange/listen=*.b", url) as process:
        server.say("exchange/listen", "x.y", b'"not this"')
        server.say("exchange/listen", "a.b", '{"é":\n "\u2028"}'.encode(), cc=("route.r",))
        line = line_of(process)
    assert line.decode() == (
        '{"payload":{"é": "\\u2028"},"exchange":"exchange/listen","routingKey":"a.b",'
        '"redelivered":false,"routes":["r"],"cc":["route.r"]}\n'
    )


def test_the_output_is_utf_8_whatever_the_locale(server: LocalServer) -> None:
    url = f"http://127.0.0.1:{server.port}"
    environment = {"PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    with listening("-b", "e/utf8=#", url, environment=environment) as process:
        server.say("e/utf8", "k", '"é"'.encode())
        assert json.loads(line_of(process).decode())["payload"] == "é"


def test_it_ends_quietly_when_interrupted(server: LocalServer) -> None:
    with listening("-b", "e=#", f"http://127.0.0.1:{server.port}") as process:
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=10)
    assert (process.returncode, stdout, stderr.strip()) == (130, b"", b"")


def test_it_ends_when_nobody_reads_its_output(server: LocalServer) -> None:
    with listening("-b", "e/pipe=#", f"http://127.0.0.1:{server.port}") as process:
        assert process.stdout is not None
        process.stdout.close()

        def has_ended() -> bool:
            server.say("e/pipe", "k")
            return process.poll() is not None

        wait_until(has_ended, "the listener ends")
        assert process.stderr is not None
        assert b"Traceback" not in process.stderr.read()


def test_it_goes_on_when_the_server_comes_back() -> None:
    port = free_port()
    with local_server(port=port) as server:
        with listening("-b", "e=#", f"http://127.0.0.1:{port}") as process:
            server.stop()
            with local_server(port=port) as successor:
                while (line := said(process)) != b"ready\n":
                    assert b"; again in " in line
                assert b": the history was another process'\n" in said(process)
                successor.say("e", "k", b'"after"')
                assert json.loads(line_of(process))["payload"] == "after"


WRONG = {
    "no binding": ([], 2, "-b"),
    "a binding without a pattern": (["-b", "exchange"], 2, "EXCHANGE=PATTERN"),
    "no time": (["-b", "e=#", "--stale-after", "nan"], 2, "--stale-after: nan is no time"),
    "two beginnings": (["-b", "e=#", "--since", "1h", "--last", "5"], 2, "--since and --last"),
    "no newest messages": (["-b", "e=#", "--last", "0"], 2, "--last"),
    "a history, and none": (["-b", "e=#", "--no-resume", "--fail-on-gap"], 2, "--fail-on-gap"),
    "a pattern of 256 bytes": (["-b", f"e={'p' * 256}"], 2, "-b: routingKeyPattern is 256 bytes"),
    "a name of 256 bytes": (["-b", f"{'e' * 256}=#"], 2, "-b: exchange is 256 bytes"),
    "no beginning": (["-b", "e=#", "--since", "soon"], 2, "--since: 'since' is 'soon'"),
    "a beginning to come": (["-b", "e=#", "--since", "2999-01-01"], 2, "still to come"),
    "too long a silence": (
        ["-b", "e=#", "--stale-after", "1e6"],
        2,
        "--stale-after: it is 1000000",
    ),
    "no header": (["-b", "e=#", "-H", "X: é"], 2, "-H: the header X"),
    "one header twice": (["-b", "e=#", "-H", "X: 1", "-H", "x: 2"], 2, "-H: the header x is given"),
    "a refused exchange": (["-b", "=#"], 1, "exchange ''"),
}


@pytest.mark.parametrize(("options", "code", "part"), WRONG.values(), ids=WRONG)
def test_a_wrong_use_is_one_line_on_stderr(
    server: LocalServer, options: list[str], code: int, part: str
) -> None:
    done = run_forked_cli("listen", *options, f"http://127.0.0.1:{server.port}/")
    assert (done.returncode, done.stdout) == (code, b"")
    (line,) = done.stderr.decode().splitlines()
    assert part in line


URLS = {
    "no server": ("http://127.0.0.1:1/", 1),
    "no host": ("nonsense", 1),
    "an impossible name": (f"http://{'a' * 70}.example/", 1),
    "another scheme": ("ftp://h/", 2),
    "a bad port": ("http://h:99999/", 2),
    "a bad address": ("http://[::1/", 2),
}


@pytest.mark.parametrize(("url", "code"), URLS.values(), ids=URLS)
def test_a_url_that_leads_nowhere_is_one_line_on_stderr(url: str, code: int) -> None:
    done = run_forked_cli("listen", "-b", "e=#", url)
    assert (done.returncode, done.stdout) == (code, b"")
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith("pulse-events: ")


def test_a_path_that_is_no_stream_is_one_line_on_stderr(server: LocalServer) -> None:
    done = run_forked_cli("listen", "-b", "e=#", f"http://127.0.0.1:{server.port}/nothing/")
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"nothing" in done.stderr
