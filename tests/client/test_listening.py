"""The client in both worlds, against the real server and against servers that misbehave."""

import asyncio
import json
import signal
import ssl
import threading
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
import trustme

from pulse_events import (
    BindingRefused,
    ConnectionLost,
    InputError,
    Message,
    Ping,
    PulseEventsError,
    Ready,
    StreamEnded,
    listen,
    sync,
)
from tests.client.conftest import WANTED, Take
from tests.support.local_server import LocalServer, local_server
from tests.support.raw_server import HEAD, RawServer, answer
from tests.support.waiting import wait_until

READY = b"event: ready\ndata: {}\nid: -\n\n"


def message(text: str) -> bytes:
    return f'event: message\ndata: {{"payload":"{text}"}}\nid: -\n\n'.encode()


def publishing(server: LocalServer, *bodies: bytes) -> threading.Thread:
    """Publish once there is a client that is ready."""

    def publish() -> None:
        wait_until(lambda: server.counts().clients == 1, "a client")
        server.say("exchange/client", "b", b'"not this"')
        for body in bodies:
            server.say("exchange/client", "a.b", body, cc=("route.index.x", "y"))

    thread = threading.Thread(target=publish, daemon=True)
    thread.start()
    return thread


def test_messages_have_the_fields_of_the_wire(take: Take) -> None:
    with local_server() as server:
        url = f"http://127.0.0.1:{server.port}"
        thread = publishing(server, b'["\\ud800", %d]' % (1 << 70), b"\xff\0")
        number, binary = take(2, url, last=2)
        thread.join(10)
    assert number.payload == ["\ud800", 1 << 70]
    assert (number.exchange, number.routing_key) == ("exchange/client", "a.b")
    assert (number.cc, number.routes) == (("route.index.x", "y"), ("index.x",))
    assert number.redelivered is False
    assert number.payload_encoding is number.body is None
    assert json.loads(number.json)["payload"] == number.payload
    assert (binary.payload_encoding, binary.body) == ("base64", b"\xff\0")
    assert number.cursor and binary.cursor


def test_it_asks_for_compression_and_decodes_it(take: Take) -> None:
    with local_server(ping_interval=60.0) as server:
        thread = publishing(server, b'"%b"' % (b"x" * 100_000))
        (found,) = take(1, f"http://127.0.0.1:{server.port}", last=1)
        thread.join(10)
        assert len(found.payload) == 100_000
        assert 0 < server.counts().bytes_out < 10_000


def test_ready_and_pings_are_events_too(take: Take) -> None:
    with local_server(ping_interval=0.1) as server:
        url = f"http://127.0.0.1:{server.port}/v1/connect/"
        found = take(3, url, events=True)
    assert [type(item) for item in found] == [Ready, Ping, Ping]
    assert found[1].time.utcoffset() is not None


def test_a_refused_exchange_is_raised(take: Take) -> None:
    with local_server() as server:
        with pytest.raises(BindingRefused, match="exchange ''"):
            take(1, f"http://127.0.0.1:{server.port}", ("", "#"))


def test_a_wrong_request_is_raised(take: Take) -> None:
    with local_server(max_bindings=1) as server:
        with pytest.raises(InputError, match="limit is 1"):
            take(1, f"http://127.0.0.1:{server.port}", [("e", "a"), ("e", "b")])


def test_a_list_of_bindings_that_is_too_long_for_a_url_is_posted(take: Take) -> None:
    many = [(f"exchange/{n}", f"{'x' * 100}.{n}.#") for n in range(100)]
    with local_server(ping_interval=0.1, max_head_bytes=8 << 10) as server:
        (found,) = take(1, f"http://127.0.0.1:{server.port}", many, events=True)
    assert isinstance(found, Ready)
    with RawServer(answer("200 OK", b'{"token": "T"}'), HEAD + READY) as raw:
        take(1, raw.url, many, events=True)
        post, get = (request.decode().partition("\r\n\r\n") for request in raw.requests)
    assert post[0].startswith("POST /events/v1/bindings HTTP/1.1\r\n")
    wanted = json.loads(post[2])["bindings"]
    assert [(each["exchange"], each["routingKeyPattern"]) for each in wanted] == many
    query = parse_qs(get[0].split()[1].partition("?")[2])
    assert query["token"] == ["T"]
    assert "bindings" not in query


