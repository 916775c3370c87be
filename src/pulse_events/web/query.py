"""What a stream's URL asks for: bindings or a token, and the form of the answer.

What is ambiguous is wrong: a parameter that is given twice means two things.  Knows URLs, not
requests: what a header says too is for whoever has it.
"""

from dataclasses import dataclass

from yarl import URL

from pulse_events.bindings import BindingSet, parse_bindings
from pulse_events.cursors import LAST_LIMIT
from pulse_events.errors import InputError

_PARAMETERS = (
    "bindings",
    "token",
    "errors",
    "compression",
    "lastEventId",
    "resume",
    "since",
    "last",
    "status",
)
_COMPRESSION = "gzip"
_SWITCH = {"true": True, "false": False}
_SHOWN_CHARS = 40


@dataclass(frozen=True, slots=True)
class Form:
    """How the answer is to be given, whatever it is."""

    http_errors: bool
    """As an HTTP status if it is an error."""
    gzip: bool
    """Compressed, whatever ``Accept-Encoding`` says."""
    resumes: bool
    """With cursors."""
    status: bool
    """With events that tell how the broker is."""


@dataclass(frozen=True, slots=True)
class Query:
    """All that the URL says."""

    wanted: BindingSet | InputError | str
    """The bindings; if it is a string, the token that stands for them."""
    form: Form
    cursor: str
    """The ``lastEventId`` that polyfills of EventSource send instead of the header."""
    since: str
    """A duration or a time, see `read_since`; empty if it is not given."""
    last: int
    """So many of the newest messages; 0 if it is not given."""


def read_form(url: URL) -> Form:
    """Return how the answer is to be given; of what is ambiguous, what does no harm."""
    query = url.query
    return Form(
        http_errors="http" in query.getall("errors", ()),
        gzip=query.getall("compression", ()) == [_COMPRESSION],
        resumes=query.getall("resume", ()) == ["true"],
        status=query.getall("status", ()) == ["true"],
    )


def read_query(url: URL, limit: int) -> Query:
    """Return what ``url`` asks for; ``limit`` is how many bindings it may ask for."""
    wanted: BindingSet | InputError | str
    try:
        _check(url)
        token = url.query.get("token")
        wanted = parse_bindings(url.query.get("bindings"), limit) if token is None else token
    except InputError as error:
        # Not itself: its traceback holds all that was parsed, some megabytes, and this is kept.
        wanted = type(error)(str(error))
    last, ids = url.query.get("last", ""), url.query.getall("lastEventId", ())
    return Query(
        wanted,
        read_form(url),
        cursor=ids[0] if len(ids) == 1 else "",
        since=url.query.get("since", ""),
        last=int(last) if _is_last(last) else 0,
    )


def _is_last(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 4 and 1 <= int(text) <= LAST_LIMIT


def _check(url: URL) -> None:
    """Raise `InputError` if the parameters contradict each other."""
    for name in _PARAMETERS:
        if len(url.query.getall(name, ())) > 1:
            raise InputError(f"the query parameter '{name}' is given twice")
    if "token" in url.query and "bindings" in url.query:
        raise InputError("the query parameters 'token' and 'bindings' are both given; give one")
    compression = url.query.get("compression", _COMPRESSION)
    if compression != _COMPRESSION:
        shown = repr(compression[:_SHOWN_CHARS])
        raise InputError(f"the query parameter 'compression' is {shown}, it may only be 'gzip'")
    _read_switch(url, "status")
    _check_resume(url, resumes=_read_switch(url, "resume"))


def _read_switch(url: URL, name: str) -> bool:
    text = url.query.get(name, "false")
    if text not in _SWITCH:
        shown = repr(text[:_SHOWN_CHARS])
        raise InputError(f"the query parameter '{name}' is {shown}, it may be 'true' or 'false'")
    return _SWITCH[text]


def _check_resume(url: URL, *, resumes: bool) -> None:
    for name in ("since", "last"):
        if name in url.query and not resumes:
            raise InputError(f"the query parameter '{name}' needs 'resume=true' beside it")
    if "since" in url.query and "last" in url.query:
        raise InputError("the query parameters 'since' and 'last' are both given; give one")
    last = url.query.get("last", "1")
    if not _is_last(last):
        shown = repr(last[:_SHOWN_CHARS])
        raise InputError(f"the query parameter 'last' is {shown}, it may be 1 to {LAST_LIMIT}")
