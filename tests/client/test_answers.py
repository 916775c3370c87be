"""What answers mean that are not streams."""

import json

import pytest

from pulse_events.client.answers import Head, keeps_history, refusal, token_of
from pulse_events.errors import BindingRefused, ConnectionLost, InputError, PulseEventsError

OURS = json.dumps({"code": "X", "message": "do\nthis"}).encode()


def head(status: int, content_type: str = "application/json", retry_after: str = "") -> Head:
    return Head(status, content_type, retry_after)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, InputError),
        (401, InputError),
        (403, BindingRefused),
        (404, BindingRefused),
        (408, ConnectionLost),
        (410, ConnectionLost),
        (429, ConnectionLost),
        (500, ConnectionLost),
        (503, ConnectionLost),
    ],
)
def test_a_refusal_says_what_the_server_says(status: int, kind: type[PulseEventsError]) -> None:
    found = refusal(head(status), OURS, "http://h")
    assert (type(found), str(found)) == (kind, "do this")


@pytest.mark.parametrize("body", [b"", b"[1]", b"{", b'{"message": 5}', b"\xff", b"[" * 60_000])
def test_who_else_answers_is_named(body: bytes) -> None:
    found = refusal(head(404), body, "http://h")
    assert (type(found), str(found)) == (
        InputError,
        "http://h answered 404, which is not a stream",
    )
    page = refusal(head(200, "text/\x9bhtml"), body, "http://h")
    assert str(page) == "http://h answered 200 of type text/�html, which is not a stream"


def test_an_answer_without_content_says_that_there_is_no_history() -> None:
    assert str(refusal(head(204), b"", "http://h")) == "the server keeps no history"


@pytest.mark.parametrize(
    ("text", "wait_s"),
    [("3", 3.0), ("", 0.0), ("-1", 0.0), ("Wed, 21 Oct", 0.0), ("9" * 400, 0.0), ("²", 0.0)],
)
def test_a_busy_server_says_when_to_come_back(text: str, wait_s: float) -> None:
    found = refusal(head(503, retry_after=text), b"", "http://h")
    assert isinstance(found, ConnectionLost)
    assert found.wait_s == wait_s


def test_a_stream_is_one_by_status_and_type() -> None:
    assert head(200, "text/event-stream").is_stream
    assert not head(201, "text/event-stream").is_stream
    assert not head(200, "text/html").is_stream


@pytest.mark.parametrize(
    ("status", "body", "keeps"),
    [
        (200, b'{"history": "memory"}', True),
        (200, b'{"history": "off"}', False),
        (200, b'{"history": null}', False),
        (200, b"{}", False),
        (200, b"[]", False),
        (404, b'{"history": "memory"}', False),
    ],
)
def test_the_configuration_tells_of_a_history(status: int, body: bytes, keeps: bool) -> None:
    assert keeps_history(head(status), body) is keeps


def test_a_token_is_a_short_text() -> None:
    assert token_of(head(200), b'{"token": "t"}', "http://h") == "t"
    for wrong in (b"{}", b'{"token": 5}', b'{"token": ""}', b'{"token": "%b"}' % (b"x" * 5000)):
        with pytest.raises(InputError, match=r"^http://h answered "):
            token_of(head(200), wrong, "http://h")
    with pytest.raises(ConnectionLost, match="do this"):
        token_of(head(429), OURS, "http://h")
