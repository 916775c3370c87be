"""What docs/clients.md says of each client is what the tests of the clients found."""

import importlib.metadata
import json
import re

import click
import pytest

from pulse_events.cli.listen import listen
from pulse_events.cli.wait import wait
from tests.clients.cast import CLIENTS, Client
from tests.clients.test_reconnects import ENDS
from tests.clients.test_resuming import RAISING, RESUMING
from tests.clients.worlds import FOLDER
from tests.docs.blocks import ROOT

PAGE = (ROOT / "docs" / "clients.md").read_text(encoding="utf-8")
ROWS = {
    row[0]: row[1:] for row in re.findall(r"^\| `(.+)`" + r" \| (.+?)" * 6 + r" \|$", PAGE, re.M)
}
VARIANTS = {
    "requests iter_lines text",
    "httpx-sse async",
    "curl --http1.0 --compressed",
    "HTTP/1.0 socket",
}
"""Clients that have no row of their own."""


def version(client: Client) -> str | None:
    """Return the version that is tried; ``None`` if it is whatever is there."""
    name = client.package or client.name.partition(" ")[0]
    if client.world == "python" and name != "urllib.request":
        return importlib.metadata.version(name)
    packages = json.loads((FOLDER / "package.json").read_text())["dependencies"]
    return str(packages[name]).rpartition("@")[2] if name in packages else None


def coming_back(client: Client) -> tuple[str, ...]:
    """Return what may be said of a client that gets 204."""
    if client.name not in ENDS:
        return ("does not come back", "asks again, for ever")
    world, end = ENDS[client.name]
    if end != "closed":
        return (f"raises `{end.removesuffix(': ')}`",)
    return ("does not come back" if world == "python" else "stops",)


def after_a_loss(client: Client) -> str:
    """Return what may be said of a client whose connection is lost, with ``resume=true``."""
    if client.name in RAISING:
        return f"raises `{RAISING[client.name]}`"
    return "goes on" if client.name in RESUMING else "by hand"


@pytest.mark.parametrize("client", [c for c in CLIENTS if c.name not in VARIANTS], ids=str)
def test_each_client_has_a_row_that_is_true(client: Client) -> None:
    tried, plain, gzip, nginx, at_204, lost = ROWS[client.name]
    assert tried == (version(client) or tried)
    assert plain == "yes"
    assert (gzip != "no") == ("gzip" in client.forms)
    assert (nginx != "yes") == client.breaks_behind_a_proxy
    assert at_204 in coming_back(client)
    assert lost == after_a_loss(client)


def test_no_row_is_of_a_client_that_is_not_tried() -> None:
    assert ROWS.keys() == {client.name for client in CLIENTS} - VARIANTS


def test_the_options_that_are_compared_with_other_tools_are_all_that_are_there() -> None:
    rows = re.findall(r"^\| [a-z][\w ,']+ \| ([^|]+) \|" + r"[^|]*\|" * 5 + "$", PAGE, re.M)
    named = set(re.findall(r"`(-{1,2}[a-zA-Z][a-z-]*)`", " ".join(rows)))
    parameters = [*listen.params, *wait.params]
    options = [option for option in parameters if isinstance(option, click.Option)]
    assert len(rows) > 20
    assert named <= {spelling for option in options for spelling in option.opts}
    assert [option.opts for option in options if named.isdisjoint(option.opts)] == []
