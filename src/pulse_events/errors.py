"""Exceptions of pulse-events: one class per different action of the caller; what each counts as."""

from enum import StrEnum, auto


class Count(StrEnum):
    """What an oddity of a message, or a refusal by a limit, adds to: a field of `Statistics`."""

    UNROUTED = auto()
    MALFORMED = auto()
    OVERSIZED_KEYS = auto()
    SKIPPED_KEYS = auto()
    REFUSED_STREAMS = auto()
    REFUSED_STREAMS_OF_ADDRESS = auto()
    REFUSED_REQUESTS = auto()
    REFUSED_BINDINGS = auto()
    REFUSED_DISTINCT_BINDINGS = auto()
    REFUSED_DISTINCT_BINDINGS_OF_ADDRESS = auto()
    REFUSED_OUTSTANDING_BINDINGS = auto()
    REFUSED_QUEUES_OF_ADDRESS = auto()
    REFUSED_HEADS = auto()
    REFUSED_CONNECTIONS = auto()
    REFUSED_CONNECTIONS_OF_ADDRESS = auto()
    DISPLACED_CONNECTIONS = auto()
    REFUSED_TOKENS = auto()


class PulseEventsError(Exception):
    """Root of every exception that this package raises on purpose."""

    counted_as: Count | None = None
    """What this adds to, if it is a limit's."""


class InputError(PulseEventsError):
    """A client's request is wrong; the text says where and what to do.  Answered with 400."""


class TooManyBindings(InputError):
    """One stream asks for more bindings than it may have.  Answered with 400."""

    counted_as = Count.REFUSED_BINDINGS


class LimitReached(PulseEventsError):
    """A limit of the process is reached, by all clients together.  Answered with 503."""

    counted_as: Count

    def __init__(self, text: str, counted_as: Count, *, wait_s: float = 1.0) -> None:
        super().__init__(text)
        self.counted_as = counted_as
        self.wait_s = wait_s
        """After how long it makes sense to ask again."""


class AddressLimitReached(LimitReached):
    """A limit of one client address is reached: it must ask for less.  Answered with 429."""


class SettingsError(PulseEventsError):
    """An option, environment variable or config key is wrong.  Ends the start with code 2."""


class BindingRefused(PulseEventsError):
    """The broker will not bind: the exchange does not exist or access to it is refused.

    Only the clients that asked for this exchange are told; answered with 404.

    Args:
        text: What they are told: no user, virtual host or version.
        logged: The broker's own words, for the log.
    """

    def __init__(self, text: str, logged: str = "") -> None:
        super().__init__(text)
        self.logged = logged or text


class BrokerUnavailable(PulseEventsError):
    """There is no connection to the broker now; trying again later may work.

    Args:
        text: For the log.
        kind: All that anybody else is told: no user, virtual host, host or version.
    """

    kind = "not reachable"

    def __init__(self, text: str, kind: str = "") -> None:
        super().__init__(text)
        self.kind = kind or self.kind


class TokenExpired(PulseEventsError):
    """A stream token is unknown here, or no more; ask for a new one.  Answered with 410."""


class MessagesMissed(PulseEventsError):
    """Messages are lost, by the broker or here; every client that may be owed one is told.

    Args:
        text: What they are told.
        back_ms: How long ago the first of these was due at most, if that is before what came last.
    """

    def __init__(self, text: str, back_ms: int = 0) -> None:
        super().__init__(text)
        self.back_ms = back_ms


class StreamEnded(PulseEventsError):
    """The server ended a stream with an ``error`` event; the text is the server's reason."""


class ConnectionLost(PulseEventsError):
    """The server cannot be reached, or the connection to it broke; trying again may help.

    Args:
        text: Why.
        wait_s: After how many seconds it makes sense to try again, if the server said so.
    """

    def __init__(self, text: str, *, wait_s: float = 0.0) -> None:
        super().__init__(text)
        self.wait_s = wait_s
