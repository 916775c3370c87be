"""F4, R8: memory of the server's process for each idle stream.  Kernel memory is not counted."""

from functools import cache

from bench.load import RESUMES, Crowd, connect_path
from bench.processes import rss_kb
from bench.rows import AT_MOST, Row
from bench.servers import RunningServer, as_nchan_crowd, nchan
from bench.setting import Setting

STREAMS = 9000
WARM_STREAMS = 100
"""Opened first: what the first streams set up once is not their memory."""


def run_f4(setting: Setting) -> list[Row]:
    """Idle streams: open thousands, compare resident memory before and after."""
    ours = _ours_kb(setting, "")
    rows = [Row("F4", "idle stream", ours, "KB", bound=AT_MOST, target=1.5)]
    if setting.peers:
        with nchan() as server:
            crowds = as_nchan_crowd(Crowd(WARM_STREAMS)), as_nchan_crowd(Crowd(STREAMS))
            peer = _kb_per_stream(setting, "nchan", server, *crowds)
        rows.append(Row("F4", "… beside nchan", ours, "KB", "nchan", peer, AT_MOST))
    return rows


def run_r8(setting: Setting) -> list[Row]:
    """Idle streams that can be resumed, beside those that cannot."""
    with_resume, without = _ours_kb(setting, RESUMES), _ours_kb(setting, "")
    return [
        Row("R8", "idle stream with resume", with_resume, "KB", bound=AT_MOST, target=1.7),
        Row("R8", "… beside without", with_resume, "KB", "without", without, AT_MOST),
    ]


@cache
def _ours_kb(setting: Setting, form: str) -> float:
    """Measure once a run: F4 and R8 want the same."""
    path = connect_path("#", form=form)
    crowds = Crowd(WARM_STREAMS, path), Crowd(STREAMS, path)
    with setting.publisher(), setting.serving() as server:
        return _kb_per_stream(setting, f"pulse-events{form}", server, *crowds)


def _kb_per_stream(
    setting: Setting, name: str, server: RunningServer, warm: Crowd, crowd: Crowd
) -> float:
    pids = server.pids
    with server.open(warm):
        before_kb = sum(map(rss_kb, pids))
        with server.open(crowd) as load:
            load.settle()
            after_kb = sum(map(rss_kb, pids))
            setting.say(
                f"{name:13} {before_kb / 1024:.1f} MB, with {crowd.streams} streams more "
                f"{after_kb / 1024:.1f} MB; ready after {load.ready_after_s:.2f} s"
            )
    return round((after_kb - before_kb) / crowd.streams, 2)
