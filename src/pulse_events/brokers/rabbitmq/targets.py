"""Where to connect to and how, as pika's parameters: hosts, their addresses, TLS, shares of time.

Makes no connection.
"""

import copy
import os
import socket
import ssl
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pika

from pulse_events.brokers.rabbitmq.address import Address, Parameters
from pulse_events.errors import SettingsError

CONNECT_WITHIN_S = 15.0
"""How long all addresses of a host may take together."""
SHARE_S = 5.0
"""What each may take even if they are many."""


def targets(
    address: Address, ca_file: str | None, heartbeat_s: int, **others: Any
) -> list[pika.ConnectionParameters]:
    """Return pika's parameters for each host of ``address``, one attempt each, bounded in time.

    Raises:
        SettingsError: A file of certificates or a key cannot be read, or there are two.
    """
    asked = address.parameters
    tls = _tls_context(asked, ca_file) if address.tls else None
    limits = {"channel_max": asked.channel_max, "frame_max": asked.frame_max}
    others |= {name: limit for name, limit in limits.items() if limit is not None}
    return [
        pika.ConnectionParameters(
            host=host,
            port=port,
            virtual_host=address.vhost,
            credentials=pika.PlainCredentials(address.user, address.password),
            ssl_options=pika.SSLOptions(tls, asked.server_name or host) if tls else None,
            heartbeat=asked.heartbeat_s or heartbeat_s,
            socket_timeout=asked.connect_within_s or CONNECT_WITHIN_S,
            stack_timeout=CONNECT_WITHIN_S,
            connection_attempts=1,
            **others,
        )
        for host, port in address.hosts
    ]


def each_address(
    target: pika.ConnectionParameters, found: Sequence[tuple[Any, ...]]
) -> list[pika.ConnectionParameters]:
    """Return parameters for each address of a host, with a share of its time.

    Else the first one that swallows packets takes all of it, each time.

    Args:
        target: For the host.
        found: What `socket.getaddrinfo` returns for it.
    """
    hosts = list(dict.fromkeys(record[4][0] for record in found))
    attempts = [copy.copy(target) for _ in hosts]
    for attempt, host in zip(attempts, hosts, strict=True):
        attempt.host = host
        attempt.socket_timeout = _share_s(target.socket_timeout, len(hosts))
        attempt.stack_timeout = max(
            attempt.socket_timeout, _share_s(target.stack_timeout, len(hosts))
        )
    return attempts


def _share_s(all_s: float, count: int) -> float:
    return max(all_s / count, min(all_s, SHARE_S))


def resolve_now(target: pika.ConnectionParameters) -> list[pika.ConnectionParameters]:
    """Return the parameters of each address of a host; waits for the answer.

    Raises:
        OSError: The name is not known.
    """
    found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    return each_address(target, found)


def _tls_context(asked: Parameters, ca_file: str | None) -> ssl.SSLContext:
    if ca_file and asked.ca_file:
        raise SettingsError("both the broker URL and --broker-ca-file name a CA file")
    ca_file = ca_file or asked.ca_file
    with _reading(f"the CA file {ca_file}", ca_file):
        context = ssl.create_default_context(cafile=ca_file)
    if certificate := asked.certificate_file:
        with _reading(f"the certificate {certificate} and its key", certificate, asked.key_file):
            # Without a function OpenSSL asks at the terminal for the key's password.
            context.load_cert_chain(
                certificate, asked.key_file, password=lambda: asked.key_password
            )
    return context


@contextmanager
def _reading(what: str, *files: str | None) -> Iterator[None]:
    """Say what cannot be read; refuse what is no file: of a pipe OpenSSL waits for the writer."""
    try:
        for file in filter(None, files):
            if not stat.S_ISREG(os.stat(file).st_mode):
                raise ValueError("it is no file")
        yield
    except (OSError, ValueError) as error:
        raise SettingsError(f"cannot read {what}: {error}") from None
