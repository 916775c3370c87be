"""Composition root: one process's broker, hub and web, in the order of start and drain."""

import asyncio
import gc
import logging
import resource
import signal
import socket
from collections.abc import Callable
from typing import Protocol

from aiohttp import web

from pulse_events.brokers.demo import run_demo
from pulse_events.brokers.memory import Memory
from pulse_events.brokers.rabbitmq import RabbitMQ
from pulse_events.errors import SettingsError, StreamEnded
from pulse_events.hub import Hub, Statistics
from pulse_events.interest import Orders
from pulse_events.messages import Message
from pulse_events.pacing import Pacer
from pulse_events.settings import MEMORY, Settings
from pulse_events.web.app import App, Services
from pulse_events.web.connection import HttpServer
from pulse_events.web.page import Catalogue
from pulse_events.web.streams import Streams
from pulse_events.web.tokens import Tokens

log = logging.getLogger(__name__)

BACKLOG = 4096
"""Connections that may wait to be accepted, where the kernel allows as many."""
DRAIN_WITHIN_S = 5.0
STOP_WITHIN_S = 2.0
_YOUNG_OBJECTS = 10_000
"""Objects that may be new before the cycle collector runs; Python's default is 700."""


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

    async def keep(self, token: str, text: str) -> None:
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

    async def keep(self, token: str, text: str) -> None:
        """Do nothing: nobody else will look for it."""

    async def find(self, token: str) -> str | None:
        """Return nothing: nobody else has put anything."""
        return None

    def relay(self, message: Message) -> None:
        """Do nothing: nobody else has an embedded broker."""


def open_socket(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """Return a socket that is bound to ``host`` and ``port``; it does not listen yet.

    Args:
        host: Name or address, IPv4 or IPv6.
        port: 0 for a free one.
        shared: Let other processes listen on the same port (SO_REUSEPORT).

    Raises:
        SettingsError: The address does not exist here, or is occupied.
    """
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listening.bind(address)
    except (OSError, UnicodeError) as error:  # UnicodeError: no host can have such a name
        reason = getattr(error, "strerror", None) or error
        raise SettingsError(f"cannot listen on {host} port {port}: {reason}") from None
    return listening


def url_of(listening: socket.socket) -> str:
    """Return the URL of the page that a listening socket serves."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def make_broker(settings: Settings) -> RabbitMQ | Memory:
    """Return the broker that the settings name, not yet connected.

    Raises:
        SettingsError: They name none.
    """
    if settings.broker == MEMORY:
        return Memory()
    ca_file = str(settings.broker_ca_file) if settings.broker_ca_file else None
    return RabbitMQ(settings.broker, namespace=settings.namespace, ca_file=ca_file)


async def serve(settings: Settings, listening: socket.socket, peers: Peers) -> None:
    """Serve until SIGTERM, SIGINT or the end of ``peers``.

    Args:
        settings: What to serve.
        listening: Where; bound, closed at the end.
        peers: The processes to share the work with.

    Raises:
        SettingsError: The settings cannot be served; nothing was started.
    """
    broker = make_broker(settings)
    stop = stop_signal()
    _raise_descriptor_limit()
    _collect_garbage_less()
    pacer = Pacer(asyncio.get_running_loop())
    hub = Hub(Orders(broker.bind, broker.unbind), pacer.wake)
    streams = Streams(hub, ping_interval_s=settings.ping_interval)
    publish = broker.publish if isinstance(broker, Memory) else None

    def publish_everywhere(message: Message) -> None:
        assert publish is not None
        publish(message)
        peers.relay(message)

    services = Services(
        hub=hub,
        streams=streams,
        tokens=Tokens(peers, limit=settings.max_bindings),
        max_bindings=settings.max_bindings,
        ping_interval_s=settings.ping_interval,
        compression=settings.compression == "on",
        health=lambda: broker.health,
        total=lambda: peers.total(hub.statistics()),
        publish=publish_everywhere if publish else None,
        catalogue=Catalogue(demo=settings.demo is not None, root_url=settings.taskcluster_root_url),
    )
    runner = web.ServerRunner(HttpServer(App(services).route), shutdown_timeout=STOP_WITHIN_S)
    await runner.setup()
    site = web.SockSite(runner, listening, backlog=BACKLOG)
    await site.start()
    peers.announce(url_of(listening))
    async with asyncio.TaskGroup() as tasks:
        works = [broker.run(hub), streams.run(), peers.run(hub.statistics, publish)]
        if settings.demo is not None and isinstance(broker, Memory):
            works.append(run_demo(broker, settings.demo))
        running = [tasks.create_task(work) for work in works]
        running[2].add_done_callback(lambda _: stop.set())
        await stop.wait()
        log.info("stopping; %d streams are open", len(streams))
        await site.stop()
        await streams.end_all(StreamEnded("the server is stopping; connect again"), DRAIN_WITHIN_S)
        for task in running:
            task.cancel()
    await runner.cleanup()


def stop_signal() -> asyncio.Event:
    """Return an event that SIGTERM and SIGINT set."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


def _collect_garbage_less() -> None:
    """Let the cycle collector look at what a prefetch of messages holds less often.

    Messages make no cycles, but 700 of them in line started it, 12 % of the profile at 500 streams
    and 1,500 messages/s.  What the start has made stays, and is not looked at again.
    """
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS)


def _raise_descriptor_limit() -> None:
    """Allow this process as many descriptors, thus streams, as it may have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
