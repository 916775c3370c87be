"""F10: two worker processes on one port, beside one.

Throughput tells only where each of the two has a CPU for itself, and the others have some too.
"""

from bench.cases.fanout import CLIENT_PAUSE_MS, SAMPLE, STREAMS, our_side
from bench.load import Crowd
from bench.processes import CPUS, CPUS_FOR_TWO
from bench.rows import Row
from bench.setting import Setting, median

RATE = 8000
"""More than one worker can take."""
EASY_RATE = 1500
TARGET = 1.8


def run_f10(setting: Setting) -> list[Row]:
    """Two workers: deliveries in all beside those of one."""
    enough = CPUS >= CPUS_FOR_TWO
    crowd = Crowd(STREAMS, sample=SAMPLE, pause_ms=CLIENT_PAUSE_MS)
    rate = RATE if enough else EASY_RATE
    with (
        our_side(setting, crowd, rate) as one,
        our_side(setting, crowd, rate, "--workers", "2") as two,
    ):
        for _ in range(setting.rounds):
            one.measure(setting)
            two.measure(setting)
    if not enough:
        note = f"needs {CPUS_FOR_TWO} CPUs, here are {CPUS}: not judged"
        figures = one.per_cpu_s, two.per_cpu_s
        return [_row("two workers, per CPU s", "deliveries / CPU s", figures, None, note)]
    figures = (
        median([seen.deliveries / seen.seconds for seen in one.seen]),
        median([seen.deliveries / seen.seconds for seen in two.seen]),
    )
    return [_row("two workers, in all", "deliveries / s", figures, TARGET, "")]


def _row(
    what: str, unit: str, figures: tuple[float, float], target: float | None, note: str
) -> Row:
    one, two = figures
    return Row("F10", what, two, unit, "one worker", one, target=target, note=note)
