"""The steps of a course, done by httpx's asynchronous client."""

import asyncio
import inspect
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
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


async def items(course: Course, terms: Terms) -> AsyncGenerator[Any, None]:
    """Yield what a course has for the user, until it raises."""
    async with _doer(terms) as doer:
        steps = course.steps()
        step = next(steps)
        while True:
            if not isinstance(step, Step):
                yield step
                step = next(steps)
                continue
            try:
                result = await doer.do(step)
            except PulseEventsError as failure:
                step = steps.throw(failure)
            else:
                step = steps.send(result)


@asynccontextmanager
async def _doer(terms: Terms) -> AsyncIterator["_AsyncDoer"]:
    """Have a client for the block: the user's, which stays, or one of ours, which does not."""
    with proxies_checked():
        client = terms.client or httpx.AsyncClient(**client_options(terms))
    doer = _AsyncDoer(terms, client)
    try:
        yield doer
    finally:
        await doer.close()
        if terms.client is None:
            await client.aclose()


class _AsyncDoer:
    """Does one step after the other; has at most one response open."""

    def __init__(self, terms: Terms, client: httpx.AsyncClient) -> None:
        self._terms = terms
        self._client = client
        self._response: httpx.Response | None = None
        self._chunks: AsyncIterator[bytes] | None = None

    async def do(self, step: Step) -> Any:
        """Return what a step is answered with."""
        match step:
            case Read():
                return await self._read()
            case Open():
                return await self._open(step)
            case Wait():
                await self.close()
                tell(self._terms, step)
                await asyncio.sleep(step.seconds)
            case Warn():
                tell(self._terms, step)
            case Ask():
                return await self._ask()

    async def close(self) -> None:
        """Close what is open."""
        response = self._response
        self._response = self._chunks = None
        if response is not None:
            await response.aclose()

    async def _read(self) -> bytes:
        assert self._chunks is not None
        with failures_told(self._terms):
            return await anext(self._chunks, b"")

    async def _open(self, step: Open) -> Head:
        await self.close()
        with failures_told(self._terms):
            request = request_of(self._client, self._terms, step)
            # httpx bounds each read: a head that comes by drops would have no end.
            async with asyncio.timeout(self._terms.connect_timeout_s + step.within_s):
                self._response = await self._client.send(request, stream=True)
        self._chunks = self._response.aiter_bytes()
        return head_of(self._response)

    async def _ask(self) -> Any:
        token = self._terms.token
        if callable(token):
            token = token()
        return await token if inspect.isawaitable(token) else token
