"""Options from flags, environment and YAML in one model.  Opens nothing but the config file.

Order of precedence: option, environment, config file, default.
"""

import os
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote

import yaml
from pydantic import Field, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from pulse_events.errors import SettingsError
from pulse_events.hub import DEFAULT_BINDINGS_LIMIT
from pulse_events.messages import DEFAULT_LIMIT_BYTES

PREFIX = "PULSE_EVENTS_"
DEFAULT_CONFIG = "user-config.yml"
MEMORY = "memory:"
HEAD_LIMIT_BYTES = 64 << 10

_PULSE_KEYS = {"username", "password", "hostname", "vhost", "amqps", "connection_string"}
_YES = {"1", "true", "yes", "on"}
_NO = {"", "0", "false", "no", "off"}
_VARIABLES = {
    "port": ("PORT",),
    "broker": ("PULSE_CONNECTION_STRING", "PULSE_HOSTNAME"),
    "taskcluster_root_url": ("TASKCLUSTER_ROOT_URL",),
    "trust_proxy": ("TRUST_PROXY",),
}
"""Variables without our prefix that stand for a setting, strongest first."""


class Settings(BaseSettings):
    """What ``pulse-events serve`` can be told; the field names are those of flags and variables."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    host: str = Field("127.0.0.1", min_length=1, description="Address to listen on.")
    port: int = Field(12345, ge=0, le=65535, description="Port to listen on; 0 picks a free one.")
    broker: str = Field(
        MEMORY, repr=False, description="memory:, amqp://user:pass@host:port/vhost or amqps://…"
    )
    broker_ca_file: Path | None = Field(
        None, description="PEM file of the authorities that an amqps:// certificate must come from."
    )
    config: Path | None = Field(
        None, description=f"YAML file with these options; {DEFAULT_CONFIG} if it exists."
    )
    profile: str | None = Field(
        None, description="Section of the config file; NODE_ENV, or the only one."
    )
    demo: float | None = Field(
        None, gt=0, le=10_000, description="Made-up messages per second, with memory: only."
    )
    workers: int = Field(1, ge=1, le=256, description="Processes that share the port.")
    ping_interval: float = Field(20.0, ge=0.1, le=3600, description="Seconds between ping events.")
    max_bindings: int = Field(100, ge=1, le=100_000, description="Bindings that a stream may have.")
    max_distinct_bindings: int = Field(
        DEFAULT_BINDINGS_LIMIT, ge=1, description="Distinct bindings of all streams together."
    )
    max_bindings_per_address: int | None = Field(
        None,
        ge=1,
        description="Distinct bindings that one address may be the first to want; if absent, "
        "10000, and any number from this machine itself.",
    )
    max_streams: int | None = Field(
        None, ge=1, description="Open streams; what the descriptors allow if absent."
    )
    max_streams_per_address: int | None = Field(
        None,
        ge=1,
        description="Open streams of one IPv4 address or IPv6 /64 network; if absent, 1000, and "
        "any number from this machine itself.",
    )
    max_connections_per_address: int | None = Field(
        None,
        ge=1,
        description="Connections of one address that are not streams; if absent, 1000, and any "
        "number from this machine itself.",
    )
    max_request_rate: float | None = Field(
        None,
        ge=0.1,
        description="Requests per second of one address, ten seconds' worth at once; one with new "
        "bindings or a long body counts as many. If absent, 1000, and any number from this machine "
        "itself.",
    )
    trust_proxy: int = Field(
        0,
        ge=0,
        le=100,
        description="Proxies in front, each of which adds to X-Forwarded-For; true is one.",
    )
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Networks of those proxies, like 192.0.2.0/24; what others say in "
        "X-Forwarded-For does not count. May be given many times, or several with blanks between "
        "them; loopback and private networks if absent.",
    )
    max_head_bytes: int = Field(
        HEAD_LIMIT_BYTES, ge=8192, le=1 << 20, description="Size of a request's head."
    )
    max_message_bytes: int = Field(
        DEFAULT_LIMIT_BYTES,
        ge=1,
        le=1 << 30,
        description="Longest body of a message that is passed on; of others only the size.",
    )
    max_unsent_bytes: int = Field(
        1 << 20, ge=1, le=1 << 30, description="What a stream may leave unread before it is closed."
    )
    exact: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Exchanges, as a GLOB, whose bindings get a queue of their own; may be given "
        "many times, or several with blanks between them.",
    )
    max_exact_per_address: int | None = Field(
        None,
        ge=1,
        description="Such queues that one address may open; if absent, 10, and any number from "
        "this machine itself.",
    )
    compression: Literal["on", "off"] = Field(
        "on", description="Gzip for streams of clients that accept it."
    )
    namespace: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9_.-]{1,64}$",
        description="Queues are named queue/NAMESPACE/…; the broker user if absent.",
    )
    taskcluster_root_url: str | None = Field(
        None,
        pattern=r"^https?://[^\s/?#]+/?$",
        description="Of the deployment that the messages are of; the page links to its tasks.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least severe lines to log."
    )
    log_format: Literal["text", "json"] = Field("text", description="json is mozlog.")

    @field_validator("exact", "trusted_proxies", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        """Return the words of a text."""
        return _words(value) if isinstance(value, str) else value

    @field_validator("trusted_proxies")
    @classmethod
    def _check_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        """Refuse what is no network; they stay texts, which a worker gets as JSON."""
        for text in value:
            ip_network(text)  # its ValueError says why not
        return value

    @field_validator("trust_proxy", mode="before")
    @classmethod
    def _count_proxies(cls, value: object) -> object:
        """Return a number for yes and no, which other services of Taskcluster take."""
        text = str(value).lower()
        return 1 if text in _YES else 0 if text in _NO else value

    @field_validator("compression", mode="before")
    @classmethod
    def _undo_yaml(cls, value: object) -> object:
        """Return what stands in the file: YAML 1.1 reads ``on`` and ``off`` as booleans."""
        return ("off", "on")[value] if isinstance(value, bool) else value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return the sources, strongest first."""
        named = {**env_settings(), **init_settings()}
        file, pulse = _read_config(named.get("config"), named.get("profile"))
        others = _other_variables(os.environ, pulse)
        return (
            init_settings,
            env_settings,
            InitSettingsSource(settings_cls, others),
            InitSettingsSource(settings_cls, {**_broker_of(pulse), **file}),
        )


