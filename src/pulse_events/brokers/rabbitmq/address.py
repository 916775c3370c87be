"""Broker addresses: ``amqp://`` and ``amqps://`` URLs as values.  No connection is made here."""

import re
from dataclasses import dataclass, field
from urllib.parse import quote, unquote, urlsplit

from pulse_events.brokers.rabbitmq.address_parameters import Parameters, parse_parameters
from pulse_events.errors import SettingsError

__all__ = ["Address", "Parameters", "parse_address"]

DEFAULT_PORTS = {"amqp": 5672, "amqps": 5671}

_EXAMPLE = "amqp://user:password@host:5672/vhost"
_BEHIND_SCHEME = re.compile(
    r"(?:(?P<credentials>[^/]*)@)?(?P<hosts>[^/?#@]*)(?:/(?P<vhost>[^/?#@]*))?(?:\?(?P<query>[^#@]*))?"
)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a broker is and who we are there."""

    tls: bool
    hosts: tuple[tuple[str, int], ...]
    user: str
    vhost: str
    password: str = field(repr=False)
    parameters: Parameters = field(default_factory=Parameters)

    def __str__(self) -> str:
        """Return the address as a URL without the password and the parameters."""
        hosts = ",".join(
            f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in self.hosts
        )
        return (
            f"{'amqps' if self.tls else 'amqp'}://{self.user}@{hosts}/{quote(self.vhost, safe='')}"
        )


def parse_address(url: str) -> Address:
    """Read a broker URL, ``amqp[s]://user:password@host[:port][,host[:port]…]/vhost?parameters``.

    User and password default to ``guest``, the port to the scheme's own, the virtual host to
    ``/`` (also for a URL that ends behind the port, or with one slash).  Parts are percent-encoded.
    White space around it does not count.

    Raises:
        SettingsError: The URL is no such address; the message never holds its password.
    """
    scheme, separator, rest = url.strip().partition("://")
    if scheme not in DEFAULT_PORTS or not separator:
        raise SettingsError(f"the broker URL must look like {_EXAMPLE}, or be memory:")
    found = _BEHIND_SCHEME.fullmatch(rest)
    if found is None or _is_ambiguous(found["credentials"] or ""):
        raise SettingsError(
            "the broker URL has more than a virtual host behind the host; write a slash in a "
            "password or a virtual host as %2F, and likewise ? as %3F, # as %23, @ as %40"
        )
    user, _, password = (found["credentials"] or "").partition(":")
    return Address(
        tls=scheme == "amqps",
        hosts=tuple(_host(part, DEFAULT_PORTS[scheme]) for part in found["hosts"].split(",")),
        user=_decoded(user) or "guest",
        password=_decoded(password) or "guest",
        vhost=_decoded(found["vhost"] or "") or "/",
        parameters=parse_parameters(found["query"] or "", tls=scheme == "amqps"),
    )


def _is_ambiguous(credentials: str) -> bool:
    """Tell whether an ``@`` in a parameter may have been taken for the one before the host."""
    return re.search(r"@.*\?\w+=", credentials) is not None


def _decoded(part: str) -> str:
    try:
        text = unquote(part, errors="strict")
        text.encode()
    except UnicodeError:
        raise SettingsError("a part of the broker URL is not UTF-8") from None
    return text


def _host(text: str, default_port: int) -> tuple[str, int]:
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname, parts.port
        text.encode()
    except ValueError:  # its text may quote a password, where that holds a slash
        raise SettingsError("the broker URL has a bad host or port") from None
    if not host:
        raise SettingsError(f"the broker URL has no host; it must look like {_EXAMPLE}")
    return host, default_port if port is None else port
