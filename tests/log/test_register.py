"""What a process tells in the log of what it has bound, and when it tells nothing."""

from collections.abc import Collection
from itertools import count

from pulse_events.bindings import Binding
from pulse_events.history import Room
from pulse_events.log.entries import UNKNOWN_MS, Began, Entry, Holds, Lost, Stamp, mark_of
from pulse_events.log.intake import Intake
from pulse_events.log.register import GONE, NEW, SAY_AGAIN_EVERY, Register
from pulse_events.log.tail import Tail

NOW_MS = 1_000_000
A, B, OTHER = Binding("a", "#"), Binding("b", "#"), Binding("a", "x.*")


class LogEnd:
    """A log that is read as soon as it is written."""

    def __init__(self) -> None:
        self.now_ms = NOW_MS
        self._offsets, self._writers = count(), count()
        self.intake = Intake(Tail(lambda: self.now_ms, Room(1 << 20), 3_600_000))

    def stamp(self) -> Stamp:
        return Stamp(f"{next(self._writers):08x}", 0, self.now_ms)

    def write(self, *entries: Entry) -> None:
        for entry in entries:
            list(self.intake.take(next(self._offsets), entry))

    def begin(self) -> None:
        """Have a recorder begin."""
        self.write(Began(Stamp("ffffffff", 0, self.now_ms, term=1)))


class Process:
    """A process that binds."""

    def __init__(self, log: LogEnd, *recorded: Binding) -> None:
        self._log = log
        self.register = Register(recorded, log.intake, log.stamp)

    def bind(self, *refused: Binding) -> list[Entry]:
        """Bind all that is not refused, and tell it; return what was told."""
        entries = self.register.changes(refused)
        self._log.write(*entries)
        self.register.note(refused, is_told=True)
        self.register.bound(self._log.now_ms)
        return entries


def parts(entries: Collection[Entry]) -> list[object]:
    """Return what entries say, but for who wrote them."""

    def part(entry: Entry) -> object:
        if isinstance(entry, Holds):
            return set(entry.marks)
        assert isinstance(entry, Lost)
        return entry[1:]

    return list(map(part, entries))


def marks(*bindings: Binding) -> set[str]:
    return set(map(mark_of, bindings))


def lost(template: str, exchange: str, since_ms: int = UNKNOWN_MS) -> object:
    return (since_ms, exchange, template.format(exchange))


def running(*recorded: Binding) -> LogEnd:
    """Return a log in which these are recorded."""
    log = LogEnd()
    Process(log, *recorded).bind()
    log.begin()
    return log


def test_of_a_new_log_it_says_what_is_recorded_and_of_no_loss() -> None:
    log = LogEnd()
    process = Process(log, A, B)
    assert parts(process.bind()) == [marks(A, B)]
    log.begin()
    assert process.bind() == []
    assert Process(log, B).bind() == []


def test_what_was_not_recorded_before_is_a_loss_without_a_beginning() -> None:
    log = running(A)
    assert parts(Process(log, A, B, OTHER).bind()) == [
        lost(NEW, "a"),
        lost(NEW, "b"),
        marks(A, B, OTHER),
    ]


def test_what_others_record_goes_on() -> None:
    assert parts(Process(running(A), B).bind()) == [lost(NEW, "b"), marks(A, B)]


def test_it_counts_what_the_log_says_though_nobody_has_recorded_yet() -> None:
    log = LogEnd()
    Process(log, A).bind()
    assert parts(Process(log, A, B).bind()) == [lost(NEW, "b"), marks(A, B)]


def test_of_a_log_that_never_said_it_all_may_be_missing() -> None:
    log = LogEnd()
    log.begin()
    assert parts(Process(log, A).bind()) == [lost(NEW, "a"), marks(A)]


def test_an_exchange_that_goes_and_comes_is_two_losses() -> None:
    log = running(A, B)
    process = Process(log, A, B)
    process.bind()
    bound_ms, log.now_ms = log.now_ms, log.now_ms + 25_000
    assert parts(process.bind(B)) == [lost(GONE, "b", bound_ms), marks(A)]
    assert process.bind(B) == []
    gone_ms, log.now_ms = log.now_ms, log.now_ms + 25_000
    assert parts(process.bind()) == [lost(NEW, "b", gone_ms), marks(A, B)]
    assert process.bind() == []


def test_what_another_process_saw_go_is_a_loss_from_then_on() -> None:
    log = running(A, OTHER, B)
    process, another = Process(log, A, OTHER, B), Process(log, A, OTHER, B)
    process.bind()
    seen_ms = []
    for refused in ((OTHER,), (A, OTHER)):
        log.now_ms += 1000
        another.bind(*refused)
        seen_ms.append(log.now_ms)
    assert parts(process.bind()) == [lost(NEW, "a", seen_ms[0]), marks(A, OTHER, B)]


def test_an_exchange_that_comes_late_to_a_new_log_is_a_loss() -> None:
    log = LogEnd()
    process = Process(log, A, B)
    assert parts(process.bind(B)) == [marks(A)]
    log.write()
    assert parts(process.bind()) == [lost(NEW, "b"), marks(A, B)]


def test_in_another_log_what_was_recorded_goes_on() -> None:
    log = running(A)
    process = Process(log, A)
    process.bind()
    log.intake.restart()
    log.begin()
    assert parts(process.bind()) == [marks(A)]


def test_what_was_refused_before_the_log_was_known_is_new_when_it_is_bound() -> None:
    log = LogEnd()
    process = Process(log, A)
    process.register.note([A], is_told=False)
    assert parts(process.bind()) == [lost(NEW, "a"), marks(A)]


def test_what_was_bound_before_the_log_was_known_is_new_if_that_did_not_say_so() -> None:
    log = running(B)
    process = Process(log, A, B)
    process.register.note([], is_told=False)
    assert parts(process.bind()) == [lost(NEW, "a"), marks(A, B)]


def test_the_log_is_told_again_what_is_recorded_after_a_while() -> None:
    log = running(A)
    register = Process(log, A).register
    for _ in range(SAY_AGAIN_EVERY - 1):
        log.begin()
    assert log.intake.since_held == SAY_AGAIN_EVERY
    assert register.again() is None
    log.begin()
    again = register.again()
    assert again is not None
    assert parts([again]) == [marks(A)]
    log.write(again)
    assert register.again() is None
    assert Register([], LogEnd().intake, log.stamp).again() is None
