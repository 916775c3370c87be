"""pika's callbacks as coroutines: one connection, its channels, one request at a time each.

Knows AMQP, nothing of queues' names or of what is bound.  Every wait is bounded.
"""

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import pika
from pika.adapters.utils.connection_workflow import AMQPConnectionWorkflowAborted
from pika.exceptions import AMQPError, ChannelClosedByBroker, ConnectionClosedByBroker

from pulse_events.brokers.rabbitmq.frames import FrameConnection
from pulse_events.brokers.rabbitmq.reasons import explain, kind_of, refusal
from pulse_events.brokers.rabbitmq.targets import each_address
from pulse_events.errors import BrokerUnavailable, PulseEventsError

if TYPE_CHECKING:
    from pika.channel import Channel as PikaChannel

RESOLVE_WITHIN_S = 15.0
ANSWER_WITHIN_S = 15.0
"""How long the broker may take to answer a request before the connection counts as lost."""
CLOSE_WITHIN_S = 2.0

ACCESS_REFUSED, NOT_FOUND = 403, 404
_HARD_ERRORS = 500
"""AMQP's codes for what a client did wrong, or the broker (section 1.1); 320 is a broker's stop."""
_NAMES = re.compile(" in vhost '| for user '")


class RequestRefused(PulseEventsError):
    """The broker refused a request and closed the channel; the connection stands.

    Args:
        code: AMQP's; mostly 403 or 404.
        text: The broker's words.
    """

    kind = "the queue is refused"

    def __init__(self, code: int, text: str) -> None:
        words = refusal(code, text)
        super().__init__(words)
        self.code = code
        self.text = text
        self.told = _NAMES.split(words)[0] + ")" * bool(_NAMES.search(words))
        """The same without the virtual host and the user, for clients."""


class ConnectionFailed(BrokerUnavailable):
    """The broker ended the connection because it could not do what it was asked."""


class QueueLost(BrokerUnavailable):
    """The queue is gone, or was for a while: the broker said so, even if it is there again."""

    kind = "the queue is gone"


