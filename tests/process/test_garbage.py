"""Long looks for garbage are rare, but they come; and afterwards all is as it was."""

import asyncio
import gc
import weakref

from pulse_events.process.garbage import YOUNG_OBJECTS, collect_garbage


class Node:
    """What can be in a cycle."""

    other: "Node"


def grown_old() -> "weakref.ref[Node]":
    """Return a cycle that nobody has any more, and that only a look at all objects finds."""
    node = Node()
    node.other = node
    gc.collect(1)
    return weakref.ref(node)


async def test_cycles_that_have_grown_old_go_now_and_then_and_not_at_once() -> None:
    before = gc.get_threshold()
    collecting = asyncio.get_running_loop().create_task(collect_garbage(0.05, many_looks=1))
    await asyncio.sleep(0)
    old = grown_old()
    kept = [[number] for number in range(20 * YOUNG_OBJECTS)]
    assert old() is not None
    async with asyncio.timeout(5):
        while old() is not None:
            kept.extend([number] for number in range(3 * YOUNG_OBJECTS))
            await asyncio.sleep(0.01)
    collecting.cancel()
    await asyncio.wait([collecting])
    assert (gc.get_threshold(), gc.get_freeze_count()) == (before, 0)
