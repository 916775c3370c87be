"""When a flush is called: at once while there is time, later while flushing takes much of it."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import pytest

from pulse_events.process.pacing import (
    CREDIT_S,
    LONGEST_WAIT_S,
    REPLAY_SHARE,
    SHARE,
    SLICE_S,
    FlushPace,
    ReplayPace,
)

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop


class Clockwork:
    """A clock and an event loop's line of calls, moved by the test."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self._due: list[tuple[float, Callable[[], object]]] = []

    def call_soon(self, callback: Callable[..., object], *arguments: Any) -> None:
        self.call_later(0.0, callback, *arguments)

    def call_later(self, delay_s: float, callback: Callable[..., object], *arguments: Any) -> None:
        self._due.append((self.now_s + delay_s, lambda: callback(*arguments)))

    @property
    def calls(self) -> int:
        """How many are to come."""
        return len(self._due)

    def run(self) -> float:
        """Let time pass until the next call, make it, and return how long it waited."""
        asked_s = self.now_s
        due_s, call = self._due.pop(0)
        self.now_s = max(self.now_s, due_s)
        waited_s = self.now_s - asked_s
        call()
        return waited_s


class Flushes:
    """Counts flushes; each takes its time."""

    def __init__(self, clockwork: Clockwork, duration_s: float) -> None:
        self.count = 0
        self.duration_s = duration_s
        self._clockwork = clockwork

    def __call__(self) -> None:
        self.count += 1
        self._clockwork.now_s += self.duration_s


@pytest.fixture
def clockwork() -> Clockwork:
    return Clockwork()


@pytest.fixture
def pacer(clockwork: Clockwork) -> FlushPace:
    return FlushPace(cast("AbstractEventLoop", clockwork), lambda: clockwork.now_s)


def test_a_flush_never_comes_at_once_but_at_the_end_of_the_turn(
    pacer: FlushPace, clockwork: Clockwork
) -> None:
    flush = Flushes(clockwork, 0.0)
    pacer.wake(flush)
    assert flush.count == 0
    assert clockwork.run() == 0
    assert flush.count == 1


def test_flushes_that_keep_to_their_share_never_wait(
    pacer: FlushPace, clockwork: Clockwork
) -> None:
    flush = Flushes(clockwork, 0.001)
    for _ in range(1000):
        pacer.wake(flush)
        assert clockwork.run() == 0
        clockwork.now_s += 0.001 / SHARE - 0.001


def test_a_burst_within_the_credit_does_not_wait(pacer: FlushPace, clockwork: Clockwork) -> None:
    flush = Flushes(clockwork, CREDIT_S / 4)
    for _ in range(4):
        pacer.wake(flush)
        assert clockwork.run() == 0


def test_flushing_without_a_pause_is_held_to_its_share(
    pacer: FlushPace, clockwork: Clockwork
) -> None:
    flush = Flushes(clockwork, 0.001)
    start_s = clockwork.now_s
    for _ in range(1000):
        pacer.wake(flush)
        clockwork.run()
    flushing = flush.count * flush.duration_s / (clockwork.now_s - start_s)
    assert flushing == pytest.approx(SHARE, rel=0.1)


def test_no_flush_waits_for_longer_than_the_limit(pacer: FlushPace, clockwork: Clockwork) -> None:
    flush = Flushes(clockwork, 1.0)
    pacer.wake(flush)
    clockwork.run()
    pacer.wake(flush)
    assert clockwork.run() == pytest.approx(LONGEST_WAIT_S)


def test_an_idle_server_has_all_its_credit_back(pacer: FlushPace, clockwork: Clockwork) -> None:
    flush = Flushes(clockwork, 1.0)
    pacer.wake(flush)
    clockwork.run()
    clockwork.now_s += 1.0 / SHARE
    pacer.wake(flush)
    assert clockwork.run() == 0


def test_one_long_flush_does_not_make_the_next_ones_wait(
    clockwork: Clockwork, pacer: FlushPace
) -> None:
    flush = Flushes(clockwork, CREDIT_S * 0.8)
    pacer.wake(flush)
    clockwork.run()
    flush.duration_s = 0.0
    pacer.wake(flush)
    assert clockwork.run() == 0.0


