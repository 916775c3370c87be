"""A log of what strangers can cause as often as they like: the first few, then how many more."""

import logging
import time
from collections.abc import Callable

LINES_LIMIT = 20
PERIOD_S = 10.0


class SparingLog:
    """Says at most `LINES_LIMIT` lines in `PERIOD_S`; of the others, with the next one, the number.

    Args:
        log: Where it says them.
        clock: Returns seconds; never goes back.
    """

    def __init__(self, log: logging.Logger, clock: Callable[[], float] = time.monotonic) -> None:
        self._log = log
        self._clock = clock
        self._since_s = -PERIOD_S
        self._said = self._left_out = 0

    def info(self, text: str, *arguments: object) -> None:
        """Say ``text``, or count it."""
        now_s = self._clock()
        if now_s - self._since_s >= PERIOD_S:
            if self._left_out:
                self._log.info("and %d more lines like those before", self._left_out)
            self._since_s, self._said, self._left_out = now_s, 0, 0
        if self._said < LINES_LIMIT:
            self._said += 1
            self._log.info(text, *arguments)
        else:
            self._left_out += 1
