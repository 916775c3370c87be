"""RabbitMQ messages as Server-Sent Events: one queue per process, any number of streams.

What is exported is the client for asyncio; `pulse_events.sync` has the same without a loop.  Each
name is loaded when it is first used: the server does not load the client, nor the other way round.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pulse_events import sync
    from pulse_events.bindings import Binding
    from pulse_events.client.asynchronous import Listening, listen
    from pulse_events.client.items import Gap, Message, Ping, Ready
    from pulse_events.errors import (
        BindingRefused,
        ConnectionLost,
        InputError,
        PulseEventsError,
        StreamEnded,
    )

__all__ = [
    "Binding",
    "BindingRefused",
    "ConnectionLost",
    "Gap",
    "InputError",
    "Listening",
    "Message",
    "Ping",
    "PulseEventsError",
    "Ready",
    "StreamEnded",
    "listen",
    "sync",
]

_PLACES = {
    "pulse_events.bindings": ("Binding",),
    "pulse_events.client.asynchronous": ("Listening", "listen"),
    "pulse_events.client.items": ("Gap", "Message", "Ping", "Ready"),
    "pulse_events.errors": (
        "BindingRefused",
        "ConnectionLost",
        "InputError",
        "PulseEventsError",
        "StreamEnded",
    ),
}

if not TYPE_CHECKING:  # with it, checkers would take any name for one of ours

    def __getattr__(name: str) -> object:
        if name == "sync":
            return import_module("pulse_events.sync")
        for place, names in _PLACES.items():
            if name in names:
                return globals().setdefault(name, getattr(import_module(place), name))
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
