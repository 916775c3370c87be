"""Exceptions of pulse-events: one class per different action of the caller."""


class PulseEventsError(Exception):
    """Root of every exception that this package raises on purpose."""


class InputError(PulseEventsError):
    """A client's request is wrong; the text says where and what to do.  Answered with 400."""


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
    """The broker did not keep all messages; every client that was listening is told."""


class StreamEnded(PulseEventsError):
    """The server ended a stream with an ``error`` event; the text is the server's reason."""
