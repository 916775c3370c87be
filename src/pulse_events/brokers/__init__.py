"""What the hub needs of a message broker, whichever it is.

A broker is told what to bind and answers later through its `Listener`; every call between the
two is synchronous and on the loop's thread.
"""

import logging
from typing import NamedTuple, Protocol

from pulse_events.bindings import Binding
from pulse_events.errors import BindingRefused, MessagesMissed
from pulse_events.hub.oddities import Oddities, Oddity
from pulse_events.messages import Message

log = logging.getLogger(__name__)


class Listener(Protocol):
    """What a broker tells; the hub is one."""

    def publish(self, message: Message) -> None:
        """Take a message that the broker delivered.

        Of a message with ``malformed`` some of ``cc`` may be missing.
        """

    def failed(self, message: Message, error: Exception) -> None:
        """Note that `publish` raised ``error``, so that nobody may have got ``message``.

        It counts as delivered all the same: it would fail again.
        """

    def confirmed(self, binding: Binding) -> None:
        """Note that ``binding`` is in force."""

    def refused(self, binding: Binding, reason: BindingRefused) -> None:
        """Note that the broker will not bind ``binding``, and forgets it."""

    def lost(self) -> None:
        """Note that no binding can be relied on until it is confirmed anew."""

    def missed(self, reason: MessagesMissed) -> None:
        """Note that messages for bindings that were in force are gone for ever."""


def lose(listener: Listener, message: Message, error: Exception) -> None:
    """Have it told that ``listener.publish(message)`` raised; whatever that raises ends here."""
    try:
        listener.failed(message, error)
    except Exception as another:
        _untold.note(Oddity("malformed", message.exchange, "", another))


def _log_untold(oddity: Oddity) -> None:
    text = "a message of exchange %r is lost, and nobody is told"
    log.error(text, oddity.exchange, exc_info=oddity.error)


_untold = Oddities(_log_untold)


class Health(NamedTuple):
    """Whether the broker can be used now, and if not, why.

    Everybody may see it: no password, user, virtual host, host or version is in it.
    """

    connected: bool
    reason: str = ""
    warning: str = ""
    """What is wrong with a broker that can be used."""


class Waiting(NamedTuple):
    """Bindings that the broker has not answered."""

    bindings: int = 0
    age_s: float = 0.0
    """How long the oldest has waited."""


class Broker(Protocol):
    """A message broker that one process consumes one queue of."""

    @property
    def name(self) -> str:
        """Where the broker is, for people; no password."""

    @property
    def health(self) -> Health:
        """The state of the connection."""

    def bind(self, binding: Binding, owner: str = "") -> None:
        """Want ``binding`` from now on, over lost connections too; ``owner`` is who asks.

        Answered by `Listener.confirmed` or `Listener.refused`; after a lost connection again.
        Several owners may ask, each of whom has a share of the broker's work; answered once.
        """

    def unbind(self, binding: Binding) -> None:
        """No longer want ``binding``; not answered."""

    def outstanding(self, owner: str) -> int:
        """Return how many bindings ``owner`` was the first to want have never been answered."""

    def waiting(self) -> Waiting:
        """Return what has not been answered, whoever asked."""

    async def run(self, listener: Listener) -> None:
        """Connect and deliver to ``listener`` until cancelled; connect again when lost.

        Cancelling closes the connection, within a bounded time.
        """
