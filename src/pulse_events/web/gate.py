"""The steps before routing: each lets a request pass or says why not, whatever it is for."""

from aiohttp import web

from pulse_events.errors import PulseEventsError
from pulse_events.web.refusals import Refusals
from pulse_events.web.senders import Senders
from pulse_events.web.work import Charges


class Gate:
    """Takes the steps for each request, in the order in which they stand in `_check`."""

    def __init__(self, senders: Senders, charges: Charges, refusals: Refusals) -> None:
        self._senders = senders
        self._charges = charges
        self._refusals = refusals

    async def refusal(
        self, request: web.BaseRequest, cost: int, *, as_stream: bool
    ) -> web.StreamResponse | None:
        """Return the answer to a request that may not pass, else ``None``.

        Args:
            request: Nothing of it has been looked at but its method and path.
            cost: What its route takes beyond a simple request; see `work.py`.
            as_stream: Whether it asks for a stream, and is told as one.
        """
        try:
            await self._check(request, cost)
        except PulseEventsError as reason:
            return self._refusals.answer(request, reason, as_stream=as_stream)
        return None

    async def _check(self, request: web.BaseRequest, cost: int) -> None:
        """Raise why a request may not pass."""
        self._senders.note(request)
        # First, so that being refused by what follows costs as much as being answered.
        await self._charges.begin(request, cost)
