"""Composition root: one process's broker, hub and web, in the order of start and drain."""

import asyncio
import logging
import os
import random
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

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
from pulse_events.bindings import Binding, read_pair
from pulse_events.brokers.opening import open_broker, open_log
from pulse_events.catalogue import load_catalogue
from pulse_events.configuration.settings import Settings
from pulse_events.cursors import ID_BYTES, Cursors
from pulse_events.demo.feed import run_demo
from pulse_events.errors import Count, StreamEnded
from pulse_events.history import History, Room
from pulse_events.hub.exact_hub import ExactHub
from pulse_events.hub.hub import Hub
from pulse_events.hub.hubs import Exact, Hubs
from pulse_events.hub.log_hub import LogHub
from pulse_events.hub.past import Keeping
from pulse_events.hub.ports import Broker, Health
from pulse_events.hub.quotas import Quotas
from pulse_events.hub.statistics import Statistics
from pulse_events.log.tail import Tail
from pulse_events.messages import Message
from pulse_events.process.garbage import collect_garbage
from pulse_events.process.pacing import FlushPace, ReplayPace
from pulse_events.process.peers import Peers
from pulse_events.process.remarks import log_oddity
from pulse_events.process.system import (
    connections_limit,
    default_streams_limit,
    raise_descriptor_limit,
    stop_signal,
    url_of,
)
from pulse_events.topics.patterns import ANY_WORDS
from pulse_events.web.app import App
from pulse_events.web.door import Door
from pulse_events.web.http_server import HttpServer
from pulse_events.web.page import Catalogue
from pulse_events.web.services import HistoryReach, Services
from pulse_events.web.status import BrokerStatus
from pulse_events.web.streams import Streams
from pulse_events.web.tokens import Tokens

log = logging.getLogger(__name__)

BACKLOG = 4096
"""Connections that may wait to be accepted, where the kernel allows as many."""
DRAIN_SPREAD_S = 4.0
DRAIN_WITHIN_S = 5.0
"""Over how long the ends of streams are spread at a stop; when those that do not read are cut."""
STOP_WITHIN_S = 2.0
RETRY_MS = (1000, 5000)
"""Between these a browser is told to come back, so that many do not come at once."""
_STOPPING = "the server is stopping; connect again"


@dataclass(frozen=True, slots=True)
class Parts:
    """What makes the parts of a process; who wants shorter limits or another broker says so."""

    open_broker: Callable[[Settings], Broker] = open_broker
    stop_signal: Callable[[], asyncio.Event] = stop_signal
    connections_limit: Callable[[int], int] = connections_limit
    app: Callable[..., App] = App
    streams: Callable[..., Streams] = Streams
    http_server: Callable[..., HttpServer] = HttpServer


PARTS = Parts()


