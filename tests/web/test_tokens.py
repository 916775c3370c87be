"""Tokens for long lists of bindings: what they keep, how long, and for which process."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from pulse_events.bindings import format_bindings, parse_bindings
from pulse_events.errors import AddressLimitReached, InputError, TokenExpired
from pulse_events.web.tokens import ENTRIES_LIMIT, LIFETIME_S, OWNERS_LIMIT, Put, Shelf, Tokens
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

    async def keep(self, token: str, text: str, owner: str) -> Put | None:
        self.kept[token] = text
        return None

    async def find(self, token: str) -> str | None:
        return self.kept.get(token)


# The shelf


def test_what_is_kept_is_found_until_it_expires() -> None:
    shelf: Shelf[str] = Shelf()
    shelf.put("a", "kept", 4, owner="a", now_s=100.0)
    assert shelf.get("a", 100.0 + LIFETIME_S - 0.1) == "kept"
    assert shelf.get("a", 100.0 + LIFETIME_S) is None
    assert shelf.get("b", 100.0) is None


def test_keeping_again_gives_a_new_life_and_takes_no_more_room() -> None:
    shelf: Shelf[str] = Shelf(size_limit_bytes=4)
    shelf.put("a", "kept", 4, owner="a", now_s=0.0)
    shelf.put("a", "kept", 4, owner="a", now_s=50.0)
    assert shelf.get("a", 100.0) == "kept"


def test_a_full_shelf_drops_its_oldest_entries() -> None:
    for limits in ({"entries_limit": 2}, {"size_limit_bytes": 20}):
        shelf: Shelf[int] = Shelf(**limits)
        for number in range(3):
            shelf.put(str(number), number, 10, owner="a", now_s=float(number))
        assert [shelf.get(str(number), 3.0) for number in range(3)] == [None, 1, 2]


def test_expired_entries_make_room_for_new_ones() -> None:
    shelf: Shelf[int] = Shelf()
    for number in range(10):
        shelf.put(str(number), number, 1, owner="a", now_s=0.0)
    shelf.put("new", 0, 1, owner="a", now_s=LIFETIME_S)
    assert len(shelf) == 1


FULL_OF = pytest.mark.parametrize(
    "limits", [{"entries_limit": 4}, {"size_limit_bytes": 40}], ids=["entries", "bytes"]
)


@FULL_OF
def test_who_posts_much_pushes_out_only_what_is_its_own(limits: dict[str, int]) -> None:
    shelf: Shelf[int] = Shelf(**limits)
    shelf.put("mine", 1, 10, owner="modest", now_s=0.0)
    puts = [shelf.put(str(n), n, 10, owner="greedy", now_s=1.0 + n / 1000) for n in range(1000)]
    assert puts[-1] == (True, 1)
    assert shelf.get("mine", 3.0) == 1
    assert [n for n in range(1000) if shelf.get(str(n), 3.0) is not None] == [997, 998, 999]
    assert shelf.put("new", 1, 10, owner="new", now_s=4.0) == (True, 1)
    assert (shelf.get("mine", 5.0), shelf.get("997", 5.0)) == (1, None)


def test_one_long_list_does_not_push_out_the_short_ones_of_others() -> None:
    shelf: Shelf[int] = Shelf(size_limit_bytes=100)
    shelf.put("a", 1, 40, owner="a", now_s=0.0)
    shelf.put("b", 1, 40, owner="b", now_s=0.0)
    assert shelf.put("c", 1, 50, owner="c", now_s=1.0) == (False, 0)
    assert shelf.put("d", 1, 101, owner="a", now_s=1.0) == (False, 1)
    assert [shelf.get(token, 2.0) for token in "abcd"] == [None, 1, None, None]
    assert shelf.put("c", 1, 50, owner="c", now_s=2.0) == (True, 0)


def test_what_two_have_put_stays_as_long_as_one_of_them_would_keep_it() -> None:
    shelf: Shelf[int] = Shelf(entries_limit=3)
    for owner in ("greedy", "modest"):
        shelf.put("both", 1, 1, owner=owner, now_s=0.0)
    for number in range(10):
        shelf.put(str(number), 0, 1, owner="greedy", now_s=1.0)
    assert (shelf.get("both", 2.0), len(shelf)) == (1, 3)
    for number in range(10, 20):
        shelf.put(str(number), 0, 1, owner="modest", now_s=3.0)
    assert (shelf.get("both", 4.0), len(shelf)) == (None, 3)


def test_it_expires_with_the_last_one_who_has_put_it() -> None:
    shelf: Shelf[int] = Shelf(entries_limit=2)
    shelf.put("both", 1, 1, owner="a", now_s=0.0)
    shelf.put("both", 1, 1, owner="b", now_s=50.0)
    assert shelf.get("both", LIFETIME_S + 49) == 1
    for number in range(3):
        shelf.put(str(number), 1, 1, owner="b", now_s=51.0)
    assert shelf.get("both", LIFETIME_S - 1) == 1
    assert shelf.get("both", LIFETIME_S) is None


def test_a_shelf_remembers_nothing_of_who_has_nothing_there() -> None:
    shelf: Shelf[int] = Shelf()
    for number in range(100):
        shelf.put("one", 1, 1, owner=str(number), now_s=0.0)
        shelf.put(f"of {number}", 1, 1, owner=str(number), now_s=0.0)
    assert len(shelf._entries["one"].owners) == OWNERS_LIMIT
    shelf.put("new", 1, 1, owner="new", now_s=LIFETIME_S)
    assert (list(shelf._shares), list(shelf._puts), len(shelf)) == (["new"], [("new", "new")], 1)


class ShelfMachine(RuleBasedStateMachine):
    """Puts of some owners, beside what each of them has, in the plainest form."""

    @initialize(entries=st.integers(1, 6), size=st.integers(1, 60))
    def start(self, entries: int, size: int) -> None:
        self.limits = (entries, size)
        self.shelf: Shelf[int] = Shelf(entries_limit=entries, size_limit_bytes=size)
        self.now_s = 0.0

    @rule(passed_s=st.sampled_from([0.1, 20.0, LIFETIME_S]))
    def wait(self, passed_s: float) -> None:
        self.now_s += passed_s

    @rule(token=st.integers(1, 20), owner=st.sampled_from("abcdef"))
    def put(self, token: int, owner: str) -> None:
        before = {t for t in range(1, 21) if self.shelf.get(str(t), self.now_s) is not None}
        put = self.shelf.put(str(token), token, token, owner=owner, now_s=self.now_s)
        after = {t for t in range(1, 21) if self.shelf.get(str(t), self.now_s) is not None}
        assert put == (token in after, len(before - after - {token}))

    @invariant()
    def it_is_bounded_and_adds_up(self) -> None:
        shelf = self.shelf
        entries, size = self.limits
        assert len(shelf) <= entries
        assert shelf._size_bytes == sum(e.size_bytes for e in shelf._entries.values()) <= size
        pairs = {(owner, token) for token, e in shelf._entries.items() for owner in e.owners}
        assert pairs == shelf._puts.keys()
        assert pairs == {(o, token) for o, share in shelf._shares.items() for token in share.tokens}
        for share in shelf._shares.values():
            assert share.size_bytes == sum(map(int, share.tokens)) > 0
        assert all(0 < len(e.owners) <= OWNERS_LIMIT for e in shelf._entries.values())


test_shelf = ShelfMachine.TestCase


# Tokens


async def test_the_same_bindings_have_the_same_token_in_every_order() -> None:
    tokens = Tokens(Common())
    assert await tokens.issue(request_json("a", "b"), "a") == await tokens.issue(
        request_json("b", "a"), "a"
    )
    assert await tokens.issue(request_json("a"), "a") != await tokens.issue(request_json("b"), "a")


async def test_a_token_is_redeemed_by_a_sibling_that_never_saw_it() -> None:
    common = Common()
    issuer, sibling = Tokens(common), Tokens(common)
    token = await issuer.issue(request_json("a", "b"), "a")
    common_copy = common.kept.copy()
    assert await sibling.redeem(token, "b") == parse_bindings(request_json("a", "b"))
    common.kept.clear()
    assert await sibling.redeem(token, "b") == parse_bindings(
        common_copy[token]
    )  # it has its own now


async def test_a_token_expires() -> None:
    now = [0.0]

    class Forgetful(Common):
        async def find(self, token: str) -> str | None:
            return None

    tokens = Tokens(Forgetful(), clock=lambda: now[0])
    token = await tokens.issue(request_json("a"), "a")
    now[0] = LIFETIME_S - 1
    assert format_bindings(await tokens.redeem(token, "b"))
    now[0] = LIFETIME_S
    with pytest.raises(TokenExpired, match="POST the bindings again"):
        await tokens.redeem(token, "b")


async def test_bindings_over_the_limit_get_no_token() -> None:
    with pytest.raises(InputError, match="2 entries, the limit is 1"):
        await Tokens(Common(), limit=1).issue(request_json("a", "b"), "a")


async def test_who_has_most_gets_no_token_for_what_is_too_long() -> None:
    tokens = Tokens(Common(), size_limit_bytes=100)
    kept = await tokens.issue(request_json("short", exchange="e"), "a")
    with pytest.raises(AddressLimitReached, match="b would have more") as no:
        await tokens.issue(request_json("long" * 20, exchange="e"), "b")
    assert (no.value.counted_as, no.value.wait_s) == ("refused_tokens", LIFETIME_S)
    assert await tokens.redeem(kept, "c") == parse_bindings(request_json("short", exchange="e"))


async def test_what_is_given_up_before_its_time_is_counted() -> None:
    tokens = Tokens(Common())
    for number in range(ENTRIES_LIMIT + 2):
        await tokens.issue(request_json(str(number)), "a")
    assert tokens.displaced == 2


async def test_what_the_common_shelf_gives_up_counts_where_there_is_one() -> None:
    class Full(Common):
        async def keep(self, token: str, text: str, owner: str) -> Put | None:
            return Put(is_kept=owner != "greedy", displaced=3)

    tokens = Tokens(Full())
    await tokens.issue(request_json("a"), "modest")
    with pytest.raises(AddressLimitReached):
        await tokens.issue(request_json("b"), "greedy")
    assert tokens.displaced == 6


# Over HTTP


@pytest.fixture(scope="module")
def roomy() -> Iterator[LocalServer]:
    """A server that allows long lists."""
    with local_server(ping_interval=60.0, max_bindings=LIMIT) as running:
        yield running


def post(
    port: int, body: bytes, path: str = "/events/v1/bindings", source: str = "127.0.0.1"
) -> tuple[int, Any]:
    """POST and return status and JSON."""
    headers = {"Content-Length": str(len(body))}
    with RawStream(port, path, method="POST", headers=headers, source=source) as answer:
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


def test_a_thousand_lists_of_one_address_leave_those_of_another_alone(name: str) -> None:
    with local_server() as server:
        body = request_json("mine", exchange=name).encode()
        _, mine = post(server.port, body, source="127.0.0.2")
        for number in range(ENTRIES_LIMIT + 100):
            assert post(server.port, request_json(str(number)).encode())[0] == 200
        with RawStream(server.port, f"/v1/connect?token={mine['token']}") as stream:
            stream.ready()
        assert server.counts().displaced_tokens == 101


def test_the_supervisor_of_workers_keeps_the_lists_of_each_address_too(name: str) -> None:
    with Server("--workers", "2") as server:
        body = request_json("mine", exchange=name).encode()
        _, mine = post(server.port, body, source="127.0.0.2")
        for number in range(ENTRIES_LIMIT + 100):
            assert post(server.port, request_json(str(number)).encode())[0] == 200
        for _ in range(12):  # the kernel picks the worker by the client's port
            with RawStream(server.port, f"/v1/connect?token={mine['token']}") as stream:
                stream.ready()
        with RawStream(server.port, "/events/v1/stats") as stream:
            assert json.loads(stream.body())["displacedTokens"] == 101
