"""Slow readers: 100 of 500 streams stop reading; the others must not notice, memory must not grow.

The rate is one that the server can take, so what the 400 get must stay what is published.
"""

from bench.cases.fanout import CLIENT_PAUSE_MS, SAMPLE, STREAMS
from bench.load import Crowd
from bench.rows import AT_MOST, Row
from bench.setting import PAUSE, WARM_S, Setting

SLOW = 100
RATE = 1500
WINDOWS = 4
LIMIT_MB = 1.0
"""What one stream may leave unsent."""


def run_slow(setting: Setting) -> list[Row]:
    """Slow readers: measure with all reading, then from the moment on when 100 of 500 stop."""
    crowd = Crowd(STREAMS, sample=SAMPLE, pause_ms=CLIENT_PAUSE_MS)
    with (
        setting.publisher() as publisher,
        setting.serving() as server,
        server.open(crowd) as load,
    ):
        publisher.pace(RATE)
        load.measure(WARM_S)
        before = load.measure(setting.seconds)
        load.stop_reading(SLOW)
        windows = [load.measure(setting.seconds) for _ in range(WINDOWS)]
        publisher.pace(PAUSE)
        behind, closed = server.count("slowClientsBehind"), server.count("slowClientsClosed")
    for seen in (before, *windows):
        setting.say(f"pulse-events     {seen}")
    each = before.deliveries / before.seconds / STREAMS
    worst = min(seen.deliveries / seen.seconds / (STREAMS - SLOW) for seen in windows)
    grown_mb = (max(seen.most_rss_kb for seen in windows) - before.most_rss_kb) / 1024
    return [
        Row("slow", "100 of 500 stop: others get", worst, "msg/s", "before", each, target=0.97),
        Row("slow", "… memory grows by", grown_mb, "MB", bound=AT_MOST, target=SLOW * LIMIT_MB),
        Row("slow", "… go on in the history", behind, "streams", target=SLOW),
        Row("slow", "… closed", closed, "streams", bound=AT_MOST, target=0.0),
    ]