class _Process:
    """The parts of one process, put together."""

    def __init__(self, settings: Settings, peers: Peers, stop: asyncio.Event, parts: Parts) -> None:
        descriptors = raise_descriptor_limit()
        self._settings = settings
        self._peers = peers
        self._stop = stop
        self._tasks: asyncio.TaskGroup | None = None
        self._refused: Counter[Count] = Counter()
        self._pacer = FlushPace(asyncio.get_running_loop())
        self._replay_pace = ReplayPace(asyncio.get_running_loop())
        self._room = Room(settings.history_bytes)
        self._tokens = Tokens(peers, limit=settings.max_bindings)
        self.broker = parts.open_broker(settings)
        log_hub = self._log_hub()
        self.log = open_log(settings, log_hub, _recorded(settings)) if log_hub else None
        self.hubs = Hubs(
            self._shared_hub(),
            self._is_exact,
            self._open_exact,
            owner_exact_limit=AddressLimit(settings.max_exact_per_address, QUEUES_PER_ADDRESS).of,
            log=log_hub,
        )
        self._admission = _admission(settings, default_streams_limit(descriptors))
        self.streams = parts.streams(
            self.hubs,
            self._admission,
            BrokerStatus(self._broker_health, _time_ms),
            ping_interval_s=settings.ping_interval,
            unsent_limit_bytes=settings.max_unsent_bytes,
            has_history=settings.history != "off",
        )
        self.http = parts.http_server(
            parts.app(self._services()).route,
            self._refused,
            self._door(parts.connections_limit(descriptors)),
            head_limit_bytes=settings.max_head_bytes,
        )

    def counts(self) -> Statistics:
        """Return what this process counts."""
        displaced = self._tokens.displaced
        return self.hubs.statistics()._replace(
            **{str(count): times for count, times in self._refused.items()},
            displaced_tokens=displaced,
            ends_unread=self.streams.ends_unread,
        )

    async def run(self) -> None:
        """Run all parts until told to stop, then end all streams."""
        async with asyncio.TaskGroup() as self._tasks:
            works = [
                self.broker.run(self.hubs.shared),
                self.streams.run(),
                self._run_peers(),
                collect_garbage(),
            ]
            if self.log is not None:
                works.append(self.log.run())
            if self._settings.demo is not None and self.broker.publish is not None:
                works.append(run_demo(self.broker.publish, self._settings.demo))
            running = [self._tasks.create_task(work) for work in works]
            await self._stop.wait()
            log.info("stopping; %d streams are open", len(self.streams))
            self._admission.close(_STOPPING)
            await self.streams.drain(StreamEnded(_STOPPING), DRAIN_SPREAD_S, DRAIN_WITHIN_S)
            self.hubs.close()
            for task in running:
                task.cancel()

    async def _run_peers(self) -> None:
        await self._peers.run(self.counts, self.broker.publish)
        self._stop.set()

    def _door(self, connections_limit: int) -> Door:
        return Door(
            self._admission,
            self._refused,
            connections_limit=connections_limit,
            streams=self.streams.__len__,
            refused_stream_closed=self.streams.make_room,
        )

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
            history="amqp" if settings.log_url else settings.history,
            health=self._health,
            total=lambda: self._peers.total(self.counts()),
            publish=self._publish_everywhere if self.broker.publish else None,
            catalogue=Catalogue(
                demo=settings.demo is not None, root_url=settings.taskcluster_root_url
            ),
            broker=self.broker.public_name,
            demo=settings.demo is not None,
            reach=_reach(settings),
            refused=self._refused,
        )

    def _health(self) -> Health:
        if self._stop.is_set():
            return Health(connected=False, reason="the server is stopping")
        return self._broker_health()

    def _broker_health(self) -> Health:
        health = self.broker.health
        if self.log is None:
            return health
        # Who does not resume does not need the log.
        troubles = (health.warning, self.log.health.reason, self.log.health.warning)
        return health._replace(warning="; ".join(filter(None, troubles)))

    def _publish_everywhere(self, message: Message) -> None:
        assert self.broker.publish is not None
        self.broker.publish(message)
        self._peers.relay(message)

    def _shared_hub(self) -> Hub:
        hub = Hub(
            self.broker,
            self._pacer.wake,
            quotas=_quotas(self._settings),
            on_odd=log_oddity,
            keeping=self._keeping(),
        )
        if self._settings.history == "memory":
            for binding in _recorded(self._settings):
                hub.record(binding)
        return hub

    def _log_hub(self) -> LogHub | None:
        """Return the hub of what is recorded in a log, if there is one."""
        settings = self._settings
        if not settings.log_url:
            return None
        tail = Tail(_time_ms, self._room, round(1000 * settings.log_age))
        keeping = Keeping(tail, self._replay_pace.add, _retry_ms, 0, holds_all=True)
        return LogHub(
            _recorded(settings),
            tail,
            keeping,
            self._pacer.wake,
            quotas=_quotas(settings),
            on_odd=log_oddity,
        )

    def _keeping(self) -> Keeping | None:
        """Return a history of one hub; all together take no more than the setting."""
        settings = self._settings
        if settings.history == "off":
            return None
        history = History(
            Cursors(os.urandom(ID_BYTES)), _time_ms, self._room, round(1000 * settings.history_age)
        )
        return Keeping(history, self._replay_pace.add, _retry_ms, settings.max_kept_bindings)

    def _is_exact(self, exchange: str) -> bool:
        """Tell whether an exchange needs a queue of its own, and the broker has such."""
        return self.broker.exact is not None and any(
            fnmatchcase(exchange, glob) for glob in self._settings.exact
        )

    def _open_exact(self) -> Exact:
        """Connect once more, for one set of bindings."""
        assert self._tasks is not None
        assert self.broker.exact is not None
        broker = self.broker.exact()
        hub = ExactHub(broker, self._pacer.wake, on_odd=log_oddity, keeping=self._keeping())
        return Exact(hub, self._tasks.create_task(broker.run(hub)).cancel)


def _recorded(settings: Settings) -> Iterable[Binding]:
    """Return what is bound always; of a demo everything, so that there is something to resume."""
    if settings.history == "off":
        return ()
    if settings.demo is not None and not settings.record:
        return [Binding(exchange.name, ANY_WORDS) for exchange in load_catalogue()]
    return map(read_pair, settings.record)


def _reach(settings: Settings) -> HistoryReach:
    """Return how far back at most what is held reaches: of the log, if there is one."""
    if settings.history == "off":
        return HistoryReach()
    if settings.log_url:
        return HistoryReach(settings.log_age, settings.log_bytes)
    return HistoryReach(settings.history_age, settings.history_bytes)


def _time_ms() -> int:
    return time.time_ns() // 1_000_000


def _retry_ms() -> int:
    return random.randint(*RETRY_MS)


def _quotas(settings: Settings) -> Quotas:
    return Quotas(
        settings.max_distinct_bindings,
        AddressLimit(settings.max_bindings_per_address, BINDINGS_PER_ADDRESS).of,
        AddressLimit(settings.max_outstanding_bindings, OUTSTANDING_BINDINGS).of,
    )


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


async def serve(
    settings: Settings, listening: socket.socket, peers: Peers, parts: Parts = PARTS
) -> None:
    """Serve until SIGTERM, SIGINT or the end of ``peers``.

    Args:
        settings: What to serve.
        listening: Where; bound, closed at the end.
        peers: The processes to share the work with.
        parts: What it is made of.

    Raises:
        SettingsError: The settings cannot be served; nothing was started.
    """
    stop = parts.stop_signal()
    process = _Process(settings, peers, stop, parts)
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
