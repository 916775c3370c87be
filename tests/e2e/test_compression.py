"""Clients that nobody here wrote decode a compressed stream, whenever they join it."""

import itertools
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.amqp import Amqp
from tests.support.gzip_stream import BROWSER, GzipStream
from tests.support.program import Program
from tests.support.rabbit import Rabbit
from tests.support.raw_stream import RawStream, connect_target
from tests.support.server import Server

FOLDER = Path(__file__).parent
MISSING = ("exchange/of/nobody", "#")
JOINS = 4
LENGTH = 60
TEXT = "the same words, and again the same words, " * 20


@contextmanager
def feed(rabbit: Rabbit, exchange: str) -> Iterator[None]:
    """Publish numbered messages, one after the other, for the block."""
    stop = threading.Event()

    def publish() -> None:
        with Amqp(rabbit.amqp_url) as amqp:  # pika's connections belong to one thread
            for number in itertools.count():
                if stop.wait(0.005):
                    return
                amqp.publish(exchange, "k", json.dumps([number, TEXT]).encode())

    publisher = threading.Thread(target=publish)
    publisher.start()
    try:
        yield
    finally:
        stop.set()
        publisher.join(15)


def url(server: Server, *bindings: tuple[str, str]) -> str:
    return f"http://127.0.0.1:{server.port}{connect_target(*bindings, compression='gzip')}"


def node(script: str, address: str) -> Program:
    return Program("node", script, address, folder=FOLDER)


def curl(address: str) -> Program:
    return Program("curl", "-sN", "--compressed", address)


def curl_message(running: Program) -> Any:
    """Return the payload of the next message that curl prints."""
    while running.line() != "event: message":
        pass
    return json.loads(running.line().removeprefix("data: "))["payload"]


def node_message(running: Program) -> Any:
    """Return the payload of the next message that a script prints."""
    return running.json(what="message")["value"]["payload"]


CLIENTS: dict[str, tuple[Callable[[str], Program], Callable[[Program], Any]]] = {
    "curl": (curl, curl_message),
    "fetch": (lambda address: node("fetch.mjs", address), node_message),
    "eventsource": (lambda address: node("eventsource.mjs", address), node_message),
}


@pytest.mark.parametrize("name", CLIENTS)
def test_a_client_that_joins_while_messages_flow_misses_none_from_then_on(
    server: Server, rabbit: Rabbit, exchange: str, name: str
) -> None:
    start, message = CLIENTS[name]
    with feed(rabbit, exchange), ExitStack() as opened:
        clients = []
        for _ in range(JOINS):
            clients.append(opened.enter_context(start(url(server, (exchange, "#")))))
            message(clients[0])
        for client in clients:
            payloads = [message(client) for _ in range(LENGTH)]
            assert payloads == [[payloads[0][0] + n, TEXT] for n in range(LENGTH)]


def test_plain_and_compressed_clients_see_the_same_while_messages_flow(
    server: Server, rabbit: Rabbit, exchange: str
) -> None:
    target = connect_target((exchange, "#"))
    with feed(rabbit, exchange), ExitStack() as opened:
        streams = [
            opened.enter_context(kind(server.port, target)).ready()
            for kind in (GzipStream, RawStream) * JOINS
        ]
        wanted = [event.raw for event in streams.pop().events(LENGTH)]
        for stream in streams:
            while (raw := stream.event("message").raw) != wanted[0]:
                pass
            assert [raw, *(event.raw for event in stream.events(LENGTH - 1))] == wanted


@pytest.mark.parametrize("script", ["fetch.mjs", "eventsource.mjs"])
def test_node_decodes_each_event_without_waiting_for_the_next(
    server: Server, amqp: Amqp, exchange: str, script: str
) -> None:
    with node(script, url(server, (exchange, "#"))) as client:
        client.json(what="ready")
        for number in range(5):
            amqp.publish(exchange, "k", b"%d" % number)
            assert node_message(client) == number
        client.json(what="ping")


def test_node_is_told_that_the_stream_is_compressed_and_decodes_the_error(server: Server) -> None:
    with node("fetch.mjs", url(server, MISSING)) as client:
        assert client.json() == {"what": "answer", "encoding": "gzip"}
        assert MISSING[0] in client.json()["value"]
        assert client.json() == {"what": "end", "unread": ""}
        assert client.exit_code() == 0


def test_curl_decodes_the_error_and_the_end(server: Server) -> None:
    with curl(url(server, MISSING)) as client:
        assert client.line() == "event: error"
        assert MISSING[0] in client.line()
        assert [client.line(), client.line()] == ["id: -", ""]
        assert client.exit_code() == 0


def test_a_server_may_be_told_not_to_compress(rabbit: Rabbit, amqp: Amqp, exchange: str) -> None:
    configuration = {"user-config.yml": "compression: off\n"}
    with Server("--broker", rabbit.amqp_url, files=configuration) as server:
        headers = {"Accept-Encoding": BROWSER}
        target = connect_target((exchange, "#"), compression="gzip")
        with RawStream(server.port, target, headers=headers).ready() as stream:
            amqp.publish(exchange, "k", b"1")
            assert stream.event("message").json["payload"] == 1
