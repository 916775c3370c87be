"""On what terms a user listens: the parameters of ``listen``, checked.  Pure."""

import math
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any, TypedDict
from urllib.parse import urlsplit

from pulse_events.backoff import CAP_S, FIRST_S, STALE_AFTER_S
from pulse_events.bindings import Binding
from pulse_events.client.addresses import Endpoint, endpoint_of
from pulse_events.client.forms import Bindings, bindings_of, since_text
from pulse_events.client.place import Place
from pulse_events.cursors import LAST_LIMIT
from pulse_events.errors import InputError

CONNECT_WITHIN_S = 15.0
LONGEST_S = 604_800.0
"""Of any time that is given: a week."""

_KINDS: dict[str, tuple[Any, str]] = {
    "events": (bool, "a bool"),
    "cursor": (str | None, "a str"),
    "resume": (bool | None, "a bool"),
    "headers": (Mapping | None, "a mapping"),
    "ca_file": (str | os.PathLike | None, "a path"),
    "wait_for_server": (bool, "a bool"),
    "on_retry": (Callable | None, "a function"),
}
"""Parameters of which nothing else is known before they are used."""
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e]*")


class Options(TypedDict, total=False):
    """Options of both ``listen``; what each means stands there."""

    cursor: str | None
    since: str | timedelta | datetime | None
    last: int | None
    resume: bool | None
    headers: Mapping[str, str] | None
    ca_file: str | os.PathLike[str] | None
    proxy: str | None
    connect_timeout_s: float
    stale_after_s: float
    first_delay_s: float
    max_delay_s: float
    max_retries: int | None
    wait_for_server: bool
    on_retry: Callable[[str, float], object] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What one call of ``listen`` asks for; an invalid one cannot be made.

    Raises:
        InputError: On construction: a parameter is wrong, or two contradict each other.
    """

    url: str
    bindings: Bindings
    events: bool = False
    cursor: str | None = None
    since: str | timedelta | datetime | None = None
    last: int | None = None
    resume: bool | None = None
    token: Any = None
    headers: Mapping[str, str] | None = None
    client: Any = None
    ca_file: str | os.PathLike[str] | None = None
    proxy: str | None = None
    connect_timeout_s: float = CONNECT_WITHIN_S
    stale_after_s: float = STALE_AFTER_S
    first_delay_s: float = FIRST_S
    max_delay_s: float = CAP_S
    max_retries: int | None = None
    wait_for_server: bool = False
    on_retry: Callable[[str, float], object] | None = None
    endpoint: Endpoint = field(init=False)
    wanted: tuple[Binding, ...] = field(init=False)

    def __post_init__(self) -> None:
        """Read the forms, check the rest."""
        for name, (kind, words) in _KINDS.items():
            value = getattr(self, name)
            if not isinstance(value, kind):
                raise InputError(f"{name} is {value!r:.80}, which is not {words}")
        object.__setattr__(self, "endpoint", endpoint_of(self.url))
        object.__setattr__(self, "wanted", bindings_of(self.bindings))
        for name in ("connect_timeout_s", "stale_after_s", "first_delay_s", "max_delay_s"):
            check_time(name, getattr(self, name))
        _check_count("last", self.last, at_least=1, at_most=LAST_LIMIT)
        _check_count("max_retries", self.max_retries, at_least=0)
        check_proxy(self.proxy)
        for name, value in (self.headers or {}).items():
            check_header(name, value)
        if not callable(self.token):
            check_token(self.token)
        if self.client is not None and (self.ca_file is not None or self.proxy is not None):
            raise InputError("ca_file and proxy are for a client of ours; set them in your own")
        self.begin()

    def begin(self) -> Place:
        """Return the place where the stream begins."""
        return Place(self.resume, self.cursor, since_text(self.since), self.last)


def terms_of(url: str, bindings: Bindings, events: bool, options: Mapping[str, Any]) -> Terms:
    """Return the terms of a call of ``listen``.

    Raises:
        TypeError: A name is no parameter's; in Python's words, which would name `Terms` else.
        InputError: A value is wrong, or two contradict each other.
    """
    known = {each.name for each in fields(Terms) if each.init}
    for name in options:
        if name not in known:
            raise TypeError(f"listen() got an unexpected keyword argument {name!r}")
    return Terms(url=url, bindings=bindings, events=events, **options)


def check_time(name: str, value: Any) -> None:
    """Raise `InputError` unless this can be a time in seconds."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or not 0 < value <= LONGEST_S:
        raise InputError(f"{name} is {value!r:.80}; it must be above 0, {LONGEST_S:.0f} at most")


def _check_count(name: str, value: Any, *, at_least: int, at_most: float = math.inf) -> None:
    is_int = isinstance(value, int) and not isinstance(value, bool)
    if value is not None and (not is_int or not at_least <= value <= at_most):
        bounds = f"{at_least} or more" if at_most == math.inf else f"{at_least} to {at_most}"
        raise InputError(f"{name} is {value!r:.80}; it must be an int, {bounds}")


def check_proxy(proxy: Any) -> None:
    """Raise `InputError` unless this may be the URL of a proxy; it may have a password."""
    if proxy is None:
        return
    try:
        parts = urlsplit(proxy)
        is_url = isinstance(proxy, str) and bool(parts.hostname) and parts.port != 0
    except (AttributeError, TypeError, ValueError):  # no text, or no port
        is_url = False
    if not is_url:
        raise InputError("the proxy is not a URL with a host, like http://proxy.example:3128")


def check_header(name: Any, value: Any) -> None:
    """Raise `InputError` unless these can be a header that does not contradict ours."""
    if not isinstance(name, str) or not _HEADER_NAME.fullmatch(name):
        raise InputError(f"{name!r:.80} is not the name of a header")
    if not isinstance(value, str) or not _HEADER_VALUE.fullmatch(value):
        raise InputError(f"the header {name} is not a str of printable ASCII")
    if name.lower() == "last-event-id":
        raise InputError("the header Last-Event-ID is the parameter 'cursor'")


def check_token(token: Any) -> str | None:
    """Return a token, which can be one.

    Raises:
        InputError: It cannot; the text does not show it.
    """
    if token is not None and (not isinstance(token, str) or not _HEADER_VALUE.fullmatch(token)):
        raise InputError("the token is not a str of printable ASCII")
    return token
