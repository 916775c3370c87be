"""Since when bindings have been in force without a break, so that what they match is held."""

from collections.abc import Iterator

from pulse_events.bindings import Binding, BindingSet
from pulse_events.history import Mark
from pulse_events.topics.containment import covers

NEVER = Mark(0, 0)


class Coverage:
    """The bindings that somebody wants, and the moment since which each is in force.

    Those that are recorded, asked for or not, cover others: what these match was held too.
    """

    def __init__(self) -> None:
        self._users: dict[Binding, int] = {}
        self._since: dict[Binding, Mark] = {}
        self._first: dict[Binding, Mark] = {}
        self._recorded: dict[str, set[Binding]] = {}

    def add(self, bindings: BindingSet) -> None:
        """Note that one more wants these."""
        for binding in bindings.bindings:
            self._users[binding] = self._users.get(binding, 0) + 1

    def record(self, binding: Binding) -> None:
        """Note that ``binding`` is always wanted."""
        self._recorded.setdefault(binding.exchange, set()).add(binding)

    def remove(self, bindings: BindingSet) -> None:
        """Note that one less wants these; what nobody wants is no longer in force."""
        for binding in bindings.bindings:
            self._users[binding] -= 1
            if not self._users[binding]:
                del self._users[binding]
                self._since.pop(binding, None)
                self._first.pop(binding, None)

    def begin(self, bindings: BindingSet, now: Mark) -> None:
        """Note that all of these are in force, from now on if they were not before."""
        for binding in bindings.bindings:
            if binding not in self._since:
                self._since[binding] = since = min((now, *self._recorded_since(binding)))
                self._first.setdefault(binding, since)

    def interrupt(self, binding: Binding) -> None:
        """Note that ``binding`` is not in force any more, though it is wanted."""
        self._since.pop(binding, None)

    def was_in_force(self, bindings: BindingSet, position: int) -> bool:
        """Tell whether all of these have been in force since a position, but for interruptions."""
        first = self._first
        return all(b in first and first[b].position <= position for b in bindings.bindings)

    def is_complete(self, bindings: BindingSet) -> bool:
        """Tell whether all of these are in force already."""
        return all(binding in self._since for binding in bindings.bindings)

    def since(self, bindings: BindingSet) -> Mark:
        """Return the moment since which all of these have been in force.

        Where some are not, that is before all time: nothing can be said of them yet.
        """
        since = self._since
        marks = [since[binding] for binding in bindings.bindings if binding in since]
        return max(marks) if len(marks) == len(bindings.bindings) else NEVER

    def _recorded_since(self, binding: Binding) -> Iterator[Mark]:
        """Yield since when each is in force that is recorded, and matches all that this does."""
        for recorded in self._recorded.get(binding.exchange, ()):
            mark = self._since.get(recorded)
            if mark is not None and covers(recorded.pattern, binding.pattern):
                yield mark


class Everything(Coverage):
    """Where all that anybody can ask for has always been in force."""

    def is_complete(self, bindings: BindingSet) -> bool:
        """See `Coverage`."""
        return True

    def since(self, bindings: BindingSet) -> Mark:
        """See `Coverage`."""
        return NEVER
