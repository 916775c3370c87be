"""Interest as a state machine: what was promised is always covered, and counts return to zero."""

from collections import Counter

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from pulse_events.bindings import Binding
from pulse_events.hub.interest import Interest
from pulse_events.topics.patterns import has_wildcard
from tests.support.simulated_broker import Answer, SimulatedBroker
from tests.support.thorough import examples

TOPIC_PATTERNS = ("", "a.b", "*", "a.*", "#", "a.#", "#.b")
DIRECT_PATTERNS = ("a", "b", "#")
BINDINGS = st.sampled_from(
    [Binding("topic", p) for p in TOPIC_PATTERNS] + [Binding("direct", p) for p in DIRECT_PATTERNS]
)
EXCHANGES = st.sampled_from(["topic", "direct"])


class InterestMachine(RuleBasedStateMachine):
    """Users come and go; the broker carries out, answers, refuses and is lost at any time."""

    @initialize(threshold=st.integers(1, 4))
    def start(self, threshold: int) -> None:
        self.threshold = threshold
        self.broker = SimulatedBroker(direct=frozenset({"direct"}))
        self.interest = Interest(self.broker, threshold)
        self.users: Counter[Binding] = Counter()
        self.promised: set[Binding] = set()
        self.waiting: set[Binding] = set()

    @rule(binding=BINDINGS, owner=st.sampled_from(["", "one", "other"]))
    def want(self, binding: Binding, owner: str) -> None:
        self.users[binding] += 1
        if self.interest.want(binding, owner):
            self.promised.add(binding)
            self.waiting.discard(binding)
        else:
            self.waiting.add(binding)

    @precondition(lambda self: self.users)
    @rule(draw=st.data(), whole=st.booleans())
    def drop(self, draw: st.DataObject, whole: bool) -> None:
        binding = draw.draw(st.sampled_from(sorted(self.users)))
        for _ in range(self.users[binding] if whole else 1):
            self._drop(binding)

    @rule(times=st.integers(1, 5))
    def broker_works(self, times: int) -> None:
        for _ in range(times):
            self.broker.carry_out()

    @rule(times=st.integers(1, 5))
    def broker_answers(self, times: int) -> None:
        for _ in range(times):
            answer = self.broker.answer()
            if answer is not None:
                self._take(answer)

    @precondition(lambda self: self.broker.connected)
    @rule()
    def settle(self) -> None:
        self.broker.settle(self._take)

    @rule(queue_kept=st.booleans())
    def lose(self, queue_kept: bool) -> None:
        self.broker.lose(queue_kept=queue_kept)
        self.interest.lost()
        if not queue_kept:  # else whoever was told goes on: the queue gets their messages
            self.promised.clear()
        self.waiting = set(self.users)

    @precondition(lambda self: not self.broker.connected)
    @rule()
    def reconnect(self) -> None:
        self.broker.reconnect()

    @rule(exchange=EXCHANGES)
    def delete_or_make_exchange(self, exchange: str) -> None:
        if all(b.exchange != exchange for b in self.broker.bound):
            self.broker.gone ^= {exchange}

    @invariant()
    def what_was_promised_is_covered(self) -> None:
        uncovered = [b for b in self.promised if not self.broker.covers(b)]
        assert not uncovered

    @invariant()
    def the_count_is_of_what_was_asked(self) -> None:
        assert len(self.interest) == len(self.broker.wanted)

    @invariant()
    def when_settled_the_bindings_are_what_they_should_be(self) -> None:
        if not self.broker.idle or not self.broker.connected:
            return
        assert not self.waiting
        assert self.broker.bound == set(self.broker.wanted)
        for exchange in {b.exchange for b in self.broker.bound} | {b.exchange for b in self.users}:
            self._check_settled(exchange)

    def teardown(self) -> None:
        if not hasattr(self, "broker"):
            return
        for binding in tuple(self.users.elements()):
            self._drop(binding)
        assert len(self.interest) == 0
        self.broker.reconnect()
        self.broker.settle(self._take)
        assert not self.broker.bound

    def _check_settled(self, exchange: str) -> None:
        bound = {b for b in self.broker.bound if b.exchange == exchange}
        wanted = {b for b in self.users if b.exchange == exchange}
        wildcards = sum(has_wildcard(b.pattern) for b in wanted)
        if wildcards > self.threshold:
            assert bound == {Binding(exchange, "#")}
        elif wildcards <= self.threshold // 2:
            assert bound == wanted
        else:
            assert bound in (wanted, {Binding(exchange, "#")})

    def _take(self, answer: Answer) -> None:
        if answer.bound:
            for binding in self.interest.confirmed(answer.binding):
                assert binding in self.users
                self.waiting.discard(binding)
                self.promised.add(binding)
            return
        for binding in tuple(self.interest.refused(answer.binding)):
            assert binding.exchange == answer.binding.exchange
            for _ in range(self.users[binding]):
                self._drop(binding)

    def _drop(self, binding: Binding) -> None:
        self.interest.drop(binding)
        self.users[binding] -= 1
        if not self.users[binding]:
            del self.users[binding]
            self.promised.discard(binding)
            self.waiting.discard(binding)


TestInterestMachine = InterestMachine.TestCase
TestInterestMachine.settings = settings(
    max_examples=examples(150), stateful_step_count=40, deadline=None
)