def test_no_server_at_the_first_attempt_is_raised(take: Take) -> None:
    with pytest.raises(ConnectionLost, match=r"http://127\.0\.0\.1:1: Connection refused"):
        take(1, "http://127.0.0.1:1/")


def test_a_server_that_is_not_there_yet_is_waited_for(take: Take) -> None:
    told: list[tuple[str, float]] = []

    def tell(why: str, wait_s: float) -> None:
        told.append((why, wait_s))

    options: dict[str, Any] = {"wait_for_server": True, "on_retry": tell}
    with pytest.raises(ConnectionLost):
        take(1, "http://127.0.0.1:1/", max_retries=2, **options)
    assert len(told) == 2
    busy = answer("503 Service Unavailable")
    with RawServer(busy, busy, HEAD + READY + message("x")) as server:
        assert take(1, server.url, **options)[0].payload == "x"
    assert len(told) == 4


def test_it_connects_again_after_the_end_of_a_stream_and_says_why(take: Take) -> None:
    ended = HEAD + READY + b'event: error\ndata: "the server is stopping"\nid: -\n\n'
    told: list[tuple[str, float]] = []
    with RawServer(ended, HEAD + READY + message("x")) as server:
        (found,) = take(1, server.url, on_retry=lambda *why: told.append(why))
    assert found.payload == "x"
    ((reason, wait_s),) = told
    assert reason == "the server is stopping"
    assert 0 <= wait_s < 5


def test_it_connects_again_when_nothing_comes_for_too_long(take: Take) -> None:
    told: list[str] = []
    with RawServer(HEAD + READY, stay=True) as server:
        found = take(
            2,
            server.url,
            events=True,
            on_retry=lambda reason, _: told.append(reason),
            stale_after_s=0.2,
        )
    assert [type(item) for item in found] == [Ready, Ready]
    assert told == ["nothing came for too long"]


@pytest.mark.parametrize("status", ["503 Service Unavailable", "429 Too Many Requests", "410 Gone"])
def test_a_busy_server_is_tried_again_once_it_was_there(status: str, take: Take) -> None:
    busy = answer(status)
    with RawServer(HEAD + READY, busy, HEAD + READY + message("x")) as server:
        assert take(1, server.url)[0].payload == "x"
    with RawServer(busy) as server:
        with pytest.raises(ConnectionLost, match=status[:3]):
            take(1, server.url)


def test_attempts_are_counted_from_the_last_ready_on(take: Take) -> None:
    ready, busy = HEAD + READY, answer("503 Service Unavailable")
    with RawServer(ready, busy, ready, busy, busy) as server:
        with pytest.raises(ConnectionLost, match="503"):
            take(9, server.url, events=True, max_retries=2)
        assert len(server.requests) == 5
    ended = HEAD + READY + b'event: error\ndata: "enough"\nid: -\n\n'
    with RawServer(ended) as server:
        with pytest.raises(StreamEnded, match="enough"):
            take(9, server.url, max_retries=0)
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    "bytes_sent",
    [b"", b"HTTP/1.1 200", HEAD, HEAD + READY, answer("500 Oh"), answer("204 No"), b"\0\xff"],
)
def test_an_attempt_is_sent_once(bytes_sent: bytes, take: Take) -> None:
    with RawServer(bytes_sent) as server:
        with pytest.raises(PulseEventsError):
            take(1, server.url, max_retries=0)
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    "sent",
    [
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nhi",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 400 Bad Request\r\nContent-Length: 9\r\n\r\n[1, 2, 3]",
        b"HTTP/1.1 302 Found\r\nLocation: ftp://x/\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        HEAD.replace(b"\r\n\r\n", b"\r\nContent-Encoding: gzip\r\n\r\n") + b"no gzip",
        answer("400 Bad Request", b"x" * 200_000),
        b"no HTTP\r\n\r\n",
        b"",
    ],
)
def test_an_answer_that_is_no_stream_is_raised(sent: bytes, take: Take) -> None:
    with RawServer(sent) as server:
        with pytest.raises((InputError, ConnectionLost)):
            take(1, server.url)


