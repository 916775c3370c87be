"""What ``listen`` and ``wait`` have in common: the server, and how they connect to it."""

import ipaddress
import math
import re
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import click

from pulse_events.backoff import STALE_AFTER_S
from pulse_events.cli.voice import Voice
from pulse_events.configuration.small_files import read_small_file
from pulse_events.errors import InputError, SettingsError
from pulse_events.times import read_since

URL_VARIABLE = "PULSE_EVENTS_URL"
TOKEN_LIMIT_BYTES = 64 << 10
TIMEOUT_LIMIT_S = 1e8
"""Three years: timers take no infinity."""

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")
_HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*", re.DOTALL)
"""RFC 9110, section 5.1; what its value may be `check_header` knows."""
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:/")

_OPTIONS = (
    click.option(
        "-H",
        "--header",
        "headers",
        multiple=True,
        metavar="HEADER",
        help="A header of the requests, 'Name: value'; may be given many times.",
    ),
    click.option(
        "--token-file",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Send the token in this file; it is read again for each connection.",
    ),
    click.option(
        "--ca-file",
        metavar="FILE",
        help="Authorities (PEM) that the certificate may come from, beside the system's.",
    ),
    click.option(
        "--proxy", metavar="URL", help="Connect through it; else as the environment says."
    ),
    click.option(
        "--stale-after",
        type=click.FloatRange(min=0.1),
        default=STALE_AFTER_S,
        show_default=True,
        metavar="SECONDS",
        help="Silence after which to connect anew; longer than the server's ping interval.",
    ),
    click.option("--wait", is_flag=True, help="Wait for a server that is not there yet."),
    click.option("--no-retry", is_flag=True, help="Fail when the connection is lost."),
    click.option("-q", "--quiet", is_flag=True, help="Say nothing on stderr but why it fails."),
    click.option("-v", "--verbose", is_flag=True, help="Say more on stderr."),
    click.argument("url", envvar=URL_VARIABLE, required=False),
)

timeout_option = click.option(
    "--timeout",
    type=click.FloatRange(0, TIMEOUT_LIMIT_S, min_open=True),
    metavar="SECONDS",
    help="End with exit code 124 after this time.",
)


def connection_options(function: F) -> F:
    """Give a command the options that say how to connect, and the argument URL."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def voice_of(options: dict[str, Any]) -> Voice:
    """Return what speaks as the options say."""
    return Voice(options["quiet"], options["verbose"])


def check_connection(options: dict[str, Any]) -> None:
    """Refuse options that contradict each other, or are no such time.

    Raises:
        UsageError: They are so.
    """
    for one, other in (("quiet", "verbose"), ("wait", "no_retry")):
        if options[one] and options[other]:
            raise click.UsageError(f"{spelled(one)} and {spelled(other)} contradict each other")
    for name in ("stale_after", "timeout"):
        if options[name] is not None and math.isnan(options[name]):
            raise click.BadParameter("nan is no time", param_hint=spelled(name))
    from pulse_events.client.terms import check_proxy, check_time

    checked("--stale-after", check_time, "it", options["stale_after"])
    checked("--proxy", check_proxy, options["proxy"])
    if options["since"]:
        # Here, since of a server's refusal it is not known what it is about.
        checked("--since", read_since, options["since"], time.time_ns() // 1_000_000)


def spelled(name: str) -> str:
    """Return an option as it is typed."""
    return "--" + name.replace("_", "-")


def checked(option: str, read: Callable[..., T], *arguments: Any) -> T:
    """Return what ``read`` makes of an option's value.

    Raises:
        BadParameter: It refuses that, with an `InputError`.
    """
    try:
        return read(*arguments)
    except InputError as error:
        raise click.BadParameter(str(error), param_hint=option) from None


def server_url(url: str | None) -> str:
    """Return the server's URL, with the scheme that it may lack.

    That is ``https`` for a name with a dot, which may be anywhere, else ``http``.

    Raises:
        UsageError: There is none, or it cannot be one.
    """
    url = (url or "").strip()
    if not url:
        raise click.UsageError(f"name the server: a URL, or the variable {URL_VARIABLE}")
    if not _SCHEME.match(url):
        url = f"{'https' if _is_public(url) else 'http'}://{url}"
    from pulse_events.client.addresses import endpoint_of

    checked("URL", endpoint_of, url)
    return url


def _is_public(url: str) -> bool:
    try:
        host = urlsplit(f"//{url}").hostname or ""
        ipaddress.ip_address(host)
    except ValueError:  # no address, or no URL, as will be told
        host = url.partition("/")[0].rpartition("@")[2].partition(":")[0]
        return "." in host and not host.endswith(".localhost")
    return False


def connection_of(options: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of `pulse_events.listen` that say how to connect.

    Raises:
        UsageError: A header is none, or is given twice.
    """
    file = options["token_file"]
    return {
        "token": None if file is None else lambda: _token(file),
        "headers": _headers(options["headers"]),
        "ca_file": options["ca_file"],
        "proxy": options["proxy"],
        "stale_after_s": options["stale_after"],
        "max_retries": 0 if options["no_retry"] else None,
        "wait_for_server": options["wait"],
    }


def _headers(texts: Iterable[str]) -> Mapping[str, str]:
    from pulse_events.client.terms import check_header

    headers: dict[str, str] = {}
    for text in texts:
        found = _HEADER.fullmatch(text)
        if found is None:  # it may be a secret, so it is not repeated
            raise click.BadParameter("it is not like 'Name: value'", param_hint="-H")
        name, value = found.groups()
        checked("-H", check_header, name, value)
        if name.lower() in map(str.lower, headers):
            raise click.BadParameter(f"the header {name} is given twice", param_hint="-H")
        headers[name] = value
    return headers


def _token(file: Path) -> str:
    """Return what the file says now; not before it is needed, since it may be a pipe."""
    from pulse_events.client.terms import check_token

    token = read_small_file(file, "the token file", limit_bytes=TOKEN_LIMIT_BYTES).strip()
    if not token:
        raise SettingsError(f"the token file {file} is empty")
    checked("--token-file", check_token, token)
    return token
