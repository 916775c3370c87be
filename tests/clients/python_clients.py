"""Python's client libraries, each read as its documentation shows, in one process.

Run as a program with ``{"name": ["client", "url"], …}``.  Prints one JSON line for each thing that
happens: ``[name, kind, data]`` for an event, ``[name, "encoding", value]`` for the response's
Content-Encoding where the library shows it, ``[name, "end", how]`` at the end.
"""

import asyncio
import importlib.metadata
import importlib.util
import json
import sys
import threading
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import aiohttp
import aiohttp_sse_client.client
import aiosseclient
import httpx
import httpx_sse
import ld_eventsource
import ld_eventsource.config
import requests
import requests_sse
import sseclient
import urllib3

Event = tuple[str, str]
Happenings = Iterator[Event]

_ONE_AT_A_TIME = threading.Lock()
READ_S = 45.0
"""Over two pings of the usual interval."""
SOON = timedelta(seconds=0.1)


def _raw_sseclient() -> Any:
    """Import PyPI's ``sseclient``: ``sseclient-py`` gives a package of the same name."""
    path = importlib.metadata.distribution("sseclient").locate_file("sseclient.py")
    spec = importlib.util.spec_from_file_location("raw_sseclient", str(path))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _events(lines: Iterable[str]) -> Happenings:
    """Yield the events of lines, as somebody without a library reads them."""
    kind = ""
    for line in lines:
        if line.startswith("event: "):
            kind = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield kind, line.removeprefix("data: ")


def _lines(pieces: Iterable[bytes]) -> Iterator[str]:
    """Yield the lines of a body that comes in pieces, cut anywhere."""
    unread = b""
    for piece in pieces:
        *lines, unread = (unread + piece).split(b"\n")
        yield from (line.decode() for line in lines)


def _encoding(headers: Any) -> Event:
    return "encoding", headers.get("Content-Encoding") or "identity"


def _requests_lines(url: str) -> Happenings:
    with requests.get(url, stream=True, timeout=(5, READ_S)) as response:
        yield _encoding(response.headers)
        yield from _events(line.decode() for line in response.iter_lines())


def _requests_text_lines(url: str) -> Happenings:
    with requests.get(url, stream=True, timeout=(5, READ_S)) as response:
        response.encoding = "utf-8"
        yield from _events(map(str, response.iter_lines(decode_unicode=True)))


def _requests_content(url: str) -> Happenings:
    with requests.get(url, stream=True, timeout=(5, READ_S)) as response:
        yield _encoding(response.headers)
        yield from _events(_lines(response.iter_content(None)))


def _sseclient_py(url: str) -> Happenings:
    response = requests.get(url, stream=True, timeout=(5, READ_S))
    yield _encoding(response.headers)
    source: Any = response  # its types want an iterator, its page shows this
    for event in sseclient.SSEClient(source).events():
        yield event.event, event.data


def _sseclient_raw(url: str) -> Happenings:
    for event in _raw_sseclient().SSEClient(url, timeout=READ_S):
        yield event.event, event.data
        if event.event == "error":
            return  # else it connects again


def _sseclient_raw_retrying(url: str) -> Happenings:
    for event in _raw_sseclient().SSEClient(url, timeout=READ_S):
        yield event.event, event.data


def _requests_sse_client(url: str) -> Happenings:
    with requests_sse.EventSource(url, timeout=READ_S) as source:
        for event in source:
            yield event.type or "", event.data or ""
            if event.type == "error":
                return  # else it connects again


def _requests_sse_retrying(url: str) -> Happenings:
    with requests_sse.EventSource(url, timeout=READ_S, reconnection_time=SOON) as source:
        for event in source:
            yield event.type or "", event.data or ""


def _launchdarkly_retrying(url: str) -> Happenings:
    with ld_eventsource.SSEClient(url) as client:
        for event in client.events:
            yield event.event, event.data


def _launchdarkly(url: str) -> Happenings:
    timeout = urllib3.Timeout(connect=5, read=READ_S)
    connect = ld_eventsource.config.ConnectStrategy.http(
        url, urllib3_request_options={"timeout": timeout}
    )
    with ld_eventsource.SSEClient(connect) as client:
        for event in client.events:
            yield event.event, event.data
            if event.event == "error":
                return  # else it connects again


def _httpx_lines(url: str) -> Happenings:
    with httpx.stream("GET", url, timeout=READ_S) as response:
        yield _encoding(response.headers)
        yield from _events(response.iter_lines())


def _httpx_sse_client(url: str) -> Happenings:
    with (
        httpx.Client(timeout=READ_S) as client,
        httpx_sse.connect_sse(client, "GET", url) as source,
    ):
        yield _encoding(source.response.headers)
        for event in source.iter_sse():
            yield event.event, event.data