def load_settings(options: Mapping[str, str]) -> Settings:
    """Return the settings of this process.

    Args:
        options: Flags that were given, by field name, as text.

    Raises:
        SettingsError: A value is bad or a key unknown; one line that names where it stands, and
            never holds a password.
    """
    try:
        settings = Settings(**options)  # type: ignore[arg-type]  # text, which pydantic converts
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        if first["type"] == "extra_forbidden":
            raise SettingsError(f"{place_of(name, options)}: there is no such setting") from None
        shown = "" if name == "broker" else f", not {first['input']!r}"
        raise SettingsError(f"{place_of(name, options)}: {first['msg']}{shown}") from None
    if settings.demo is not None and settings.broker != MEMORY:
        raise SettingsError(f"{place_of('demo', options)}: works with the broker {MEMORY} only")
    return settings


def place_of(name: str, options: Mapping[str, str]) -> str:
    """Name the place that a setting's value came from; it has one, it is not the default."""
    if name in options:
        return "--" + name.replace("_", "-")
    if PREFIX + name.upper() in os.environ:
        return f"environment variable {PREFIX}{name.upper()}"
    for variable in _VARIABLES.get(name, ()):
        if os.environ.get(variable):
            return f"environment variable {variable}"
    return f"config file, key {name!r}"


def _read_config(path: object, profile: object) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a config file's options, and its ``pulse`` section in the layout of the original."""
    if path is None and not Path(DEFAULT_CONFIG).exists():
        return {}, {}
    file = Path(str(path or DEFAULT_CONFIG))
    try:
        document = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"cannot read the config file {file}: {error}") from None
    except yaml.YAMLError as error:
        place = getattr(error, "problem_mark", None)
        line = f" at line {place.line + 1}" if place else ""
        raise SettingsError(f"the config file {file} is not YAML{line}") from None
    if not isinstance(document, dict):
        raise SettingsError(f"the config file {file} must hold keys and values")
    if not document or not all(isinstance(section, dict) for section in document.values()):
        return {str(key).replace("-", "_"): value for key, value in document.items()}, {}
    return {}, _pulse_section(file, document, profile)


def _pulse_section(file: Path, document: dict[str, Any], profile: object) -> dict[str, Any]:
    """Return ``pulse`` of the profile that is asked for, else of the only one."""
    wanted = profile or os.environ.get("NODE_ENV")
    if wanted is None and len(document) == 1:
        wanted = next(iter(document))
    if wanted not in document:
        fault = f"no profile {wanted!r}" if wanted else "several profiles"
        names = ", ".join(map(str, document))
        raise SettingsError(
            f"the config file {file} has {fault}; pick one of {names} with --profile"
        )
    pulse = document[wanted].get("pulse") or {}
    if not isinstance(pulse, dict):
        raise SettingsError(f"the config file {file} must hold keys and values under 'pulse'")
    others = [*(document[wanted].keys() - {"pulse"}), *(pulse.keys() - _PULSE_KEYS)]
    if others:
        raise SettingsError(f"the config file {file} has the unknown key {others[0]!r}")
    return {key: value for key, value in pulse.items() if value is not None}


def _other_variables(environ: Mapping[str, str], pulse: dict[str, Any]) -> dict[str, Any]:
    """Return what variables without our prefix say: Taskcluster's own, ``PORT``, ``DEBUG``."""
    found: dict[str, Any] = {}
    for name in ("port", "taskcluster_root_url", "trust_proxy"):
        (variable,) = _VARIABLES[name]
        if environ.get(variable):
            found[name] = environ[variable]
    if any(f"{part}:".startswith(("*:", "events:")) for part in _words(environ.get("DEBUG"))):
        found["log_level"] = "debug"
    ours = {
        key: environ[name] for key in _PULSE_KEYS if (name := f"PULSE_{key.upper()}") in environ
    }
    if ours:
        found.update(_broker_of({**pulse, **ours}))
    return found


def _words(text: str | None) -> list[str]:
    return (text or "").replace(",", " ").split()


def _broker_of(pulse: Mapping[str, Any]) -> dict[str, str]:
    """Return the broker that Pulse credentials name, if they do."""
    if pulse.get("connection_string"):
        return {"broker": str(pulse["connection_string"])}
    if not pulse.get("hostname"):
        return {}
    encrypted = str(pulse.get("amqps", True)).lower()
    if encrypted not in _YES | _NO:
        raise SettingsError(f"PULSE_AMQPS, or 'amqps', must be true or false, not {encrypted!r}")
    scheme = "amqp" if encrypted in _NO else "amqps"
    user, password, vhost = (
        quote(str(pulse.get(key, default)), safe="")
        for key, default in (("username", "guest"), ("password", "guest"), ("vhost", "/"))
    )
    return {"broker": f"{scheme}://{user}:{password}@{pulse['hostname']}/{vhost}"}
