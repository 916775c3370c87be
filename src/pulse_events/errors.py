"""Exceptions of pulse-events: one class per different action of the caller."""


class PulseEventsError(Exception):
    """Root of every exception that this package raises on purpose."""

    counted_as = ""
    """The count of the statistics that this adds to, if it is a limit's."""


class InputError(PulseEventsError):
    """A client's request is wrong; the text says where and what to do.  Answered with 400."""


class TooManyBindings(InputError):
    """One stream asks for more bindings than it may have.  Answered with 400."""

    counted_as = "refused_bindings"


class LimitReached(PulseEventsError):
    """A limit of the process is reached, by all clients together.  Answered with 503."""

    def __init__(self, text: str, counted_as: str) -> None:
        super().__init__(text)
        self.counted_as = counted_as


class AddressLimitReached(LimitReached):
    """A limit of one client address is reached: it must ask for less.  Answered with 429."""


class SettingsError(PulseEventsError):
    """An option, environment variable or config key is wrong.  Ends the start with code 2."""


class BindingRefused(PulseEventsError):
    """The broker will not bind: the exchange does not exist or access to it is refused.

    Only the clients that asked for this exchange are told; answered with 404.
    """


class BrokerUnavailable(PulseEventsError):
    """There is no connection to the broker now; trying again later may work."""


class TokenExpired(PulseEventsError):
    """A stream token is unknown here, or no more; ask for a new one.  Answered with 410."""


class MessagesMissed(PulseEventsError):
    """Messages are lost, by the broker or here; every client that may be owed one is told."""


class StreamEnded(PulseEventsError):
    """The server ended a stream with an ``error`` event; the text is the server's reason."""