class Channel:
    """One AMQP channel.

    Raises:
        BrokerUnavailable: On construction, if the connection is lost.
    """

    def __init__(self, connection: FrameConnection) -> None:
        self._opened: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._closed: asyncio.Future[Exception] = asyncio.get_running_loop().create_future()
        self._connection = connection
        try:
            opened = partial(_resolve, self._opened)
            self.pika: PikaChannel = connection.channel(on_open_callback=opened)
        except AMQPError as error:
            raise _reason(error) from error
        self.pika.add_on_close_callback(lambda _channel, reason: _resolve(self._closed, reason))
        self.pika.add_on_cancel_callback(self._cancelled)

    async def open(self) -> "Channel":
        """Wait until the broker has opened the channel; raises as `request` does."""
        await self._answer(self._opened, ANSWER_WITHIN_S)
        return self

    async def request(
        self, method: str, *, within_s: float = ANSWER_WITHIN_S, **arguments: Any
    ) -> Any:
        """Send the request that pika's channel calls ``method``; wait for its answer, return it.

        Raises:
            RequestRefused: The broker refused it and closed the channel.
            BrokerUnavailable: The connection is lost, or no answer came in time.
        """
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.send(method, callback=partial(_resolve, answer), **arguments)
        return await self._answer(answer, within_s)

    def send(self, method: str, **arguments: Any) -> None:
        """Send a request without waiting; raises as `request` does."""
        if self._closed.done():
            raise _reason(self._closed.result())
        try:
            getattr(self.pika, method)(**arguments)
        except AMQPError as error:
            raise _reason(error) from error

    def write(self, frames: bytes) -> None:
        """Send whole frames of this channel without waiting; raises as `request` does."""
        if self._closed.done():
            raise _reason(self._closed.result())
        try:
            self.pika._raise_if_not_open()  # as its own methods do
        except AMQPError as error:
            raise _reason(error) from error
        self._connection.write_at_once(frames)

    def close(self) -> None:
        """Close it without waiting, if the broker has not."""
        with suppress(AMQPError):
            self.pika.close()

    async def until_closed(self) -> None:
        """Wait for the end of the channel, or of its consumer, and raise the reason."""
        raise _reason(await asyncio.shield(self._closed))

    async def until(self, other: asyncio.Future[Any], within_s: float | None = None) -> None:
        """Wait until ``other`` is done, or for so long; raises as `until_closed` does."""
        waiting = (other, self._closed)
        await asyncio.wait(waiting, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
        if self._closed.done() and not other.done():
            raise _reason(self._closed.result())

    async def _answer(self, answer: asyncio.Future[Any], within_s: float) -> Any:
        waiting = (answer, self._closed)
        await asyncio.wait(waiting, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
        if answer.done():
            return answer.result()
        if self._closed.done():
            raise _reason(self._closed.result())
        raise BrokerUnavailable(f"no answer within {within_s:.0f} s")

    def _cancelled(self, _frame: object) -> None:
        _resolve(self._closed, QueueLost("the broker cancelled the consumer"))


class _OpeningConnection(FrameConnection):
    """A connection that may be closed while it opens, and while it consumes."""

    def _on_connection_workflow_done(self, outcome: Any) -> None:
        # pika 1.4.4 passes the exception's class, then trips over what is no instance.
        broken_off = outcome is AMQPConnectionWorkflowAborted
        super()._on_connection_workflow_done(outcome() if broken_off else outcome)

    def _close_channels(self, *reason: Any) -> None:
        # pika cancels the consumers first, and RabbitMQ 4 then gives what follows to the queue's
        # next consumer, before it takes back what these have not acknowledged.
        for channel in self._channels.values():
            channel._cancelled.update(channel._consumers)
        super()._close_channels(*reason)


class _Attempt:
    """One attempt to connect to one address, and the connection that it makes."""

    def __init__(self, target: pika.ConnectionParameters) -> None:
        loop = asyncio.get_running_loop()
        self._within_s: float = target.stack_timeout
        self._opened: asyncio.Future[Exception | None] = loop.create_future()
        self._closed: asyncio.Future[Exception] = loop.create_future()
        self.connection = _OpeningConnection(
            target,
            on_open_callback=lambda _: _resolve(self._opened, None),
            on_open_error_callback=self._fail,
            on_close_callback=lambda _, reason: _resolve(self._closed, reason),
            custom_ioloop=loop,
        )

    def _fail(self, _connection: object, error: Exception) -> None:
        _resolve(self._opened, error)
        _resolve(self._closed, error)

    async def succeed(self) -> None:
        """Wait until the connection is open.

        Raises:
            BrokerUnavailable: There is no broker, it refuses us, or takes too long.
        """
        try:
            async with asyncio.timeout(self._within_s):
                failure = await self._opened
        except TimeoutError:
            raise BrokerUnavailable(f"no connection within {self._within_s:.1f} s") from None
        if failure is not None:
            raise _reason(failure)

    async def close(self, within_s: float) -> None:
        """Close, or break off; cut what the broker does not close in time."""
        with suppress(AMQPError):
            self.connection.close()
            await asyncio.wait((self._closed,), timeout=within_s)
            if not self._closed.done():
                reason = BrokerUnavailable("the broker does not close the connection")
                give_up(self.connection, reason)


@asynccontextmanager
async def connected(
    target: pika.ConnectionParameters, *, close_within_s: float = CLOSE_WITHIN_S
) -> AsyncIterator[FrameConnection]:
    """Connect to the first address of a host that takes us, and close on leaving.

    Raises:
        BrokerUnavailable: There is no broker, it refuses us, or takes too long.
    """
    attempt = await _first_success(await _resolved(target))
    try:
        yield attempt.connection
    finally:
        await attempt.close(close_within_s)


async def _resolved(target: pika.ConnectionParameters) -> list[pika.ConnectionParameters]:
    """Return the parameters of each address of the host."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(RESOLVE_WITHIN_S):
            found = await loop.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except TimeoutError:
        raise BrokerUnavailable(f"no address within {RESOLVE_WITHIN_S:.0f} s") from None
    except (OSError, UnicodeError) as error:  # UnicodeError: no host can have such a name
        raise BrokerUnavailable(str(error)) from None
    return each_address(target, found)


async def _first_success(targets: list[pika.ConnectionParameters]) -> _Attempt:
    """Try one after the other; raises the reasons of all if none takes us."""
    reasons, kinds = [], set[str]()
    for target in targets:
        attempt = _Attempt(target)
        succeeded = False
        try:
            await attempt.succeed()
            succeeded = True
            return attempt
        except BrokerUnavailable as error:
            reasons.append(str(error) if len(targets) == 1 else f"{target.host}: {error}")
            kinds.add(error.kind)
        finally:
            if not succeeded:
                await attempt.close(CLOSE_WITHIN_S)
    # That one address is not reachable says less than what a broker at another one has answered.
    told = min(kinds - {BrokerUnavailable.kind}, default="")
    raise BrokerUnavailable("; ".join(reasons), told)


def give_up(connection: FrameConnection, reason: BrokerUnavailable) -> None:
    """Cut the connection without a word to the broker, which does not answer any more."""
    if not connection.is_closed:
        connection._terminate_stream(reason)  # as pika's own check of heartbeats does


async def first_failure(*works: Coroutine[Any, Any, None]) -> None:
    """Run ``works``, which only end by failing, and raise what ends the first of them."""
    try:
        async with asyncio.TaskGroup() as group:
            for work in works:
                group.create_task(work)
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None


def _resolve(future: asyncio.Future[Any], value: Any) -> None:
    if not future.done():
        future.set_result(value)


def _reason(error: Exception) -> PulseEventsError:
    """Return what pika reports as one of our exceptions, in words."""
    if isinstance(error, PulseEventsError):
        return error
    if isinstance(error, ChannelClosedByBroker):
        return RequestRefused(error.reply_code, error.reply_text)
    text = explain(error)
    if isinstance(error, ConnectionClosedByBroker) and error.reply_code >= _HARD_ERRORS:
        return ConnectionFailed(text, kind_of(text))
    return BrokerUnavailable(text, kind_of(text))
