"""Strangers cannot fill the log."""

import logging

import pytest

from pulse_events.brokers.rabbitmq.sparing_log import LINES_LIMIT, PERIOD_S, SparingLog


def test_the_first_lines_are_said_then_how_many_more_there_were(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    now_s = [5.0]
    log = SparingLog(logging.getLogger("spared"), lambda: now_s[0])
    for number in range(1000):
        log.info("line %d", number)
    assert caplog.messages == [f"line {number}" for number in range(LINES_LIMIT)]
    now_s[0] += PERIOD_S
    caplog.clear()
    log.info("line %d", 1000)
    assert caplog.messages == [
        f"and {1000 - LINES_LIMIT} more lines like those before",
        "line 1000",
    ]
