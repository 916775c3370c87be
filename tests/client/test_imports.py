"""What importing the client loads: little, and nothing of httpx before the first ``listen``."""

import subprocess
import sys

import pytest

import pulse_events
from pulse_events import sync

LISTING = "\nimport sys; print(*sys.modules)"
HEAVY = {
    "aiohttp",
    "asyncio",
    "click",
    "httpx",
    "importlib.metadata",
    "msgspec",
    "pika",
    "prometheus_client",
    "pydantic",
    "ssl",
    "uvloop",
    "yarl",
}
SERVER = {
    "pulse_events.access",
    "pulse_events.brokers",
    "pulse_events.cli",
    "pulse_events.configuration",
    "pulse_events.demo",
    "pulse_events.hub",
    "pulse_events.log",
    "pulse_events.process",
    "pulse_events.web",
}
CALL = "listen('http://h', ('e', '#'))"


def modules_of(code: str) -> set[str]:
    """Return what a program has loaded at its end."""
    command = [sys.executable, "-c", code + LISTING]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    return set(done.stdout.split())


def test_the_package_loads_nothing_by_itself() -> None:
    loaded = modules_of("import pulse_events")
    assert {name for name in loaded if name.startswith("pulse_events")} == {"pulse_events"}


@pytest.mark.parametrize("code", ["from pulse_events import *", "from pulse_events.sync import *"])
def test_the_names_load_nothing_that_is_heavy(code: str) -> None:
    loaded = modules_of(code)
    assert "pulse_events.client.items" in loaded
    assert loaded.isdisjoint(HEAVY | SERVER)


@pytest.mark.parametrize("place", ["pulse_events", "pulse_events.sync"])
def test_the_first_call_loads_httpx_and_nothing_of_the_server(place: str) -> None:
    loaded = modules_of(f"from {place} import listen; {CALL}")
    assert loaded >= {"httpx", "pulse_events.client.course"}
    assert loaded.isdisjoint(SERVER | {"aiohttp", "pika", "pydantic", "msgspec", "yarl"})


def test_both_places_export_the_same_names() -> None:
    assert [*pulse_events.__all__] == [*sync.__all__, "sync"]
    for name in pulse_events.__all__:
        assert name in dir(pulse_events)
        here, there = getattr(pulse_events, name), getattr(sync, name, sync)
        assert name in ("listen", "Listening") or here is there


def test_other_names_are_none() -> None:
    with pytest.raises(AttributeError, match="'pulse_events' has no attribute 'nothing'"):
        _ = pulse_events.nothing  # type: ignore[attr-defined]
    with pytest.raises(ImportError):
        from pulse_events import nothing  # type: ignore[attr-defined]  # noqa: F401
