"""R7: readers at a tenth of the speed read on in the history; what they take once it is full."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bench.load import RESUMES, Crowd, Load, connect_path
from bench.rows import AT_MOST, Row
from bench.servers import RunningServer
from bench.setting import PAUSE, Publisher, Setting

PATH = connect_path("#", form=RESUMES)
SPEED = 0.1
HISTORY_MB = 32
"""It holds some 19,000 messages, so what one reads late at the rate below is still there."""
FILL_RATE, FILL_S = 5000, 6.0
"""More than it holds: from then on the history itself takes no more memory."""


@dataclass(frozen=True, slots=True)
class Readers:
    """Streams with all messages, how many a second these are, and how long they are read slowly."""

    streams: int
    rate: int
    slow_s: float


ONE = Readers(1, 1500, 6.0)
MANY = Readers(1000, 150, 8.0)
"""The kernel takes 0.6 MB for each, 2.5 s of messages, before the server feels anything."""
MANY_SAMPLE = 5


def run_r7(setting: Setting) -> list[Row]:
    """A reader at a tenth of the speed gets all, and so do a thousand; what they take in memory."""
    return _one(setting) + _many(setting)


def _one(setting: Setting) -> list[Row]:
    with (
        _full_history(setting) as (publisher, server),
        server.open(Crowd(ONE.streams, PATH)) as load,
    ):
        sent = publisher.sent
        grown_mb = _slow_down(setting, publisher, load, ONE)
        behind = server.count("clientsBehind")
        load.slow_down(0)
        settled = load.settle(within_s=30)
    setting.say(f"  {behind} behind; then {settled.deliveries:,} came, {settled.closed} closed")
    wrong = abs(settled.deliveries - (publisher.sent - sent))
    return [
        Row("R7", "tenth of the speed: lost", wrong, "messages", bound=AT_MOST, target=0.0),
        Row("R7", "… memory grows by", grown_mb, "MB", bound=AT_MOST, target=2.0),
    ]


def _many(setting: Setting) -> list[Row]:
    with (
        _full_history(setting) as (publisher, server),
        server.open(Crowd(MANY.streams, PATH, sample=MANY_SAMPLE)) as load,
    ):
        grown_mb = _slow_down(setting, publisher, load, MANY)
        behind, gaps = server.count("clientsBehind"), server.count("gaps")
        closed = load.settle(within_s=0).closed
    setting.say(f"  {behind} behind, {gaps} gaps, {closed} closed")
    return [
        Row("R7", "1,000 such: go on in history", behind, "streams", target=MANY.streams),
        Row("R7", "… memory grows by", grown_mb, "MB", bound=AT_MOST, target=HISTORY_MB),
        Row("R7", "… gaps, or closed", gaps + closed, "streams", bound=AT_MOST, target=0.0),
    ]


@contextmanager
def _full_history(setting: Setting) -> Iterator[tuple[Publisher, RunningServer]]:
    """Run a server whose history holds as much as it may; nothing is being published."""
    options = "--history-bytes", str(HISTORY_MB << 20)
    with setting.publisher() as publisher, setting.serving(*options) as server:
        with server.open(Crowd(1, PATH)) as load:
            publisher.pace(FILL_RATE)
            load.measure(FILL_S)
            publisher.pace(PAUSE)
            load.settle()
        yield publisher, server


def _slow_down(setting: Setting, publisher: Publisher, load: Load, readers: Readers) -> float:
    """Measure at full speed, then at a tenth; return by how many MB the server grew."""
    publisher.pace(readers.rate)
    before = load.measure(setting.seconds)
    load.slow_down(SPEED * before.wire_bytes / before.seconds / readers.streams)
    slow = load.measure(readers.slow_s)
    publisher.pace(PAUSE)
    for seen in (before, slow):
        setting.say(f"{readers.streams:<4} readers     {seen}")
    return (slow.most_rss_kb - before.most_rss_kb) / 1024
