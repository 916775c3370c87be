"""What becomes of a message that its listener failed at.  Knows no broker."""

import logging

from pulse_events.errors import Count
from pulse_events.hub.oddities import Oddities, Oddity
from pulse_events.hub.ports import Listener
from pulse_events.messages import Message

log = logging.getLogger(__name__)


def lose(listener: Listener, message: Message, error: Exception) -> None:
    """Have it told that ``listener.publish(message)`` raised; whatever that raises ends here."""
    try:
        listener.failed(message, error)
    except Exception as another:
        _untold.note(Oddity(Count.MALFORMED, message.exchange, "", another))


def _log_untold(oddity: Oddity) -> None:
    text = "a message of exchange %r is lost, and nobody is told"
    log.error(text, oddity.exchange, exc_info=oddity.error)


_untold = Oddities(_log_untold)
