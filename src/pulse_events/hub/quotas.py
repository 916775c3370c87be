"""How many bindings all streams together, and those of one owner, may have.  Counts nothing."""

import sys
from collections.abc import Callable
from dataclasses import dataclass

from pulse_events.bindings import BindingSet
from pulse_events.errors import AddressLimitReached, Count, LimitReached
from pulse_events.hub.interest import Interest
from pulse_events.hub.ports import Orders

DEFAULT_BINDINGS_LIMIT = 100_000
"""Distinct bindings of a process, those of the linger included."""


def _any_number(_owner: str) -> int:
    return sys.maxsize


@dataclass(frozen=True, slots=True)
class Quotas:
    """The limits of bindings, each of them of distinct ones."""

    bindings: int = DEFAULT_BINDINGS_LIMIT
    """That all audiences may have together."""
    of_owner: Callable[[str], int] = _any_number
    """Returns how many one owner may be the first to want."""
    unanswered_of_owner: Callable[[str], int] = _any_number
    """Returns how many of those may have no answer of the broker."""

    def check(self, bindings: BindingSet, owner: str, interest: Interest, orders: Orders) -> None:
        """Do nothing if ``owner`` may want ``bindings`` beside what there is.

        Raises:
            LimitReached: All streams together would have too many.
            AddressLimitReached: Those of the owner would, or too many of them wait for the broker's
                answer.
        """
        new = interest.new_among(bindings.asked)
        distinct, owned = interest.distinct + new, interest.owned(owner) + new
        if distinct > self.bindings:
            raise LimitReached(
                f"all streams of this server would have {distinct} distinct bindings, the limit is "
                f"{self.bindings}; ask for fewer, or try again later",
                Count.REFUSED_DISTINCT_BINDINGS,
            )
        if new and owned > (limit := self.of_owner(owner)):
            raise AddressLimitReached(
                f"{owner} would have {owned} distinct bindings, the limit is {limit}; ask for "
                "fewer, or try again later",
                Count.REFUSED_DISTINCT_BINDINGS_OF_ADDRESS,
            )
        if new:
            self._check_unanswered(owner, new, orders.outstanding(owner))

    def _check_unanswered(self, owner: str, new: int, waiting: int) -> None:
        """Refuse more work for the broker from one who has much of it in line.

        Who has none may ask for more than the limit: how many a stream has is limited elsewhere.
        """
        limit = self.unanswered_of_owner(owner)
        if waiting and waiting + new > limit:
            raise AddressLimitReached(
                f"{owner} has {waiting} bindings that the broker has not answered and asks for "
                f"{new} more, the limit is {limit}; wait, and try again",
                Count.REFUSED_OUTSTANDING_BINDINGS,
            )
