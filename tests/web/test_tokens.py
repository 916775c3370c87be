"""Tokens for long lists of bindings: what they keep, how long, and for which process."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from pulse_events.bindings import format_bindings, parse_bindings
from pulse_events.errors import InputError, TokenExpired
from pulse_events.web.tokens import LIFETIME_S, Shelf, Tokens
from tests.support.local_server import LocalServer, local_server
from tests.support.rabbit import Rabbit
from tests.support.raw_stream import RawStream, connect_target
from tests.support.server import Server

LIMIT = 10_000


def request_json(*patterns: str, exchange: str = "exchange/test") -> str:
    """Return the request JSON for these patterns."""
    entries = [{"exchange": exchange, "routingKeyPattern": pattern} for pattern in patterns]
    return json.dumps({"bindings": entries})


class Common:
    """A shelf that several `Tokens` share."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}

    async def keep(self, token: str, text: str) -> None:
        self.kept[token] = text

    async def find(self, token: str) -> str | None:
        return self.kept.get(token)


# The shelf


def test_what_is_kept_is_found_until_it_expires() -> None:
    shelf: Shelf[str] = Shelf()
    shelf.put("a", "kept", 4, now_s=100.0)
    assert shelf.get("a", 100.0 + LIFETIME_S - 0.1) == "kept"
    assert shelf.get("a", 100.0 + LIFETIME_S) is None
    assert shelf.get("b", 100.0) is None


def test_keeping_again_gives_a_new_life_and_takes_no_more_room() -> None:
    shelf: Shelf[str] = Shelf(size_limit_bytes=4)
    shelf.put("a", "kept", 4, now_s=0.0)
    shelf.put("a", "kept", 4, now_s=50.0)
    assert shelf.get("a", 100.0) == "kept"


def test_a_full_shelf_drops_its_oldest_entries() -> None:
    for limits in ({"entries_limit": 2}, {"size_limit_bytes": 20}):
        shelf: Shelf[int] = Shelf(**limits)
        for number in range(3):
            shelf.put(str(number), number, 10, now_s=float(number))
        assert [shelf.get(str(number), 3.0) for number in range(3)] == [None, 1, 2]


def test_expired_entries_make_room_for_new_ones() -> None:
    shelf: Shelf[int] = Shelf()
    for number in range(10):
        shelf.put(str(number), number, 1, now_s=0.0)
    shelf.put("new", 0, 1, now_s=LIFETIME_S)
    assert len(shelf) == 1


# Tokens


async def test_the_same_bindings_have_the_same_token_in_every_order() -> None:
    tokens = Tokens(Common())
    assert await tokens.issue(request_json("a", "b")) == await tokens.issue(request_json("b", "a"))
    assert await tokens.issue(request_json("a")) != await tokens.issue(request_json("b"))


async def test_a_token_is_redeemed_by_a_sibling_that_never_saw_it() -> None:
    common = Common()
    issuer, sibling = Tokens(common), Tokens(common)
    token = await issuer.issue(request_json("a", "b"))
    common_copy = common.kept.copy()
    assert await sibling.redeem(token) == parse_bindings(request_json("a", "b"))
    common.kept.clear()
    assert await sibling.redeem(token) == parse_bindings(common_copy[token])  # it has its own now


async def test_a_token_expires() -> None:
    now = [0.0]

    class Forgetful(Common):
        async def find(self, token: str) -> str | None:
            return None

    tokens = Tokens(Forgetful(), clock=lambda: now[0])
    token = await tokens.issue(request_json("a"))
    now[0] = LIFETIME_S - 1
    assert format_bindings(await tokens.redeem(token))
    now[0] = LIFETIME_S
    with pytest.raises(TokenExpired, match="POST the bindings again"):
        await tokens.redeem(token)


async def test_bindings_over_the_limit_get_no_token() -> None:
    with pytest.raises(InputError, match="2 entries, the limit is 1"):
        await Tokens(Common(), limit=1).issue(request_json("a", "b"))


# Over HTTP


