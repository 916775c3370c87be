"""The steps of a course, done by httpx's blocking client: no thread, no event loop."""

import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from pulse_events.client.answers import Head
from pulse_events.client.connections import (
    client_options,
    failures_told,
    head_of,
    proxies_checked,
    request_of,
    tell,
)
from pulse_events.client.course import Ask, Course, Open, Read, Step, Wait, Warn
from pulse_events.client.terms import Terms
from pulse_events.errors import PulseEventsError


def items(course: Course, terms: Terms) -> Generator[Any, None, None]:
    """Yield what a course has for the user, until it raises."""
    with _doer(terms) as doer:
        steps = course.steps()
        step = next(steps)
        while True:
            if not isinstance(step, Step):
                yield step
                step = next(steps)
                continue
            try:
                result = doer.do(step)
            except PulseEventsError as failure:
                step = steps.throw(failure)
            else:
                step = steps.send(result)


@contextmanager
def _doer(terms: Terms) -> Iterator["_SyncDoer"]:
    """Have a client for the block: the user's, which stays, or one of ours, which does not."""
    with proxies_checked():
        client = terms.client or httpx.Client(**client_options(terms))
    doer = _SyncDoer(terms, client)
    try:
        yield doer
    finally:
        doer.close()
        if terms.client is None:
            client.close()


class _SyncDoer:
    """Does one step after the other; has at most one response open."""

    def __init__(self, terms: Terms, client: httpx.Client) -> None:
        self._terms = terms
        self._client = client
        self._response: httpx.Response | None = None
        self._chunks: Iterator[bytes] | None = None

    def do(self, step: Step) -> Any:
        """Return what a step is answered with."""
        match step:
            case Read():
                return self._read()
            case Open():
                return self._open(step)
            case Wait():
                self.close()
                tell(self._terms, step)
                time.sleep(step.seconds)
            case Warn():
                tell(self._terms, step)
            case Ask():
                token = self._terms.token
                return token() if callable(token) else token

    def close(self) -> None:
        """Close what is open."""
        response = self._response
        self._response = self._chunks = None
        if response is not None:
            response.close()

    def _read(self) -> bytes:
        assert self._chunks is not None
        with failures_told(self._terms):
            return next(self._chunks, b"")

    def _open(self, step: Open) -> Head:
        self.close()
        with failures_told(self._terms):
            request = request_of(self._client, self._terms, step)
            # Each read is bounded, not their sum: nothing interrupts a blocking call from here.
            self._response = self._client.send(request, stream=True)
        self._chunks = self._response.iter_bytes()
        return head_of(self._response)
