"""Which bindings the broker must hold so that everybody gets what they asked for.  Pure state.

The queue's bindings are the union of what all audiences want, reference-counted.  Where one
exchange collects more wildcard patterns than a threshold, the queue is bound once with ``#`` and
the hub matches alone, so that the broker's work stays bounded; it goes back when the number falls
to half.  Patterns without a wildcard do not count: a direct exchange has only such, and there
``#`` would be a literal key that nothing matches.
"""

from collections import Counter
from collections.abc import Iterable

from pulse_events.bindings import Binding
from pulse_events.hub.ports import Orders
from pulse_events.topics.patterns import ANY_WORDS, has_wildcard

DEFAULT_THRESHOLD = 256


class Interest:
    """Reference counts of bindings, what was asked of the broker, and what it confirmed."""

    def __init__(self, orders: Orders, threshold: int = DEFAULT_THRESHOLD) -> None:
        self._orders = orders
        self._threshold = threshold
        self._exchanges: dict[str, _Exchange] = {}
        self._owners: dict[Binding, str] = {}
        self._owned: Counter[str] = Counter()

    def __len__(self) -> int:
        """Number of bindings asked of the broker."""
        return sum(len(exchange.asked) for exchange in self._exchanges.values())

    @property
    def distinct(self) -> int:
        """Number of distinct bindings that are wanted."""
        return len(self._owners)

    def owned(self, owner: str) -> int:
        """Return how many of them ``owner`` was the first to want."""
        return self._owned[owner]

    def new_among(self, more: Iterable[Binding]) -> int:
        """Return how many distinct ones of ``more`` nobody wants yet."""
        # Not `set(more) - self._owners.keys()`: that hashes all that are wanted, for each who asks.
        return sum(binding not in self._owners for binding in set(more))

    def want(self, binding: Binding, owner: str = "") -> bool:
        """Count one more user of ``binding``; return whether it is in force already."""
        exchange = self._exchanges.get(binding.exchange)
        if exchange is None:
            exchange = _Exchange(binding.exchange, self._orders, self._threshold)
            self._exchanges[binding.exchange] = exchange
        if binding not in self._owners:
            self._owners[binding] = owner
            self._owned[owner] += 1
        return exchange.want(binding.pattern, owner)

    def drop(self, binding: Binding) -> None:
        """Count one user of ``binding`` less; what nobody wants is unbound."""
        exchange = self._exchanges[binding.exchange]
        exchange.drop(binding.pattern)
        if binding.pattern not in exchange.users:
            self._forget_owner(binding)
        if not exchange.users:  # not: nothing asked; a refused binding is not, but has users
            del self._exchanges[binding.exchange]

    def _forget_owner(self, binding: Binding) -> None:
        owner = self._owners.pop(binding)
        self._owned[owner] -= 1
        if not self._owned[owner]:
            del self._owned[owner]

    def confirmed(self, binding: Binding) -> Iterable[Binding]:
        """Note that the broker has bound ``binding``; return the wanted ones now in force."""
        exchange = self._exchanges.get(binding.exchange)
        return exchange.confirmed(binding.pattern) if exchange else ()

    def refused(self, binding: Binding) -> Iterable[Binding]:
        """Note that the broker will not bind ``binding``; return the wanted ones that fail."""
        exchange = self._exchanges.get(binding.exchange)
        return exchange.refused(binding.pattern) if exchange else ()

    def gets_all(self, exchange: str) -> bool:
        """Tell whether ``#`` stands in for patterns of ``exchange``: more comes than was wanted."""
        known = self._exchanges.get(exchange)
        return known is not None and ANY_WORDS in known.asked and ANY_WORDS not in known.users

    def lost(self) -> None:
        """Note that the broker is gone: nothing is in force until it confirms again.

        The broker's adapter asks again for what was asked; nothing is ordered here.
        """
        for exchange in self._exchanges.values():
            exchange.lost()


