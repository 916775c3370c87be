"""A client that comes back to another instance each time, with its cursor."""

import socket
from collections.abc import Sequence
from contextlib import suppress
from itertools import cycle

from tests.faults.returner import Returner
from tests.support.raw_stream import RawStream


class Roamer(Returner):
    """A `Returner` between instances: ``with Roamer(ports, target) as roamer``.

    Args:
        ports: The instances', in the order in which it asks them.
        target: See `Follower`.
        gzip: See `Returner`.
        silent_s: See `Returner`.
    """

    def __init__(
        self, ports: Sequence[int], target: str, *, gzip: bool = False, silent_s: float = 60.0
    ) -> None:
        self._ports = cycle(ports)
        super().__init__(ports[0], target, gzip=gzip, silent_s=silent_s)

    def _open(self) -> RawStream:
        self._port = next(self._ports)
        return super()._open()

    def roam(self) -> None:
        """Break its connection, so that it comes back elsewhere."""
        with suppress(OSError):
            self._stream.socket.shutdown(socket.SHUT_RDWR)