@pytest.fixture(scope="module")
def roomy() -> Iterator[LocalServer]:
    """A server that allows long lists."""
    with local_server(ping_interval=60.0, max_bindings=LIMIT) as running:
        yield running


def post(port: int, body: bytes, path: str = "/events/v1/bindings") -> tuple[int, Any]:
    """POST and return status and JSON."""
    headers = {"Content-Length": str(len(body))}
    with RawStream(port, path, method="POST", headers=headers) as answer:
        answer.socket.sendall(body)
        head = answer.head()
        return head.status, json.loads(answer.content(head))


def test_ten_thousand_bindings_are_listened_to_by_token(roomy: LocalServer, name: str) -> None:
    patterns = [f"primary.{number:022d}.#" for number in range(LIMIT)]
    status, answer = post(roomy.port, request_json(*patterns, exchange=name).encode())
    assert (status, answer["expires"]) == (200, int(LIFETIME_S))
    with RawStream(roomy.port, f"/events/v1/connect/?token={answer['token']}") as stream:
        stream.ready()
        roomy.say(name, f"primary.{LIMIT - 1:022d}.x")
        assert stream.event("message").json["routingKey"] == f"primary.{LIMIT - 1:022d}.x"


def test_a_token_is_issued_beside_each_of_the_streams_paths(roomy: LocalServer) -> None:
    tokens = set()
    for prefix in ("/events/v1", "/api/events/v1", "/v1"):
        tokens.add(post(roomy.port, request_json("a").encode(), f"{prefix}/bindings")[1]["token"])
    assert len(tokens) == 1


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (b"", "the body is not JSON"),
        (b"{", "the body is not JSON"),
        (b"\xff", "the body is not UTF-8"),
        (b'{"bindings": []}', "'bindings' is empty"),
        (b'{"bindings": [], "bindings": []}', "the JSON object has the key 'bindings' twice"),
        (request_json("x" * 256).encode(), r"bindings[0]: routingKeyPattern is 256 bytes"),
    ],
)
def test_a_wrong_list_gets_400(roomy: LocalServer, body: bytes, fault: str) -> None:
    status, answer = post(roomy.port, body)
    assert (status, answer["code"]) == (400, "InputError")
    assert fault in answer["message"]


def test_a_body_over_the_limit_gets_413(server: LocalServer) -> None:
    status, answer = post(server.port, b" " * (100 * 4096 + 1))
    assert (status, answer["code"]) == (413, "RequestEntityTooLarge")


def test_the_limit_of_bindings_is_a_setting() -> None:
    with local_server(max_bindings=2) as server:
        for count, status in ((2, 200), (3, 400)):
            bindings = [("exchange/test", str(number)) for number in range(count)]
            target = connect_target(*bindings, errors="http")
            with RawStream(server.port, target) as stream:
                assert stream.head().status == status


def test_an_unknown_token_is_an_error_event_or_410(server: LocalServer) -> None:
    with RawStream(server.port, "/events/v1/connect/?token=none") as stream:
        assert stream.head().status == 200
        assert "unknown or expired" in stream.event("error").json
    with RawStream(server.port, "/events/v1/connect/?token=none&errors=http") as stream:
        assert stream.head().status == 410


def test_the_configuration_says_what_clients_need(roomy: LocalServer) -> None:
    with RawStream(roomy.port, "/events/v1/config") as answer:
        assert json.loads(answer.body()) == {"pingInterval": 60.0, "maxBindings": LIMIT}


def test_a_token_works_on_every_worker(rabbit: Rabbit, exchange: str) -> None:
    options = ["--broker", rabbit.amqp_url, "--workers", "3", "--max-bindings", str(LIMIT)]
    with Server(*options) as server:
        patterns = [f"primary.{number:022d}.#" for number in range(LIMIT)]
        _, answer = post(server.port, request_json(*patterns, exchange=exchange).encode())
        ports = set()
        for _ in range(12):  # the kernel picks the worker by the client's port
            with RawStream(server.port, f"/v1/connect?token={answer['token']}") as stream:
                ports.add(stream.socket.getsockname()[1])
                stream.ready()
        assert len(ports) == 12
