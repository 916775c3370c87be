"""The client goes on where it was: what it asks for, what it tells, and what it does without."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from pulse_events.bindings import BindingSet
from pulse_events.client import events, listen
from pulse_events.errors import InputError
from pulse_events.wire.sse import Event
from tests.support.scripted_server import (
    STAY,
    Asked,
    Script,
    ScriptedServer,
    event,
    gap,
    message,
    ready,
)

WANTED = BindingSet.of([("exchange/client", "a.#")])


async def first(found: AsyncIterator[Any], count: int) -> list[Any]:
    """Return the first ``count`` items, and close the iterator."""
    items: list[Any] = []
    async with asyncio.timeout(20):
        async for item in found:
            items.append(item)
            if len(items) == count:
                break
    await found.aclose()  # type: ignore[attr-defined]  # an async generator
    return items


def shown(found: list[Event]) -> list[tuple[str, str]]:
    return [(event.kind, event.event_id) for event in found]


def resuming(asked: list[Asked]) -> list[tuple[str | None, str | None]]:
    """Return what each connect said of resuming."""
    return [(each.query.get("resume"), each.last_event_id) for each in asked]


async def test_each_connect_goes_on_behind_what_the_last_one_brought() -> None:
    scripts = [
        [ready("1"), message("a", "2")],
        [ready("2"), event("ping", {}, "3")],
        [ready("3")],
        [ready("3"), gap("gone", "5")],
        [ready("5"), message("b", "6"), STAY],
    ]
    with ScriptedServer(*scripts) as server:
        found = await first(events(server.url, WANTED), 9)
    assert shown(found) == [
        ("ready", "1"), ("message", "2"),
        ("ready", "2"), ("ping", "3"),
        ("ready", "3"),
        ("ready", "3"), ("gap", "5"),
        ("ready", "5"), ("message", "6"),
    ]  # fmt: skip
    assert resuming(server.asked) == [("true", last) for last in (None, "2", "3", "3", "5")]
    assert server.configs == 1


@pytest.mark.parametrize(
    "config",
    [
        None,
        b"",
        b"[]",
        b'{"pingInterval": 20.0}',
        b'{"history": "off"}',
        b'{"history": null}',
        b"\xff",
        b'{"history": "memory", "more": "%b"}' % (b"x" * 100_000),
    ],
)
async def test_a_server_that_does_not_say_so_keeps_no_history(config: bytes | None) -> None:
    with ScriptedServer([ready(), message("a"), STAY], config=config) as server:
        found = await first(events(server.url, WANTED), 2)
    assert shown(found) == [("ready", "-"), ("message", "-")]
    assert resuming(server.asked) == [(None, None)]


async def test_without_a_history_each_connect_begins_anew() -> None:
    with ScriptedServer([ready(), message("a")], config=None) as server:
        assert len(await first(events(server.url, WANTED), 4)) == 4
    assert resuming(server.asked) == [(None, None)] * 2
    assert server.configs == 1


async def test_who_wants_no_history_asks_for_none() -> None:
    with ScriptedServer([ready()]) as server:
        await first(events(server.url, WANTED, resume=False), 2)
    assert resuming(server.asked) == [(None, None)] * 2
    assert server.configs == 0


async def test_a_cursor_is_where_the_first_connect_begins() -> None:
    with ScriptedServer([ready("1s_-"), STAY]) as server:
        await first(events(server.url, WANTED, cursor="1s_-"), 1)
    assert resuming(server.asked) == [("true", "1s_-")]
    assert server.configs == 0


async def test_a_beginning_counts_until_there_is_a_cursor() -> None:
    scripts = [[ready("2")], [ready("2"), STAY]]
    with ScriptedServer(*scripts) as server:
        found = await first(events(server.url, WANTED, since="10m"), 2)
    assert shown(found) == [("ready", "2"), ("ready", "2")]
    assert [each.query.get("since") for each in server.asked] == ["10m"] * 2
    assert resuming(server.asked) == [("true", None), ("true", "2")]


async def test_who_is_cut_off_before_a_gap_is_told_of_it_by_the_next_connection() -> None:
    told = gap("the history was another process'", "12")
    scripts = [[ready("1")], [ready("9")], [ready("11"), told, STAY]]
    with ScriptedServer(*scripts) as server:
        found = await first(events(server.url, WANTED), 4)
    assert [event.kind for event in found] == ["ready", "ready", "ready", "gap"]
    assert [last for _, last in resuming(server.asked)] == [None, "1", "1"]


async def test_what_makes_no_sense_is_raised_before_anything_is_tried() -> None:
    with ScriptedServer([ready()]) as server:
        with pytest.raises(InputError):
            await first(events(server.url, WANTED, last=1, resume=False), 1)
        assert not server.asked


async def test_what_comes_before_ready_is_no_place_to_go_on_from() -> None:
    scripts = [[ready("1")], [event("ping", {}, "7")], [ready("1"), STAY]]
    with ScriptedServer(*scripts) as server:
        found = await first(events(server.url, WANTED), 3)
    assert shown(found) == [("ready", "1"), ("ping", "1"), ("ready", "1")]
    assert [last for _, last in resuming(server.asked)] == [None, "1", "1"]


async def test_an_error_event_has_the_place_to_go_on_from() -> None:
    scripts = [[ready("1"), event("error", "the server is stopping", "2")], [ready("2"), STAY]]
    with ScriptedServer(*scripts) as server:
        await first(events(server.url, WANTED), 2)
    assert [last for _, last in resuming(server.asked)] == [None, "2"]


async def test_what_is_cut_off_in_the_middle_comes_again() -> None:
    half = message("b", "3").removesuffix(b"\n")
    scripts = [[ready("1"), message("a", "2"), half], [ready("2"), message("b", "3"), STAY]]
    with ScriptedServer(*scripts) as server:
        found = await first(listen(server.url, WANTED), 2)
    assert [each["payload"] for each in found] == ["a", "b"]
    assert [last for _, last in resuming(server.asked)] == [None, "2"]


async def test_gaps_are_told_at_their_place() -> None:
    told: list[dict[str, Any]] = []
    scripts = [[ready("1"), gap("gone", "5", "2026-11-25T10:00:00Z"), message("a", "6"), STAY]]
    with ScriptedServer(*scripts) as server:
        await first(listen(server.url, WANTED, on_gap=told.append), 1)
    begin, end = "2026-11-25T10:00:00Z", "2026-11-25T10:12:31Z"
    assert told == [{"reason": "gone", "from": begin, "to": end}]


async def test_a_gap_of_another_shape_is_no_crash() -> None:
    told: list[dict[str, Any]] = []
    with ScriptedServer([ready("1"), event("gap", [], "2"), message("a", "6"), STAY]) as server:
        await first(listen(server.url, WANTED, on_gap=told.append), 1)
    assert told == [{"reason": "", "from": None, "to": None}]


@pytest.mark.parametrize("refusal", [204, 400])
async def test_a_server_that_lost_its_history_is_listened_to_behind_a_gap(refusal: int) -> None:
    scripts: list[Script] = [[ready("1"), message("a", "2")], refusal, [ready()]]
    with ScriptedServer(*scripts) as server:
        found = await first(events(server.url, WANTED), 5)
    assert shown(found[2:]) == [("gap", "-"), ("ready", "-"), ("ready", "-")]
    assert json.loads(found[2].data)["from"] is None
    assert json.loads(found[2].data)["to"].endswith("Z")
    assert resuming(server.asked) == [("true", None), ("true", "2"), (None, None), (None, None)]


async def test_an_older_server_that_takes_its_turn_is_listened_to_behind_a_gap() -> None:
    scripts = [[ready("1")], [ready()], [ready("8"), message("a", "9"), STAY]]
    with ScriptedServer(*scripts) as server:
        found = await first(events(server.url, WANTED), 5)
    assert shown(found) == [
        ("ready", "1"), ("gap", "-"), ("ready", "-"), ("ready", "8"), ("message", "9"),
    ]  # fmt: skip
    assert json.loads(found[1].data)["reason"] == "the server keeps no history"
    assert resuming(server.asked) == [("true", None), ("true", "1"), ("true", None)]


async def test_a_first_connect_that_is_refused_is_raised_at_once() -> None:
    with ScriptedServer(400) as server:
        with pytest.raises(InputError, match="a 400"):
            await first(events(server.url, WANTED), 1)
        assert len(server.asked) == 1


@pytest.mark.parametrize("script", [[ready(), STAY], 204])
async def test_a_history_that_is_needed_must_be_there_and_stay(script: Script) -> None:
    for scripts in ([script], [[ready("1")], script]):
        with ScriptedServer(*scripts) as server:
            with pytest.raises(InputError, match="the server keeps no history"):
                await first(events(server.url, WANTED, resume=True), 9)


@pytest.mark.parametrize(("retry_ms", "wait_s"), [(0, 0.5), (700, 0.7)])
async def test_the_server_says_the_first_delay_and_then_they_grow(
    retry_ms: int, wait_s: float
) -> None:
    waits: list[float] = []
    scripts: list[Script] = [[ready("1", retry_ms=retry_ms)], 503, [ready("1"), STAY]]
    with ScriptedServer(*scripts) as server:
        await first(events(server.url, WANTED, on_retry=lambda _, s: waits.append(s)), 2)
    assert waits[0] == wait_s
    assert wait_s / 2 <= waits[1] <= wait_s


async def test_a_delay_without_end_is_cut_short() -> None:
    waits: list[float] = []

    def tell(_reason: str, wait_s: float) -> None:
        waits.append(wait_s)
        raise KeyError  # nobody waits for it here

    with ScriptedServer([ready("1", retry_ms=999_999_999)]) as server:
        with pytest.raises(KeyError):
            await first(events(server.url, WANTED, on_retry=tell), 2)
    assert waits == [15.0]
