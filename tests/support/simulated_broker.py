"""A broker of bindings that does nothing until it is told: orders and answers stand in line.

For tests of the pure core.  Orders are carried out one by one, in order, and each bind is answered
later, in order.  As with the real adapters, a bind that was taken back or repeated before its
answer came is not answered; the newest one is.
"""

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from pulse_events.bindings import Binding
from pulse_events.hub.ports import Waiting
from tests.support.topic_reference import reference_match_any


class Answer(NamedTuple):
    """What became of a bind."""

    binding: Binding
    bound: bool


class SimulatedBroker:
    """Binds, unbinds, refuses, loses its connection; each when a test says so.

    Args:
        direct: Exchanges that compare keys literally, as a direct exchange does.
    """

    def __init__(self, direct: frozenset[str] = frozenset()) -> None:
        self.bound: set[Binding] = set()
        self.wanted: dict[Binding, None] = {}
        self.gone: set[str] = set()
        """Exchanges that do not exist: binding to them is refused."""
        self.connected = True
        self.most_bound: dict[str, int] = {}
        """The largest number of bindings each exchange ever had."""
        self._direct = direct
        self._orders: deque[tuple[Binding, int | None]] = deque()
        self._answers: deque[tuple[Answer, int]] = deque()
        self._newest: dict[Binding, int] = {}
        self._owners: dict[Binding, str] = {}
        self._count = 0

    @property
    def idle(self) -> bool:
        """Nothing stands in line."""
        return not self._orders and not self._answers

    def outstanding(self, owner: str) -> int:
        """Return how many of an owner's orders are not answered."""
        return sum(self._owners[binding] == owner for binding in self._newest)

    def waiting(self) -> Waiting:
        """Return how many orders are not answered; no time passes here."""
        return Waiting(len(self._newest))

    def bind(self, binding: Binding, owner: str = "") -> None:
        """Take the order to bind; one that comes again before its answer changes nothing."""
        if binding in self.wanted:
            unanswered = not self.connected or binding in self._newest
            assert unanswered, f"{binding} was ordered already"
            return
        self.wanted[binding] = None
        self._owners[binding] = owner
        self._order_bind(binding)

    def unbind(self, binding: Binding) -> None:
        """Take the order to unbind."""
        assert binding in self.wanted, f"{binding} was not ordered"
        del self.wanted[binding]
        self._newest.pop(binding, None)
        self._orders.append((binding, None))

    def carry_out(self) -> None:
        """Carry out the oldest order; its answer, if there is one, is on its way then."""
        if not self._orders or not self.connected:
            return
        binding, number = self._orders.popleft()
        if number is None:
            self.bound.discard(binding)
            return
        exists = binding.exchange not in self.gone
        if exists:
            self.bound.add(binding)
        self._answers.append((Answer(binding, exists), number))
        held = sum(b.exchange == binding.exchange for b in self.bound)
        self.most_bound[binding.exchange] = max(self.most_bound.get(binding.exchange, 0), held)

    def answer(self) -> Answer | None:
        """Return the oldest answer that is still of interest, if one has arrived."""
        while self._answers:
            answer, number = self._answers.popleft()
            if self._newest.get(answer.binding) == number:
                del self._newest[answer.binding]
                if not answer.bound:
                    del self.wanted[answer.binding]
                return answer
        return None

    def settle(self, take: Callable[[Answer], None]) -> None:
        """Carry out everything and hand each answer to ``take``, in order."""
        while not self.idle:
            self.carry_out()
            answer = self.answer()
            if answer is not None:
                take(answer)

    def lose(self, *, queue_kept: bool = True) -> None:
        """Lose the connection: no order is carried out, no answer comes, until `reconnect`."""
        self.connected = False
        self._orders.clear()
        self._answers.clear()
        self._newest.clear()
        if not queue_kept:
            self.bound.clear()

    def reconnect(self) -> None:
        """Order anew whatever is wanted, and unbind what is not."""
        self.connected = True
        self._orders.clear()
        for binding in sorted(self.bound - self.wanted.keys()):
            self._orders.append((binding, None))
        for binding in self.wanted:
            self._order_bind(binding)

    def delivers(self, exchange: str, *keys: str) -> bool:
        """Tell whether a message of these keys reaches the queue now."""
        patterns = {b.pattern for b in self.bound if b.exchange == exchange}
        if exchange in self._direct:
            return not patterns.isdisjoint(keys)
        return any(reference_match_any(pattern, keys) for pattern in patterns)

    def covers(self, binding: Binding) -> bool:
        """Tell whether all that ``binding`` asks for reaches the queue now."""
        everything = Binding(binding.exchange, "#")
        if binding.exchange in self._direct:
            return binding in self.bound
        return binding in self.bound or everything in self.bound

    def _order_bind(self, binding: Binding) -> None:
        self._count += 1
        self._newest[binding] = self._count
        self._orders.append((binding, self._count))
