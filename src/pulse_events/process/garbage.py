"""When Python's collector of reference cycles looks at what, which nobody can do meanwhile.

A look at all objects takes 0.25 s where there are half a million, and Python takes one each time
their number has grown by a quarter: clients that come and go with many bindings can make it do so
every few seconds.  Few of our objects are in cycles, so it can wait.
"""

import asyncio
import gc

YOUNG_OBJECTS = 2_000
"""Objects that may be new before the collector looks at them, for 1 ms; Python's default is 700,
which what is in line of a prefetch reaches: 12 % of the profile at 500 streams and 1,500 msg/s.
"""
ALL_EVERY_S = 600.0
MANY_LOOKS = 50
"""Looks at what is not quite young any more, of some 4,000 objects, that make one at all due."""
_NEVER = 1 << 30


async def collect_garbage(all_every_s: float = ALL_EVERY_S, many_looks: int = MANY_LOOKS) -> None:
    """Keep the collector's looks short and its long ones rare, until cancelled.

    What the start has made stays, and is not looked at again.
    """
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 0, _NEVER)
    try:
        while True:
            await asyncio.sleep(all_every_s)
            if gc.get_count()[2] >= many_looks:
                gc.collect()
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
