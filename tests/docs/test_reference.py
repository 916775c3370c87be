"""The reference leaves out no option, endpoint, count, error or limit; links lead somewhere."""

import json
import re
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click
import pytest

from pulse_events import bindings, cursors, history
from pulse_events.access import limits, rate
from pulse_events.brokers.rabbitmq import (
    address_parameters,
    deliveries,
    queue,
    refusals,
    targets,
    turns,
)
from pulse_events.cli.explain import explain
from pulse_events.cli.listen import listen
from pulse_events.cli.publish import LINE_LIMIT_BYTES, publish
from pulse_events.cli.wait import wait
from pulse_events.configuration import config_file
from pulse_events.configuration.settings import PREFIX, Settings
from pulse_events.hub import hubs, interest, linger
from pulse_events.process import logs, system
from pulse_events.process.worker_process import Patience
from pulse_events.topics import comparisons, index, patterns
from pulse_events.web import (
    bodies,
    client_stream,
    http_server,
    kernel,
    posts,
    streams,
    tokens,
    work,
)
from pulse_events.web.app import App
from pulse_events.web.static_files import static_routes
from tests.docs.blocks import DOCUMENTS, ROOT
from tests.support.raw_stream import CONNECT_PATH, RawStream, connect_target
from tests.support.server import Server
from tests.support.services import make_services

REFERENCE = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")


def rows_of(section: str) -> list[list[str]]:
    """Return the cells of all tables of one section."""
    _, _, rest = REFERENCE.partition(f"\n## {section}\n")
    lines = rest.partition("\n## ")[0].split("\n")
    rows = [line.strip("|").split(" | ") for line in lines if line.startswith("| ")]
    assert rows, section
    return [[cell.strip() for cell in row] for row in rows]


def row_of(section: str, first: str) -> list[str]:
    """Return the one row of a section whose first cell is ``first``."""
    (found,) = [row for row in rows_of(section) if row[0] == first]
    return found


@pytest.mark.parametrize("name", Settings.model_fields)
def test_each_option_has_a_row_with_its_variable_and_default(name: str) -> None:
    _, variables, default, meaning = row_of("Options", f"`--{name.replace('_', '-')}`")
    assert f"`{PREFIX}{name.upper()}`" in variables
    assert meaning
    field = Settings.model_fields[name]
    assert field.default in (None, ()) or default == f"`{field.default}`"
    for bound in field.metadata:
        for value in (getattr(bound, "ge", None), getattr(bound, "gt", None)):
            assert value is None or f"{value:g}" in meaning
        assert getattr(bound, "le", None) is None or str(bound.le) in meaning


def test_no_option_is_described_that_does_not_exist() -> None:
    for row in rows_of("Options")[1:]:
        assert row[0].strip("`-").replace("-", "_") in Settings.model_fields


COMMANDS: dict[click.Command, int] = {listen: 2, wait: 2, explain: 1, publish: 1}
"""In how many sections their options are described: the second one is of two commands."""
OF_BOTH = "### The server, of `listen` and `wait`\n"


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: str(command.name))
def test_each_option_of_the_other_commands_has_a_row(command: click.Command) -> None:
    begins = [f"### `pulse-events {command.name} ", OF_BOTH][: COMMANDS[command]]
    sections = [REFERENCE.partition(f"\n{begin}")[2].partition("\n##")[0] for begin in begins]
    described = re.findall(r"^\| .*?(--[a-z-]+)", "\n".join(sections), re.MULTILINE)
    options = [option for option in command.params if isinstance(option, click.Option)]
    assert sorted(described) == sorted(option.opts[-1] for option in options)


def routes() -> dict[str, set[str]]:
    """Return all paths of a server but those of files, and their methods."""
    table = App(make_services()).table
    return {path or "/": set(table[path]) for path in table.keys() - static_routes().keys()}


def test_each_endpoint_has_a_row_with_its_method() -> None:
    rows = {
        path if path == "/" else path.rstrip("/"): row[1]
        for row in rows_of("Endpoints")
        for path in re.findall(r"`(/[^`]*)`", row[0])
    }
    found = routes()
    for path, methods in found.items():
        assert rows[path.removeprefix("/api")] in methods, path
    for path in rows.keys() - found.keys() - {"/static/…"}:
        assert path in static_routes(), path


