"""What the log says about odd messages, once for each kind and exchange."""

import logging

from pulse_events.errors import Count
from pulse_events.hub.oddities import Oddity

log = logging.getLogger(__name__)

_REMARKS = {
    Count.UNROUTED: (
        "a message of exchange %(exchange)r matched nobody who listens: is it no topic exchange, "
        "or was the message published with BCC, or through a binding between exchanges? The option "
        "--exact %(exchange)r has the broker alone decide"
    ),
    Count.MALFORMED: "a message of exchange %(exchange)r could not be read in full: %(why)s",
    Count.OVERSIZED_KEYS: (
        "a message of exchange %(exchange)r has a key of over 255 bytes or 128 words: such a key "
        "matches the pattern # alone"
    ),
    Count.SKIPPED_KEYS: (
        "a message of exchange %(exchange)r has more keys than are matched: the first 128 of CC, "
        "and as many as can be compared with all patterns in half a millisecond"
    ),
}


def log_oddity(oddity: Oddity) -> None:
    """Say what is odd, or failed, with the advice that there is."""
    if oddity.error:
        text = "a message of exchange %r was not passed on; the streams on it are told"
        log.error(text, oddity.exchange, exc_info=oddity.error)
    else:
        log.warning(_REMARKS[oddity.kind], {"exchange": oddity.exchange, "why": oddity.why})
