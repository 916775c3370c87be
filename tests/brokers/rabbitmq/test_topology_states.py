"""A topology as a state machine: whatever happens, in the end what is wanted is bound."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from pulse_events.bindings import Binding
from tests.brokers.rabbitmq.topology_desk import Desk
from tests.support.thorough import examples

EXCHANGES = ("e", "f", "g")
BINDINGS = [Binding(exchange, pattern) for exchange in EXCHANGES for pattern in "abcd"]
OWNERS = ("", "one", "two", "three")
PATIENCE = 60
"""Requests within which each binding is answered: the lines of all owners are shorter."""


class TopologyMachine(RuleBasedStateMachine):
    """Owners want and drop; the broker works, refuses, and is lost at any time."""

    @initialize(names_missing=st.booleans())
    def start(self, names_missing: bool) -> None:
        self.desk = Desk(names_missing=names_missing, is_deadly=lambda b: b.pattern == "d")
        self.desk.on_confirmed = self._confirmed
        self.desk.on_refused = self._refused
        self.wanted: set[Binding] = set()
        self.due: dict[Binding, int] = {}
        """What is to be answered, and how many requests had been carried out when it was wanted."""
        self.desk.connect()

    @rule(bindings=st.sets(st.sampled_from(BINDINGS), min_size=1), owner=st.sampled_from(OWNERS))
    def want(self, bindings: set[Binding], owner: str) -> None:
        self.wanted |= bindings
        for binding in bindings:
            self.due.setdefault(binding, len(self.desk.done))
        self.desk.want(*sorted(bindings), owner=owner)

    @precondition(lambda self: self.wanted)
    @rule(draw=st.data())
    def drop(self, draw: st.DataObject) -> None:
        bindings = draw.draw(st.sets(st.sampled_from(sorted(self.wanted)), min_size=1))
        self.wanted -= bindings
        for binding in bindings:
            self.due.pop(binding, None)
        self.desk.drop(*sorted(bindings))

    @rule(times=st.integers(1, 5))
    def broker_works(self, times: int) -> None:
        for _ in range(times):
            self._step()

    @rule()
    def audit(self) -> None:
        self.desk.audit()

    @rule(seconds=st.sampled_from([0.5, 5.0]))
    def time_passes(self, seconds: float) -> None:
        self.desk.now_s += seconds

    @rule(exchange=st.sampled_from(EXCHANGES))
    def exchange_comes_or_goes(self, exchange: str) -> None:
        if exchange not in self.desk.missing:
            self.desk.at_broker = {b for b in self.desk.at_broker if b.exchange != exchange}
        self.desk.missing ^= {exchange}

    @rule(binding=st.sampled_from(BINDINGS))
    def access_is_given_or_taken(self, binding: Binding) -> None:
        self.desk.forbidden ^= {binding}
        self.desk.at_broker.discard(binding)  # RabbitMQ keeps it, and refuses to unbind it, too

    @rule(binding=st.sampled_from(BINDINGS))
    def the_broker_fails_over_it_or_no_more(self, binding: Binding) -> None:
        self.desk.deadly ^= {binding}
        self.desk.at_broker.discard(binding)  # nor can it be unbound

    @precondition(lambda self: self.desk.is_connected)
    @rule(carried_out=st.booleans(), queue_kept=st.booleans())
    def lose(self, carried_out: bool, queue_kept: bool) -> None:
        self.desk.lose(carried_out=carried_out)
        if not queue_kept:
            self.desk.at_broker.clear()
        self._all_are_due()

    @precondition(lambda self: not self.desk.is_connected)
    @rule()
    def connect(self) -> None:
        self._all_are_due()
        self.desk.connect()

    @invariant()
    def what_waits_is_counted(self) -> None:
        if hasattr(self, "desk"):
            assert self.desk.topology.waiting().bindings == len(self.due)

    @invariant()
    def nobody_waits_for_ever(self) -> None:
        if hasattr(self, "desk") and self.desk.is_connected:
            for binding, begun in self.due.items():
                assert len(self.desk.done) - begun <= PATIENCE, binding

    def teardown(self) -> None:
        if hasattr(self, "desk"):
            try:
                self._finish()
            finally:
                self.desk.close()

    def _finish(self) -> None:
        if not self.desk.is_connected:
            self.connect()
        self._settle()
        assert not self.due
        self.desk.audit()  # what was bound may have gone with its exchange
        self._settle()
        assert self.desk.at_broker == self.wanted
        assert self.desk.topology.turns.next() is None
        assert all(not self.desk.topology.outstanding(owner) for owner in OWNERS)

    def _settle(self) -> None:
        most = len(self.desk.done) + 1000
        while self._step():
            assert len(self.desk.done) < most, "it never ends"

    def _step(self) -> bool:
        """Have the broker carry out a request; return whether there was one."""
        failures = self.desk.failures
        request = self.desk.step()
        if self.desk.failures > failures:
            self._all_are_due()
        return request is not None

    def _all_are_due(self) -> None:
        self.due = dict.fromkeys(self.wanted, len(self.desk.done))

    def _confirmed(self, binding: Binding) -> None:
        del self.due[binding]
        assert binding in self.desk.at_broker

    def _refused(self, binding: Binding) -> None:
        self.wanted.remove(binding)
        self.due.pop(binding, None)


TestTopologyMachine = TopologyMachine.TestCase
TestTopologyMachine.settings = settings(
    max_examples=examples(150), stateful_step_count=40, deadline=None
)
