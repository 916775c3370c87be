"""Variables without our prefix: Taskcluster's own, and what its other services listen to."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from pulse_events.configuration.redaction import redacted_word
from pulse_events.errors import SettingsError

PULSE_KEYS = frozenset({"username", "password", "hostname", "vhost", "amqps", "connection_string"})
"""What a ``pulse`` section of the config file may hold, and a variable ``PULSE_…`` may say."""
YES = frozenset({"1", "true", "yes", "on"})
NO = frozenset({"0", "false", "no", "off"})
OTHER_VARIABLES = {
    "port": ("PORT",),
    "broker": ("PULSE_CONNECTION_STRING", "PULSE_HOSTNAME"),
    "taskcluster_root_url": ("TASKCLUSTER_ROOT_URL",),
    "trust_proxy": ("TRUST_PROXY",),
}
"""Those that stand for a setting, strongest first."""


def other_variables(environ: Mapping[str, str], pulse: Mapping[str, str]) -> dict[str, Any]:
    """Return what they say, by field name.

    Args:
        environ: All variables.
        pulse: What the config file says of Pulse, where the variables do not.

    Raises:
        SettingsError: ``PULSE_AMQPS`` is neither true nor false.
    """
    found: dict[str, Any] = {}
    for name in ("port", "taskcluster_root_url", "trust_proxy"):
        (variable,) = OTHER_VARIABLES[name]
        if variable in environ:
            found[name] = environ[variable]
    if any(f"{part}:".startswith(("*:", "events:")) for part in words(environ.get("DEBUG"))):
        found["log_level"] = "debug"
    ours = {key: environ[name] for key in PULSE_KEYS if (name := f"PULSE_{key.upper()}") in environ}
    if ours:
        found.update(broker_of({**pulse, **ours}))
    return found


def words(text: str | None) -> list[str]:
    """Return the parts of a list in one text."""
    return (text or "").replace(",", " ").split()


def broker_of(pulse: Mapping[str, str]) -> dict[str, str]:
    """Return the broker that Pulse credentials name, if they do; raises as `other_variables`."""
    if pulse.get("connection_string"):
        return {"broker": pulse["connection_string"]}
    if not pulse.get("hostname"):
        return {}
    encrypted = pulse.get("amqps", "true").lower()
    if encrypted not in YES | NO:
        shown = redacted_word(encrypted)
        raise SettingsError(f"PULSE_AMQPS, or 'amqps', must be true or false, not {shown!r}")
    scheme = "amqp" if encrypted in NO else "amqps"
    user, password, vhost = (
        quote(pulse.get(key, default), safe="", errors="surrogateescape")
        for key, default in (("username", "guest"), ("password", "guest"), ("vhost", "/"))
    )
    return {"broker": f"{scheme}://{user}:{password}@{pulse['hostname']}/{vhost}"}


def given(variables: Mapping[str, str]) -> dict[str, Any]:
    """Return what is said; an empty variable says nothing."""
    return {name: text for name, value in variables.items() if (text := value.strip())}
