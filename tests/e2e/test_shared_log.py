"""Instances that share a log: a cursor is good at each of them, and after they were all away."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from pulse_events.log.intake import UNREADABLE
from pulse_events.log.register import GONE, NEW
from tests.e2e.logs import log_of, reading
from tests.faults.trial import ask
from tests.support.amqp import Amqp
from tests.support.rabbit import Rabbit
from tests.support.raw_stream import RawEvent, RawStream, connect_target
from tests.support.server import Server
from tests.support.waiting import wait_until


@pytest.fixture
def instance(rabbit: Rabbit, exchange: str) -> Iterator[Callable[..., Server]]:
    """Make servers that share a log of the test's own, which holds what begins with ``a``."""
    with log_of(rabbit, f"{exchange}=a.#") as make:
        yield make


def payloads(events: list[RawEvent]) -> list[object]:
    return [event.json["payload"] for event in events]


def test_a_cursor_is_good_everywhere_and_after_all_were_away(
    instance: Callable[..., Server], amqp: Amqp, exchange: str
) -> None:
    target = connect_target((exchange, "a.*"), resume="true")
    with instance() as one, instance() as two:
        assert ask(one.port, "/events/v1/config")[1]["history"] == "amqp"
        with RawStream(one.port, target) as stream:
            stream.ready()
            for number in range(5):
                amqp.publish(exchange, "a.x", b"%d" % number)
            amqp.publish(exchange, "a.x.y", b"9")
            amqp.publish(exchange, "other", b"10", cc=["a.cc"])  # matches by its CC key alone
            amqp.publish(exchange, "a.x", b"no JSON")
            seen = stream.events(7)
        assert payloads(seen) == [0, 1, 2, 3, 4, 10, "no JSON"]
        assert seen[5].json["cc"] == ["a.cc"]
        assert not any(event.json["redelivered"] for event in seen)
        cursors = [event.event_id for event in seen]
        assert all(cursor.startswith("1s") for cursor in cursors)
        with RawStream(two.port, f"{target}&lastEventId={cursors[2]}") as stream:
            stream.ready()
            assert [event.event_id for event in stream.events(4)] == cursors[3:]
        with RawStream(two.port, connect_target((exchange, "a.x.y"), resume="true", last="3")) as s:
            s.ready()
            assert payloads(s.events(1)) == [9]
    amqp.publish(exchange, "a.x", b"11")
    with instance("--workers", "2") as three:
        for _ in range(4):
            with RawStream(three.port, f"{target}&lastEventId={cursors[4]}") as stream:
                stream.ready()
                again = stream.events(3)
            assert payloads(again) == [10, "no JSON", 11]
            assert [event.event_id for event in again[:2]] == cursors[5:]
        assert "history of its own" not in three.stderr
        assert "Traceback" not in three.stderr


def test_what_is_not_recorded_whole_is_read_in_memory(
    instance: Callable[..., Server], amqp: Amqp, exchange: str
) -> None:
    with instance() as server:
        reading(server)
        target = connect_target((exchange, "a.#"), (exchange, "b"), resume="true")
        with RawStream(server.port, target) as stream:
            stream.ready()
            for number in range(3):
                amqp.publish(exchange, ("b", "a.1")[number % 2], b"%d" % number)
            seen = stream.events(3)
            assert payloads(seen) == [0, 1, 2]
        cursor = seen[0].event_id
        assert cursor.startswith("1m")
        with RawStream(server.port, f"{target}&lastEventId={cursor}") as stream:
            stream.ready()
            assert payloads(stream.events(2)) == [1, 2]
        with RawStream(server.port, connect_target((exchange, "a.#"))) as plain:
            plain.ready()
            amqp.publish(exchange, "a.3", b"3")
            assert plain.event("message").event_id == "-"


def test_a_log_that_is_deleted_ends_its_streams_alone(
    instance: Callable[..., Server], amqp: Amqp, exchange: str
) -> None:
    target = connect_target((exchange, "a.#"), resume="true")
    with instance() as server:
        with (
            RawStream(server.port, target) as stream,
            RawStream(server.port, connect_target((exchange, "#"))) as plain,
        ):
            plain.ready()
            stream.ready()
            amqp.publish(exchange, "a.1", b"1")
            assert payloads(stream.events(1)) == [1]
            namespace = server.stderr.partition("reading queue/")[2].partition("/")[0]
            amqp.delete_queue(f"queue/{namespace}/pulse-events-log")
            error = stream.event("error", within_s=20)
            assert "the log was deleted" in str(error.json)
            amqp.publish(exchange, "a.2", b"2")
            assert payloads(plain.events(2)) == [1, 2]
        with RawStream(server.port, f"{target}&lastEventId={error.event_id}") as stream:
            stream.ready(within_s=20)
            assert "another process" in stream.event("gap").json["reason"]


