"""Costly requests come in one by one, each address in its turn."""

import asyncio
import socket
from contextlib import ExitStack

from pulse_events.bindings import Binding
from pulse_events.brokers.memory import Memory
from pulse_events.hub.ports import Listener
from pulse_events.web.turnstile import Turnstile
from tests.support.local_server import local_server
from tests.support.raw_stream import connect_target


async def waiting(turnstile: Turnstile, names: str, served: list[str]) -> list[asyncio.Task[None]]:
    """Have a request wait for each name, of the address that is its first letter."""

    async def served_in_turn(name: str) -> None:
        await turnstile.wait(name[0])
        served.append(name)

    loop = asyncio.get_running_loop()
    tasks = [loop.create_task(served_in_turn(name)) for name in names.split()]
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


def request(target: str) -> bytes:
    return f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode()


class Watched(Memory):
    """Notes in which turn of the loop it is asked for what."""

    def __init__(self) -> None:
        super().__init__()
        self.turn = 0
        self.asked: dict[int, set[str]] = {}

    def bind(self, binding: Binding, owner: str = "") -> None:
        self.asked.setdefault(self.turn, set()).add(binding.exchange)
        super().bind(binding, owner)

    async def run(self, listener: Listener) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(super().run(listener))
            while True:
                self.turn += 1
                await asyncio.sleep(0)


def test_streams_of_many_new_bindings_that_come_at_once_are_served_in_turns_of_their_own() -> None:
    watched = Watched()
    with local_server(broker=watched) as server, ExitStack() as stack:
        address = ("127.0.0.1", server.port)
        clients = [stack.enter_context(socket.create_connection(address, 10)) for _ in range(7)]
        for client in clients:
            client.sendall(request("/events/v1/ping"))
            assert b"alive" in client.recv(4096)

        def ask() -> None:  # in one turn of the server's loop, which reads all of it in the next
            for number, client in enumerate(clients):
                pairs = ((f"e{number}", f"{n}.#") for n in range(20))
                client.sendall(request(connect_target(*pairs)))

        server.call(ask)
        for client in clients:
            with client.makefile("rb") as answer:
                assert any(line == b"event: ready\n" for line in answer)
    assert sorted(map(list, watched.asked.values())) == [[f"e{n}"] for n in range(7)]
