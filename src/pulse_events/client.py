"""A client of the streams: connects, decodes, and connects again when the connection is lost.

Where the server keeps a history, a new connection goes on where the last one was.  Knows the wire,
not the server's inside; needs no broker.
"""

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from http import HTTPStatus
from typing import Any

import aiohttp
import orjson
from yarl import URL

from pulse_events.backoff import CAP_S, FIRST_S, STALE_AFTER_S, delays
from pulse_events.bindings import BindingSet, format_bindings
from pulse_events.client_place import NO_HISTORY, Place
from pulse_events.errors import BindingRefused, InputError, PulseEventsError, StreamEnded
from pulse_events.times import iso_time
from pulse_events.wire.sse import Decoder, Event

CONNECT_WITHIN_S = 15.0
CONFIG_WITHIN_S = 5.0
"""How long the question may take whether the server keeps a history."""
_CONFIG_LIMIT_BYTES = 64 << 10


class ConnectionLost(PulseEventsError):
    """The server cannot be reached, or the connection to it broke; trying again may help."""


async def listen(
    url: str,
    bindings: BindingSet,
    *,
    on_retry: Callable[[str, float], None] | None = None,
    on_gap: Callable[[dict[str, Any]], None] | None = None,
) -> AsyncIterator[dict[str, Any]]:
    """Yield each message as the wire's JSON object, connecting again when the stream ends.

    Where the server keeps a history, a new connection goes on where the last one was, and
    ``on_gap`` is told what is missing.  Where it keeps none, messages that are published between
    two connections are in neither, and nobody can tell which.

    Args:
        url: Of the server, or of its ``connect`` endpoint.
        bindings: What to listen to.
        on_retry: Told why the stream ended and in how many seconds it is opened again.
        on_gap: Told ``{"reason": text, "from": time or None, "to": time}``, times in ISO 8601,
            at the place among the messages where some may be missing.

    Raises:
        InputError: The server says that the request is wrong.
        BindingRefused: An exchange does not exist, or access to it is refused.
        ConnectionLost: There is no server at the first attempt.
    """
    async for event in events(url, bindings, on_retry=on_retry):
        if event.kind == "message":
            yield value_of(event)
        elif event.kind == "gap" and on_gap is not None:
            on_gap(gap_of(event))


async def events(
    url: str,
    bindings: BindingSet,
    *,
    cursor: str | None = None,
    since: str | None = None,
    last: int | None = None,
    resume: bool | None = None,
    on_retry: Callable[[str, float], None] | None = None,
    stale_after_s: float = STALE_AFTER_S,
    make_decoder: Callable[[], Decoder] = Decoder,
) -> AsyncIterator[Event]:
    """Yield every event but ``error``; else as `listen`.

    An event's ``event_id`` is the cursor to go on from once it has been dealt with, ``-`` where
    there is none.  A ``gap`` has the data that ``on_gap`` of `listen` is told.

    Args:
        url: See `listen`.
        bindings: See `listen`.
        cursor: Go on after it; the ``event_id`` of an earlier stream's event.
        since: Begin that long ago (``90s``, ``10m``, ``2h``, ``7d``) or at that ISO time.
        last: Begin with so many of the newest messages that are held.
        resume: Insist on a history, or do without; ``None`` asks the server whether it keeps one,
            unless one of the three above needs it.
        on_retry: See `listen`.
        stale_after_s: Silence after which to connect anew.
        make_decoder: Makes one for each connection.

    Raises:
        EventTooLong: See `Decoder`.
        InputError: Also if a history is needed and the server keeps none.
    """
    timeout = aiohttp.ClientTimeout(
        total=None, sock_connect=CONNECT_WITHIN_S, sock_read=stale_after_s
    )
    place = Place(resume, cursor, since, last)
    endpoint = connect_url(url)
    wanted = {"bindings": format_bindings(bindings), "errors": "http", "compression": "gzip"}
    address = endpoint.update_query(wanted)
    waits: Iterator[float] | None = None
    async with aiohttp.ClientSession(timeout=timeout) as session:
        await _decide(place, session, endpoint)
        while True:
            decoder = make_decoder()
            try:
                async for event in _stream(session, address, place, decoder):
                    if event.kind == "ready":
                        waits = _waits(decoder.retry_ms)
                        if place.missed:
                            yield _own_gap(place)
                    yield event
            except InputError as refusal:
                if not place.does_without(str(refusal)):
                    raise
            except (ConnectionLost, StreamEnded) as reason:
                if waits is None:
                    raise
                await _pause(next(waits), str(reason), on_retry)


