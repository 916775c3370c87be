"""The parameters of a broker URL, as RabbitMQ's own clients have them.  Opens no file.

See https://www.rabbitmq.com/docs/uri-query-parameters, and `amqp_uri` of its Erlang client.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from pulse_events.errors import SettingsError

_TLS_ONLY = frozenset(
    {
        *("cacertfile", "certfile", "keyfile", "verify", "fail_if_no_peer_cert"),
        *("server_name_indication", "depth", "password"),
    }
)
_NOT_SUPPORTED = frozenset({"idle_time_out", "depth"})


@dataclass(frozen=True, slots=True)
class Parameters:
    """What a broker URL asks for; ``None`` where it does not."""

    heartbeat_s: int | None = None
    connect_within_s: float | None = None
    """For the TCP connection alone."""
    channel_max: int | None = None
    frame_max: int | None = None
    ca_file: str | None = None
    certificate_file: str | None = None
    key_file: str | None = None
    key_password: str = field(default="", repr=False)
    server_name: str | None = None
    """What stands in the broker's certificate, if not the host."""


def parse_parameters(query: str, *, tls: bool) -> Parameters:
    """Read what stands behind the ``?`` of a broker URL.

    Args:
        query: Percent-encoded; empty for none.
        tls: Whether the scheme is ``amqps``.

    Raises:
        SettingsError: A parameter is unknown, is not supported, or has a bad value.  The text
            names the parameter, not the value: it may be a part of a password.
    """
    given: dict[str, str] = {}
    for name, value in _pairs(query):
        _check_name(name, tls=tls)
        if name in given and name != "auth_mechanism":
            raise SettingsError(f"the broker URL has the parameter {name} twice")
        if fault := _CHECKS[name](value):
            raise SettingsError(f"the broker URL's parameter {name} {fault}")
        given[name] = value
    if "keyfile" in given and "certfile" not in given:
        raise SettingsError("the broker URL has a keyfile, but no certfile")
    return _parameters(given)


def _pairs(query: str) -> list[tuple[str, str]]:
    if not query:
        return []
    try:
        return parse_qsl(query, keep_blank_values=True, strict_parsing=True, errors="strict")
    except ValueError:
        raise SettingsError("the broker URL has parameters that are not name=value") from None


def _check_name(name: str, *, tls: bool) -> None:
    if name in _NOT_SUPPORTED:
        raise SettingsError(f"the broker URL's parameter {name} is not supported")
    if name not in _CHECKS:
        shown = f" {name}" if re.fullmatch(r"[a-z_]{1,30}", name) else ""
        raise SettingsError(f"the broker URL has an unknown parameter{shown}")
    if name in _TLS_ONLY and not tls:
        raise SettingsError(f"the broker URL's parameter {name} needs amqps://")


def _parameters(given: Mapping[str, str]) -> Parameters:
    numbers = {name: int(given[name]) for name in _NUMBERS if name in given}
    timeout_ms = numbers.get("connection_timeout")
    return Parameters(
        heartbeat_s=numbers.get("heartbeat"),
        connect_within_s=None if timeout_ms is None else timeout_ms / 1000,
        channel_max=numbers.get("channel_max"),
        frame_max=numbers.get("frame_max"),
        ca_file=given.get("cacertfile"),
        certificate_file=given.get("certfile"),
        key_file=given.get("keyfile"),
        key_password=given.get("password", ""),
        server_name=given.get("server_name_indication"),
    )


def _number(least: int, most: int) -> Callable[[str], str]:
    def fault(value: str) -> str:
        if re.fullmatch(r"[0-9]{1,9}", value) and least <= int(value) <= most:
            return ""
        return f"must be a whole number from {least} to {most}"

    return fault


def _one_of(*known: str) -> Callable[[str], str]:
    def fault(value: str) -> str:
        return "" if value.lower() in known else f"can only be {' or '.join(known)} here"

    return fault


def _file(value: str) -> str:
    return "" if value and "\0" not in value else "must be a path"


def _name(value: str) -> str:
    return "" if re.fullmatch(r"[\w.:-]{1,253}", value) and value != "disable" else "must be a name"


_NUMBERS = {
    # Zero would turn heartbeats off, and then nobody would notice that the broker is gone.
    "heartbeat": _number(1, 3600),
    "connection_timeout": _number(100, 600_000),
    # One for consuming, one for binding, and as many that are being opened anew.
    "channel_max": _number(4, 65_535),
    "frame_max": _number(4096, 131_072),
}
_CHECKS = {
    **_NUMBERS,
    "auth_mechanism": _one_of("plain"),
    "cacertfile": _file,
    "certfile": _file,
    "keyfile": _file,
    "password": lambda _password: "",
    "verify": _one_of("verify_peer"),
    "fail_if_no_peer_cert": _one_of("true", "false"),
    "server_name_indication": _name,
}
"""What is wrong with a value, as the end of a sentence; nothing if it is good."""