@pytest.fixture(scope="module")
def metrics(demo: Server) -> str:
    """What ``/metrics`` says."""
    with urllib.request.urlopen(f"{demo.url}metrics", timeout=5) as answer:
        return str(answer.read().decode())


def test_each_metric_has_a_row_with_its_type(metrics: str) -> None:
    types = dict(re.findall(r"# TYPE (\w+) (\w+)", metrics))
    ours = {name for name in types if name.startswith("pulse_events_")}
    for name in ours:
        assert row_of("Metrics", f"`{name}`")[1].startswith(types[name])
    assert {name.split("_")[0] for name in types.keys() - ours} == {"process", "python"}
    described = set(re.findall(r"^\| `(pulse_events_\w+)`", REFERENCE, re.MULTILINE))
    assert described == ours


def test_each_count_of_the_statistics_has_a_row(demo: Server) -> None:
    with urllib.request.urlopen(f"{demo.url}events/v1/stats", timeout=5) as answer:
        for key in json.load(answer):
            assert row_of("Statistics", f"`{key}`")[1]


def entry(**others: Any) -> dict[str, Any]:
    return {"exchange": "x", "routingKeyPattern": "#"} | others


WRONG: list[Any] = [
    None,
    "x",
    [],
    {"bindings": [entry()], "x": 1},
    {},
    {"bindings": 1},
    {"bindings": []},
    {"bindings": [entry()] * 101},
    {"bindings": [1]},
    {"bindings": [{"exchange": "x"}]},
    {"bindings": [entry(exchange=1)]},
    '{"bindings": [{"exchange": "x", "exchange": "x"}]}',
    json.dumps({"bindings": [entry(x="?")]}).replace('"?"', "[" * 990 + "]" * 990),
    {"bindings": [entry(routingKeyPattern="x" * 256)]},
    {"bindings": [entry(exchange="a\nb")]},
    "&bindings=x&bindings=x",
    "&bindings=x&token=x",
    "&compression=br",
    "&resume=maybe",
    "&since=1m",
    "&last=1",
    "&resume=true&since=1m&last=1",
    "&resume=true&last=0",
    "&resume=true&since=x",
    "&resume=true&since=2999-01-01",
]
"""What ``bindings`` says, or whole parameters."""


def answer_to(wrong: Any, port: int) -> tuple[int, dict[str, Any]]:
    """Return status and document of a wrong request."""
    target = connect_target(errors="http")
    if wrong is None:
        target = f"{CONNECT_PATH}?errors=http"
    else:
        text = wrong if isinstance(wrong, str) else json.dumps(wrong)
        more = text if text.startswith("&") else f"&bindings={quote(text)}"
        target = f"{CONNECT_PATH}?errors=http{more}"
    with RawStream(port, target) as stream:
        head = stream.head()
        return head.status, json.loads(stream.content(head))


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: json.dumps(wrong)[:40])
def test_the_message_of_each_wrong_request_has_a_row(wrong: Any, demo: Server) -> None:
    status, document = answer_to(wrong, demo.port)
    described = [
        row
        for row in rows_of("Errors")
        if len(row) == 3
        and re.fullmatch(
            ".*".join(map(re.escape, row[2].strip("`").split("…"))), document["message"]
        )
    ]
    assert described == [[str(status), f"`{document['code']}`", described[0][2]]]