@pytest.mark.parametrize("sent", [b"", b"HTTP/1.1 200 O"])
def test_a_head_that_does_not_come_is_not_waited_for(sent: bytes, take: Take) -> None:
    with RawServer(sent, stay=True) as server:
        with pytest.raises(ConnectionLost, match="nothing came for too long"):
            take(1, server.url, stale_after_s=0.2)


def test_a_refusal_that_never_ends_is_cut_off(take: Take) -> None:
    head = b"HTTP/1.1 400 Bad Request\r\n\r\n"
    with RawServer(head + b"x" * 100_000, stay=True) as server:
        with pytest.raises(InputError, match="answered 400, which is not a stream"):
            take(1, server.url)


def test_an_error_event_before_ready_is_raised(take: Take) -> None:
    error = b'event: error\ndata: "no such\\u001b[31m exchange"\nid: -\n\n'
    with RawServer(HEAD + error) as server:
        with pytest.raises(PulseEventsError, match=r"no such�\[31m exchange"):
            take(1, server.url)


@pytest.mark.parametrize("text", [b"not JSON", b"{", b"\xff", b"[" * 100_000])
@pytest.mark.parametrize("kind", [b"error", b"message", b"gap", b"ping"])
def test_an_event_that_is_not_json_is_raised(kind: bytes, text: bytes, take: Take) -> None:
    with RawServer(HEAD + READY + b"event: " + kind + b"\ndata: " + text + b"\n\n") as server:
        with pytest.raises(PulseEventsError, match="not JSON"):
            take(2, server.url, events=True)
        assert len(server.requests) == 1


def sent_headers(request: bytes) -> dict[str, str]:
    lines = request.decode().split("\r\n\r\n")[0].split("\r\n")[1:]
    return {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}


def test_the_headers_of_a_request_are_ours_and_the_users_go_before_them(take: Take) -> None:
    with RawServer(HEAD + READY) as server:
        take(1, server.url, events=True, token="t")
        take(
            1, server.url, events=True, token="t", headers={"authorization": "x", "User-agent": "y"}
        )
        take(1, server.url.replace("//", "//user:p%40ss@"), events=True)
        ours, theirs, basic = map(sent_headers, server.requests)
    assert ours["user-agent"].startswith("pulse-events/")
    assert ours["authorization"] == "Bearer t"
    assert (ours["accept"], ours["accept-encoding"]) == ("text/event-stream", "gzip")
    assert (theirs["user-agent"], theirs["authorization"]) == ("y", "x")
    assert basic["authorization"] == "Basic dXNlcjpwQHNz"


def test_a_token_is_asked_for_at_each_attempt(take: Take) -> None:
    tokens = iter("abc")
    with RawServer(HEAD + READY) as server:
        take(3, server.url, events=True, token=lambda: next(tokens))
        sent = [sent_headers(request)["authorization"] for request in server.requests]
    assert sent == ["Bearer a", "Bearer b", "Bearer c"]


async def test_a_token_may_take_its_time() -> None:
    async def token() -> str:
        await asyncio.sleep(0)
        return "late"

    with RawServer(HEAD + READY) as server:
        async with listen(server.url, WANTED, events=True, token=token) as listening:
            await anext(listening)
    assert sent_headers(server.requests[0])["authorization"] == "Bearer late"


@pytest.mark.parametrize("token", ["a\nb", "é", 5, None])
def test_a_token_that_cannot_be_sent_is_not_shown(token: Any, take: Take) -> None:
    with RawServer(HEAD + READY) as server:
        if token is not None:
            with pytest.raises(InputError, match=r"^the token is not a str of printable ASCII$"):
                take(1, server.url, token=lambda: token)
            assert not server.requests
        else:
            take(1, server.url, events=True, token=lambda: token)


async def test_an_own_client_is_used_and_stays_open() -> None:
    with RawServer(HEAD + READY) as server:
        async with httpx.AsyncClient(headers={"X-Mine": "1", "User-Agent": "me"}) as client:
            async with listen(server.url, WANTED, events=True, client=client) as listening:
                await anext(listening)
            assert not client.is_closed
        with httpx.Client(headers={"X-Mine": "1"}) as blocking:
            with sync.listen(server.url, WANTED, events=True, client=blocking) as others:
                next(others)
            assert not blocking.is_closed
        first, second = map(sent_headers, server.requests)
    assert (first["x-mine"], first["user-agent"]) == ("1", "me")
    assert second["user-agent"].startswith("pulse-events/")


