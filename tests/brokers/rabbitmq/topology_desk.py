"""A topology on a desk: with a simulated broker that does one thing at a time, when it is told.

No sockets, no sleeps: the clock is a number, and the loop runs until nobody has anything to do.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple, Self

from pulse_events.bindings import Binding
from pulse_events.brokers.rabbitmq.binder import BatchRefused, Binder
from pulse_events.brokers.rabbitmq.topology import Topology
from pulse_events.errors import BindingRefused, BrokerUnavailable, MessagesMissed
from pulse_events.messages import Message

_QUIET_TURNS = 6
"""Turns of the loop in which nothing happens, after which nothing will."""


class Request(NamedTuple):
    """What the broker is asked on a channel, and where the answer is waited for."""

    kind: str
    batch: list[Binding]
    answer: asyncio.Future[None]


class Channel:
    """A `TopologyChannel` whose requests wait on the desk."""

    def __init__(self, desk: "Desk", kind: str = "bind") -> None:
        self._desk = desk
        self._kind = kind
        self.is_open = True

    async def bind(self, batch: list[Binding]) -> None:
        """See `TopologyChannel.bind`."""
        await self._ask(self._kind, batch)

    async def unbind(self, binding: Binding) -> None:
        """See `TopologyChannel.unbind`."""
        await self._ask("unbind", [binding])

    async def _ask(self, kind: str, batch: list[Binding]) -> None:
        assert self.is_open, "asked on a channel that a refusal closed"
        assert self._desk.request is None, "one request at a time"
        assert batch
        assert len(set(batch)) == len(batch)
        request = Request(kind, list(batch), asyncio.get_running_loop().create_future())
        self._desk.request = request
        try:
            await request.answer
        except BatchRefused:
            self.is_open = False
            raise
        finally:
            self._desk.request = None


class Desk:
    """A topology, its broker and its listener: ``with Desk() as desk: …``.

    Args:
        names_missing: Whether the broker's words say which exchange does not exist.
        is_deadly: See `Topology`.
    """

    def __init__(
        self,
        *,
        names_missing: bool = True,
        is_deadly: Callable[[Binding], bool] = lambda binding: False,
    ) -> None:
        self.now_s = 1000.0
        self.topology = Topology(lambda: self.now_s, is_deadly=is_deadly)
        self.request: Request | None = None
        self.done: list[Request] = []
        """What the broker has been asked, in order."""
        self.missing: set[str] = set()
        self.forbidden: set[Binding] = set()
        """What is refused, for no exchange's sake."""
        self.deadly: set[Binding] = set()
        """What ends the connection that the broker is asked on."""
        self.failures = 0
        """How often that has happened."""
        self.at_broker: set[Binding] = set()
        self.confirmations: list[Binding] = []
        self.refusals: list[tuple[Binding, str]] = []
        self.loop_turns = 0
        """Turns that the loop has had."""
        self.on_confirmed: Callable[[Binding], None] = lambda binding: None
        self.on_refused: Callable[[Binding], None] = lambda binding: None
        self._names_missing = names_missing
        self._loop = asyncio.new_event_loop()
        self._run: asyncio.Task[None] | None = None

    def __enter__(self) -> Self:
        self.connect()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Leave no task behind."""
        self.lose()
        self._loop.close()

    # The listener

    def publish(self, message: Message) -> None:
        """See `Listener.publish`."""

    def confirmed(self, binding: Binding) -> None:
        """See `Listener.confirmed`."""
        self.confirmations.append(binding)
        self.on_confirmed(binding)

    def refused(self, binding: Binding, reason: BindingRefused) -> None:
        """See `Listener.refused`."""
        self.refusals.append((binding, str(reason)))
        self.on_refused(binding)

    def lost(self) -> None:
        """See `Listener.lost`."""

    def missed(self, reason: MessagesMissed) -> None:
        """See `Listener.missed`."""

    def failed(self, message: Message, error: Exception) -> None:
        """See `Listener.failed`."""

    # What happens

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection."""
        return self._run is not None

    def connect(self) -> None:
        """Begin to work on a new connection."""
        self._run = self._loop.create_task(
            Binder(self.topology, self, self._open_channel, self._bind_apart).run()
        )
        self._rest()

    def lose(self, *, carried_out: bool = False) -> None:
        """Lose the connection, before or after a request is carried out that has no answer yet."""
        if carried_out and self.request is not None:
            self._carry_out(self.request)
        run, self._run = self._run, None
        if run is not None:
            if self.request is not None:
                self.request.answer.set_exception(BrokerUnavailable("the connection is lost"))
            else:
                run.cancel()
            with suppress(BrokerUnavailable, asyncio.CancelledError):
                self._loop.run_until_complete(run)

    def want(self, *bindings: Binding, owner: str = "") -> None:
        """Want each."""
        for binding in bindings:
            self.topology.want(binding, owner)
        self._rest()

    def drop(self, *bindings: Binding) -> None:
        """Drop each."""
        for binding in bindings:
            self.topology.drop(binding)
        self._rest()

    def audit(self) -> None:
        """Have everything bound again."""
        self.topology.audit()
        self._rest()

    def step(self) -> Request | None:
        """Have the broker carry out its request, and the topology ask the next one.

        Returns:
            What was carried out; ``None`` if there was nothing.
        """
        request = self.request
        if request is None:
            return None
        if request.kind != "apart" and self.deadly.intersection(request.batch):
            self.done.append(request)
            self.failures += 1
            self.lose()
            self.topology.suspect()
            self.connect()
            return request
        refusal = self._carry_out(request)
        self.done.append(request)
        if refusal is None:
            request.answer.set_result(None)
        else:
            request.answer.set_exception(refusal)
        self._rest()
        return request

    def settle(self) -> int:
        """Have the broker carry out everything; return how many requests it took."""
        begun = len(self.done)
        while self.step():
            assert len(self.done) < begun + 10_000, "it never ends"
        return len(self.done) - begun

    @property
    def batches(self) -> list[list[Binding]]:
        """What the broker was asked to bind, in order."""
        return [request.batch for request in self.done if request.kind == "bind"]

    def _carry_out(self, request: Request) -> BatchRefused | None:
        for binding in request.batch:
            if binding in self.deadly:
                return BatchRefused("the connection of x is lost", "the connection is lost")
            if request.kind == "unbind":
                self.at_broker.discard(binding)
            elif binding.exchange in self.missing:
                known = self._names_missing or len({b.exchange for b in request.batch}) == 1
                return BatchRefused(
                    "no such exchange here",
                    "it does not exist",
                    binding.exchange if known else None,
                )
            elif binding in self.forbidden:
                return BatchRefused("access for user x is refused", "access is refused")
            else:
                self.at_broker.add(binding)
        return None

    async def _open_channel(self) -> Channel:
        return Channel(self)

    async def _bind_apart(self, batch: list[Binding]) -> None:
        await Channel(self, "apart").bind(batch)

    def _rest(self) -> None:
        """Run the loop until nothing happens any more."""
        self._loop.run_until_complete(self._until_quiet())

    async def _until_quiet(self) -> None:
        quiet, seen = 0, -1
        while quiet < _QUIET_TURNS:
            await asyncio.sleep(0)
            self.loop_turns += 1
            now = len(self.done) + len(self.confirmations) + len(self.refusals)
            quiet = quiet + 1 if now == seen else 0
            seen = now
