"""R7: readers at a tenth of the speed read on in the history; what they take once it is full."""

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
    """A reader at a tenth of the speed, then a thousand: what they get, what they take."""
    options = "--history-bytes", str(HISTORY_MB << 20)
    with setting.publisher() as publisher, setting.serving(*options) as server:
        return _one(setting, publisher, server) + _many(setting, publisher, server)


def _one(setting: Setting, publisher: Publisher, server: RunningServer) -> list[Row]:
    with server.open(Crowd(ONE.streams, PATH)) as load:
        publisher.pace(FILL_RATE)
        load.measure(FILL_S)
        publisher.pace(PAUSE)
        load.settle()
        grown_mb = _slow_down(setting, publisher, load, ONE)
        behind, gaps = server.count("clientsBehind"), server.count("gaps")
        load.slow_down(0)
        came = load.settle(within_s=30).deliveries
    setting.say(f"  {behind} behind, {gaps} gaps; {came:,} of {publisher.sent:,} came")
    return [
        Row("R7", "one reader: behind", behind, "streams", target=ONE.streams),
        Row("R7", "… lost", abs(publisher.sent - came), "messages", bound=AT_MOST, target=0.0),
        Row("R7", "… memory grows by", grown_mb, "MB", bound=AT_MOST, target=2.0),
    ]


def _many(setting: Setting, publisher: Publisher, server: RunningServer) -> list[Row]:
    with server.open(Crowd(MANY.streams, PATH, sample=MANY_SAMPLE)) as load:
        grown_mb = _slow_down(setting, publisher, load, MANY)
        behind, gaps = server.count("clientsBehind"), server.count("gaps")
        closed = load.settle(within_s=0).closed
    setting.say(f"  {behind} behind, {gaps} gaps, {closed} closed")
    return [
        Row("R7", "1,000 readers: behind", behind, "streams", target=MANY.streams),
        Row("R7", "… memory grows by", grown_mb, "MB", bound=AT_MOST, target=HISTORY_MB),
        Row("R7", "… gaps, or closed", gaps + closed, "streams", bound=AT_MOST, target=0.0),
    ]


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