class Steps:
    """A step that takes its time, so many times."""

    def __init__(self, clockwork: Clockwork, times: int, duration_s: float = SLICE_S / 10) -> None:
        self.done = 0
        self._clockwork = clockwork
        self._times = times
        self._duration_s = duration_s

    def __call__(self) -> bool:
        self.done += 1
        self._clockwork.now_s += self._duration_s
        return self.done < self._times


@pytest.fixture
def replays(clockwork: Clockwork) -> ReplayPace:
    loop = cast("AbstractEventLoop", clockwork)
    return ReplayPace(loop, lambda: clockwork.now_s, lambda: clockwork.now_s)


def test_steps_have_their_share_of_the_time_in_slices(
    clockwork: Clockwork, replays: ReplayPace
) -> None:
    steps = Steps(clockwork, 100)
    replays.add(steps)
    assert steps.done == 0
    started_s = clockwork.now_s
    slices = 0
    while clockwork.calls:
        before_s = clockwork.now_s + clockwork.run()
        assert clockwork.now_s - before_s <= SLICE_S * 1.11
        slices += 1
    assert steps.done == 100
    assert slices == pytest.approx(10, abs=1)
    spent_s = 100 * SLICE_S / 10
    assert clockwork.now_s - started_s == pytest.approx(spent_s / REPLAY_SHARE, rel=0.2)


def test_steps_have_their_share_though_each_pause_is_longer_than_asked_for(
    clockwork: Clockwork, replays: ReplayPace
) -> None:
    steps = Steps(clockwork, 1000, SLICE_S / 100)
    replays.add(steps)
    started_s = clockwork.now_s
    while clockwork.calls:
        clockwork.now_s += SLICE_S
        before_s = clockwork.now_s + clockwork.run()
        assert clockwork.now_s - before_s <= 2 * SLICE_S * 1.01
    spent_s = 1000 * SLICE_S / 100
    assert clockwork.now_s - started_s == pytest.approx(spent_s / REPLAY_SHARE, rel=0.1)


def test_a_server_that_was_busy_with_other_things_makes_up_for_a_slice_at_most(
    clockwork: Clockwork, replays: ReplayPace
) -> None:
    steps = Steps(clockwork, 1000, SLICE_S / 100)
    replays.add(steps)
    clockwork.run()
    clockwork.now_s += 1000 * SLICE_S
    done = steps.done
    clockwork.run()
    assert steps.done - done == pytest.approx(200, abs=1)
    assert clockwork.run() == pytest.approx(SLICE_S * (1 / REPLAY_SHARE - 1), rel=0.02)


def test_steps_of_several_take_turns_and_have_one_share(
    clockwork: Clockwork, replays: ReplayPace
) -> None:
    first, second = Steps(clockwork, 15), Steps(clockwork, 15)
    for step in (first, second, first):
        replays.add(step)
    assert clockwork.calls == 1
    clockwork.run()
    assert abs(first.done - second.done) <= 1
    while clockwork.calls:
        clockwork.run()
    assert (first.done, second.done) == (15, 15)


def test_a_step_that_adds_another_does_not_double_the_share(
    clockwork: Clockwork, replays: ReplayPace
) -> None:
    other = Steps(clockwork, 50)

    def adds() -> bool:
        replays.add(other)
        return False

    replays.add(adds)
    while clockwork.calls:
        assert clockwork.calls == 1
        clockwork.run()
    assert other.done == 50


def test_a_step_that_fails_is_logged_and_the_others_go_on(
    clockwork: Clockwork, replays: ReplayPace, caplog: pytest.LogCaptureFixture
) -> None:
    steps, failures = Steps(clockwork, 5), iter([ValueError("it broke")])

    def fails_once() -> bool:
        for failure in failures:
            raise failure
        return False

    replays.add(fails_once)
    replays.add(steps)
    while clockwork.calls:
        clockwork.run()
    assert steps.done == 5
    assert "it broke" in caplog.text
