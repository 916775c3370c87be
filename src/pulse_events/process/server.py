"""Composition root: one process's broker, hub and web, in the order of start and drain."""

import asyncio
import logging
import socket
from collections import Counter
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Protocol

from aiohttp import web

from pulse_events.access.addresses import PRIVATE_NETWORKS, Origins
from pulse_events.access.limits import (
    BINDINGS_PER_ADDRESS,
    CONNECTIONS_PER_ADDRESS,
    OUTSTANDING_BINDINGS,
    QUEUES_PER_ADDRESS,
    STREAMS_PER_ADDRESS,
    AddressLimit,
    Admission,
    Limits,
)
from pulse_events.brokers import Health
from pulse_events.brokers.memory import Memory
from pulse_events.brokers.rabbitmq.broker import RabbitMQ
from pulse_events.brokers.rabbitmq.pace import BrokerPace
from pulse_events.configuration.settings import MEMORY, Settings
from pulse_events.demo.feed import run_demo
from pulse_events.errors import StreamEnded
from pulse_events.hub.hub import ExactHub, Hub
from pulse_events.hub.hubs import Exact, Hubs
from pulse_events.hub.interest import Orders
from pulse_events.hub.oddities import Oddity
from pulse_events.hub.statistics import Statistics
from pulse_events.messages import Message
from pulse_events.process.pacing import FlushPace
from pulse_events.process.system import (
    collect_garbage_less,
    connections_limit,
    default_streams_limit,
    raise_descriptor_limit,
    stop_signal,
    url_of,
)
from pulse_events.web.app import App
from pulse_events.web.door import Door
from pulse_events.web.http_server import HttpServer
from pulse_events.web.page import Catalogue
from pulse_events.web.services import Services
from pulse_events.web.streams import Streams
from pulse_events.web.tokens import Put, Tokens

log = logging.getLogger(__name__)

BACKLOG = 4096
"""Connections that may wait to be accepted, where the kernel allows as many."""
DRAIN_SPREAD_S = 4.0
DRAIN_WITHIN_S = 5.0
"""Over how long the ends of streams are spread at a stop; when those that do not read are cut."""
STOP_WITHIN_S = 2.0
_STOPPING = "the server is stopping; connect again"


Publish = Callable[[Message], None]


class Peers(Protocol):
    """The processes that share the port with this one, if any."""

    def announce(self, url: str) -> None:
        """Say that connections are accepted at ``url``."""

    async def run(self, own: Callable[[], Statistics], publish: Publish | None) -> None:
        """Report ``own`` counts when asked; return when this process must stop.

        What another process relays goes to ``publish``, the embedded broker's.
        """

    def relay(self, message: Message) -> None:
        """Hand a message to the embedded brokers of the other processes."""

    async def total(self, own: Statistics) -> Statistics:
        """Return the counts of all processes together."""

    async def keep(self, token: str, text: str, owner: str) -> Put | None:
        """Put ``text`` where the other processes find it (see `tokens.Common`)."""

    async def find(self, token: str) -> str | None:
        """Return what a process put under ``token``."""


class Alone:
    """The only process: nobody asks it, and its counts are all there are."""

    def __init__(self, announce: Callable[[str], None]) -> None:
        self.announce = announce

    async def run(self, own: Callable[[], Statistics], publish: Publish | None) -> None:
        """Wait until cancelled."""
        await asyncio.get_running_loop().create_future()

    async def total(self, own: Statistics) -> Statistics:
        """Return the counts as they are."""
        return own

    async def keep(self, token: str, text: str, owner: str) -> Put | None:
        """Do nothing: nobody else will look for it."""
        return None

    async def find(self, token: str) -> str | None:
        """Return nothing: nobody else has put anything."""
        return None

    def relay(self, message: Message) -> None:
        """Do nothing: nobody else has an embedded broker."""


def make_broker(settings: Settings, *, pace: BrokerPace | None = None) -> RabbitMQ | Memory:
    """Return a broker as the settings name it, not yet connected.

    Raises:
        SettingsError: They name none.
    """
    if settings.broker == MEMORY:
        return Memory(settings.max_message_bytes)
    return RabbitMQ(
        settings.broker,
        namespace=settings.namespace,
        ca_file=str(settings.broker_ca_file) if settings.broker_ca_file else None,
        pace=pace,
        body_limit_bytes=settings.max_message_bytes,
    )


