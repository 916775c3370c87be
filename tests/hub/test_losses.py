"""Which places lie within a loss that was not told to all."""

from pulse_events.bindings import BindingSet
from pulse_events.hub.audience import Audience
from pulse_events.hub.losses import STRETCHES, UNKNOWN_MS, Losses
from pulse_events.wire.wire import Gap
from tests.support.hub_desk import RESUMING

GAP = Gap("the queue is gone", 1000, 1010)


def audience() -> Audience:
    return Audience(BindingSet.of([("e", "#")]), RESUMING)


def places(losses: Losses, *positions: int) -> list[int | None]:
    return [losses.from_ms(position) for position in positions]


def test_a_loss_counts_from_before_it_until_it_is_told() -> None:
    losses = Losses()
    losses.note(after=3, position=6, from_ms=1000)
    assert places(losses, 3, 4, 5, 6, 7) == [None, 1000, 1000, None, None]


def test_as_long_as_somebody_is_owed_a_gap_it_goes_on() -> None:
    losses, (one, other) = Losses(), (audience(), audience())
    losses.note(3, 6, 1000)
    losses.owe(one, GAP)
    losses.owe(other, GAP)
    assert losses.settle(one, 8) == GAP
    assert places(losses, 6, 100) == [1000, 1000]
    assert losses.settle(one, 9) is None
    assert losses.settle(other, 20) == GAP
    assert places(losses, 3, 4, 19, 20) == [None, 1000, 1000, None]


def test_losses_one_behind_the_other_are_known_apart() -> None:
    losses = Losses()
    losses.note(3, 6, 1000)
    losses.note(8, 10, 2000)
    assert places(losses, 5, 7, 9, 11) == [1000, None, 2000, None]


def test_losses_within_each_other_are_one() -> None:
    losses, one = Losses(), audience()
    losses.note(3, 6, 1000)
    losses.note(8, 10, 2000)
    losses.note(4, 12, 1100)  # noticed late
    assert places(losses, 3, 4, 7, 11, 12) == [None, 1000, 1000, 1000, None]
    losses.owe(one, GAP)
    losses.note(20, 22, 3000)
    assert places(losses, 15, 22, 100) == [1000, 1000, 1000]
    losses.owe(one, GAP._replace(from_ms=900))
    assert losses.settle(one, 30) == GAP._replace(from_ms=900)


def test_of_many_the_oldest_are_not_known_apart() -> None:
    losses = Losses()
    for count in range(STRETCHES + 1):
        losses.note(10 * count, 10 * count + 5, 1000 * (count + 1))
    assert places(losses, 0, 4, 5, 12, 15) == [UNKNOWN_MS, UNKNOWN_MS, None, 2000, None]
    assert places(losses, 10 * STRETCHES + 1) == [1000 * (STRETCHES + 1)]
