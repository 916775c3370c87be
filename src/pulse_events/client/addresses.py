"""The URLs that a client asks, made of the one that its user gave.  Pure."""

from base64 import b64encode
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urlsplit

from pulse_events.errors import InputError

_OURS = {"errors", "compression", "bindings", "token", "resume", "since", "last", "lastEventId"}
_WRONG = (
    "the server's URL has a bad host or port; "
    "write / in a password as %2F, and likewise ? as %3F, # as %23, @ as %40"
)


class Endpoint(NamedTuple):
    """The ``connect`` endpoint of a server; made by `endpoint_of`."""

    parts: SplitResult
    """Without user and password."""
    authorization: str | None
    """What these say, as the header has it: a URL that is shown or logged must not have them."""

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return f"{self.parts.scheme}://{self.parts.netloc}"

    @property
    def public(self) -> str:
        """The URL without anything that may be secret."""
        return self.parts._replace(query="").geturl()

    def asking(self, query: Mapping[str, str]) -> str:
        """Return the URL with ``query``, beside what the user's own has."""
        given = parse_qsl(self.parts.query, keep_blank_values=True)
        kept = [(name, value) for name, value in given if name not in _OURS]
        return self.parts._replace(query=urlencode([*kept, *query.items()])).geturl()

    def beside(self, name: str) -> str:
        """Return the URL of another endpoint of the server."""
        path = self.parts.path.rstrip("/").removesuffix("connect") + name
        return Endpoint(self.parts._replace(path=path), None).asking({})


def endpoint_of(url: str) -> Endpoint:
    """Return the ``connect`` endpoint of the server ``url``, which may be that itself.

    Raises:
        InputError: It is not an ``http://`` or ``https://`` URL.
    """
    if not isinstance(url, str):  # not repeated either: bytes may hold a password
        raise InputError(f"the server's URL is of type {type(url).__name__}, not a str")
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises if it is none
    except ValueError:  # its text, and the URL, may quote a part of a password
        raise InputError(_WRONG) from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InputError("the server's URL is not an http:// or https:// URL")
    if _is_ambiguous(parts):
        raise InputError(_WRONG)
    path = parts.path
    if path.rstrip("/").rpartition("/")[2] != "connect":
        path = path.rstrip("/") + "/events/v1/connect/"
    netloc = parts.netloc.rpartition("@")[2]
    bare = parts._replace(netloc=netloc, path=path, fragment="")
    return Endpoint(bare, _basic(parts))


def _basic(parts: SplitResult) -> str | None:
    if parts.username is None:
        return None
    said = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return f"Basic {b64encode(said.encode(errors='replace')).decode()}"


def _is_ambiguous(parts: SplitResult) -> bool:
    """Tell whether user and password may have been taken for host and port.

    So are those of ``http://user:12/34@host/``, and would be shown and logged as the server's name.
    """
    behind = parts.path + parts.query + parts.fragment
    return ":" in parts.netloc and "@" not in parts.netloc and "@" in behind
