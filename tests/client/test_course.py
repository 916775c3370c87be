"""The steps of a client, taken by hand: what it asks, how long it waits, where it gives up."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from pulse_events.client.answers import BODY_LIMIT_BYTES, Head
from pulse_events.client.course import POSTS, Ask, Course, Open, Outside, Read, Steps, Wait, Warn
from pulse_events.client.items import Gap, Ready
from pulse_events.client.terms import Terms
from pulse_events.errors import ConnectionLost, InputError, StreamEnded
from pulse_events.wire.sse import Decoder, EventTooLong

NOW = datetime(2026, 11, 25, tzinfo=UTC)
STREAM = Head(200, "text/event-stream", "")
JSON = Head(200, "application/json", "")
READY = b"event: ready\ndata: {}\nid: 1\n\n"


class Clock:
    """Time that stands still until it is told."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def course(
    make_decoder: Callable[[], Decoder] = Decoder, clock: Clock | None = None, **options: Any
) -> Course:
    given: dict[str, Any] = {"url": "http://h", "bindings": ("e", "#"), "events": True}
    outside = Outside("us", lambda: 0.0, lambda: NOW, clock or Clock())
    return Course(Terms(**given | options), outside, make_decoder)


def opened(steps: Steps) -> Open:
    """Go on to the request for the stream, which asks for no history."""
    assert isinstance(next(steps), Ask)
    step = steps.send(None)
    assert isinstance(step, Open)
    return step


def query(step: Open) -> dict[str, list[str]]:
    return parse_qs(urlsplit(step.url).query)


def test_a_server_that_was_not_there_is_asked_again_whether_it_keeps_a_history() -> None:
    steps = course(wait_for_server=True).steps()
    next(steps)
    for _ in range(2):
        config = steps.send(None)
        assert isinstance(config, Open)
        assert config.url == "http://h/events/v1/config"
        connect = steps.throw(ConnectionLost("nobody there"))
        assert isinstance(connect, Open)
        assert "resume" not in query(connect)
        assert isinstance(steps.throw(ConnectionLost("nobody there")), Wait)
        assert isinstance(steps.send(None), Ask)
    steps.send(None)
    assert isinstance(steps.send(JSON), Read)
    steps.send(b'{"history": "memory"}')
    connect = steps.send(b"")
    assert isinstance(connect, Open)
    assert query(connect)["resume"] == ["true"]


def test_a_token_that_is_none_keeps_the_place() -> None:
    steps = course(resume=None).steps()
    next(steps)
    steps.send(None)
    steps.send(JSON)
    steps.send(b'{"history": "memory"}')
    steps.send(b"")
    steps.send(STREAM)
    assert isinstance(steps.send(READY.replace(b"id: 1", b"id: 1mabc")), Ready)
    next(steps)
    assert isinstance(steps.throw(ConnectionLost("cut")), Wait)
    assert isinstance(steps.send(None), Ask)
    with pytest.raises(InputError):
        steps.send("no\ntoken")


def test_an_attempt_asks_for_the_token_for_the_history_and_for_the_stream() -> None:
    steps = course().steps()
    assert isinstance(next(steps), Ask)
    config = steps.send("secret")
    assert isinstance(config, Open)
    assert (config.url, config.within_s, config.content) == ("http://h/events/v1/config", 5.0, None)
    assert config.headers["Authorization"] == "Bearer secret"
    assert isinstance(steps.send(JSON), Read)
    assert isinstance(steps.send(b'{"history": "memory"}'), Read)
    stream = steps.send(b"")
    assert isinstance(stream, Open)
    assert query(stream) == {
        "errors": ["http"],
        "compression": ["gzip"],
        "bindings": ['{"bindings":[{"exchange":"e","routingKeyPattern":"#"}]}'],
        "resume": ["true"],
    }
    assert stream.headers == {
        "Accept-Encoding": "gzip",
        "Accept": "text/event-stream",
        "User-Agent": "us",
        "Authorization": "Bearer secret",
    }
    assert isinstance(steps.send(STREAM), Read)
    assert steps.send(READY) == Ready("1")
    lost = steps.throw(ConnectionLost("cut"))
    assert lost == Wait(0.25, "cut")
    assert isinstance(next(steps), Ask)
    again = steps.send("another")
    assert isinstance(again, Open)
    assert (again.headers["Last-Event-ID"], again.headers["Authorization"]) == (
        "1",
        "Bearer another",
    )


def test_an_answer_that_comes_by_drops_is_not_waited_for() -> None:
    clock = Clock()
    steps = course(clock=clock).steps()
    next(steps)
    steps.send(None)
    steps.send(JSON)
    clock.now_s = 4.9
    assert isinstance(steps.send(b"{"), Read)
    clock.now_s = 5.1
    step = steps.send(b" ")
    assert isinstance(step, Open)
    assert "resume" not in query(step)


def test_a_refusal_without_end_is_cut_off() -> None:
    steps = course(resume=False).steps()
    opened(steps)
    assert isinstance(steps.send(Head(400, "", "")), Read)
    assert isinstance(steps.send(b"x" * BODY_LIMIT_BYTES), Read)
    with pytest.raises(InputError, match="answered 400"):
        steps.send(b"x")