async def _pause(wait_s: float, why: str, tell: Callable[[str, float], None] | None) -> None:
    if tell is not None:
        tell(why, wait_s)
    await asyncio.sleep(wait_s)


def _own_gap(place: Place) -> Event:
    """Return the gap that no server has told."""
    now_ms = time.time_ns() // 1_000_000
    gap = {"reason": place.told(), "from": None, "to": iso_time(now_ms)}
    return Event("gap", json.dumps(gap), place.event_id)


def _waits(retry_ms: int | None) -> Iterator[float]:
    """Yield the delay that the server asks for, within our bounds, and then longer ones."""
    first_s = FIRST_S
    if retry_ms is not None:
        first_s = min(max(first_s, retry_ms / 1000), CAP_S)
        yield first_s
    yield from delays(random.random, first_s=first_s)


async def _decide(place: Place, session: aiohttp.ClientSession, endpoint: URL) -> None:
    """Ask the server whether there is something to ask it for, where that is not known."""
    if place.resumes is None:
        place.resumes = await _has_history(session, endpoint)


async def _has_history(session: aiohttp.ClientSession, endpoint: URL) -> bool:
    """Tell whether the server says that it keeps a history; no answer is a no."""
    path = endpoint.raw_path.rstrip("/").removesuffix("connect") + "config"
    config = endpoint.with_path(path, encoded=True, keep_query=True)
    content = b""
    try:
        limit = aiohttp.ClientTimeout(total=CONFIG_WITHIN_S)
        async with session.get(config, timeout=limit) as response:
            async for chunk in response.content.iter_any():
                content += chunk
                if len(content) > _CONFIG_LIMIT_BYTES:
                    return False
            history = orjson.loads(content)["history"]
    except (aiohttp.ClientError, TimeoutError, ValueError, KeyError, TypeError):
        return False  # ValueError: no JSON; or, as UnicodeError, no host is named so
    return response.status == HTTPStatus.OK and history not in (None, "off")


async def _stream(
    session: aiohttp.ClientSession, address: URL, place: Place, decoder: Decoder
) -> AsyncIterator[Event]:
    """Yield the events of one connection, and raise why it ended."""
    headers = {"Accept": "text/event-stream"} | place.headers()
    is_ready = False
    try:
        async with session.get(address.update_query(place.query()), headers=headers) as response:
            await _check(response)
            async for chunk in response.content.iter_any():
                for event in decoder.feed(chunk):
                    is_ready |= event.kind == "ready"
                    if is_ready:  # the place of what comes before is not yet the stream's
                        place.take(event)
                    if event.kind == "error":
                        raise StreamEnded(str(value_of(event)))
                    yield event if event.event_id == place.event_id else _at(place, event)
    except TimeoutError:
        raise ConnectionLost("nothing came for too long") from None
    except (aiohttp.ClientError, UnicodeError) as error:  # UnicodeError: no host is named so
        raise ConnectionLost(str(error) or type(error).__name__) from error
    raise ConnectionLost("the server closed the connection")


def _at(place: Place, event: Event) -> Event:
    return replace(event, event_id=place.event_id)


def value_of(event: Event) -> Any:
    """Return the JSON value of an event; not by orjson, which rounds and refuses what is legal.

    Raises:
        ConnectionLost: It is not JSON.
    """
    try:
        return json.loads(event.data)
    except (ValueError, RecursionError) as error:
        raise ConnectionLost(f"the server sent an event that is not JSON: {error}") from None


def gap_of(event: Event) -> dict[str, Any]:
    """Return ``{"reason": text, "from": time or None, "to": time}`` of a ``gap`` event."""
    value = value_of(event)
    return {"reason": "", "from": None, "to": None} | (value if isinstance(value, dict) else {})


async def _check(response: aiohttp.ClientResponse) -> None:
    """Raise what a response other than a stream means."""
    if response.status == HTTPStatus.OK and response.content_type == "text/event-stream":
        return
    if response.status == HTTPStatus.NO_CONTENT:  # to a Last-Event-ID that it has no use for
        raise InputError(NO_HISTORY)
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


def connect_url(url: str) -> URL:
    """Return the URL of the ``connect`` endpoint of the server ``url``.

    Raises:
        InputError: It is none.
    """
    try:
        address = URL(url)
    except ValueError as error:
        raise InputError(f"{url!r} is not a URL: {error}") from None
    if address.scheme not in ("http", "https") or not address.host:
        raise InputError(f"{url!r} is not an http:// or https:// URL")
    if address.path.rstrip("/").rpartition("/")[2] != "connect":
        address = address / "events/v1/connect/"
    return address
