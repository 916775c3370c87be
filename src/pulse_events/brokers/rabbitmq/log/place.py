"""A broker with a part in the log, the messages' or the log's own, and which host to take."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import NamedTuple, Self

import pika

from pulse_events.brokers.rabbitmq.address import parse_address
from pulse_events.brokers.rabbitmq.connection import connected
from pulse_events.brokers.rabbitmq.frames import FrameConnection
from pulse_events.brokers.rabbitmq.targets import targets
from pulse_events.errors import BrokerUnavailable

HEARTBEAT_S = 3
"""An instance that hangs while it records is replaced after two or three of these."""


class BrokerPlace(NamedTuple):
    """Where a broker is, and the namespace of our queues there."""

    targets: Sequence[pika.ConnectionParameters]
    namespace: str

    @classmethod
    def of(cls, url: str, namespace: str | None, ca_file: str | None = None) -> Self:
        """Return the broker at an address; for ``namespace`` and ``ca_file`` see `RabbitMQ`.

        Raises:
            SettingsError: The URL is no broker address, or a file cannot be read.
        """
        address = parse_address(url)
        return cls(targets(address, ca_file, HEARTBEAT_S), namespace or address.user)

    @asynccontextmanager
    async def connected(self, attempt: int) -> AsyncIterator[FrameConnection]:
        """Connect to the first host that takes us, another one being asked first in each attempt.

        A host that takes us may lack what we need of it.

        Raises:
            BrokerUnavailable: None takes us.
        """
        first = attempt % len(self.targets)
        reasons: list[BrokerUnavailable] = []
        async with AsyncExitStack() as stack:
            for target in (*self.targets[first:], *self.targets[:first]):
                try:
                    connection = await stack.enter_async_context(connected(target))
                    break
                except BrokerUnavailable as error:
                    reasons.append(error)
            else:
                raise BrokerUnavailable("; ".join(map(str, reasons)), reasons[0].kind)
            yield connection
