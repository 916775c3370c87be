"""The tests' own proxy does what the faults rely on."""

import contextlib
import socket

from tests.faults.proxy import Proxy


def test_a_connection_that_is_under_way_does_not_outlive_a_cut() -> None:
    """The target's queue is full: the proxy's own connection waits until somebody is let in."""
    with (
        socket.create_server(("127.0.0.1", 0), backlog=0) as target,
        contextlib.ExitStack() as held,
    ):
        port = target.getsockname()[1]
        held.enter_context(socket.create_connection(("127.0.0.1", port)))
        with Proxy(port) as line, socket.create_connection(("127.0.0.1", line.port)) as client:
            client.settimeout(0.3)
            with contextlib.suppress(TimeoutError):
                assert client.recv(1) != b"", "ended before the cut"
            line.cut()
            held.enter_context(target.accept()[0])
            client.settimeout(10)
            with contextlib.suppress(ConnectionResetError):
                assert client.recv(1) == b""
