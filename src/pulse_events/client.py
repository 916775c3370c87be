"""A client of the streams: connects, decodes, and connects again when the connection is lost.

Knows the wire, not the server's inside; needs no broker.
"""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable, Iterator
from http import HTTPStatus
from typing import Any

import aiohttp
import orjson
from yarl import URL

from pulse_events.backoff import STALE_AFTER_S, delays
from pulse_events.bindings import BindingSet, format_bindings
from pulse_events.errors import BindingRefused, InputError, PulseEventsError, StreamEnded
from pulse_events.wire.sse import Decoder, Event

CONNECT_WITHIN_S = 15.0


class ConnectionLost(PulseEventsError):
    """The server cannot be reached, or the connection to it broke; trying again may help."""


async def listen(
    url: str, bindings: BindingSet, *, on_retry: Callable[[str, float], None] | None = None
) -> AsyncIterator[dict[str, Any]]:
    """Yield each message as the wire's JSON object, connecting again when the stream ends.

    A new connection starts a new stream: messages published meanwhile are not in it.

    Args:
        url: Of the server, or of its ``connect`` endpoint.
        bindings: What to listen to.
        on_retry: Told why the stream ended and in how many seconds it is opened again.

    Raises:
        InputError: The server says that the request is wrong.
        BindingRefused: An exchange does not exist, or access to it is refused.
        ConnectionLost: There is no server at the first attempt.
    """
    async for event in events(url, bindings, on_retry=on_retry):
        if event.kind == "message":
            yield _value(event)


async def events(
    url: str,
    bindings: BindingSet,
    *,
    on_retry: Callable[[str, float], None] | None = None,
    stale_after_s: float = STALE_AFTER_S,
    make_decoder: Callable[[], Decoder] = Decoder,
) -> AsyncIterator[Event]:
    """Yield every event but ``error``; else as `listen`.

    Raises:
        EventTooLong: See `Decoder`; ``make_decoder`` makes one for each connection.
    """
    timeout = aiohttp.ClientTimeout(
        total=None, sock_connect=CONNECT_WITHIN_S, sock_read=stale_after_s
    )
    address = _connect_url(url, bindings)
    waits: Iterator[float] | None = None
    async with aiohttp.ClientSession(timeout=timeout) as session:
        while True:
            try:
                async for event in _stream(session, address, make_decoder()):
                    if event.kind == "ready":
                        waits = delays(random.random)
                    yield event
            except (ConnectionLost, StreamEnded) as reason:
                if waits is None:
                    raise
                wait_s = next(waits)
                if on_retry is not None:
                    on_retry(str(reason), wait_s)
                await asyncio.sleep(wait_s)


async def _stream(
    session: aiohttp.ClientSession, address: URL, decoder: Decoder
) -> AsyncIterator[Event]:
    """Yield the events of one connection, and raise why it ended."""
    try:
        async with session.get(address, headers={"Accept": "text/event-stream"}) as response:
            await _check(response)
            async for chunk in response.content.iter_any():
                for event in decoder.feed(chunk):
                    if event.kind == "error":
                        raise StreamEnded(str(_value(event)))
                    yield event
    except TimeoutError:
        raise ConnectionLost("nothing came for too long") from None
    except (aiohttp.ClientError, UnicodeError) as error:  # UnicodeError: no host is named so
        raise ConnectionLost(str(error) or type(error).__name__) from error
    raise ConnectionLost("the server closed the connection")


def _value(event: Event) -> Any:
    """Return the JSON value of an event; not by orjson, which rounds and refuses what is legal."""
    try:
        return json.loads(event.data)
    except (ValueError, RecursionError) as error:
        raise ConnectionLost(f"the server sent an event that is not JSON: {error}") from None


async def _check(response: aiohttp.ClientResponse) -> None:
    """Raise what a response other than a stream means."""
    if response.status == HTTPStatus.OK and response.content_type == "text/event-stream":
        return
    text = await response.text(errors="replace")
    try:
        text = str(orjson.loads(text)["message"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        text = f"{response.url.origin()} answered {response.status}, which is not a stream"
    if response.status == HTTPStatus.NOT_FOUND:
        raise BindingRefused(text)
    is_clients_fault = response.status < HTTPStatus.INTERNAL_SERVER_ERROR
    if is_clients_fault and response.status != HTTPStatus.TOO_MANY_REQUESTS:
        raise InputError(text)
    raise ConnectionLost(text)


def _connect_url(url: str, bindings: BindingSet) -> URL:
    """Return the URL of the stream at the server ``url``."""
    try:
        address = URL(url)
    except ValueError as error:
        raise InputError(f"{url!r} is not a URL: {error}") from None
    if address.scheme not in ("http", "https") or not address.host:
        raise InputError(f"{url!r} is not an http:// or https:// URL")
    if address.path.rstrip("/").rpartition("/")[2] != "connect":
        address = address / "events/v1/connect/"
    wanted = {"bindings": format_bindings(bindings), "errors": "http", "compression": "gzip"}
    return address.update_query(wanted)
