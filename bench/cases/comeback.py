"""R6: thousands of clients come back at once, each with the cursor at which it was cut off.

Each listens to one of 50 tasks, so 100 clients want the same, and has missed 20 messages.
"""

import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from http.client import HTTPResponse
from pathlib import Path

from bench.load import RESUMES, Crowd, Load, Measured, Settled, connect_path
from bench.processes import ANSWER_WITHIN_S
from bench.rows import AT_MOST, Row
from bench.servers import RunningServer
from bench.setting import PAUSE, Setting
from bench.workload import task_ids

STREAMS = 5000
TASKS = 50
RATE = 100
AWAY_S = 10.0
BYSTANDERS = 10
"""Streams that are live all the time, with all messages, at another load client."""
SETTLE_WITHIN_S = 20.0
"""For how long nothing may come of what is expected."""
STORM_S = 3.0
"""From the first connect on, for how long the bystanders' latency is taken."""


def run_r6(setting: Setting) -> list[Row]:
    """5,000 come back with cursors 10 s old: when all have what they missed, and who notices."""
    with ExitStack() as stack:
        publisher = stack.enter_context(setting.publisher(tasks=TASKS))
        server = stack.enter_context(setting.serving())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        with server.open(Crowd(TASKS, _paths(folder / "before", [""] * TASKS))):
            pass  # their bindings stay in force for those who come back
        bystanders = stack.enter_context(server.open(Crowd(BYSTANDERS)))
        with _reading_all(server) as answer:
            publisher.pace(RATE)
            # Tasks take turns, so these are the last messages that each client has had.
            cursors = [next_cursor(answer) for _ in range(TASKS)]
        stack.enter_context(setting.undisturbed(publisher, bystanders))
        calm = bystanders.measure(AWAY_S)
        after = _paths(folder / "after", [f"&lastEventId={cursor}" for cursor in cursors])
        # The last message of each task that was sent before the storm was sent so shortly before.
        crowd = Crowd(STREAMS, after, concurrency=STREAMS, caught_up_s=TASKS / RATE)
        load, stormy = storm(server, bystanders, crowd, STORM_S)
        with load:
            publisher.pace(PAUSE)
            expected = STREAMS // TASKS * (publisher.sent - TASKS)
            settled = settle(load, expected)
    setting.say(
        f"calm             {calm}\nstorm            {stormy}\n  all live after "
        f"{load.ready_after_s:.3f} s; {settled.deliveries:,} messages came, {settled.closed} closed"
    )
    wrong = abs(settled.deliveries - expected)
    return [
        Row("R6", "5,000 come back: all live", load.ready_after_s, "s", bound=AT_MOST, target=3.0),
        Row("R6", "… p99 of others", stormy.p99_ms, "ms", "calm", calm.p99_ms, AT_MOST, 2.0),
        Row("R6", "… lost or doubled", wrong, "messages", bound=AT_MOST, target=0.0),
    ]


def settle(load: Load, expected: int) -> Settled:
    """Wait for so many deliveries, until nothing comes any more, and see whether more come."""
    deliveries = -1
    end_s = time.monotonic() + SETTLE_WITHIN_S
    while (settled := load.settle()).deliveries < expected and time.monotonic() < end_s:
        if settled.deliveries > deliveries:
            deliveries = settled.deliveries
            end_s = time.monotonic() + SETTLE_WITHIN_S
    return settled


def _paths(file: Path, forms: Sequence[str]) -> Path:
    """Write a path for each task."""
    for task_id, form in zip(task_ids(TASKS), forms, strict=True):
        with file.open("a") as lines:
            lines.write(connect_path(f"primary.{task_id}.#", form=RESUMES + form) + "\n")
    return file


@contextmanager
def _reading_all(server: RunningServer) -> Iterator[HTTPResponse]:
    """Read a stream of all messages that can be resumed, from behind its ``ready``."""
    url = f"http://127.0.0.1:{server.port}{connect_path('#', form=RESUMES)}"
    with urllib.request.urlopen(url, timeout=ANSWER_WITHIN_S) as answer:
        next_cursor(answer)
        yield answer


def next_cursor(answer: HTTPResponse) -> str:
    """Return the next event's ``id``."""
    return read_until(answer, b"id: ").removeprefix(b"id: ").strip().decode()


def read_until(answer: HTTPResponse, beginning: bytes) -> bytes:
    """Return the next line that begins so."""
    line = b""
    while not line.startswith(beginning):
        line = answer.readline()
        if not line:
            raise ConnectionError("the server closed a stream")
    return line


def storm(
    server: RunningServer, bystanders: Load, crowd: Crowd, seconds: float
) -> tuple[Load, Measured]:
    """Let the crowd come; return its streams, and what others saw meanwhile, for so long."""
    with ThreadPoolExecutor(1) as threads:
        measuring = threads.submit(bystanders.measure, seconds)
        load = server.open(crowd)
        return load, measuring.result()
