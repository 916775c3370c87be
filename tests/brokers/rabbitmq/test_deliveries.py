"""Deliveries are handed on in turns and acknowledged, whatever becomes of one of them."""

import asyncio
from functools import partial

import pytest

from pulse_events.brokers.failures import lose
from pulse_events.brokers.rabbitmq.deliveries import SLICE, WAITING_BYTES, Deliveries
from pulse_events.messages import Message
from tests.brokers.listening import Recorder
from tests.support.waiting import until


class Channel:
    """Where deliveries are acknowledged."""

    is_open = True

    def __init__(self) -> None:
        self.acknowledged = 0

    def basic_ack(self, tag: int, *, multiple: bool) -> None:
        """Note that all up to ``tag`` are acknowledged."""
        assert multiple
        self.acknowledged = tag


class Failing(Recorder):
    """A listener that cannot take some bodies, and some not even as a failure."""

    def publish(self, message: Message) -> None:
        """Fail, or keep it."""
        if message.body in (b"bad", b"worse"):
            raise RuntimeError(message.body)
        super().publish(message)

    def failed(self, message: Message, error: Exception) -> None:
        """Fail, or keep it."""
        super().failed(message, error)
        if message.body == b"worse":
            raise ValueError("once more")


async def test_a_message_that_fails_is_acknowledged_like_all_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    listener, channel = Failing(), Channel()
    deliveries = Deliveries(listener.publish, partial(lose, listener), channel, lambda slowly: None)
    bodies = [b"bad", b"1", b"worse", b"2"] * SLICE
    for tag, body in enumerate(bodies, start=1):
        deliveries.receive(Message("e", "k", body), tag, len(body))
    await until(lambda: channel.acknowledged == len(bodies), "all are acknowledged")
    assert [message.body for message in listener.messages] == [b"1", b"2"] * SLICE
    failures = [(message.body, str(error)) for message, error in listener.failures]
    assert failures == [(b"bad", "b'bad'"), (b"worse", "b'worse'")] * SLICE
    assert len(caplog.records) == 1
    assert "a message of exchange 'e' is lost, and nobody is told" in caplog.text


async def test_keys_in_line_count_like_bodies() -> None:
    listener, channel = Recorder(), Channel()
    slow: list[bool] = []
    deliveries = Deliveries(listener.publish, partial(lose, listener), channel, slow.append)
    for tag in range(1, 4):
        deliveries.receive(Message("e", "k", b"{}"), tag, WAITING_BYTES // 2)
    assert slow == [True]
    await until(lambda: channel.acknowledged == 3, "all are acknowledged")
    assert slow == [True, False]


class Dead(Channel):
    """One of a connection that has just broken."""

    def basic_ack(self, tag: int, *, multiple: bool) -> None:
        """Fail as uvloop does."""
        super().basic_ack(tag, multiple=multiple)
        raise RuntimeError("unable to perform operation on <UVPoll closed=True>; it is closed")


async def test_what_cannot_be_acknowledged_any_more_is_no_failure() -> None:
    listener, channel = Recorder(), Dead()
    failures: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, why: failures.append(why))
    deliveries = Deliveries(listener.publish, partial(lose, listener), channel, lambda slowly: None)
    deliveries.receive(Message("e", "k", b"{}"), 1, 2)
    await until(lambda: channel.acknowledged == 1, "it is tried")
    deliveries.receive(Message("e", "k", b"{}"), 2, 2)
    await until(lambda: channel.acknowledged == 2, "it is tried again")
    assert len(listener.messages) == 2
    assert failures == []
