"""docs/python.md leaves out no parameter, attribute or error, and its bot goes on where it was."""

import dataclasses
import re
import ssl
import subprocess
import sys
from itertools import dropwhile, islice
from pathlib import Path

import pytest
import trustme

import pulse_events
from pulse_events.client.items import BadEvent
from pulse_events.client.terms import Terms
from tests.docs.blocks import ROOT, blocks, files_of
from tests.docs.programs import ADDRESS
from tests.faults.proxy import Proxy
from tests.support.server import Server, clean_environment
from tests.support.waiting import wait_until

PAGE = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
FILES = files_of("docs/python.md")


def rows_of(section: str) -> list[list[str]]:
    """Return the cells of the tables of one section."""
    rest = PAGE.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    rows = [line.strip("|").split(" | ") for line in rest.split("\n") if line.startswith("| ")]
    return [[cell.strip() for cell in row] for row in rows]


def test_each_parameter_has_a_row_with_its_default() -> None:
    rows = {row[0].strip("`"): row[1].strip("`") for row in rows_of("Parameters")[1:]}
    fields = {field.name: field.default for field in dataclasses.fields(Terms) if field.init}
    assert fields.keys() - {"url", "bindings"} == rows.keys()
    assert {name: repr(fields[name]) for name in rows} == rows


def test_each_attribute_of_a_message_has_a_row() -> None:
    names = {field.name for field in dataclasses.fields(pulse_events.Message)} | {"body"}
    rows = rows_of("Messages")[1:]
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row[0])} == names


@pytest.mark.parametrize("item", [pulse_events.Ready, pulse_events.Gap, pulse_events.Ping])
def test_each_attribute_of_other_items_has_its_place(item: type) -> None:
    (row,) = [row for row in rows_of("Gaps, and other events") if row[0] == f"`{item.__name__}`"]
    assert re.findall(r"`(\w+)`", row[1]) == [field.name for field in dataclasses.fields(item)]


def test_each_error_has_a_row() -> None:
    exported = {name: getattr(pulse_events, name) for name in pulse_events.__all__}
    errors = {name for name, what in exported.items() if _is_error(what)}
    assert {row[0].strip("`") for row in rows_of("Errors")[1:]} == errors
    assert BadEvent.__base__ is pulse_events.PulseEventsError  # as the last row says


def _is_error(what: object) -> bool:
    return isinstance(what, type) and issubclass(what, Exception)


def printed(program: Path) -> list[str]:
    """Return what a program has printed of messages when it is killed."""
    screen = program.with_suffix(".txt")
    with screen.open("wb") as stdout:
        process = subprocess.Popen(
            [sys.executable, program.name],
            cwd=program.parent,
            env=clean_environment({"PYTHONUNBUFFERED": "1"}),
            stdout=stdout,
        )
        with process:
            wait_until(lambda: screen.read_text().count("\n") > 5, "messages", within_s=20)
            process.kill()
    return re.findall(r"^message (\S+)$", screen.read_text(), re.MULTILINE)


@pytest.mark.timeout(60)
def test_a_program_that_keeps_its_cursor_goes_on_where_it_was(demo: Server, tmp_path: Path) -> None:
    (text,) = [block.text for block in blocks() if "cursor.txt" in block.text]
    program = tmp_path / "program.py"
    program.write_text(text.replace(ADDRESS, f"127.0.0.1:{demo.port}"))
    first, second = printed(program), printed(program)
    if first[-1] == second[0]:  # it was killed while it dealt with it
        second.pop(0)
    binding = ("exchange/taskcluster-queue/v1/task-pending", "#")
    with pulse_events.sync.listen(demo.url, binding, since="1m") as listening:
        tasks = (message.payload["status"]["taskId"] for message in listening)
        behind = dropwhile(lambda task: task != first[0], tasks)
        assert list(islice(behind, len(first + second))) == first + second


@pytest.mark.timeout(60)
def test_a_proxy_is_gone_through_to_a_server_that_is_nowhere_else(
    demo: Server, tmp_path: Path
) -> None:
    program = tmp_path / "program.py"
    text = FILES["through_a_proxy.py"]
    # A request for another host is answered by the server, too: it is its own proxy.
    program.write_text(text.replace("proxy.example.com:3128", f"127.0.0.1:{demo.port}"))
    assert printed(program)


@pytest.mark.timeout(60)
def test_a_server_with_a_certificate_of_ones_own_ca_is_trusted(
    demo: Server, tmp_path: Path
) -> None:
    authority = trustme.CA()
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(tls)
    authority.cert_pem.write_to_path(tmp_path / "our-ca.pem")
    program = tmp_path / "program.py"
    with Proxy(demo.port, tls=tls) as front:
        here = f"localhost:{front.port}"
        program.write_text(FILES["own_ca.py"].replace("pulse-events.example.com", here))
        assert printed(program)
