"""``listen`` on a terminal: laid out, coloured, and no message reaches it as a command."""

import json
import os
import pty
import re
import subprocess
from collections.abc import Iterator

import pytest

from tests.support.scripted_server import STAY, ScriptedServer, event, ready
from tests.support.server import CONSOLE_SCRIPT, clean_environment

SAID = {
    "payload": {"n": 1.50, "text": "\x1b[2J\u202e\x9b\x07é", "empty": []},
    "exchange": "e\x1b]0;x\x07",
    "routingKey": "a.\x1b[31mb",
    "redelivered": True,
    "routes": [],
    "cc": ["[red]"],
}
HOSTILE = f"event: message\ndata: {json.dumps(SAID, ensure_ascii=False)}\nid: 2\n\n".encode()
"""JSON escapes what is below a blank; the rest of what a terminal obeys comes as it is."""
_STYLE = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer([ready("1"), HOSTILE, STAY]) as running:
        yield running


def shown(server: ScriptedServer, *options: str, **environment: str) -> str:
    """Return what a terminal gets."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [CONSOLE_SCRIPT, "listen", "-b", "e=#", "-n", "1", *options, server.url],
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=subprocess.PIPE,
        env=clean_environment({"TERM": "xterm-256color", **environment}),
    ) as process:
        os.close(theirs)
        text = b""
        while chunk := read(ours):
            text += chunk
        assert process.wait(10) == 0
    os.close(ours)
    return text.decode().replace("\r\n", "\n")


def read(terminal: int) -> bytes:
    """Return some of what was written to a terminal, nothing at its end."""
    try:
        return os.read(terminal, 4096)
    except OSError:
        return b""


LAID = r"""e\u001b]0;x\u0007 a.\u001b[31mb redelivered
{
  "payload": {
    "n": 1.5,
    "text": "\u001b[2J\u202e\u009b\u0007é",
    "empty": []
  },
  "exchange": "e\u001b]0;x\u0007",
  "routingKey": "a.\u001b[31mb",
  "redelivered": true,
  "routes": [],
  "cc": [
    "[red]"
  ]
}

"""


def test_a_message_is_laid_out_and_coloured(server: ScriptedServer) -> None:
    text = shown(server)
    assert _STYLE.search(text)
    assert _STYLE.sub("", text) == LAID


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_who_wants_no_colours_gets_no_styles_either(
    server: ScriptedServer, environment: dict[str, str]
) -> None:
    assert shown(server, **environment) == LAID


def test_the_payload_alone_is_laid_out_too(server: ScriptedServer) -> None:
    text = _STYLE.sub("", shown(server, "--payload"))
    assert '\n{\n  "n": 1.5,\n' in text
    assert "exchange" not in text


def test_other_lines_hold_no_control_character(server: ScriptedServer) -> None:
    text = shown(server, "--events", "--format", "{routingKey} {payload.text}")
    lines = text.splitlines()
    assert lines == [
        '{"event":"ready","cursor":"1"}',
        r"a.\u001b[31mb \u001b[2J\u202e\u009b\u0007é",
    ]


def test_a_message_of_a_megabyte_is_shown_without_colours() -> None:
    long = {**SAID, "payload": "x" * 1_000_000}
    with ScriptedServer([ready("1"), event("message", long, "2"), STAY]) as server:
        assert shown(server).count("x") > 1_000_000
