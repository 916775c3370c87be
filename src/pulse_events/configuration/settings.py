"""Options from flags, environment and YAML in one model.

Opens nothing but the config file and the broker's.  Order of precedence: option, environment,
config file, default.
"""

import os
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from pulse_events.bindings import read_pair
from pulse_events.brokers import EMBEDDED
from pulse_events.configuration.config_file import Config, read_config
from pulse_events.configuration.other_variables import (
    NO,
    PULSE_KEYS,
    YES,
    broker_of,
    given,
    other_variables,
    words,
)
from pulse_events.configuration.small_files import read_small_file
from pulse_events.errors import InputError, SettingsError
from pulse_events.history import DEFAULT_AGE_S, DEFAULT_BYTES
from pulse_events.hub.linger import KEPT_BINDINGS
from pulse_events.hub.quotas import DEFAULT_BINDINGS_LIMIT
from pulse_events.messages import DEFAULT_LIMIT_BYTES

PREFIX = "PULSE_EVENTS_"
DEFAULT_CONFIG = "user-config.yml"
HEAD_LIMIT_BYTES = 64 << 10
BROKER_FILE_LIMIT_BYTES = 64 << 10
DEFAULT_LOG_BYTES = 10_000_000_000
DEFAULT_LOG_AGE_S = 7 * 86400.0

_BROKER_NAMES = (
    "--broker and --broker-file",
    f"environment variables {PREFIX}BROKER and {PREFIX}BROKER_FILE",
    "",
    "config file, keys 'broker' and 'broker-file'",
)
"""How each source of settings, strongest first, can name the broker twice."""


