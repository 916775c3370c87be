"""amqps: the broker's certificate is checked."""

import json
from pathlib import Path

import trustme

from tests.support.amqp import Amqp
from tests.support.rabbit import Rabbit
from tests.support.raw_stream import RawStream, connect_target
from tests.support.server import Server
from tests.support.waiting import wait_until


def test_messages_come_over_tls_with_the_right_authority(
    rabbit: Rabbit, amqp: Amqp, exchange: str
) -> None:
    with Server("--broker", rabbit.amqps_url, "--broker-ca-file", str(rabbit.ca_file)) as server:
        with RawStream(server.port, connect_target((exchange, "#"))).ready() as stream:
            amqp.publish(exchange, "k", b'"over tls"')
            assert stream.event("message").json["payload"] == "over tls"
        assert server.stop() == 0


def test_the_variables_of_taskcluster_mean_tls(rabbit: Rabbit, exchange: str) -> None:
    environment = {
        "PULSE_USERNAME": "guest",
        "PULSE_PASSWORD": "guest",
        "PULSE_HOSTNAME": f"localhost:{rabbit.tls_port}",
        "PULSE_VHOST": "/",
        "PULSE_EVENTS_BROKER_CA_FILE": str(rabbit.ca_file),
    }
    with Server(environment=environment) as server:
        with RawStream(server.port, connect_target((exchange, "#"))) as stream:
            stream.ready()


def refusal(server: Server) -> str:
    """Return why the heartbeat says that the broker cannot be used."""
    wait_until(lambda: "no broker at" in server.stderr, "a line about the broker")
    with RawStream(server.port, "/__heartbeat__") as stream:
        head = stream.head()
        assert head.status == 503
        reason = str(json.loads(stream.content(head))["details"]["broker"]["messages"][0])
    assert server.stop() == 0
    for text in (reason, server.stderr):
        assert "geheim" not in text
    return reason


def test_another_authority_is_refused_with_the_reason(rabbit: Rabbit, tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(other)
    url = rabbit.amqps_url.replace("guest:guest", "guest:geheim")
    for options in (["--broker-ca-file", str(other)], []):
        with Server("--broker", url, *options) as server:
            assert refusal(server) == "the certificate is refused"
            assert "certificate verify failed" in server.stderr
            assert "Traceback" not in server.stderr


def test_another_name_than_the_certificates_is_refused(rabbit: Rabbit) -> None:
    url = f"amqps://guest:geheim@127.1:{rabbit.tls_port}/"  # the same host, by another name
    with Server("--broker", url, "--broker-ca-file", str(rabbit.ca_file)) as server:
        assert refusal(server) == "the certificate is refused"
        assert "certificate is not valid for '127.1'" in server.stderr


def test_wrong_credentials_are_told_without_the_password(rabbit: Rabbit) -> None:
    url = rabbit.amqp_url.replace("guest:guest", "guest:geheim")
    with Server("--broker", url, "--log-level", "debug") as server:
        assert "refused" in refusal(server).lower()
