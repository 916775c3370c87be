"""What the kernel holds for a connection: how much, for how long, and how it is made to let go.

Knows sockets, nothing of HTTP or of streams.
"""

import asyncio
import fcntl
import socket
import struct
import sys
import termios
from contextlib import suppress
from typing import NamedTuple

SEND_BUFFER_BYTES = 256 << 10
"""What is asked for as a connection's send buffer; Linux allows twice that, for its own objects.

Left alone it grows to 4 MB (``tcp_wmem``), and a client that does not read fills it.  Measured with
60 such clients: 3.8 MB each without, 0.5 MB with it, also where the client acknowledges nothing,
which ``TCP_NOTSENT_LOWAT`` does not bound.  A client 50 ms away still gets 9.6 MB/s (4.7 with half
of it); what 500 that read cost per write does not change.
"""

_USER_TIMEOUT = getattr(socket, "TCP_USER_TIMEOUT", None)  # Linux has it
_HEARD = struct.Struct("=24xI28xI60xQ")
"""Of ``struct tcp_info``: ``tcpi_unacked``, ``tcpi_last_ack_recv``, ``tcpi_bytes_acked``; Linux 4.1
has them."""
_TCP_INFO = socket.TCP_INFO if sys.platform == "linux" else None
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close at once, drop what is unsent


def limit_unread(transport: asyncio.BaseTransport, silent_s: float) -> None:
    """Bound what a client leaves unread in the kernel, and how long it may stay there.

    Args:
        transport: Of the client's connection.
        silent_s: After how long without an acknowledgement, or without reading, the kernel ends
            the connection.
    """
    _set(transport, socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
    limit_silence(transport, silent_s)


class Heard(NamedTuple):
    """What came from a client's machine."""

    ago_s: float
    """How long ago it last acknowledged anything, or said that there is no room."""
    acked_bytes: int
    """All that it has taken."""
    is_owing: bool
    """Whether packets are on their way that it has not acknowledged.

    Where there are none, though something waits, it is there and has no room."""


def heard(transport: asyncio.BaseTransport) -> Heard | None:
    """Return what came from a client's machine, ``None`` if the kernel does not say."""
    if _TCP_INFO is None:
        return None
    connection = transport.get_extra_info("socket")
    try:
        told = connection.getsockopt(socket.IPPROTO_TCP, _TCP_INFO, _HEARD.size)
    except OSError:  # it is closed
        return None
    owed, ago_ms, acked_bytes = _HEARD.unpack(told)
    return Heard(ago_ms / 1000, acked_bytes, owed > 0)


def limit_silence(transport: asyncio.BaseTransport, silent_s: float) -> None:
    """Have the kernel end the connection of a client whose network is gone, or that never reads.

    It takes one for such that has had no room for a whole packet for so long, though it may have
    read all the time, a little each time there was room for a part.  With 0 it is patient.
    """
    if _USER_TIMEOUT is not None:
        _set(transport, socket.IPPROTO_TCP, _USER_TIMEOUT, round(1000 * silent_s))


def has_read_all(transport: asyncio.Transport) -> bool:
    """Tell whether the client's machine has acknowledged everything, or is gone."""
    if transport.get_write_buffer_size():
        return False
    connection = transport.get_extra_info("socket")
    if connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
        return True
    unread = fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, bytes(4))
    return not any(unread)


def reset(transport: asyncio.Transport) -> None:
    """End a connection at once; the kernel drops what it holds, the client sees a broken one."""
    _set(transport, socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    transport.abort()


def _set(transport: asyncio.BaseTransport, level: int, option: int, value: int | bytes) -> None:
    with suppress(OSError):  # macOS refuses it where the client has gone meanwhile
        transport.get_extra_info("socket").setsockopt(level, option, value)
