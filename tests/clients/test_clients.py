"""Clients that nobody here wrote see every event when it comes: plain, gzip, and behind nginx."""

import json

import pytest

from tests.clients.cast import LISTENERS, Listener
from tests.clients.play import PAYLOADS, Play, payloads

pytestmark = pytest.mark.timeout(120)  # the first test waits for the whole play
EACH = pytest.mark.parametrize("listener", LISTENERS, ids=str)
ENDS = {"closed", "exit code 0"}


@EACH
def test_each_event_is_seen_before_the_next_is_sent(play: Play, listener: Listener) -> None:
    seen = play.of(listener)
    assert [it.act for it in seen if it.kind == "ready"] == ["ready"], seen
    expected = [(f"message {n}", payload) for n, payload in enumerate(PAYLOADS)]
    if listener.client.breaks_behind_a_proxy and listener.route != "direct":
        last_act, _ = expected.pop()
        seen = [it for it in seen if it.act != last_act]
    assert payloads(seen) == expected
    assert "ping" in {it.kind for it in seen if it.act == "ping"}


@EACH
def test_the_reason_of_the_end_is_seen_and_the_end_is_no_error(
    play: Play, listener: Listener
) -> None:
    *others, error, end = play.of(listener)
    assert (error.kind, json.loads(error.text)) == (
        "error",
        "the server is stopping; connect again",
    )
    assert end.kind == "end"
    assert end.text in ENDS
    assert "error" not in {it.kind for it in others}


@EACH
def test_each_gets_the_coding_that_it_can_decode(play: Play, listener: Listener) -> None:
    expected = "gzip" if listener.form == "gzip" else listener.client.gets
    told = [it.text for it in play.of(listener) if it.kind == "encoding"]
    assert told in ([], [expected])  # not all libraries show it
