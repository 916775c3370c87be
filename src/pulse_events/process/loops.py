"""The event loop: uvloop, or asyncio's own where uvloop does not exist."""

try:
    from uvloop import new_event_loop
except ImportError:  # pragma: no cover  # uvloop does not exist for every platform
    from asyncio import new_event_loop  # type: ignore[assignment]

__all__ = ["new_event_loop"]
