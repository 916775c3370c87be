"""What a broker URL and its parameters come to: pika's parameters, and what the broker sees."""

import os
import signal
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography.hazmat.primitives import serialization

from pulse_events.brokers.rabbitmq.address import parse_address
from pulse_events.brokers.rabbitmq.targets import each_address, targets
from pulse_events.errors import SettingsError
from tests.support.amqp import Amqp
from tests.support.rabbit import Rabbit
from tests.support.raw_stream import RawStream, connect_target
from tests.support.server import Server, run_cli
from tests.support.waiting import wait_until


def found(*hosts: str) -> list[tuple[Any, ...]]:
    """Return records as `socket.getaddrinfo` has them."""
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, 5672)) for host in hosts]


SHARES = [
    # addresses, parameters, seconds for the TCP connection, for all until it is open
    (1, "", 15.0, 15.0),
    (2, "", 7.5, 7.5),
    (3, "", 5.0, 5.0),
    (8, "", 5.0, 5.0),
    (1, "connection_timeout=2000", 2.0, 15.0),
    (2, "connection_timeout=2000", 2.0, 7.5),
    (2, "connection_timeout=60000", 30.0, 30.0),
]


@pytest.mark.parametrize(("count", "query", "tcp_s", "all_s"), SHARES)
def test_each_address_of_a_host_has_its_share_of_the_time(
    count: int, query: str, tcp_s: float, all_s: float
) -> None:
    (target,) = targets(parse_address(f"amqp://h?{query}"), None, 15)
    hosts = [f"127.0.0.{number}" for number in range(count)]
    attempts = each_address(target, found(*hosts))
    assert [attempt.host for attempt in attempts] == hosts
    assert {(attempt.socket_timeout, attempt.stack_timeout) for attempt in attempts} == {
        (tcp_s, all_s)
    }
    assert target.host == "h"


def test_an_address_that_is_found_twice_is_tried_once() -> None:
    (target,) = targets(parse_address("amqp://h"), None, 15)
    assert len(each_address(target, found("127.0.0.1", "127.0.0.1"))) == 1


def test_the_parameters_of_the_url_go_before_our_own() -> None:
    url = "amqp://h,i?heartbeat=30&channel_max=8&frame_max=4096"
    for target in targets(parse_address(url), None, 15):
        assert (target.heartbeat, target.channel_max, target.frame_max) == (30, 8, 4096)
    (target,) = targets(parse_address("amqp://h"), None, 15)
    assert target.heartbeat == 15


def test_the_broker_sees_what_the_url_asks_for(rabbit: Rabbit, amqp: Amqp, exchange: str) -> None:
    url = f"{rabbit.amqp_url}?heartbeat=37&channel_max=4&frame_max=8192"
    with Server("--broker", url) as server:
        with RawStream(server.port, connect_target((exchange, "#"))).ready() as stream:
            amqp.publish(exchange, "k", b'"%s"' % (b"x" * 20_000))
            assert len(stream.event("message").json["payload"]) == 20_000
        # The exchange that is missing costs a channel, which is opened anew.
        for _ in range(6):
            with RawStream(server.port, connect_target(("exchange/of/nobody", "#"))) as stream:
                stream.head()
                assert "does not exist" in stream.event("error").json
        rows = rabbit.rows("list_connections", "pid", "timeout", "channel_max", "frame_max")
        asked = {(row["timeout"], row["channel_max"], row["frame_max"]) for row in rows}
        assert (37, 4, 8192) in asked
        assert server.stop() == 0


def test_silence_is_that_of_the_heartbeat_that_the_url_asks_for(
    rabbit: Rabbit, exchange: str
) -> None:
    with Server("--broker", f"{rabbit.amqp_url}?heartbeat=1") as server:
        with RawStream(server.port, connect_target((exchange, "#"))) as stream:
            stream.ready()
        os.kill(rabbit.pid, signal.SIGSTOP)
        try:
            wait_until(lambda: "nothing came from the broker for 1.5 s" in server.stderr, "silence")
        finally:
            os.kill(rabbit.pid, signal.SIGCONT)


