"""Broker addresses: ``amqp://`` and ``amqps://`` URLs as values.  No connection is made here."""

from dataclasses import dataclass, field
from urllib.parse import quote, unquote, urlsplit

from pulse_events.errors import SettingsError

DEFAULT_PORTS = {"amqp": 5672, "amqps": 5671}

_NOT_IN_VHOST = frozenset("/?#@")
_EXAMPLE = "amqp://user:password@host:5672/vhost"


@dataclass(frozen=True, slots=True)
class Address:
    """Where a broker is and who we are there."""

    tls: bool
    hosts: tuple[tuple[str, int], ...]
    user: str
    vhost: str
    password: str = field(repr=False)

    def __str__(self) -> str:
        """Return the address as a URL without the password."""
        hosts = ",".join(
            f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in self.hosts
        )
        return (
            f"{'amqps' if self.tls else 'amqp'}://{self.user}@{hosts}/{quote(self.vhost, safe='')}"
        )


def parse_address(url: str) -> Address:
    """Read a broker URL, ``amqp[s]://user:password@host[:port][,host[:port]…]/vhost``.

    User and password default to ``guest``, the port to the scheme's own, the virtual host to
    ``/`` (also for a URL that ends behind the port, or with one slash).  Parts are percent-encoded.

    Raises:
        SettingsError: The URL is no such address; the message never holds its password.
    """
    scheme, separator, rest = url.partition("://")
    if scheme not in DEFAULT_PORTS or not separator:
        raise SettingsError(f"the broker URL must look like {_EXAMPLE}, or be memory:")
    authority, _, path = rest.partition("/")
    credentials, _, hosts = authority.rpartition("@")
    user, _, password = credentials.partition(":")
    if not _NOT_IN_VHOST.isdisjoint(path):
        raise SettingsError(
            "the broker URL has more than a virtual host behind the host; write a slash in a "
            "password or a virtual host as %2F, and likewise ? as %3F, # as %23, @ as %40"
        )
    return Address(
        tls=scheme == "amqps",
        hosts=tuple(_host(part, DEFAULT_PORTS[scheme]) for part in hosts.split(",")),
        user=unquote(user) or "guest",
        password=unquote(password) or "guest",
        vhost=unquote(path) or "/",
    )


def _host(text: str, default_port: int) -> tuple[str, int]:
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname, parts.port
    except ValueError:  # its text may quote a password, where that holds a slash
        raise SettingsError("the broker URL has a bad host or port") from None
    if not host or not _NOT_IN_VHOST.isdisjoint(text):
        raise SettingsError(f"the broker URL has no host; it must look like {_EXAMPLE}")
    return host, default_port if port is None else port
