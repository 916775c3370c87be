"""From a publisher through RabbitMQ and the console script to the bytes on a stream."""

import json

import pytest

from tests.support.amqp import Amqp
from tests.support.rabbit import Rabbit
from tests.support.raw_stream import RawStream, connect_target
from tests.support.server import Server


def test_two_clients_with_overlapping_bindings_get_each_message_once(
    server: Server, amqp: Amqp, exchange: str
) -> None:
    both = connect_target((exchange, "#"), (exchange, "a.*"), (exchange, "a.b"))
    some = connect_target((exchange, "a.#"))
    with RawStream(server.port, both) as one, RawStream(server.port, some) as two:
        one.ready()
        two.ready()
        amqp.publish(exchange, "a.b", b"1", cc=["a.c", "x"])
        amqp.publish(exchange, "x.y", b"2", cc=["a"])
        amqp.publish(exchange, "x.z", b"3")
        amqp.publish(exchange, "a", b"4")
        assert [event.json["payload"] for event in one.events(4)] == [1, 2, 3, 4]
        assert [event.json["payload"] for event in two.events(3)] == [1, 2, 4]


def test_an_exchange_that_does_not_exist_is_told_to_its_client_alone(
    server: Server, amqp: Amqp, exchange: str
) -> None:
    with RawStream(server.port, connect_target((exchange, "#"))).ready() as works:
        wrong = [(exchange, "a"), ("exchange/of/nobody", "#"), (exchange, "b")]
        with RawStream(server.port, connect_target(*wrong)) as stream:
            stream.head()
            assert "'exchange/of/nobody'" in stream.event("error").json
            assert stream.rest() == b""
        with RawStream(server.port, connect_target(*wrong, errors="http")) as stream:
            assert stream.head().status == 404
        amqp.publish(exchange, "a")
        works.event("message")
        with RawStream(server.port, connect_target((exchange, "c"))).ready() as late:
            amqp.publish(exchange, "c")
            late.event("message")


def test_an_exchange_that_the_broker_refuses_is_told_to_its_client(
    rabbit: Rabbit, amqp: Amqp, exchange: str
) -> None:
    user = exchange.rpartition("/")[2]
    everything = "^(queue/.*|exchange/test/.*)$"
    rabbit.add_user(user, "geheim", configure="^queue/", write="^queue/", read=everything)
    secret = amqp.declare_exchange("secret/" + user)
    url = rabbit.amqp_url.replace("guest:guest", f"{user}:geheim")
    with Server("--broker", url) as server:
        with RawStream(server.port, connect_target((exchange, "#"))).ready() as stream:
            with RawStream(server.port, connect_target((secret, "#"), errors="http")) as refused:
                head = refused.head()
                assert head.status == 404
                assert secret in json.loads(refused.content(head))["message"]
            amqp.publish(exchange, "k")
            stream.event("message")
        queues = rabbit.rows("list_queues", "name")
        assert any(row["name"].startswith(f"queue/{user}/pulse-events/") for row in queues)
        assert server.stop() == 0
        assert "geheim" not in server.stderr
    amqp.delete_exchange(secret)


BODIES = {
    "no JSON": (b"hello", "hello", None),
    "empty": (b"", "", None),
    "no UTF-8": (b"\xff\xfe", "//4=", "base64"),
    "awkward": (b'{"a":\r\n "\\u0000\\r\\n\xe2\x80\xa8"}', {"a": "\0\r\n\u2028"}, None),
    "1 MiB": (b'"' + b"x" * ((1 << 20) - 2) + b'"', "x" * ((1 << 20) - 2), None),
    "1 MiB of no UTF-8": (b"\xff" * (3 << 18), "/" * (1 << 20), "base64"),
}


@pytest.mark.parametrize(("body", "payload", "encoding"), BODIES.values(), ids=BODIES)
def test_a_body_arrives_whatever_it_is(
    server: Server, amqp: Amqp, exchange: str, body: bytes, payload: object, encoding: str | None
) -> None:
    with RawStream(server.port, connect_target((exchange, "#"))).ready() as stream:
        amqp.publish(exchange, "k", body)
        message = stream.event("message").json
    assert message["payload"] == payload
    assert message.get("payloadEncoding") == encoding


@pytest.mark.parametrize(
    "keys", [["route.a", 5], [None, "route.a"], [{"a": 1}, "route.a"], [["x"], "route.a"]]
)
def test_a_cc_header_that_holds_no_text_harms_nobody(
    rabbit: Rabbit, amqp: Amqp, exchange: str, keys: list[object]
) -> None:
    with Server("--broker", rabbit.amqp_url) as server:  # its own: others must not fail with it
        with RawStream(server.port, connect_target((exchange, "#"))).ready() as stream:
            amqp.publish_with_headers(exchange, "k", b"1", {"CC": keys})
            message = stream.event("message").json
            assert (message["cc"], message["routes"]) == (["route.a"], ["a"])
            amqp.publish(exchange, "k", b"2")
            assert stream.event("message").json["payload"] == 2


def test_the_broker_holds_what_is_listened_to_and_no_more(
    server: Server, rabbit: Rabbit, amqp: Amqp, exchange: str
) -> None:
    bindings = [(exchange, "a"), (exchange, "b.#")]
    with RawStream(server.port, connect_target(*bindings)).ready():
        with RawStream(server.port, connect_target(*reversed(bindings))).ready():
            bound = rabbit.bindings(exchange)
    assert {pattern for _, pattern in bound} == {"a", "b.#"}
    assert len({queue for queue, _ in bound}) == 1


def test_nothing_is_published_over_http_where_the_broker_is_a_real_one(server: Server) -> None:
    with RawStream(server.port, "/events/v1/publish", method="POST") as stream:
        assert stream.head().status == 404
