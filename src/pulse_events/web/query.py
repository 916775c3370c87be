"""What a stream's URL asks for: bindings or a token, and the form of the answer.

What is ambiguous is wrong: a parameter that is given twice means two things.  Knows URLs, not
requests: what a header says too is for whoever has it.
"""

from dataclasses import dataclass

from yarl import URL

from pulse_events.bindings import BindingSet, parse_bindings
from pulse_events.errors import InputError

_PARAMETERS = ("bindings", "token", "errors", "compression", "lastEventId")
_COMPRESSION = "gzip"
_SHOWN_CHARS = 40


@dataclass(frozen=True, slots=True)
class Form:
    """How the answer is to be given, whatever it is."""

    http_errors: bool
    """As an HTTP status if it is an error."""
    gzip: bool
    """Compressed, whatever ``Accept-Encoding`` says."""


@dataclass(frozen=True, slots=True)
class Query:
    """All that the URL says."""

    wanted: BindingSet | InputError | str
    """The bindings; if it is a string, the token that stands for them."""
    form: Form
    is_reconnect: bool
    """It has the ``lastEventId`` that polyfills of EventSource send instead of the header."""


def read_form(url: URL) -> Form:
    """Return how the answer is to be given; of what is ambiguous, what does no harm."""
    query = url.query
    return Form(
        http_errors="http" in query.getall("errors", ()),
        gzip=query.getall("compression", ()) == [_COMPRESSION],
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
    ids = url.query.getall("lastEventId", ())
    return Query(wanted, read_form(url), is_reconnect=len(ids) == 1 and ids[0] != "")


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