def many(count: int) -> list[tuple[str, str]]:
    return [("exchange/some", f"{'x' * 50}.{number}.#") for number in range(count)]


def test_only_a_list_that_is_too_long_for_proxies_is_posted_anew_at_each_attempt() -> None:
    assert opened(course(resume=False, bindings=many(40)).steps()).content is None
    steps = course(resume=False, bindings=many(100), wait_for_server=True).steps()
    for token in ("first", "second"):
        post = opened(steps)
        assert (post.url, post.within_s) == ("http://h/events/v1/bindings", 15.0)
        assert post.content is not None
        assert post.content.count(b"routingKeyPattern") == 100
        steps.send(JSON)
        steps.send(f'{{"token": "{token}"}}'.encode())
        stream = steps.send(b"")
        assert isinstance(stream, Open)
        assert query(stream)["token"] == [token]
        assert "bindings" not in query(stream)
        assert isinstance(steps.throw(ConnectionLost("cut")), Wait)


def test_a_list_is_posted_again_where_another_server_had_it_some_times() -> None:
    steps = course(resume=False, bindings=many(100)).steps()
    step: Any = opened(steps)
    for _ in range(POSTS):
        assert step.content is not None
        steps.send(JSON)
        steps.send(b'{"token": "t"}')
        assert query(steps.send(b""))["token"] == ["t"]  # type: ignore[arg-type]
        step = steps.send(Head(410, "application/json", ""))
    assert isinstance(step, Read)
    with pytest.raises(ConnectionLost, match="unknown or expired"):
        steps.send(b'{"message": "the token is unknown or expired"}')
        steps.send(b"")


def ready(steps: Steps, sent: bytes = READY) -> None:
    opened(steps)
    steps.send(STREAM)
    assert isinstance(steps.send(sent), Ready)
    assert isinstance(next(steps), Read)


def test_delays_grow_up_to_a_bound_and_begin_anew_when_it_is_ready() -> None:
    steps = course(resume=False, first_delay_s=1, max_delay_s=2).steps()
    ready(steps)
    waits = []
    step = steps.send(b"")
    for _ in range(4):
        assert isinstance(step, Wait)
        waits.append(step.seconds)
        opened(steps)
        step = steps.throw(ConnectionLost("busy"))
    assert waits == [0.5, 0.8, 1.0, 1.0]
    ready(steps)
    assert steps.send(b"") == Wait(0.5, "the server closed the connection")


def test_a_busy_server_says_when_to_come_back_within_bounds() -> None:
    for wait_s, waited_s in ((3.0, 3.0), (1e9, 15.0)):
        steps = course(resume=False, wait_for_server=True).steps()
        opened(steps)
        assert steps.throw(ConnectionLost("busy", wait_s=wait_s)) == Wait(waited_s, "busy")


def test_attempts_are_limited_between_two_times_that_it_is_ready() -> None:
    steps = course(resume=False, max_retries=2).steps()
    for _ in range(3):
        ready(steps)
        assert isinstance(steps.send(b""), Wait)
        opened(steps)
        assert isinstance(steps.throw(ConnectionLost("busy")), Wait)
    opened(steps)
    with pytest.raises(ConnectionLost, match="third"):
        steps.throw(ConnectionLost("third"))


def test_an_error_event_ends_a_stream_and_is_no_more_than_that() -> None:
    steps = course(resume=False).steps()
    opened(steps)
    steps.send(STREAM)
    with pytest.raises(StreamEnded, match=r"^why$"):
        steps.send(b'event: error\ndata: "why"\n\n')


def test_an_event_without_end_is_raised() -> None:
    steps = course(make_decoder=lambda: Decoder(1000), resume=False).steps()
    ready(steps)
    with pytest.raises(EventTooLong):
        steps.send(b"data: " + b"x" * 2000)


def test_the_cursor_is_behind_what_was_yielded_last() -> None:
    listening = course(cursor="5")
    steps = listening.steps()
    assert listening.cursor == "5"
    opened(steps)
    steps.send(STREAM)
    messages = b'data: {"payload": 1}\nid: 6\n\ndata: {"payload": 2}\nid: 7\n\n'
    steps.send(READY + messages)
    assert listening.cursor == "5"
    next(steps)
    assert listening.cursor == "6"
    next(steps)
    assert listening.cursor == "7"


def test_a_course_goes_on_where_it_was_after_what_was_none_of_its_failures() -> None:
    listening = course(resume=True)
    ready(listening.steps())
    assert opened(listening.steps()).headers["Last-Event-ID"] == "1"


def test_who_sees_no_events_has_gaps_in_the_log() -> None:
    steps = course(events=False, resume=True).steps()
    opened(steps)
    steps.send(STREAM)
    gap = b'event: gap\ndata: {"reason": "r"}\nid: 2\n\n'
    assert steps.send(READY + gap) == Warn(Gap("r", None, NOW, "2"))
