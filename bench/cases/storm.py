"""F7: thousands of clients connect at once, with the same bindings."""

from bench.load import Crowd
from bench.rows import AT_MOST, Row
from bench.servers import as_nchan_crowd, nchan
from bench.setting import Setting, median

STREAMS = 5000


def run_f7(setting: Setting) -> list[Row]:
    """Storm of 5,000 connects: from the first connect to the last ``ready``, each time anew."""
    ours, peer = [], []
    with setting.publisher():
        for _ in range(setting.rounds):
            with setting.serving() as server, server.open(Crowd(1)):
                crowd = Crowd(STREAMS, concurrency=STREAMS)
                with server.open(crowd) as load:
                    ours.append(load.ready_after_s)
                    setting.say(f"pulse-events {load.ready_after_s:.3f} s")
            if setting.peers:
                peer.append(_nchan(setting))
    rows = [Row("F7", "5,000 connect at once", median(ours), "s", bound=AT_MOST, target=1.0)]
    if peer:
        rows.append(Row("F7", "… beside nchan", median(ours), "s", "nchan", median(peer), AT_MOST))
    return rows


def _nchan(setting: Setting) -> float:
    """Let as many connect to nchan, which parses no bindings and asks no broker."""
    crowd = as_nchan_crowd(Crowd(STREAMS, concurrency=STREAMS))
    with nchan() as server, server.open(crowd) as load:
        setting.say(f"nchan        {load.ready_after_s:.3f} s")
        return load.ready_after_s