def test_what_is_no_entry_in_the_log_is_told_at_its_place(
    instance: Callable[..., Server], amqp: Amqp, exchange: str
) -> None:
    with instance() as server:
        reading(server)
        namespace = server.stderr.partition("reading queue/")[2].partition("/")[0]
        target = connect_target((exchange, "a.#"), resume="true")
        with RawStream(server.port, target).ready() as stream:
            amqp.publish(exchange, "a.1", b"1")
            assert payloads(stream.events(1)) == [1]
            amqp.publish(f"exchange/{namespace}/pulse-events-log", "", b"what is this")
            amqp.publish(exchange, "a.2", b"2")
            assert stream.event("gap").json["reason"] == UNREADABLE
            assert payloads(stream.events(1)) == [2]


def test_a_log_with_other_retention_is_used_as_it_is(instance: Callable[..., Server]) -> None:
    with instance("--log-bytes", "5000000") as one:
        reading(one)
    with instance("--log-bytes", "6000000") as two:
        reading(two)
        told = str(ask(two.port, "/__heartbeat__"))
        for said in (two.stderr, told):
            assert "the log is used as it is, not with --log-bytes and --log-age" in said
            assert "received '6000000' but current is '5000000'" in said
        assert "vhost" not in told
        assert "queue/" not in told


MB, GB = 10**6, 10**9


@pytest.mark.parametrize(
    ("options", "size", "age", "segment"),
    [
        ((), 10 * GB, "604800s", 500 * MB),  # no larger than RabbitMQ's own default
        (("--log-bytes", str(GB), "--log-age", "86400"), GB, "86400s", 100 * MB),  # a tenth
        (("--log-bytes", str(5 * MB), "--log-age", "1.4"), 5 * MB, "1s", 1 << 20),  # no smaller
    ],
    ids=["default", "sized", "small"],
)
def test_the_log_is_made_to_keep_what_is_asked_for(
    instance: Callable[..., Server],
    rabbit: Rabbit,
    options: tuple[str, ...],
    size: int,
    age: str,
    segment: int,
) -> None:
    with instance(*options) as server:
        reading(server)
        name = "queue/" + server.stderr.partition("reading queue/")[2].partition("\n")[0]
    rows = rabbit.rows("list_queues", "name", "durable", "arguments")
    [log] = [row for row in rows if row["name"] == name]
    assert log["durable"] is True
    assert {argument: value for argument, _, value in log["arguments"]} == {
        "x-queue-type": "stream",
        "x-max-length-bytes": size,
        "x-max-age": age,
        "x-stream-max-segment-size-bytes": segment,
    }


def test_without_permission_for_the_log_the_rest_works(
    rabbit: Rabbit, amqp: Amqp, exchange: str
) -> None:
    user = f"u{uuid.uuid4().hex[:8]}"
    own = f"^queue/{user}/pulse-events/.*"
    rabbit.add_user(user, "secret", configure=own, write=own, read=f"{own}|^exchange/.*")
    url = rabbit.amqp_url.replace("guest:guest", f"{user}:secret")
    options = ("--broker", url, "--history", "amqp", "--record", f"{exchange}=#")
    with Server(*options) as server:
        with RawStream(server.port, connect_target((exchange, "#"))) as stream:
            stream.ready()
            amqp.publish(exchange, "k", b"1")
            assert payloads(stream.events(1)) == [1]
        wait_until(lambda: "the log cannot be read" in server.stderr, "what is wrong")
        said = heartbeat(server)
        assert "the log: no configure permission for the queue" in said
        assert user not in said


def test_what_may_not_be_read_is_told_with_the_permission_that_is_missing(
    instance: Callable[..., Server], rabbit: Rabbit, exchange: str
) -> None:
    user = f"u{uuid.uuid4().hex[:8]}"
    own = "^(queue|exchange)/log-"
    rabbit.add_user(user, "secret", configure=own, write=own, read=own)
    said = f"{exchange}=a.# is not recorded: no read permission for the exchange: access is refused"
    with instance("--broker", rabbit.url(user, "secret")) as server:
        reading(server)
        assert said in server.stderr
        told = str(ask(server.port, "/__heartbeat__"))
        assert said in told
        assert user not in told


