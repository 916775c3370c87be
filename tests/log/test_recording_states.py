"""Recorders in turn as a state machine: whatever ends when, the log has what was published."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from pulse_events.log.entries import Lost, Probe, Recorded, Stamp
from pulse_events.log.recording import LOOK_MS, QUIET_MS, Recording, RecordsLost, Superseded
from pulse_events.log.succession import Succession
from pulse_events.log.takeover import LogContent
from pulse_events.messages import Message
from tests.log.broker_model import PREFETCH, Broker, Item, bodies
from tests.support.thorough import examples

SOME = st.integers(0, PREFETCH + 1)
ALL = 1_000_000
LETTERS = st.sampled_from("aab")


class RecordingMachine(RuleBasedStateMachine):
    """An inbox, a stream, recorders that die, a broker that restarts: at any time, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.broker = Broker()
        self.published: list[bytes] = []
        self.told: list[str] = []
        self.read_so_far = 0
        self.now_ms = 0
        self.recorders = 0
        self.is_late = False
        self.succession = Succession()
        self.end: list[LogContent] = []
        self.expected_skips: int | None = None
        self.breaks = 0
        self._start()

    def key_of(self, letter: str) -> str:
        """Return the key of a message that is published."""
        return letter

    # What happens, step by step.

    @rule(letters=st.lists(LETTERS, min_size=1, max_size=4))
    def publish(self, letters: list[str]) -> None:
        for letter in letters:
            key = self.key_of(letter)
            self.published.append(key.encode())
            self.broker.ready.append(Item(Message("e", key, key.encode())))

    @rule(sent=SOME, delivered=SOME, arrived=SOME, read=SOME, tags=SOME, flushes=st.booleans())
    def all_goes_on(
        self, sent: int, delivered: int, arrived: int, read: int, tags: int, flushes: bool
    ) -> None:
        """Have so much of each happen: in rules of their own, few steps would lead far."""
        self.broker.send(sent)
        self.deliveries_arrive(delivered)
        self.broker.take_entries(arrived)
        self.entries_are_read(read)
        if flushes:
            self.recording.flush()
        self.broker.take_tags(tags)

    def deliveries_arrive(self, most: int) -> None:
        for _ in range(min(most, len(self.broker.deliveries))):
            self.recording.deliver(*self.broker.deliveries.popleft())

    def entries_are_read(self, most: int) -> None:
        for _ in range(min(most, len(self.broker.log) - self.read_so_far)):
            entry = self.broker.log[self.read_so_far]
            if entry.stamp[:2] == (self.writer, 0):
                self.expected_skips = self._skips_at_the_end_of_the_log()
            self.read_so_far += 1
            counts = self.succession.counts(entry)
            if counts and isinstance(entry, Recorded):
                self.end.append(LogContent(*entry[1:]))
            try:
                self.recording.read_back(entry, counts=counts)
            except RecordsLost:
                assert self.breaks, "nothing was lost"
                self.recorder_dies(ALL, ALL)
                return
            except Superseded:
                assert self.recorders > 1, "there is no other"
                self.recorder_dies(ALL, ALL)
                return

    @rule(most=SOME, more=SOME)
    def the_successor_reads_and_gets_the_rest_later(self, most: int, more: int) -> None:
        self.broker.send(ALL)
        self.deliveries_arrive(most)
        self.broker.take_entries(ALL)
        self.entries_are_read(ALL)
        self.recording.flush()
        self.deliveries_arrive(more)

    @rule()
    def the_inbox_is_quiet(self) -> None:
        # The broker sends at once what it may.
        self.broker.send(ALL)
        self.deliveries_arrive(ALL)
        for _ in range(QUIET_MS // LOOK_MS):
            self.now_ms += LOOK_MS
            self.recording.flush()

    @rule()
    def a_reader_asks_for_the_end(self) -> None:
        self.broker.log.append(Probe(Stamp("ffffffff", len(self.broker.log), 0)))

    @rule()
    def messages_are_lost(self) -> None:
        self.told.append(f"loss {len(self.told)}")
        self.recording.lost(0, "e", self.told[-1])

    @rule(entries=SOME)
    def late_entries_arrive(self, entries: int) -> None:
        self.is_late |= bool(self.broker.late)
        self.broker.take_late(entries)

    # What fails.

    @rule(entries=SOME, tags=SOME)
    def recorder_dies(self, entries: int, tags: int) -> None:
        self.broker.close(entries, tags)
        losses = self.recording.losses
        self._start()
        for loss in losses:
            self.recording.lost(*loss)

    @rule(entries=SOME, tags=SOME, lost=SOME, all_are_marked=st.booleans())
    def broker_restarts(self, entries: int, tags: int, lost: int, all_are_marked: bool) -> None:
        if all_are_marked:
            for item in self.broker.ready:
                item.was_sent = True
        self.recorder_dies(entries, tags)
        self.broker.lose_entries(lost, self.read_so_far)

    @precondition(lambda self: self.breaks < 1 and len(self.broker.log) > self.read_so_far)
    @rule(lost=SOME)
    def stream_restarts_alone(self, lost: int) -> None:
        self.breaks += 1
        self.broker.lose_entries(lost, self.read_so_far)

    # What must hold.

    @invariant()
    def what_is_acknowledged_is_in_the_log(self) -> None:
        read = set(bodies(self.broker.log[: self.read_so_far]))
        assert {message.body for message in self.broker.finished} <= read

    @invariant()
    def the_longest_beginning_is_skipped(self) -> None:
        wrote = any(entry.stamp.writer == self.writer for entry in self._recorded())
        assert self.recording.skipped in {0, self.expected_skips}
        assert not wrote or self.recording.skipped == self.expected_skips

    @invariant()
    def counts_agree(self) -> None:
        recording = self.recording
        assert recording.acknowledged <= recording.recorded + recording.skipped
        assert 0 <= recording.in_flight <= PREFETCH

    def teardown(self) -> None:
        for _ in range(200):
            if self._is_over():
                break
            self._turn()
        assert self._is_over(), "it never ends"
        assert self.recording.in_flight == 0
        waiting = {reason for _, _, reason in self.recording.losses}
        losses = {entry.reason for entry in self.broker.log if isinstance(entry, Lost)}
        assert losses | waiting == set(self.told)
        self.check_log()

    def check_log(self) -> None:
        """Check that nothing that can be told apart is missing, and what is there is in order."""
        omissions = fewest_omissions(self.published, bodies(self.broker.log))
        assert omissions is not None
        assert omissions < self.recorders

    def _is_over(self) -> bool:
        is_idle = self.broker.is_idle and self.recording.oldest_ms() is None
        return is_idle and not self.broker.ready and self.read_so_far == len(self.broker.log)

    def _turn(self) -> None:
        """Let everything arrive; give the recorder up if an entry does not come back."""
        self.the_inbox_is_quiet()
        self.broker.take_entries(ALL)
        self.entries_are_read(ALL)
        self.recording.flush()
        self.broker.take_tags(ALL)
        if self.recording.oldest_ms() is not None and not self.broker.entries:
            if self.read_so_far == len(self.broker.log):
                self.recorder_dies(0, 0)

    def _start(self) -> None:
        self.recorders += 1
        self.expected_skips = None
        self.writer = f"{self.recorders:08x}"
        broker = self.broker
        self.recording = Recording(
            self.writer,
            lambda: self.now_ms,
            broker.entries.append,
            broker.tags.append,
            lambda: self.end,
            lambda: self.succession.term,
            prefetch=PREFETCH,
        )

    def _recorded(self) -> list[Recorded]:
        return [entry for entry in self.broker.log if isinstance(entry, Recorded)]

    def _skips_at_the_end_of_the_log(self) -> int:
        """Return the longest beginning of all that comes again with which the log ends."""
        again = [message.body for message in self.broker.coming_again()]
        end = bodies(self.broker.log[: self.read_so_far])
        longest = min(PREFETCH, len(again), len(end))
        fits = (n for n in range(longest, 0, -1) if end[-n:] == again[:n])
        return next(fits, 0)


def fewest_omissions(published: list[bytes], recorded: list[bytes]) -> int | None:
    """Return how often ``recorded`` leaves out a run that repeats at once what it has just said.

    Returns:
        ``None`` if it is not ``published`` but for such runs.
    """
    fewest = {(0, 0): 0}  # by how much of both is accounted for
    for at in range(len(published)):
        for done in range(len(recorded) + 1):
            if (at, done) not in fewest:
                continue
            count = fewest[at, done]
            steps = [
                ((at + n, done), count + 1)
                for n in range(1, min(PREFETCH, done) + 1)
                if published[at : at + n] == recorded[done - n : done]
            ]
            if done < len(recorded) and published[at] == recorded[done]:
                steps.append(((at + 1, done + 1), count))
            for place, total in steps:
                fewest[place] = min(total, fewest.get(place, total))
    return fewest.get((len(published), len(recorded)))


class DistinctMachine(RecordingMachine):
    """The same with messages that differ, each from each: all are there, once, in order."""

    def key_of(self, letter: str) -> str:
        """Return a key that no other message has."""
        return f"{letter}{len(self.published)}"

    @invariant()
    def the_log_is_a_beginning_of_what_was_published(self) -> None:
        recorded = bodies(self.broker.log)
        assert recorded == self.published[: len(recorded)]

    def check_log(self) -> None:
        """Check that each message is there once; of what is broken, that nothing broke untold."""
        assert bodies(self.broker.log) == self.published
        if not self.breaks and not self.is_late:
            assert [entry.routing_key.encode() for entry in self._recorded()] == self.published


TestRecordingMachine = RecordingMachine.TestCase
TestDistinctMachine = DistinctMachine.TestCase
TestRecordingMachine.settings = TestDistinctMachine.settings = settings(
    max_examples=examples(100), stateful_step_count=60, deadline=None
)