class _Process:
    """The parts of one process, put together."""

    def __init__(self, settings: Settings, peers: Peers, stop: asyncio.Event) -> None:
        descriptors = raise_descriptor_limit()
        self._settings = settings
        self._peers = peers
        self._stop = stop
        self._tasks: asyncio.TaskGroup | None = None
        self._refused: Counter[str] = Counter()
        self._pacer = FlushPace(asyncio.get_running_loop())
        self._tokens = Tokens(peers, limit=settings.max_bindings)
        self.broker = make_broker(settings)
        self.publish = self.broker.publish if isinstance(self.broker, Memory) else None
        self.hubs = Hubs(
            self._shared_hub(),
            self._is_exact,
            self._open_exact,
            owner_exact_limit=AddressLimit(settings.max_exact_per_address, QUEUES_PER_ADDRESS).of,
        )
        self._admission = _admission(settings, default_streams_limit(descriptors))
        self.streams = Streams(
            self.hubs,
            self._admission,
            ping_interval_s=settings.ping_interval,
            unsent_limit_bytes=settings.max_unsent_bytes,
        )
        self.http = HttpServer(
            App(self._services()).route,
            self._refused,
            Door(
                self._admission,
                self._refused,
                connections_limit=connections_limit(descriptors),
                streams=self.streams.__len__,
            ),
            head_limit_bytes=settings.max_head_bytes,
        )

    def counts(self) -> Statistics:
        """Return what this process counts."""
        displaced = self._tokens.displaced
        return self.hubs.statistics()._replace(**self._refused, displaced_tokens=displaced)

    async def run(self) -> None:
        """Run all parts until told to stop, then end all streams."""
        async with asyncio.TaskGroup() as self._tasks:
            works = [
                self.broker.run(self.hubs.shared),
                self.streams.run(),
                self._run_peers(),
            ]
            if self._settings.demo is not None and isinstance(self.broker, Memory):
                works.append(run_demo(self.broker, self._settings.demo))
            running = [self._tasks.create_task(work) for work in works]
            await self._stop.wait()
            log.info("stopping; %d streams are open", len(self.streams))
            self._admission.close(_STOPPING)
            await self.streams.drain(StreamEnded(_STOPPING), DRAIN_SPREAD_S, DRAIN_WITHIN_S)
            self.hubs.close()
            for task in running:
                task.cancel()

    async def _run_peers(self) -> None:
        await self._peers.run(self.counts, self.publish)
        self._stop.set()

    def _services(self) -> Services:
        settings = self._settings
        return Services(
            hub=self.hubs,
            admission=self._admission,
            streams=self.streams,
            tokens=self._tokens,
            max_bindings=settings.max_bindings,
            ping_interval_s=settings.ping_interval,
            compression=settings.compression == "on",
            health=self._health,
            total=lambda: self._peers.total(self.counts()),
            publish=self._publish_everywhere if self.publish else None,
            catalogue=Catalogue(
                demo=settings.demo is not None, root_url=settings.taskcluster_root_url
            ),
            refused=self._refused,
        )

    def _health(self) -> Health:
        if self._stop.is_set():
            return Health(connected=False, reason="the server is stopping")
        return self.broker.health

    def _publish_everywhere(self, message: Message) -> None:
        assert self.publish is not None
        self.publish(message)
        self._peers.relay(message)

    def _shared_hub(self) -> Hub:
        return Hub(
            _orders(self.broker),
            self._pacer.wake,
            bindings_limit=self._settings.max_distinct_bindings,
            owner_outstanding_limit=AddressLimit(
                self._settings.max_outstanding_bindings, OUTSTANDING_BINDINGS
            ).of,
            owner_bindings_limit=AddressLimit(
                self._settings.max_bindings_per_address, BINDINGS_PER_ADDRESS
            ).of,
            on_odd=_log_oddity,
        )

    def _is_exact(self, exchange: str) -> bool:
        """Tell whether an exchange needs a queue of its own; the embedded broker has no such."""
        return not isinstance(self.broker, Memory) and any(
            fnmatchcase(exchange, glob) for glob in self._settings.exact
        )

    def _open_exact(self) -> Exact:
        """Connect once more, for one set of bindings."""
        assert self._tasks is not None
        broker = make_broker(self._settings, pace=BrokerPace(watches_alarms=False))
        hub = ExactHub(_orders(broker), self._pacer.wake, on_odd=_log_oddity)
        return Exact(hub, self._tasks.create_task(broker.run(hub)).cancel)


def _orders(broker: RabbitMQ | Memory) -> Orders:
    return Orders(broker.bind, broker.unbind, broker.outstanding, broker.waiting)


def _admission(settings: Settings, streams: int) -> Admission:
    limits = Limits(
        streams=settings.max_streams or streams,
        streams_per_address=AddressLimit(settings.max_streams_per_address, STREAMS_PER_ADDRESS),
        connections_per_address=AddressLimit(
            settings.max_connections_per_address, CONNECTIONS_PER_ADDRESS
        ),
        requests_per_s=settings.max_request_rate,
    )
    networks = settings.trusted_proxies or PRIVATE_NETWORKS
    return Admission(limits, Origins(settings.trust_proxy, networks))


_REMARKS = {
    "unrouted": (
        "a message of exchange %(exchange)r matched nobody who listens: is it no topic exchange, "
        "or was the message published with BCC, or through a binding between exchanges? The option "
        "--exact %(exchange)r has the broker alone decide"
    ),
    "malformed": "a message of exchange %(exchange)r could not be read in full: %(why)s",
    "oversized_keys": (
        "a message of exchange %(exchange)r has a key of over 255 bytes or 128 words: such a key "
        "matches the pattern # alone"
    ),
    "skipped_keys": (
        "a message of exchange %(exchange)r has more keys than are matched: the first 128 of CC, "
        "and as many as can be compared with all patterns in some 10 ms"
    ),
}


def _log_oddity(oddity: Oddity) -> None:
    if oddity.error:
        text = "a message of exchange %r was not passed on; the streams on it are told"
        log.error(text, oddity.exchange, exc_info=oddity.error)
    else:
        log.warning(_REMARKS[oddity.kind], {"exchange": oddity.exchange, "why": oddity.why})


async def serve(settings: Settings, listening: socket.socket, peers: Peers) -> None:
    """Serve until SIGTERM, SIGINT or the end of ``peers``.

    Args:
        settings: What to serve.
        listening: Where; bound, closed at the end.
        peers: The processes to share the work with.

    Raises:
        SettingsError: The settings cannot be served; nothing was started.
    """
    stop = stop_signal()
    process = _Process(settings, peers, stop)
    collect_garbage_less()
    runner = web.ServerRunner(process.http, shutdown_timeout=STOP_WITHIN_S)
    await runner.setup()
    site = web.SockSite(runner, listening, backlog=BACKLOG)
    await site.start()
    peers.announce(url_of(listening))
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(process.run())
        await stop.wait()
        await site.stop()
    await runner.cleanup()
