"""What ``/events/v1/config`` tells of the server, for clients and for the page."""

import json
from datetime import datetime, timedelta
from importlib.metadata import version
from urllib.parse import urlsplit

from tests.support.local_server import local_server
from tests.support.rabbit import Rabbit
from tests.support.raw_stream import RawStream
from tests.support.server import Server


def test_the_configuration_says_what_clients_need() -> None:
    with (
        local_server(ping_interval=60.0, max_bindings=50) as server,
        RawStream(server.port, "/events/v1/config") as answer,
    ):
        told = json.loads(answer.body())
    assert datetime.fromisoformat(told.pop("time")).utcoffset() == timedelta()
    assert told == {
        "pingInterval": 60.0,
        "maxBindings": 50,
        "history": "memory",
        "historyAge": 600.0,
        "historyBytes": 64 << 20,
        "broker": "memory:",
        "demo": False,
        "server": "pulse-events",
        "version": version("pulse-events"),
    }


def test_the_configuration_names_the_broker_s_host_and_nothing_more(rabbit: Rabbit) -> None:
    with Server("--broker", rabbit.amqp_url, "--history", "off") as server:
        with RawStream(server.port, "/events/v1/config") as answer:
            told = json.loads(answer.body())
    assert told["broker"] == urlsplit(rabbit.amqp_url).hostname
    assert (told["historyAge"], told["historyBytes"]) == (0.0, 0)


def test_the_configuration_says_that_messages_are_made_up() -> None:
    with local_server(demo=1.0) as server:
        with RawStream(server.port, "/events/v1/config") as answer:
            assert json.loads(answer.body())["demo"] is True


def test_of_a_log_the_configuration_tells_the_reach(rabbit: Rabbit) -> None:
    options = ("--broker", rabbit.amqp_url, "--history", "amqp", "--record", "e=#")
    with Server(*options, "--log-age", "3600", "--log-bytes", "200000") as server:
        with RawStream(server.port, "/events/v1/config") as answer:
            told = json.loads(answer.body())
    reach = (told["history"], told["historyAge"], told["historyBytes"])
    assert reach == ("amqp", 3600.0, 200000)
