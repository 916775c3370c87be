"""How a request is told that it is refused, and where that is counted: the one place for it."""

import math
from collections import Counter

from aiohttp import web

from pulse_events.cursors import NONE, is_cursor
from pulse_events.errors import AddressLimitReached, Count, InputError, PulseEventsError
from pulse_events.web.answers import error_answer, status_of
from pulse_events.web.query import read_form
from pulse_events.web.senders import Senders
from pulse_events.web.take_over import StreamOpener, TakenOver


class Refusals:
    """Refuses requests.

    Args:
        opener: Makes the stream that an error is told on as an event.
        senders: Are told of those that a limit is the reason of.
        counts: Of refusals, by what they are counted as.
    """

    def __init__(self, opener: StreamOpener, senders: Senders, counts: Counter[Count]) -> None:
        self._opener = opener
        self._senders = senders
        self._counts = counts

    def note(self, request: web.BaseRequest, reason: PulseEventsError) -> None:
        """Count a refusal that a limit is the reason of."""
        if reason.counted_as:
            self._counts[reason.counted_as] += 1
        if isinstance(reason, AddressLimitReached):
            self._senders.note_refused(request)

    def answer(
        self, request: web.BaseRequest, reason: PulseEventsError, *, as_stream: bool
    ) -> web.StreamResponse:
        """Answer with an error, as an event if a stream was asked for without HTTP errors."""
        self.note(request, reason)
        form = read_form(request.rel_url)
        if not as_stream or form.http_errors:
            status = status_of(reason)
            return error_answer(status, str(reason), request, _retry_after(reason))
        stream = self._opener.open(request, "", form)
        if stream is not None:
            stream.end(reason, cursor_behind(request, reason))
        return TakenOver()


def cursor_behind(request: web.BaseRequest, reason: PulseEventsError) -> bytes:
    """Return the ``id`` of the event that refuses a request: a browser comes back with it.

    That is the cursor that it came with, which is still good; none if it need not come back.
    """
    query = request.rel_url.query
    given = request.headers.get("Last-Event-ID") or query.get("lastEventId") or ""
    is_wrong = isinstance(reason, InputError) or not read_form(request.rel_url).resumes
    return NONE if is_wrong or not is_cursor(given) else given.encode()


def _retry_after(reason: PulseEventsError) -> dict[str, str]:
    if not isinstance(reason, AddressLimitReached):
        return {}
    return {"Retry-After": str(math.ceil(reason.wait_s))}
