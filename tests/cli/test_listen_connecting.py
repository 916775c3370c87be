"""``listen``: headers, tokens, authorities and proxies, as they reach the server."""

import os
import ssl
import threading
from pathlib import Path

import pytest
import trustme

from tests.support.forked_cli import run_forked_cli
from tests.support.listening import listening, said
from tests.support.scripted_server import STAY, ScriptedServer, message, ready


def test_headers_reach_the_server() -> None:
    with ScriptedServer([ready("1"), message("a", "2"), STAY]) as server:
        options = ["-n", "1", "-H", "X-One: 1", "--header", "X-Two:b: c"]
        assert run_forked_cli("listen", "-b", "e=#", *options, server.url).returncode == 0
        headers = server.asked[0].headers
    assert (headers["X-One"], headers["X-Two"]) == ("1", "b: c")


def test_a_token_is_read_again_for_each_connection(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("first\n")
    scripts = [[ready("1"), message("a", "2")], [ready("2"), STAY]]
    with ScriptedServer(*scripts) as server:
        with listening("-b", "e=#", "--token-file", file, server.url) as process:
            file.write_text(" second ")
            assert b"; again in " in said(process)
            assert said(process) == b"ready\n"
        tokens = [each.headers["Authorization"] for each in server.asked]
    assert tokens == ["Bearer first", "Bearer second"]


def test_a_token_may_come_from_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "token")
    writing = threading.Thread(target=(tmp_path / "token").write_text, args=("piped",))
    writing.start()
    with ScriptedServer([ready("1"), message("a", "2"), STAY]) as server:
        options = ["-n", "1", "--token-file", str(tmp_path / "token")]
        assert run_forked_cli("listen", "-b", "e=#", *options, server.url).returncode == 0
        assert server.asked[0].headers["Authorization"] == "Bearer piped"
    writing.join(10)


@pytest.mark.parametrize("content", [b"", b" \n", b"\xff"])
def test_a_file_without_a_token_is_one_line(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "token"
    file.write_bytes(content)
    done = run_forked_cli("listen", "-b", "e=#", "--token-file", str(file), "127.0.0.1:1")
    assert (done.returncode, done.stdout) == (2, b"")
    (line,) = done.stderr.decode().splitlines()
    assert str(file) in line


def test_a_proxy_is_asked_in_place_of_the_server() -> None:
    with ScriptedServer(400) as proxy:
        options = ["--no-resume", "--proxy", proxy.url]
        done = run_forked_cli("listen", "-b", "e=#", *options, "http://pulse.invalid/")
        assert proxy.asked[0].headers["Host"] == "pulse.invalid"
    assert (done.returncode, done.stderr) == (1, b"pulse-events: a 400\n")


WRONG = {
    "no CA file": ["--ca-file", "/nowhere"],
    "a CA file that is none": ["--ca-file", "/etc/hostname"],
    "no proxy": ["--proxy", "nonsense"],
    "no such proxies": ["--proxy", "x://h"],
    "more than there may be": ["--last", "1001"],
    "a header of ours": ["-H", "Last-Event-ID: 1"],
    "a header that is not ASCII": ["-H", "X: é"],
}


@pytest.mark.parametrize("options", WRONG.values(), ids=WRONG)
def test_what_cannot_be_used_is_one_line(options: list[str]) -> None:
    done = run_forked_cli("listen", "-b", "e=#", *options, "https://127.0.0.1:1")
    assert done.returncode == 2
    assert done.stdout == b""
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith("pulse-events: ")


def test_a_server_with_a_certificate_of_its_own_needs_its_authority(tmp_path: Path) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(file)
    with ScriptedServer([ready("1"), message("a", "2"), STAY], tls=context) as server:
        url = server.url.replace("127.0.0.1", "localhost")
        refused = run_forked_cli("listen", "-b", "e=#", url)
        assert (refused.returncode, refused.stdout) == (1, b"")
        assert b"certificate" in refused.stderr.lower()
        options = ["-n", "1", "--ca-file", str(file)]
        assert run_forked_cli("listen", "-b", "e=#", *options, url).stdout