def test_each_thing_that_is_not_recorded_is_told_once(
    instance: Callable[..., Server], amqp: Amqp, exchange: str
) -> None:
    wanting = [word for name in ("x", "y") for word in ("--record", f"no-such-{name}=#")]
    with instance(*wanting) as server:
        with RawStream(server.port, connect_target((exchange, "a.x"), resume="true")) as stream:
            stream.ready()
            amqp.publish(exchange, "a.x", b"1")
            assert payloads(stream.events(1)) == [1]  # it has asked twice: to read, and to record
        for name in ("x", "y"):
            said = f"no-such-{name}=# is not recorded: it does not exist"
            assert server.stderr.count(said) == 1
            assert said in heartbeat(server)


def told(port: int, target: str, count: int) -> list[object]:
    """Return what a stream gets first: payloads, and of gaps from when they are and why."""
    with RawStream(port, target) as stream:
        stream.ready(within_s=20)
        events = [stream.event(within_s=20) for _ in range(count)]
    return [
        (event.json["from"], event.json["reason"]) if event.kind == "gap" else event.json["payload"]
        for event in events
    ]


def test_what_was_not_recorded_before_is_a_gap(
    instance: Callable[..., Server], amqp: Amqp, exchange: str
) -> None:
    """After a start with more to record, of which some was published already."""
    target = connect_target((exchange, "#"), resume="true")
    more = ("--record", f"{exchange}=#")
    with instance() as server:
        with RawStream(server.port, connect_target((exchange, "a"), resume="true")) as stream:
            stream.ready()
            amqp.publish(exchange, "a", b"1")
            cursor = stream.events(1)[0].event_id
            amqp.publish(exchange, "b", b"2")
    gap = (None, NEW.format(exchange))
    for number in (3, 4):  # which is known, the second time
        with instance(*more) as server:
            with RawStream(server.port, target) as stream:
                stream.ready()
                amqp.publish(exchange, "b", b"%d" % number)
                stream.event("message")
            later = list(range(3, number + 1))
            assert told(server.port, f"{target}&lastEventId={cursor}", number - 1) == [gap, *later]
            found = told(server.port, f"{target}&since=1h", number + 1)
            assert found[1:] == [1, gap, *later]  # behind that the log is younger


@pytest.mark.timeout(60)
def test_an_exchange_that_comes_late_is_recorded_behind_a_gap(
    instance: Callable[..., Server], amqp: Amqp, exchange: str
) -> None:
    late = f"{exchange}/late"
    target = connect_target((late, "#"), resume="true", since="1h")
    with instance("--record", f"{late}=#") as server:
        with RawStream(server.port, connect_target((exchange, "a"), resume="true")) as stream:
            stream.ready()
            amqp.publish(exchange, "a", b"0")
            stream.event("message")
        wait_until(lambda: "is not recorded" in heartbeat(server), "it is not there")
        amqp.declare_exchange(late)
        amqp.publish(late, "k", b"1")
        wait_until(lambda: "is not recorded" not in heartbeat(server), "it is bound", within_s=40)
        amqp.publish(late, "k", b"2")
        found = told(server.port, target, 3)
        assert found[1:] == [(None, NEW.format(late)), 2]  # behind that the log is younger
        amqp.delete_exchange(late)


@pytest.mark.timeout(150)
def test_an_exchange_that_is_deleted_and_made_again_goes_on_behind_gaps(
    instance: Callable[..., Server], amqp: Amqp, exchange: str
) -> None:
    target = connect_target((exchange, "a"), resume="true")
    with instance() as server, RawStream(server.port, target) as stream:
        stream.ready()
        amqp.publish(exchange, "a", b"1")
        (first,) = stream.events(1)
        amqp.delete_exchange(exchange)
        assert stream.event("gap", within_s=40).json["reason"] == GONE.format(exchange)
        assert first.json["payload"] == 1
        wait_until(lambda: "is not recorded" in heartbeat(server), "the heartbeat says it")
        amqp.declare_exchange(exchange)
        amqp.publish(exchange, "a", b"2")
        gap = stream.event("gap", within_s=40).json
        assert (gap["from"] is None, gap["reason"]) == (False, NEW.format(exchange))
        amqp.publish(exchange, "a", b"3")
        assert payloads(stream.events(1)) == [3]
        # Made again before anybody has looked: nobody can know, but it goes on.
        amqp.delete_exchange(exchange)
        amqp.declare_exchange(exchange)
        wait_until(lambda: reaches(stream, amqp, exchange), "it is bound again", within_s=40)
        assert "Traceback" not in server.stderr


def reaches(stream: RawStream, amqp: Amqp, exchange: str) -> bool:
    """Tell whether a message that is published now comes."""
    amqp.publish(exchange, "a", b"4")
    with suppress(TimeoutError):
        stream.event("message", within_s=2)
        return True
    return False


def heartbeat(server: Server) -> str:
    return str(ask(server.port, "/__heartbeat__"))
