"""What users write, for type checkers: `test_types.py` has mypy and pyright read it."""

import datetime
from collections.abc import Callable
from typing import Any, assert_type

import httpx

import pulse_events
from pulse_events import Binding, Gap, Listening, Message, Ping, Ready, listen, sync

URL = "http://127.0.0.1:12345"


async def asynchronous(client: httpx.AsyncClient, wants_events: bool) -> None:
    """Use the one for asyncio."""
    async with listen(URL, ("e", "#")) as listening:
        assert_type(listening, Listening[Message])
        assert_type(listening.cursor, str | None)
        async for message in listening:
            assert_type(message, Message)
    async for item in listen(URL, [Binding("e", "#")], events=True, client=client):
        assert_type(item, Message | Ready | Gap | Ping)
    await listen(URL, {"exchange": "e", "routingKeyPattern": "#"}, events=wants_events).aclose()

    async def token() -> str:
        return "t"

    listen(URL, ("e", "#"), token=token)
    listen(URL, ("e", "#"), token=lambda: "t", since=datetime.timedelta(minutes=1), last=None)
    listen(URL, ("e", "#"), since=5)  # type: ignore[call-overload]
    listen(URL, ("e", "#"), sinc="5m")  # type: ignore[call-overload]
    listen(URL, ("e", "#"), client=httpx.Client())  # type: ignore[call-overload]
    listen(URL, 5)  # type: ignore[call-overload]
    listen(URL, [["e", "#"], ("f", "#"), Binding("g", "#"), {"exchange": "h", "pattern": "#"}])


def blocking(
    token: Callable[[], str], bindings: list[dict[str, Any]], pairs: list[list[str]]
) -> None:
    """Use the one without a loop."""
    sync.listen(URL, pairs).close()
    sync.listen(URL, pairs[0])  # type: ignore[arg-type]
    sync.listen(URL, "e=#")  # type: ignore[arg-type]
    with sync.listen(URL, bindings, token=token, client=httpx.Client()) as listening:
        assert_type(listening, sync.Listening[Message])
        for message in listening:
            assert_type(message.routes, tuple[str, ...])
            assert_type(message.body, bytes | None)
            message.exchange = "other"  # type: ignore[misc]
    for item in pulse_events.sync.listen(URL, [("e", "#"), ("f", "#")], events=True):
        match item:
            case Gap():
                assert_type(item.start, datetime.datetime | None)
                assert_type(item.end, datetime.datetime)
            case Ping():
                assert_type(item.time, datetime.datetime)
            case Ready() | Message():
                assert_type(item.cursor, str | None)
    try:
        pulse_events.nothing  # type: ignore[attr-defined]  # noqa: B018
    except (pulse_events.ConnectionLost, pulse_events.StreamEnded) as error:
        assert_type(str(error), str)
