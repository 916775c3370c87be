"""A worker: the program that a supervisor starts, with one end of a socket pair as its argument."""

import asyncio
import json
import logging
import socket
import sys

from setproctitle import setproctitle

from pulse_events.configuration.settings import Settings
from pulse_events.errors import PulseEventsError
from pulse_events.process.logs import configure_logging
from pulse_events.process.loops import new_event_loop
from pulse_events.process.server import serve
from pulse_events.process.standard_streams import prepare_streams
from pulse_events.process.system import open_socket
from pulse_events.process.workers import LINE_LIMIT_BYTES, Supervisor

log = logging.getLogger(__name__)


def work() -> None:
    """Be a worker, to its end; what stops its start is a line of the log."""
    prepare_streams()
    setproctitle("pulse-events worker")
    try:
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            runner.run(_work(int(sys.argv[1])))
    except (PulseEventsError, OSError) as error:
        log.error("%s", error)
        sys.exit(1)


async def _work(descriptor: int) -> None:
    """Be a worker whose supervisor is at the other end of ``descriptor``."""
    channel = socket.socket(fileno=descriptor)
    reader, writer = await asyncio.open_connection(sock=channel, limit=LINE_LIMIT_BYTES)
    if not (line := await reader.readline()):
        return  # the supervisor has ended before us
    # Not read and checked again: the environment and the config file may say something else now.
    settings = Settings.model_construct(**json.loads(line))
    configure_logging(settings.log_level, settings.log_format)
    listening = open_socket(settings.host, settings.port, shared=True)
    await serve(settings, listening, Supervisor(reader, writer))