def test_the_certificate_may_have_the_name_that_the_url_gives(
    rabbit: Rabbit, amqp: Amqp, exchange: str
) -> None:
    query = f"cacertfile={rabbit.ca_file}&verify=verify_peer&server_name_indication=localhost"
    url = f"amqps://guest:guest@127.1:{rabbit.tls_port}/?{query}"  # no certificate has this name
    with Server("--broker", url) as server:
        with RawStream(server.port, connect_target((exchange, "#"))).ready() as stream:
            amqp.publish(exchange, "k", b"1")
            assert stream.event("message").json["payload"] == 1


# Certificates of our own


@pytest.fixture
def authority(tmp_path: Path) -> trustme.CA:
    made = trustme.CA()
    made.cert_pem.write_to_path(tmp_path / "ca.pem")
    ours = made.issue_cert("us@test", common_name="us")
    ours.private_key_pem.write_to_path(tmp_path / "key.pem")
    key = serialization.load_pem_private_key(ours.private_key_pem.bytes(), None)
    locked = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"geheim"),
    )
    (tmp_path / "locked.pem").write_bytes(locked)
    ours.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    return made


@pytest.fixture
def demanding(authority: trustme.CA) -> Iterator[tuple[int, list[Any]]]:
    """A TLS server that wants a certificate: its port, and the subjects of those that it got."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    subjects: list[Any] = []

    def serve() -> None:
        with context.wrap_socket(listening.accept()[0], server_side=True) as client:
            subjects.append((client.getpeercert() or {}).get("subject"))

    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(15)
        thread = threading.Thread(target=serve)
        thread.start()
        yield listening.getsockname()[1], subjects
        thread.join()


@pytest.mark.parametrize("key", ["key.pem", "locked.pem&password=geheim"])
def test_a_certificate_of_our_own_is_shown_to_the_broker(
    demanding: tuple[int, list[Any]], tmp_path: Path, key: str
) -> None:
    port, subjects = demanding
    files = f"cacertfile={tmp_path}/ca.pem&certfile={tmp_path}/cert.pem&keyfile={tmp_path}/{key}"
    done = run_cli("publish", "--broker", f"amqps://127.0.0.1:{port}/?{files}", "e", "k")
    assert done.returncode == 1
    assert b"certificate" not in done.stderr
    assert ("commonName", "us") in [part[0] for part in subjects[0]]


BAD = {
    "cacertfile={0}/none.pem": "cannot read the CA file {0}/none.pem: [Errno 2]",
    "cacertfile={0}": "cannot read the CA file {0}: it is no file",
    "cacertfile=/dev/zero": "cannot read the CA file /dev/zero: it is no file",
    "cacertfile={0}/pipe": "cannot read the CA file {0}/pipe: it is no file",
    "cacertfile={0}/text": "cannot read the CA file {0}/text: ",
    "certfile={0}/none.pem": "cannot read the certificate {0}/none.pem and its key: [Errno 2]",
    "certfile={0}/cert.pem": "cannot read the certificate {0}/cert.pem and its key: ",
    "certfile={0}/cert.pem&keyfile=/dev/zero": "and its key: it is no file",
    "certfile={0}/cert.pem&keyfile={0}/text": "and its key: ",
    "certfile={0}/cert.pem&keyfile={0}/locked.pem": "and its key: ",
}


@pytest.mark.usefixtures("authority")
@pytest.mark.parametrize("query", BAD)
def test_a_file_that_cannot_be_used_is_named(query: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "text").write_text("geheim")
    with pytest.raises(SettingsError) as raised:
        targets(parse_address(f"amqps://h?{query.format(tmp_path)}"), None, 15)
    assert BAD[query].format(tmp_path) in str(raised.value)
    assert "geheim" not in str(raised.value)


@pytest.mark.usefixtures("authority")
def test_two_files_of_authorities_are_one_too_many(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="both"):
        targets(parse_address(f"amqps://h?cacertfile={tmp_path}/ca.pem"), f"{tmp_path}/ca.pem", 15)
