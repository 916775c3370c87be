"""pika's callbacks as coroutines: one connection, its channels, one request at a time each.

Knows AMQP, nothing of queues' names or of what is bound.  Every wait is bounded.
"""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import pika
from pika.adapters.utils.connection_workflow import AMQPConnectionWorkflowAborted
from pika.exceptions import (
    AMQPError,
    ChannelClosedByBroker,
    ConnectionClosed,
    ConnectionClosedByBroker,
)

from pulse_events.brokers.address import Address
from pulse_events.brokers.rabbitmq_frames import Connection
from pulse_events.errors import BrokerUnavailable, PulseEventsError, SettingsError

if TYPE_CHECKING:
    from pika.channel import Channel as PikaChannel

CONNECT_WITHIN_S = 15.0
ANSWER_WITHIN_S = 15.0
"""How long the broker may take to answer a request before the connection counts as lost."""
CLOSE_WITHIN_S = 2.0

ACCESS_REFUSED, NOT_FOUND = 403, 404
_HARD_ERRORS = 500
"""AMQP's codes for what a client did wrong, or the broker (section 1.1); 320 is a broker's stop."""
_REFUSALS = {
    ACCESS_REFUSED: "access is refused",
    NOT_FOUND: "it does not exist",
}
_CLOSED = re.compile(r"ConnectionClosedByBroker: \((\d+)\) (['\"])(.*)\2")
_CLOSINGS = {
    "403": "the login is refused",
    "530": "the virtual host is refused",
}


class RequestRefused(PulseEventsError):
    """The broker refused a request and closed the channel; the connection stands.

    Args:
        code: AMQP's; mostly 403 or 404.
        text: The broker's words.
    """

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{_REFUSALS.get(code, 'it is refused')} ({text})")
        self.code = code
        self.text = text


class ConnectionFailed(BrokerUnavailable):
    """The broker ended the connection because it could not do what it was asked."""


class QueueLost(BrokerUnavailable):
    """The queue is gone, or was for a while: the broker said so, even if it is there again."""


def parameters(
    address: Address, ca_file: str | None, heartbeat_s: int, **others: Any
) -> list[pika.ConnectionParameters]:
    """Return pika's parameters for each host of ``address``, one attempt each, bounded in time.

    Raises:
        SettingsError: ``ca_file`` cannot be read.
    """
    tls = _tls_context(ca_file) if address.tls else None
    return [
        pika.ConnectionParameters(
            host=host,
            port=port,
            virtual_host=address.vhost,
            credentials=pika.PlainCredentials(address.user, address.password),
            ssl_options=pika.SSLOptions(tls, host) if tls else None,
            heartbeat=heartbeat_s,
            socket_timeout=CONNECT_WITHIN_S,
            stack_timeout=CONNECT_WITHIN_S,
            connection_attempts=1,
            **others,
        )
        for host, port in address.hosts
    ]


def _tls_context(ca_file: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(f"cannot read the CA file {ca_file}: {error}") from None


class Channel:
    """One AMQP channel.

    Raises:
        BrokerUnavailable: On construction, if the connection is lost.
    """

    def __init__(self, connection: Connection) -> None:
        self._opened: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._closed: asyncio.Future[Exception] = asyncio.get_running_loop().create_future()
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

    async def until_closed(self) -> None:
        """Wait for the end of the channel, or of its consumer, and raise the reason."""
        raise _reason(await asyncio.shield(self._closed))

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


class _Connection(Connection):
    """A connection that may be closed while it opens."""

    def _on_connection_workflow_done(self, outcome: Any) -> None:
        # pika 1.4.4 passes the exception's class, then trips over what is no instance.
        broken_off = outcome is AMQPConnectionWorkflowAborted
        super()._on_connection_workflow_done(outcome() if broken_off else outcome)


@asynccontextmanager
async def connected(
    target: pika.ConnectionParameters, *, close_within_s: float = CLOSE_WITHIN_S
) -> AsyncIterator[Connection]:
    """Connect, and close on leaving; cut what the broker does not close in time.

    Raises:
        BrokerUnavailable: There is no broker, it refuses us, or takes too long.
    """
    loop = asyncio.get_running_loop()
    opened: asyncio.Future[Exception | None] = loop.create_future()
    closed: asyncio.Future[Exception] = loop.create_future()

    def fail(_connection: object, error: Exception) -> None:
        _resolve(opened, error)
        _resolve(closed, error)

    connection = _Connection(
        target,
        on_open_callback=lambda _: _resolve(opened, None),
        on_open_error_callback=fail,
        on_close_callback=lambda _, reason: _resolve(closed, reason),
        custom_ioloop=loop,
    )
    try:
        try:
            async with asyncio.timeout(CONNECT_WITHIN_S):
                failure = await opened
        except TimeoutError:
            raise BrokerUnavailable(f"no connection within {CONNECT_WITHIN_S:.0f} s") from None
        if failure is not None:
            raise _reason(failure)
        yield connection
    finally:
        with suppress(AMQPError):
            connection.close()
            await asyncio.wait((closed,), timeout=close_within_s)
            if not closed.done():
                give_up(connection, BrokerUnavailable("the broker does not close the connection"))


def give_up(connection: Connection, reason: BrokerUnavailable) -> None:
    """Cut the connection without a word to the broker, which does not answer any more."""
    if not connection.is_closed:
        connection._terminate_stream(reason)  # as pika's own check of heartbeats does


def _resolve(future: asyncio.Future[Any], value: Any) -> None:
    if not future.done():
        future.set_result(value)


def _reason(error: Exception) -> PulseEventsError:
    """Return what pika reports as one of our exceptions, in words."""
    if isinstance(error, PulseEventsError):
        return error
    if isinstance(error, ChannelClosedByBroker):
        return RequestRefused(error.reply_code, error.reply_text)
    if isinstance(error, ConnectionClosedByBroker) and error.reply_code >= _HARD_ERRORS:
        return ConnectionFailed(explain(error))
    return BrokerUnavailable(explain(error))


def _text(error: BaseException) -> str:
    """Return the text of one exception; of some that pika raises only the representation is one."""
    text = repr(error) if isinstance(error, ConnectionClosed) else str(error)
    return text or type(error).__name__


def explain(error: BaseException) -> str:
    """Return the text of the innermost exception; pika nests them, often without a text."""
    inner: list[BaseException] = [
        e for e in (*error.args, *getattr(error, "exceptions", ())) if isinstance(e, BaseException)
    ]
    if isinstance(nested := getattr(error, "exception", None), BaseException):
        inner.append(nested)
    texts = [text for text in map(explain, inner) if text]
    text = texts[0] if texts else _text(error)
    if closed := _CLOSED.search(text):  # pika keeps a refusal to connect as text only
        return f"{_CLOSINGS.get(closed[1], 'it closed the connection')} ({closed[3]})"
    return text