class _Exchange:
    """The interest in one exchange."""

    def __init__(self, name: str, orders: Orders, threshold: int) -> None:
        self.asked: set[str] = set()
        self.users: dict[str, int] = {}
        self._name = name
        self._orders = orders
        self._threshold = threshold
        self._in_force: set[str] = set()
        self._missing: set[str] = set()  # needed, not in force
        self._spare: set[str] = set()  # asked, no longer needed once nothing is missing
        self._wildcards = 0
        self._wide = False

    def want(self, pattern: str, owner: str) -> bool:
        users = self.users.get(pattern, 0)
        self.users[pattern] = users + 1
        if not users:
            self._wildcards += has_wildcard(pattern)
        if not self._wide and self._wildcards > self._threshold:
            self._widen(owner)
        elif not self._has(pattern) or (not users and not self._wide):
            self._need(ANY_WORDS if self._wide else pattern, owner)
        return self._has(pattern)

    def drop(self, pattern: str) -> None:
        self.users[pattern] -= 1
        if self.users[pattern]:
            return
        del self.users[pattern]
        self._wildcards -= has_wildcard(pattern)
        if not self._wide:
            self._release(pattern)
        elif self._wildcards <= self._threshold // 2:
            self._narrow()

    def confirmed(self, pattern: str) -> Iterable[Binding]:
        if pattern not in self.asked:
            return ()  # unbound again meanwhile
        self._in_force.add(pattern)
        self._missing.discard(pattern)
        self._unbind_spare()
        return self._wanted_through(pattern)

    def refused(self, pattern: str) -> Iterable[Binding]:
        if pattern not in self.asked:
            return ()
        for known in (self.asked, self._in_force, self._missing, self._spare):
            known.discard(pattern)
        return self._wanted_through(pattern)

    def _has(self, pattern: str) -> bool:
        return pattern in self._in_force or (self._wide and ANY_WORDS in self._in_force)

    def lost(self) -> None:
        self._in_force.clear()
        self._missing = self.asked - self._spare

    def _wanted_through(self, pattern: str) -> list[Binding]:
        """Return what the users get through ``pattern``: everything, if it stands for all."""
        if self._wide and pattern == ANY_WORDS:
            return [Binding(self._name, user) for user in self.users]
        return [Binding(self._name, pattern)] if pattern in self.users else []

    def _widen(self, owner: str) -> None:
        """Let ``#`` stand for all patterns; they are unbound when it is in force."""
        self._wide = True
        self._missing.clear()
        self._spare = set(self.asked)
        self._need(ANY_WORDS, owner)
        self._unbind_spare()

    def _narrow(self) -> None:
        """Bind every pattern again; ``#`` is unbound when all are in force."""
        self._wide = False
        self._missing.clear()
        self._spare = set(self.asked)
        for user in self.users:
            self._need(user)
        self._unbind_spare()

    def _need(self, pattern: str, owner: str = "") -> None:
        self._spare.discard(pattern)
        if pattern not in self._in_force:
            self._missing.add(pattern)
        if pattern not in self.asked or (owner and pattern in self._missing):
            self.asked.add(pattern)
            self._orders.bind(Binding(self._name, pattern), owner)

    def _release(self, pattern: str) -> None:
        """Unbind a pattern without users; a ``#`` waits for what it may still stand in for."""
        self._missing.discard(pattern)
        if pattern in self.asked:
            self._spare.add(pattern)
        self._unbind_spare(also_now=pattern)

    def _unbind_spare(self, also_now: str = ANY_WORDS) -> None:
        """Unbind what is spare once nothing is missing; ``also_now``, unless ``#``, at once.

        What users wait for stays until it is answered: unbound, it would never be.
        """
        ready = self._spare if not self._missing else self._spare & ({also_now} - {ANY_WORDS})
        for pattern in sorted(p for p in ready if p in self._in_force or p not in self.users):
            self._spare.discard(pattern)
            self.asked.discard(pattern)
            self._in_force.discard(pattern)
            self._orders.unbind(Binding(self._name, pattern))