def _urllib3_stream(url: str) -> Happenings:
    response = urllib3.request("GET", url, preload_content=False, timeout=READ_S)
    yield _encoding(response.headers)
    yield from _events(_lines(response.stream(decode_content=True)))  # else it is not, here


def _urllib3_lines(url: str) -> Happenings:
    response = urllib3.request("GET", url, preload_content=False, timeout=READ_S)
    yield from _events(line.decode().rstrip("\n") for line in response)


def _standard_library(url: str) -> Happenings:
    with urllib.request.urlopen(url, timeout=READ_S) as response:
        yield _encoding(response.headers)
        yield from _events(line.decode().rstrip("\n") for line in response)


async def _aiohttp_lines(url: str, **options: Any) -> AsyncIterator[Event]:
    timeout = aiohttp.ClientTimeout(total=None, sock_read=READ_S)
    async with (
        aiohttp.ClientSession(timeout=timeout, **options) as session,
        session.get(url) as response,
    ):
        yield _encoding(response.headers)
        kind = ""
        async for line in response.content:
            name, _, value = line.decode().rstrip("\n").partition(": ")
            kind = value if name == "event" else kind
            if name == "data":
                yield kind, value


async def _aiosseclient_client(url: str) -> AsyncIterator[Event]:
    async for event in aiosseclient.aiosseclient(url):
        yield event.event, event.data


async def _aiohttp_sse_client_client(url: str) -> AsyncIterator[Event]:
    timeout = aiohttp.ClientTimeout(total=None, sock_read=READ_S)
    async with aiohttp_sse_client.client.EventSource(url, timeout=timeout) as source:
        async for event in source:
            yield event.type, event.data
            if event.type == "error":
                return  # else it connects again


async def _aiohttp_sse_client_retrying(url: str) -> AsyncIterator[Event]:
    source = aiohttp_sse_client.client.EventSource(url, reconnection_time=SOON)
    async with source:
        async for event in source:
            yield event.type, event.data


async def _httpx_async(url: str) -> AsyncIterator[Event]:
    async with (
        httpx.AsyncClient(timeout=READ_S) as client,
        httpx_sse.aconnect_sse(client, "GET", url) as source,
    ):
        yield _encoding(source.response.headers)
        async for event in source.aiter_sse():
            yield event.event, event.data


CLIENTS: dict[str, Callable[[str], Happenings | AsyncIterator[Event]]] = {
    "requests iter_lines": _requests_lines,
    "requests iter_lines text": _requests_text_lines,
    "requests iter_content": _requests_content,
    "sseclient-py": _sseclient_py,
    "sseclient": _sseclient_raw,
    "requests-sse": _requests_sse_client,
    "launchdarkly-eventsource": _launchdarkly,
    "httpx iter_lines": _httpx_lines,
    "httpx-sse": _httpx_sse_client,
    "httpx-sse async": _httpx_async,
    "urllib3 stream": _urllib3_stream,
    "urllib3 lines": _urllib3_lines,
    "urllib.request": _standard_library,
    "aiohttp": _aiohttp_lines,
    "aiohttp, long lines": partial(_aiohttp_lines, read_bufsize=1 << 22),
    "aiosseclient": _aiosseclient_client,
    "aiohttp-sse-client": _aiohttp_sse_client_client,
    "sseclient, retrying": _sseclient_raw_retrying,
    "requests-sse, retrying": _requests_sse_retrying,
    "launchdarkly-eventsource, retrying": _launchdarkly_retrying,
    "aiohttp-sse-client, retrying": _aiohttp_sse_client_retrying,
}


def _tell(name: str, kind: str, text: str) -> None:
    with _ONE_AT_A_TIME:
        sys.stdout.write(json.dumps([name, kind, text]) + "\n")
        sys.stdout.flush()


def _run(name: str, client: str, url: str) -> None:
    """Tell all that happens to one client."""

    async def listen(happenings: AsyncIterator[Event]) -> None:
        async for kind, text in happenings:
            _tell(name, kind, text)

    try:
        happenings = CLIENTS[client](url)
        if isinstance(happenings, AsyncIterator):
            asyncio.run(listen(happenings))
        else:
            for kind, text in happenings:
                _tell(name, kind, text)
        _tell(name, "end", "closed")
    except Exception as error:  # what a library raises is what is to be told
        _tell(name, "end", f"{type(error).__name__}: {error}")


def main() -> None:
    """Run the clients that the argument names, to their ends."""
    wanted: dict[str, tuple[str, str]] = json.loads(sys.argv[1])
    for name, (client, url) in wanted.items():
        threading.Thread(target=_run, args=(name, client, url)).start()


if __name__ == "__main__":
    main()
