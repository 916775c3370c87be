"""When a connection counts as lost, and the delays between attempts: exponential with jitter.

Pure; randomness is an argument.
"""

from collections.abc import Callable, Iterator

STALE_AFTER_S = 75.0
"""Silence after which a connection to a server counts as lost; its default ping comes every 20 s.
"""

FIRST_S = 0.5
FACTOR = 1.6
CAP_S = 15.0


def delays(
    jitter: Callable[[], float],
    *,
    first_s: float = FIRST_S,
    factor: float = FACTOR,
    cap_s: float = CAP_S,
) -> Iterator[float]:
    """Yield seconds to wait before the second, third … attempt, without end.

    Args:
        jitter: Returns a number from [0, 1); each delay is between a half and the whole of its
            step, so that clients which lost the same server do not return together.
        first_s: Step before the second attempt.
        factor: By what each step is longer than the one before.
        cap_s: Longest step.
    """
    step_s = min(first_s, cap_s)
    while True:
        yield step_s * (0.5 + 0.5 * jitter())
        step_s = min(step_s * factor, cap_s)
