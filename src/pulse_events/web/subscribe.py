"""The route of streams: what a request asks for, and whether it may have it."""

import time
from functools import lru_cache
from http import HTTPStatus

from aiohttp import web

from pulse_events.bindings import BindingSet
from pulse_events.cursors import CURSOR_LIMIT, NONE
from pulse_events.errors import InputError, PulseEventsError
from pulse_events.hub.reading import Start
from pulse_events.times import read_since
from pulse_events.web.answers import CORS
from pulse_events.web.query import Query, read_query
from pulse_events.web.refusals import Refusals, cursor_behind
from pulse_events.web.senders import Senders
from pulse_events.web.services import Services
from pulse_events.web.take_over import StreamOpener, TakenOver
from pulse_events.web.work import Charges
from pulse_events.wire.wire import HEADERS

_QUERIES_CACHED = 256


class Subscribe:
    """Answers requests for streams."""

    def __init__(
        self,
        services: Services,
        senders: Senders,
        charges: Charges,
        opener: StreamOpener,
        refusals: Refusals,
    ) -> None:
        self._services = services
        self._senders = senders
        self._charges = charges
        self._opener = opener
        self._refusals = refusals
        self._read_query = lru_cache(_QUERIES_CACHED)(read_query)

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer with a stream, or say why not."""
        query = self._read_query(request.rel_url, self._services.max_bindings)
        address = self._senders.address_of(request)
        try:
            cursor = _last_event_id(request) or query.cursor
            if cursor and (not query.form.resumes or _is_hopeless(query, cursor)):
                # A browser that comes back by itself: 204 makes it stop (HTML standard, 9.2.3).
                return web.Response(status=HTTPStatus.NO_CONTENT, headers=CORS)
            start = self._start_of(query, cursor)
            bindings = await self._bindings_of(query, address)
            await self._charges.charge_stream(request, bindings)
            self._services.admission.admit(address)
        except PulseEventsError as reason:
            return self._refusals.answer(request, reason, as_stream=True)
        stream = self._opener.open(request, address, query.form)
        if stream is None:
            self._services.admission.leave(address)
            return TakenOver()
        try:
            self._services.hub.subscribe(stream, bindings, start)
        except PulseEventsError as reason:
            self._refusals.note(request, reason)
            stream.end(reason, cursor_behind(request, reason))
        else:
            if query.form.status:
                self._services.streams.tell_status(stream)
        return TakenOver()

    async def head(self, _request: web.BaseRequest) -> web.Response:
        """Answer with a stream's head, whatever it is asked for."""
        return web.Response(headers=HEADERS)

    def _start_of(self, query: Query, cursor: str) -> Start:
        """Return where a stream is to begin: the header goes first, EventSource keeps its URL.

        Raises:
            InputError: There is no history to begin in, or ``since`` cannot be read.
        """
        if query.form.resumes and self._services.history == "off":
            raise InputError("this server keeps no history (--history off); leave out 'resume'")
        if cursor or not query.since:
            return Start(cursor[:CURSOR_LIMIT], None, query.last)
        return Start("", read_since(query.since, time.time_ns() // 1_000_000))

    async def _bindings_of(self, query: Query, address: str) -> BindingSet:
        """Return what a query asks for; of a token, what it stands for."""
        wanted = query.wanted
        if isinstance(wanted, InputError):
            # Not itself: it is kept with its query, and each raise would add to its traceback.
            raise type(wanted)(str(wanted))
        if isinstance(wanted, str):
            return await self._services.tokens.redeem(wanted, address)
        return wanted


def _is_hopeless(query: Query, cursor: str) -> bool:
    """Tell whether a browser comes back, by itself, with a request that was wrong before."""
    return isinstance(query.wanted, InputError) and cursor == NONE.decode()


def _last_event_id(request: web.BaseRequest) -> str:
    """Return the header's value, empty if there is none.

    Raises:
        InputError: The request has two.
    """
    ids = request.headers.getall("Last-Event-ID", ("",))
    if len(ids) > 1:
        raise InputError("the header 'Last-Event-ID' is given twice")
    return ids[0]
