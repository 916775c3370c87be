"""Costly requests come in one by one, each address in its turn."""

import asyncio

from pulse_events.web.turnstile import Turnstile


async def waiting(turnstile: Turnstile, names: str, served: list[str]) -> list[asyncio.Task[None]]:
    """Have a request wait for each name, of the address that is its first letter."""

    async def request(name: str) -> None:
        await turnstile.wait(name[0])
        served.append(name)

    loop = asyncio.get_running_loop()
    tasks = [loop.create_task(request(name)) for name in names.split()]
    await asyncio.sleep(0)
    return tasks


async def test_each_address_has_its_turn_and_its_oldest_request_comes_first() -> None:
    served: list[str] = []
    tasks = await waiting(Turnstile(), "a1 a2 a3 b1 b2 c1", served)
    await asyncio.gather(*tasks)
    assert served == ["a1", "b1", "c1", "a2", "b2", "a3"]


async def test_between_two_requests_the_loop_does_what_else_there_is_to_do() -> None:
    served: list[str] = []
    tasks = await waiting(Turnstile(), "a1 b1 c1", served)
    seen = []
    while not all(task.done() for task in tasks):
        seen.append(len(served))
        await asyncio.sleep(0)
    assert {1, 2} < set(seen)


async def test_who_leaves_does_not_keep_others_waiting() -> None:
    served: list[str] = []
    turnstile = Turnstile()
    tasks = await waiting(turnstile, "a1 a2 b1", served)
    tasks[0].cancel()
    tasks[2].cancel()
    await asyncio.wait(tasks)
    assert served == ["a2"]
    await asyncio.gather(*await waiting(turnstile, "b2", served))
    assert served == ["a2", "b2"]
