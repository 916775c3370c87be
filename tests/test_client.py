"""The client, against the real server and against servers that misbehave."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from pulse_events.bindings import BindingSet
from pulse_events.client import ConnectionLost, events, listen
from pulse_events.errors import BindingRefused, InputError, PulseEventsError
from pulse_events.wire.sse import Decoder, EventTooLong
from tests.support.local_server import local_server

WANTED = BindingSet.of([("exchange/client", "a.#")])
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
NOTHING = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
READY = b"event: ready\ndata: {}\nid: -\n\n"


def message(text: str) -> bytes:
    return f'event: message\ndata: {{"payload":"{text}"}}\nid: -\n\n'.encode()


async def first(found: AsyncIterator[Any], count: int) -> list[Any]:
    """Return the first ``count`` items, and close the iterator."""
    items: list[Any] = []
    async with asyncio.timeout(10):
        async for item in found:
            items.append(item)
            if len(items) == count:
                break
    await found.aclose()  # type: ignore[attr-defined]  # an async generator
    return items


async def test_messages_come_as_the_objects_of_the_wire() -> None:
    with local_server(ping_interval=0.1) as server:
        url = f"http://127.0.0.1:{server.port}"
        async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
            listening = tasks.create_task(first(listen(url, WANTED), 1))
            async for event in events(url, WANTED):  # a second client, ready after the first
                if event.kind == "ping" and server.counts().clients == 2:
                    break
            server.say("exchange/client", "b", b'"not this"')
            server.say("exchange/client", "a.b", b'["\\ud800", %d]' % (1 << 70))
            (found,) = await listening
    assert (found["payload"], found["routingKey"]) == (["\ud800", 1 << 70], "a.b")


async def test_it_asks_for_compression_and_decodes_it() -> None:
    with local_server(ping_interval=60.0) as server:
        async with asyncio.timeout(10):
            async for event in events(f"http://127.0.0.1:{server.port}", WANTED):
                if event.kind == "message":
                    break
                server.say("exchange/client", "a.b", b'"%b"' % (b"x" * 100_000))
        assert len(event.data) > 100_000
        assert 0 < server.counts().bytes_out < 10_000


async def test_ready_and_pings_are_events_too() -> None:
    with local_server(ping_interval=0.1) as server:
        url = f"http://127.0.0.1:{server.port}/v1/connect/"
        found = await first(events(url, WANTED), 3)
    assert [event.kind for event in found] == ["ready", "ping", "ping"]


async def test_a_refused_exchange_is_raised() -> None:
    with local_server() as server:
        nameless = BindingSet.of([("", "#")])
        with pytest.raises(BindingRefused, match="exchange ''"):
            await first(listen(f"http://127.0.0.1:{server.port}", nameless), 1)


async def test_a_wrong_request_is_raised() -> None:
    with local_server(max_bindings=1) as server:
        two = BindingSet.of([("e", "a"), ("e", "b")])
        with pytest.raises(InputError, match="limit is 1"):
            await first(listen(f"http://127.0.0.1:{server.port}", two), 1)


@pytest.mark.parametrize("url", ["h", "ftp://h", "http://", "http://[", "http://h:70000"])
async def test_a_url_that_is_none_is_raised_before_anything_is_tried(url: str) -> None:
    with pytest.raises(InputError):
        await first(listen(url, WANTED), 1)


async def test_no_server_at_the_first_attempt_is_raised() -> None:
    with pytest.raises(ConnectionLost):
        await first(listen("http://127.0.0.1:1/", WANTED), 1)


Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def answering(*answers: bytes, stay: bool = False) -> AsyncIterator[str]:
    """Answer the connects in turn, the last answer again and again; yield the URL."""
    left = list(answers)
    ends = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if b"/config " in await reader.readuntil(b"\r\n\r\n"):
            writer.write(NOTHING)
        else:
            writer.write(left.pop(0) if len(left) > 1 else left[0])
        await writer.drain()
        if stay and len(left) == 1:
            await ends.wait()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    try:
        yield f"http://{host}:{port}/"
    finally:
        ends.set()
        server.close()
        await asyncio.sleep(0)


async def test_it_connects_again_after_the_end_of_a_stream_and_says_why() -> None:
    ended = HEAD + READY + b'event: error\ndata: "the server is stopping"\nid: -\n\n'
    told: list[tuple[str, float]] = []
    async with answering(ended, HEAD + READY + message("x")) as url:
        (found,) = await first(listen(url, WANTED, on_retry=lambda *why: told.append(why)), 1)
    assert found == {"payload": "x"}
    ((reason, wait_s),) = told
    assert reason == "the server is stopping"
    assert 0 <= wait_s < 5


async def test_it_connects_again_when_nothing_comes_for_too_long() -> None:
    told: list[str] = []
    async with answering(HEAD + READY, stay=True) as url:
        found = events(
            url, WANTED, on_retry=lambda reason, _: told.append(reason), stale_after_s=0.2
        )
        assert [event.kind for event in await first(found, 2)] == ["ready", "ready"]
    assert told == ["nothing came for too long"]


@pytest.mark.parametrize("status", ["503 Service Unavailable", "429 Too Many Requests"])
async def test_a_busy_server_is_tried_again_once_it_was_there(status: str) -> None:
    busy = f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode()
    async with answering(HEAD + READY, busy, HEAD + READY + message("x")) as url:
        assert await first(listen(url, WANTED), 1) == [{"payload": "x"}]
    async with answering(busy) as url:
        with pytest.raises(ConnectionLost, match=status[:3]):
            await first(listen(url, WANTED), 1)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nhi",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 400 Bad Request\r\nContent-Length: 9\r\n\r\n[1, 2, 3]",
        b"no HTTP\r\n\r\n",
        b"",
    ],
)
async def test_an_answer_that_is_no_stream_is_raised(answer: bytes) -> None:
    async with answering(answer) as url:
        with pytest.raises((InputError, ConnectionLost)):
            await first(listen(url, WANTED), 1)


async def test_an_event_without_end_is_raised() -> None:
    async with answering(HEAD + b"data: " + b"x" * 2000) as url:
        with pytest.raises(EventTooLong):
            await first(events(url, WANTED, make_decoder=lambda: Decoder(1000)), 1)


async def test_an_error_event_before_ready_is_raised() -> None:
    error = b'event: error\ndata: "no such exchange"\nid: -\n\n'
    async with answering(HEAD + error) as url:
        with pytest.raises(PulseEventsError, match="no such exchange"):
            await first(listen(url, WANTED), 1)


@pytest.mark.parametrize("text", [b"not JSON", b"{", b"\xff"])
async def test_an_error_event_or_message_that_is_not_json_is_no_crash(text: bytes) -> None:
    for kind in (b"error", b"message"):
        async with answering(HEAD + b"event: " + kind + b"\ndata: " + text + b"\n\n") as url:
            with pytest.raises(PulseEventsError):
                await first(listen(url, WANTED), 1)