LIMITS = {
    "bindings of a stream": bindings.DEFAULT_LIMIT,
    "exchange, pattern, routing key": bindings.NAME_LIMIT_BYTES,
    "head of a request": Settings.model_fields["max_head_bytes"].default,
    "body of `publish`": bodies.BODY_LIMIT_BYTES,
    "body of `bindings`": posts.BINDING_LIMIT_BYTES,
    "time for a body": int(bodies.BODY_WITHIN_S),
    "time for a head, and of an idle connection": int(http_server.IDLE_S),
    "messages held": history.DEFAULT_BYTES,
    "messages that `last` asks for": cursors.LAST_LIMIT,
    "bindings that stay for the history's age": linger.KEPT_BINDINGS,
    "unsent bytes of a stream with a history": streams.BEHIND_BYTES,
    "unsent bytes of a stream": Settings.model_fields["max_unsent_bytes"].default,
    "body of a message": Settings.model_fields["max_message_bytes"].default,
    "bytes and words of a key that is matched": patterns.KEY_LIMIT_BYTES,
    "keys of a message that are matched": index.CC_LIMIT,
    "steps of comparing keys and patterns for one message": comparisons.WORK_LIMIT,
    "`cc` of `publish`": bodies.CC_LIMIT_BYTES,
    "distinct bindings of all streams": Settings.model_fields["max_distinct_bindings"].default,
    "streams of an address": limits.STREAMS_PER_ADDRESS,
    "new bindings of an address that the broker has not answered": limits.OUTSTANDING_BINDINGS,
    "requests of an address": int(rate.REQUESTS_PER_S),
    "connections of an address that are not streams": limits.CONNECTIONS_PER_ADDRESS,
    "distinct bindings that an address is the first to want": limits.BINDINGS_PER_ADDRESS,
    "those that an address has opened": limits.QUEUES_PER_ADDRESS,
    "bindings of a connect of which others have each, but nobody the set": work.KNOWN_BINDINGS,
    "bytes of a request's target, or of posted bindings": work.TEXT_BYTES,
    "bytes of a posted message": work.MESSAGE_BYTES,
    "time to take an answer": int(http_server.IDLE_S),
    "unsent bytes of any connection in the kernel": 2 * kernel.SEND_BUFFER_BYTES,
    "what a client sends behind its request": client_stream.RECEIVED_LIMIT_BYTES,
    "sets of bindings with a queue of their own": hubs.EXACT_LIMIT,
    "reading of what is unsent after the last event": int(streams.CLOSE_WITHIN_S),
    "tokens": tokens.SIZE_LIMIT_BYTES,
    "wildcard patterns of one exchange at the broker": interest.DEFAULT_THRESHOLD,
    "bindings of an address that are bound in a turn": turns.QUANTUM,
    "what the broker refused": refusals.REFUSALS_LIMIT,
    "bindings that nobody uses any more": int(linger.DEFAULT_LINGER_S),
    "the process's queue": queue.QUEUE_MAX_MESSAGES,
    "messages not acknowledged": deliveries.PREFETCH,
    "connecting to all addresses of a host": int(targets.CONNECT_WITHIN_S),
    "silence of a worker": int(Patience().ask_every_s * Patience().questions),
    "lines of the log that wait for a reader": logs.LINES_LIMIT,
    "config file, broker's file": config_file.LIMIT_BYTES,
    "line of `publish -`": LINE_LIMIT_BYTES,
    "descriptors": system.DESCRIPTORS_NEEDED,
}


@pytest.mark.parametrize("what", LIMITS)
def test_each_limit_is_what_the_code_has(what: str) -> None:
    assert re.search(rf"\b{LIMITS[what]}\b", row_of("Limits", what)[1])


def test_each_parameter_of_the_broker_s_url_is_described() -> None:
    described = re.findall(r"`(\w+)`", " ".join(row[0] for row in rows_of("The broker's URL")))
    assert set(described) == address_parameters._CHECKS.keys()


LINKS = [
    (document, target)
    for document in DOCUMENTS
    for target in re.findall(r"\]\(([^)\s]+)\)", document.read_text(encoding="utf-8"))
    if not target.startswith("https://")
]


def anchors(document: Path) -> set[str]:
    """Return the anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in headings}


@pytest.mark.parametrize(
    ("document", "target"), LINKS, ids=lambda part: part if isinstance(part, str) else part.name
)
def test_each_relative_link_and_image_leads_somewhere(document: Path, target: str) -> None:
    name, _, anchor = target.partition("#")
    place = (document.parent / name).resolve() if name else document
    assert place.exists()
    assert not anchor or anchor in anchors(place)


def test_each_document_is_linked_from_the_readme_or_from_the_page_for_contributors() -> None:
    linked = {
        (document.parent / target.partition("#")[0]).resolve()
        for document, target in LINKS
        if document.name in ("README.md", "CONTRIBUTING.md")
    }
    assert {*DOCUMENTS} - {ROOT / "README.md"} <= linked
