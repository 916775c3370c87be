"""How long faults last that take minutes to show all they do: a part of it in `make test`.

The figures of docs/reliability.md are of the whole: ``PULSE_EVENTS_FAULTS=whole make test …``.
"""

import os

_IS_WHOLE = os.environ.get("PULSE_EVENTS_FAULTS") == "whole"


def lasting(part_s: float, whole_s: float) -> float:
    """Return for how many seconds a fault lasts in this run."""
    return whole_s if _IS_WHOLE else part_s
