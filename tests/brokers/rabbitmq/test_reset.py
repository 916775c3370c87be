"""A connection that is reset while something is unread, under the loop that servers have."""

import asyncio
import socket
import struct
import threading
import time

import pika
import pytest
from pika import frame, spec

from pulse_events.brokers.rabbitmq.connection import connected
from pulse_events.process.loops import new_event_loop
from tests.support.lying_broker import method
from tests.support.waiting import until

HEARTBEAT_S = 2
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close at once, by RST
_SCRIPT = (
    (b"AMQP", spec.Connection.Start(0, 9, {"capabilities": {}}, "PLAIN", "en_US")),
    (struct.pack(">HH", 10, 11), spec.Connection.Tune(10, 131_072, HEARTBEAT_S)),
    (struct.pack(">HH", 10, 40), spec.Connection.OpenOk()),
)


def serve(listener: socket.socket, hangs: threading.Event, is_reset: threading.Event) -> None:
    """Be a broker, until the client hangs: say something then, and reset the connection."""
    connection, _ = listener.accept()
    connection.settimeout(10)
    # Else what is said last may still wait here, and is thrown away.
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for asked, answer in _SCRIPT:
        said = b""
        while asked not in said:
            said += connection.recv(4096)
        connection.sendall(method(0, answer))
    hangs.wait(10)
    connection.sendall(frame.Heartbeat().marshal())
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    connection.close()
    is_reset.set()


async def lose(port: int, hangs: threading.Event, is_reset: threading.Event) -> list[object]:
    """Return what failed in the loop while a connection was lost."""
    faults: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context))
    target = pika.ConnectionParameters("127.0.0.1", port, heartbeat=HEARTBEAT_S)
    async with connected(target) as connection:
        connection.deliver_directly(1, lambda *_: None)  # as each that reads what is consumed
        hangs.set()
        is_reset.wait(10)
        time.sleep(0.1)  # noqa: ASYNC251 - it hangs, until all has arrived
        await until(lambda: connection.is_closed, "the end", within_s=1.5 * HEARTBEAT_S)
        await asyncio.sleep(HEARTBEAT_S)  # for a heartbeat more, if one is still to come
    return faults


@pytest.mark.slow
def test_a_reset_behind_something_unread_is_noticed_at_the_next_heartbeat() -> None:
    hangs, is_reset = threading.Event(), threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener, hangs, is_reset))
        thread.start()
        port = listener.getsockname()[1]
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            faults = runner.run(lose(port, hangs, is_reset))
        thread.join()
    assert not faults
