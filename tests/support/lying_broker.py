"""A broker that answers whatever it is asked, and sends what a test tells it to after that.

For what no real broker sends.  It knows nothing: each method gets the answer that is due.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from pika import frame, spec

_START = spec.Connection.Start(0, 9, {"capabilities": {}}, "PLAIN", "en_US")
_ANSWERS: dict[type, Callable[[Any], object]] = {
    spec.Connection.StartOk: lambda _: spec.Connection.Tune(10, 131_072, 0),
    spec.Connection.Open: lambda _: spec.Connection.OpenOk(),
    spec.Connection.Close: lambda _: spec.Connection.CloseOk(),
    spec.Channel.Open: lambda _: spec.Channel.OpenOk(),
    spec.Channel.Close: lambda _: spec.Channel.CloseOk(),
    spec.Queue.Declare: lambda asked: spec.Queue.DeclareOk(asked.queue, 0, 0),
    spec.Queue.Delete: lambda _: spec.Queue.DeleteOk(0),
    spec.Queue.Bind: lambda _: spec.Queue.BindOk(),
    spec.Basic.Qos: lambda _: spec.Basic.QosOk(),
    spec.Basic.Consume: lambda asked: spec.Basic.ConsumeOk(asked.consumer_tag),
}


def method(channel: int, what: object) -> bytes:
    """Return the frame of a method."""
    return bytes(frame.Method(channel, what).marshal())


class LyingBroker:
    """Listens on ``port``; see `lying_broker`."""

    def __init__(self, lie: Callable[[int], bytes | None]) -> None:
        self._lie = lie
        self.port = 0
        self.connections = 0
        self.acknowledged = 0
        """The newest delivery that was."""
        self._writer: asyncio.StreamWriter | None = None

    @property
    def url(self) -> str:
        """Where it is."""
        return f"amqp://guest:guest@127.0.0.1:{self.port}/"

    def say(self, data: bytes) -> None:
        """Send ``data`` on the newest connection."""
        assert self._writer is not None
        self._writer.write(data)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer on one connection until the other side closes it."""
        self.connections += 1
        number = self.connections
        self._writer = writer
        await reader.readexactly(8)
        writer.write(method(0, _START))
        data = b""
        while came := await reader.read(65_536):
            data += came
            while True:
                size, found = frame.decode_frame(data)
                data = data[size:]
                if found is None:
                    break
                self._answer(writer, found, number)
        writer.close()

    def _answer(self, writer: asyncio.StreamWriter, asked: Any, number: int) -> None:
        if isinstance(asked, frame.Method):
            answer = _ANSWERS.get(type(asked.method))
            if answer:
                writer.write(method(asked.channel_number, answer(asked.method)))
            if isinstance(asked.method, spec.Basic.Ack):
                self.acknowledged = asked.method.delivery_tag
            if isinstance(asked.method, spec.Basic.Consume):
                writer.write(self._lie(number) or b"")


@asynccontextmanager
async def lying_broker(lie: Callable[[int], bytes | None]) -> AsyncIterator[LyingBroker]:
    """Run one for the block.

    Args:
        lie: Returns what to send on the n-th connection once its client consumes.
    """
    broker = LyingBroker(lie)
    server = await asyncio.start_server(broker.serve, "127.0.0.1", 0)
    broker.port = server.sockets[0].getsockname()[1]
    async with server:
        yield broker