class Settings(BaseSettings):
    """What ``pulse-events serve`` can be told; the field names are those of flags and variables."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    host: str = Field("127.0.0.1", min_length=1, description="Address to listen on.")
    port: int = Field(12345, ge=0, le=65535, description="Port to listen on; 0 picks a free one.")
    broker: str = Field(
        EMBEDDED, repr=False, description="memory:, amqp://user:pass@host:port/vhost or amqps://…"
    )
    broker_file: Path | None = Field(
        None, description="File that holds the broker's URL, instead of --broker."
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
    max_outstanding_bindings: int | None = Field(
        None,
        ge=1,
        description="New bindings of one address that the broker has not answered; if absent, "
        "2000, and any number from this machine itself.",
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
    history: str = Field(
        "memory",
        description="Where messages are held for clients that were away, or are slow: 'memory', "
        "each process's own; 'amqp', what --record names also in a log at the broker, which all "
        "processes share; amqp://… or amqps://…, the same at another RabbitMQ; 'off', nowhere.",
    )
    history_bytes: int = Field(
        DEFAULT_BYTES, ge=1 << 10, le=1 << 40, description="Memory for the history."
    )
    history_age: float = Field(
        DEFAULT_AGE_S,
        ge=1,
        le=7 * 86400,
        description="Seconds that a message is held, and that the bindings of a stream that can be "
        "resumed stay after it.",
    )
    log_bytes: int = Field(
        DEFAULT_LOG_BYTES,
        ge=100_000,
        le=1 << 50,
        description="What the shared log keeps, of --history amqp; set when it is made.",
    )
    log_age: float = Field(
        DEFAULT_LOG_AGE_S,
        ge=1,
        le=365 * 86400,
        description="Seconds that the shared log keeps a message; set when it is made.",
    )
    record: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="EXCHANGE=PATTERN to be bound always, so that it is held before anybody asks; "
        "may be given many times, or several with blanks between them.",
    )
    max_kept_bindings: int = Field(
        KEPT_BINDINGS,
        ge=0,
        description="Bindings of streams that can be resumed that stay for the history's age "
        "after their clients.",
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

    @field_validator("exact", "trusted_proxies", "record", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        """Return the words of a text."""
        return words(value) if isinstance(value, str) else value

    @field_validator("trusted_proxies")
    @classmethod
    def _check_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        """Refuse what is no network; they stay texts, which a worker gets as JSON."""
        for text in value:
            ip_network(text)  # its ValueError says why not
        return value

    @field_validator("record")
    @classmethod
    def _check_record(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        """Refuse what is no binding; they stay texts, which a worker gets as JSON."""
        for text in value:
            try:
                read_pair(text)
            except InputError as error:
                raise ValueError(str(error)) from None
        return value

    @field_validator("trust_proxy", mode="before")
    @classmethod
    def _count_proxies(cls, value: object) -> object:
        """Return a number for yes and no, which other services of Taskcluster take."""
        text = str(value).lower()
        return 1 if text in YES else 0 if text in NO else value

    @field_validator("compression", mode="before")
    @classmethod
    def _take_yes_and_no(cls, value: object) -> object:
        """Return ``on`` or ``off`` for all that YAML means by it."""
        text = str(value).lower()
        return "on" if text in YES else "off" if text in NO else value

    @field_validator("history", mode="before")
    @classmethod
    def _take_no(cls, value: object) -> object:
        """Return ``off`` for all that YAML means by it."""
        return "off" if str(value).lower() in NO else value

    @field_validator("history")
    @classmethod
    def _check_history(cls, value: str) -> str:
        """Refuse what is neither a word nor a URL; a bad one is refused where it is used."""
        if value not in {"memory", "amqp", "off"} and not value.startswith(("amqp://", "amqps://")):
            raise ValueError("Input should be 'memory', 'amqp', 'off' or a URL, amqp[s]://…")
        return value

    @property
    def log_url(self) -> str:
        """The broker of the log that processes share; empty if they share none."""
        return {"memory": "", "off": "", "amqp": self.broker}.get(self.history, self.history)

    @field_validator("history", "broker", mode="before")
    @classmethod
    def _trim(cls, value: object) -> object:
        """Return a URL without the line break that it was copied with."""
        return value.strip() if isinstance(value, str) else value

    @field_validator("*")
    @classmethod
    def _refuse_other_bytes(cls, value: object) -> object:
        """Refuse text that is not UTF-8, but for names of files, which may be any bytes."""
        texts = value if isinstance(value, tuple) else (value,)
        for text in texts:
            try:
                str(text).encode(errors="surrogateescape" if isinstance(text, Path) else "strict")
            except UnicodeEncodeError:
                raise ValueError("it is not UTF-8") from None
        return value

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
        ours = given(env_settings())
        environ = given(os.environ)
        named = {**ours, **init_settings()}
        config = _config(named.get("config"), named.get("profile") or environ.get("NODE_ENV"))
        sources = [
            init_settings(),
            ours,
            other_variables(environ, config.pulse),
            {**broker_of(config.pulse), **config.options},
        ]
        _settle_broker(sources)
        return tuple(InitSettingsSource(settings_cls, source) for source in sources)


def _config(path: object, profile: str | None) -> Config:
    # What is in a folder that may not be entered is not there for us.
    if path is None and not os.path.exists(DEFAULT_CONFIG):
        return Config({}, {})
    return read_config(Path(str(path or DEFAULT_CONFIG)), profile, PULSE_KEYS)


def _settle_broker(sources: list[dict[str, Any]]) -> None:
    """Leave the broker to the strongest source that names it, by its URL or by a file with that."""
    settled = False
    for source, both in zip(sources, _BROKER_NAMES, strict=True):
        if settled:
            source.pop("broker", None)
            source.pop("broker_file", None)
        elif "broker" in source and "broker_file" in source:
            raise SettingsError(f"{both}: only one of the two may name the broker")
        elif "broker_file" in source:
            source["broker"] = _read_broker_file(Path(str(source["broker_file"])))
        settled = settled or "broker" in source


def _read_broker_file(path: Path) -> str:
    text = read_small_file(path, "the broker file", limit_bytes=BROKER_FILE_LIMIT_BYTES).strip()
    if not text or len(text.splitlines()) > 1:
        raise SettingsError(f"the broker file {path} must hold one line, the broker's URL")
    return text