async def test_a_listening_goes_on_after_a_wait_that_was_cancelled() -> None:
    with RawServer(HEAD + READY + message("a"), HEAD + READY + message("b"), stay=True) as server:
        async with listen(server.url, WANTED, first_delay_s=60) as listening:
            assert (await anext(listening)).payload == "a"
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(anext(listening), 0.2)
            assert (await asyncio.wait_for(anext(listening), 10)).payload == "b"


def test_a_blocking_listening_goes_on_after_ctrl_c() -> None:
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        answers = (HEAD + READY + message("a"), HEAD + READY + message("b"))
        with RawServer(*answers, stay=True) as server:
            with sync.listen(server.url, WANTED, first_delay_s=60) as listening:
                assert next(listening).payload == "a"
                signal.setitimer(signal.ITIMER_REAL, 0.2)
                with pytest.raises(KeyboardInterrupt):
                    next(listening)
                assert next(listening).payload == "b"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


async def test_what_was_closed_has_ended() -> None:
    with RawServer(HEAD + READY + message("a"), stay=True) as server:
        listening = listen(server.url, WANTED)
        await anext(listening)
        await listening.aclose()
        with pytest.raises(StopAsyncIteration):
            await anext(listening)
        blocking = sync.listen(server.url, WANTED)
        next(blocking)
        blocking.close()
        assert list(blocking) == []


async def test_the_blocking_one_works_in_a_running_loop_without_threads() -> None:
    with RawServer(HEAD + READY + message("a"), stay=True) as server:
        before = set(threading.enumerate())
        with sync.listen(server.url, WANTED) as listening:
            assert next(listening).payload == "a"
            assert set(threading.enumerate()) - before <= set(server.threads)


def test_the_proxy_of_the_environment_is_used_and_a_given_one_goes_before_it(
    take: Take, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with RawServer(HEAD + READY) as proxy:
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1/")
        with pytest.raises(ConnectionLost):
            take(1, "http://server.invalid/", events=True)
        take(1, "http://server.invalid/", events=True, proxy=proxy.url)
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        take(1, "http://server.invalid/", events=True)
        assert [r.split()[1][:22] for r in proxy.requests] == [b"http://server.invalid/"] * 2


def test_a_proxy_that_refuses_is_named(take: Take) -> None:
    with RawServer(answer("407 Log in")) as proxy:
        with pytest.raises(ConnectionLost, match=r"^the proxy refuses: 407 Log in"):
            take(1, "https://server.invalid/", proxy=proxy.url)


@pytest.mark.parametrize("proxy", ["", "x", "ftp://user:secret@h", "http://", "http://h:port"])
def test_a_proxy_that_is_none_is_raised(proxy: str, take: Take) -> None:
    with pytest.raises(PulseEventsError) as raised:
        take(1, "http://127.0.0.1:1/", proxy=proxy)
    assert "secret" not in str(raised.value)


def test_cas_are_the_system_s_and_those_of_a_file(
    take: Take, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(file)
    with RawServer(HEAD + READY, tls=tls) as server:
        with pytest.raises(ConnectionLost, match="certificate verify failed"):
            take(1, server.url, events=True)
        assert len(take(1, server.url, events=True, ca_file=file)) == 1
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
        assert len(take(1, server.url, events=True)) == 1


@pytest.mark.parametrize("content", [None, b"", b"no PEM", b"\xff"])
def test_a_ca_file_that_is_none_is_raised(
    content: bytes | None, take: Take, tmp_path: Path
) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(InputError, match=f"the CA file {file} cannot be used"):
        take(1, "https://127.0.0.1:1/", ca_file=file)


def test_items_of_a_listening_are_messages_unless_events_are_asked_for(take: Take) -> None:
    with RawServer(HEAD + READY + b"event: later\ndata: {}\n\n" + message("a")) as server:
        (found,) = take(1, server.url)
        assert isinstance(found, Message)
        assert [type(item) for item in take(2, server.url, events=True)] == [Ready, Message]
