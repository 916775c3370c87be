"""The seams of the hub: what it needs of a broker and of a stream, and what a broker tells it.

Interfaces and values alone.  A broker is told what to bind and answers later through its
`Listener`; every call between the two is synchronous and on the loop's thread.  Another broker is
one more `Broker`, another face of the server makes other `Stream`s.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, Protocol

from pulse_events.bindings import Binding
from pulse_events.cursors import NONE
from pulse_events.errors import BindingRefused, MessagesMissed, PulseEventsError
from pulse_events.messages import Message
from pulse_events.wire.wire import Wire

if TYPE_CHECKING:
    from pulse_events.hub.audience import Audience


class Stream(Protocol):
    """What the hub needs of a client's stream.  Neither call may wait or call the hub back."""

    audience: "Audience | None"
    """Whose messages it gets, set by `Audience.join` and `Audience.leave`."""
    wire: Wire
    owner: str
    """Whose share of the server's work this is, such as the client's address."""

    @property
    def is_blocked(self) -> bool:
        """Whether some of what was written waits for the client to read."""

    def write(self, chunk: bytes) -> None:
        """Send complete events, encoded."""

    def end(self, reason: PulseEventsError, cursor: bytes = NONE) -> None:
        """Send an ``error`` event that says ``reason``, then close.

        ``cursor`` is of the place up to which it has had everything, if it can be resumed.
        """


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


class Orders(Protocol):
    """How to tell a broker what to bind; returns at once, is carried out later, in order."""

    def bind(self, binding: Binding, owner: str = "") -> None:
        """Want ``binding`` from now on, over lost connections too.

        Answered by `Listener.confirmed` or `Listener.refused`; after a lost connection again.

        Args:
            binding: What.
            owner: Who asks, or ``""`` if nobody alone does.  Each owner has a share of the broker's
                work; so before the answer, which comes once, the order comes again for each
                further one who waits for it.
        """

    def unbind(self, binding: Binding) -> None:
        """No longer want ``binding``; not answered, and takes back an answer that is to come."""

    def outstanding(self, owner: str) -> int:
        """Return how many bindings ``owner`` was the first to want have never been answered."""

    def waiting(self) -> Waiting:
        """Return what has not been answered, whoever asked."""


class Broker(Orders, Protocol):
    """A message broker that one process consumes one queue of, and what it can do beyond that."""

    @property
    def name(self) -> str:
        """Where the broker is, for people; no password."""

    @property
    def public_name(self) -> str:
        """What everybody may know of that: no user, virtual host or port."""

    @property
    def health(self) -> Health:
        """The state of the connection."""

    @property
    def publish(self) -> Callable[[Message], None] | None:
        """Take a message from this process; ``None`` of a broker that has publishers of its own."""

    @property
    def exact(self) -> "Callable[[], Broker] | None":
        """Return one more, not yet connected, whose queue is to hold one set of bindings.

        ``None`` of a broker whose exchanges are all matched as `topics` matches.
        """

    async def run(self, listener: Listener) -> None:
        """Connect and deliver to ``listener`` until cancelled; connect again when lost.

        Cancelling closes the connection, within a bounded time.
        """
