"""What a process gets from the system: its socket, its signals, and descriptors."""

import asyncio
import resource
import signal
import socket

from pulse_events.errors import SettingsError

_STOPS = (signal.SIGTERM, signal.SIGINT)
_MANY = 1 << 30
"""Descriptors where there is no limit."""
DESCRIPTORS_NEEDED = 32
"""What a process that serves nobody has open, its broker and a few spare ones included."""


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


def stop_signal() -> asyncio.Event:
    """Return an event that SIGTERM and SIGINT set; from the first of them on, more have no effect.

    The stop that follows has a bound, so nobody has to ask twice.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def end() -> None:
        stop.set()
        for number in _STOPS:
            loop.remove_signal_handler(number)
            # Not left to the loop, which forgets its handlers when it closes: a second signal
            # would kill the process on its way out, and make a failure of a good end.
            signal.signal(number, signal.SIG_IGN)

    for number in _STOPS:
        loop.add_signal_handler(number, end)
    return stop


def raise_descriptor_limit(needed: int = DESCRIPTORS_NEEDED) -> int:
    """Allow this process as many descriptors, thus connections, as it may have; return how many.

    Raises:
        SettingsError: It may not have as many as are ``needed``.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    count = _MANY if hard == resource.RLIM_INFINITY else hard
    if count < needed:
        raise SettingsError(f"{count} descriptors (ulimit -Hn) are too few, {needed} are needed")
    return count


def connections_limit(descriptors: int) -> int:
    """Return how many clients may be connected: some descriptors are for the broker and logs."""
    return max(1, descriptors - max(24, min(64, descriptors // 8)))


def default_streams_limit(descriptors: int) -> int:
    """Return how many may have streams: some connections are for heartbeats and pages."""
    connections = connections_limit(descriptors)
    return max(1, connections - min(192, connections // 8))
