"""Faults between the instances that share a log and their broker, and of what they have there."""

import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import NamedTuple

import pytest

from pulse_events.brokers.rabbitmq.log.recorder import INBOX_AWAY, INBOX_GONE
from pulse_events.hub.log_hub import RESTARTED
from pulse_events.hub.replay import OF_ANOTHER
from tests.faults.conftest import EXCHANGE, INBOX, LOG
from tests.faults.figures import Figures, keep, lost_in_silence, repetitions
from tests.faults.follower import Follower
from tests.faults.grants import granted, serves_the_log
from tests.faults.instances import (
    IMPATIENT_S,
    has_news,
    instance,
    instance_at,
    is_well,
    no_traceback,
    nothing_missed,
    nothing_untold,
    roam,
    roaming,
)
from tests.faults.lengths import lasting
from tests.faults.proxy import Proxy
from tests.faults.returner import Returner, away
from tests.faults.test_alarms import ALARMS, raised
from tests.faults.test_gaps import are_told
from tests.faults.test_refusals import PASSWORD, allow_all
from tests.faults.trial import RESUMING, TARGETS, heartbeat, queues_of, stats, trial
from tests.support.amqp import Amqp
from tests.support.rabbit import Rabbit
from tests.support.raw_stream import RawStream
from tests.support.server import Server
from tests.support.waiting import wait_until

ENDED = f"{RESTARTED}; connect again"
PERMISSIONS = ("configure", "write", "read")
MINE = "^(queue|exchange)/{user}"
ALARM_S = lasting(12, 30)
HOLE_S = lasting(15, 40)
GOES_ON_WITHIN_S = 40.0
TIMES = 6
MANY = [option for n in range(500) for option in ("--record", f"{EXCHANGE}=other.{n}")]
"""So many that who makes the inbox takes long, and another one may record first."""


def publish(node: Rabbit, messages: Iterable[tuple[str, bytes]]) -> None:
    """Publish keys and bodies; return when the broker has confirmed them."""
    with Amqp(node.amqp_url) as amqp:
        for key, body in messages:
            amqp.publish(EXCHANGE, key, body)


def records(node: Rabbit, server: Server) -> None:
    """Wait until a server that is alone records."""
    with RawStream(server.port, RESUMING[0]).ready(within_s=20) as stream:
        publish(node, [("n.first", b'{"n":-1,"t":0}')])
        stream.event("message", within_s=20)


@pytest.mark.timeout(240)
@pytest.mark.parametrize("which", ["recording", "other"])
def test_a_black_hole_between_one_instance_and_the_broker(node: Rabbit, which: str) -> None:
    with Proxy(node.port) as proxy:
        one, two = instance_at(proxy.url(node.amqp_url)), instance(node)
        first, second = (one, two) if which == "recording" else (two, one)
        with first:
            records(node, first)
            with second:
                ports = (one.port, two.port)
                with trial(
                    one.port, [node.amqp_url], clients=lambda port: roaming(ports, IMPATIENT_S)
                ) as run:
                    fault_s = time.monotonic()
                    proxy.swallow(new_ones=True)
                    goes_on = partial(has_news, run, fault_s + IMPATIENT_S)
                    wait_until(goes_on, "what came behind it", within_s=GOES_ON_WITHIN_S)
                    went_on_s = time.monotonic() - fault_s
                    said = "the log cannot be read: nothing came from the broker"
                    wait_until(lambda: said in one.stderr, "it is found", within_s=20)
                    time.sleep(max(0.0, fault_s + HOLE_S - time.monotonic()))  # the fault's length
                    proxy.mend()
                    wait_until(partial(is_well, one), "all is well", within_s=40)
                    run.feed.goes_on(500)
                    found = run.finish(
                        f"log: black hole for {HOLE_S:.0f} s between the broker and the "
                        f"{which} instance of two",
                        time.monotonic(),
                        f"clients that try each in turn went on after {went_on_s:.0f} s",
                    )
                nothing_missed(found, run.followers, one, two)


def delete(node: Rabbit, queue: str) -> None:
    """Delete one of the log's queues, as an operator does."""
    with Amqp(node.amqp_url) as amqp:
        amqp.delete_queue(queue)


@pytest.mark.timeout(240)
def test_a_log_that_is_deleted_ends_its_streams_which_come_back_to_a_gap(node: Rabbit) -> None:
    with instance(node) as one, instance(node) as two:
        ports = (one.port, two.port)
        with trial(one.port, [node.amqp_url], clients=lambda port: roaming(ports)) as run:
            left = away(two.port, RESUMING[0])
            fault_s = time.monotonic()
            delete(node, LOG)
            are_told(run)
            with Returner(one.port, RESUMING[0], cursor=left.cursor) as back:
                found = run.finish("log: deleted", fault_s, told=ENDED)
                back.reaches(max(run.feed.answered))
        nothing_untold(run, found)
        for follower in (*run.followers, back):
            assert {gap.reason for gap in follower.gaps} == {OF_ANOTHER}
        assert [gap.place for gap in back.gaps] == [0]
        assert not lost_in_silence(back, run.feed, left.got[-1].number + 1)
        assert repetitions(back) == 0
        no_traceback(one, two)


@pytest.mark.timeout(240)
def test_an_instance_that_hangs_while_the_log_is_made_again_knows_the_other_one(
    node: Rabbit,
) -> None:
    """When it looks, the other log is longer than the one that it has read."""
    with instance(node) as one:
        records(node, one)
        with instance(node) as two:
            ports = (one.port, two.port)
            with trial(
                one.port, [node.amqp_url], clients=lambda port: roaming(ports, IMPATIENT_S)
            ) as run:
                fault_s = time.monotonic()
                os.kill(two.pid, signal.SIGSTOP)
                delete(node, LOG)
                run.feed.goes_on(2 * run.feed.published)
                goes_on = partial(has_news, run, fault_s + IMPATIENT_S)
                wait_until(goes_on, "what came at the other", within_s=GOES_ON_WITHIN_S)
                os.kill(two.pid, signal.SIGCONT)
                restarted = "the log was deleted, and made again: it holds something else"
                wait_until(lambda: restarted in two.stderr, "it is noticed", within_s=30)
                run.feed.goes_on(500)
                found = run.finish(
                    "log: deleted while one of two instances hangs", time.monotonic(), told=ENDED
                )
            nothing_untold(run, found)
            for follower in run.followers:
                assert {gap.reason for gap in follower.gaps} == {OF_ANOTHER}
            no_traceback(one, two)


def all_acknowledged(node: Rabbit) -> None:
    """Wait until the recorder has acknowledged all that it recorded."""

    def count() -> int:
        rows = node.rows("list_queues", "name", "messages")
        return next(int(row["messages"]) for row in rows if row["name"] == INBOX)

    wait_until(lambda: count() == 0, "all is acknowledged", within_s=20)


AGAIN = [(f"n.{number}", b'{"n":%d,"t":0}' % number) for number in range(100)]


@pytest.mark.timeout(240)
def test_the_same_messages_in_another_log_do_not_follow_a_cursor(node: Rabbit) -> None:
    """The log is deleted while nobody runs, and the very same messages are published again."""
    delete(node, LOG)
    with instance(node) as one, Returner(one.port, RESUMING[0]) as left:
        publish(node, AGAIN[:50])
        left.reaches(49)
        left.close()
        publish(node, AGAIN[50:])
        with Returner(one.port, RESUMING[0], cursor=left.cursor) as here:
            here.reaches(99)
        all_acknowledged(node)  # else some are recorded a second time, in the other log
    delete(node, LOG)
    publish(node, AGAIN)
    with instance(node) as two:
        with Returner(two.port, RESUMING[0], cursor=left.cursor) as early:
            wait_until(lambda: early.gaps, "it is told")
            with Returner(two.port, f"{RESUMING[0]}&since=1h") as other:
                other.reaches(99)  # so all is recorded
            with Returner(two.port, RESUMING[0], cursor=left.cursor) as back:
                wait_until(lambda: back.gaps, "it is told")
                publish(node, [("n.100", b'{"n":100,"t":0}')])
                for client in (early, back):
                    client.reaches(100)
        no_traceback(two)
    assert [got.number for got in other.got] == list(range(100))
    for client in (early, back):
        assert [(gap.place, gap.reason) for gap in client.gaps] == [(0, OF_ANOTHER)]
    assert [got.number for got in back.got] == [100]
    keep(
        Figures(
            "log: deleted and filled again with the same messages while nobody runs",
            2 * len(AGAIN) + 1,
            0,
            sum(map(repetitions, (left, here, early, back))),
            remark="a gap, and nothing older",
        )
    )


@pytest.mark.timeout(240)
def test_an_inbox_that_is_deleted_is_a_gap_for_all(node: Rabbit) -> None:
    with instance(node) as one, instance(node) as two:
        ports = (one.port, two.port)
        with trial(one.port, [node.amqp_url], clients=lambda port: roaming(ports)) as run:
            left = away(two.port, RESUMING[0])
            fault_s = time.monotonic()
            delete(node, INBOX)
            are_told(run)
            with Returner(two.port, RESUMING[0], cursor=left.cursor) as back:
                found = run.finish("log: inbox deleted", fault_s)
                back.reaches(max(run.feed.answered))
        nothing_untold(run, found)
        assert not lost_in_silence(back, run.feed, left.got[-1].number + 1)
        for follower in (*run.followers, back):
            assert follower.breaks == 0
            # Each instance tells it that found no inbox, or another's without knowing whose it is.
            reasons = {gap.reason for gap in follower.gaps}
            assert INBOX_GONE in reasons
            assert reasons <= {INBOX_GONE, INBOX_AWAY}
            assert len(follower.gaps) <= len(ports)
        no_traceback(one, two)


def expire(node: Rabbit, queue: str) -> None:
    """Have a queue expire soon: by itself the inbox takes an hour."""
    node.ctl("set_policy", "--apply-to", "queues", "soon", f"^{queue}$", '{"expires":2000}')
    try:
        gone = "it has expired"
        wait_until(lambda: queue not in queues_of(node, "guest"), gone, within_s=20)
    finally:
        node.ctl("clear_policy", "soon")


@pytest.mark.timeout(240)
@pytest.mark.parametrize(("how", "end"), [("deleted", delete), ("expired", expire)])
def test_an_inbox_that_goes_while_nobody_runs_is_a_gap(
    node: Rabbit, how: str, end: Callable[[Rabbit, str], None]
) -> None:
    with instance(node) as one, Returner(one.port, RESUMING[0]) as left:
        publish(node, AGAIN[:50])
        left.reaches(49)
    assert INBOX in queues_of(node, "guest")
    end(node, INBOX)
    publish(node, AGAIN[50:60])
    with instance(node) as two:
        with Returner(two.port, RESUMING[0], cursor=left.cursor) as back:
            wait_until(lambda: back.gaps, "it is told")
            publish(node, AGAIN[60:])
            back.reaches(99)
        no_traceback(two)
    assert [(gap.place, gap.reason) for gap in back.gaps] == [(0, INBOX_GONE)]
    assert [got.number for got in back.got] == list(range(60, 100))
    keep(
        Figures(
            f"log: inbox {how} while nobody runs",
            len(AGAIN),
            0,
            repetitions(back),
            remark="10 missed, in one gap",
        )
    )


@pytest.mark.timeout(240)
def test_a_disk_alarm_holds_the_log_up_and_nothing_else(node: Rabbit) -> None:
    """It lasts longer than a recorder waits for what it has written."""
    disk = next(alarm for alarm in ALARMS if alarm.resource == "disk")
    with instance(node) as one, instance(node) as two:
        ports = (one.port, two.port)

        def clients(port: int) -> list[Follower]:
            return [*roaming(ports), *(Follower(port, target) for target in TARGETS)]

        with trial(one.port, [node.amqp_url], clients=clients) as run:
            *roamers, _, _, _ = run.followers
            with raised(node, disk):
                start_s = time.monotonic()
                while time.monotonic() - start_s < ALARM_S:
                    roam(roamers)
                assert not any(follower.ended for follower in run.followers)
            fault_s = time.monotonic()
            for server in (one, two):
                wait_until(partial(is_well, server), "all is well", within_s=40)
            run.feed.goes_on(500)
            found = run.finish(f"log: disk alarm of {ALARM_S:.0f} s", fault_s)
        nothing_missed(found, run.followers, one, two)


class Refusal(NamedTuple):
    """A user who may do all but one thing with the log, and how that is told."""

    user: str
    said: str
    configure: str = MINE
    write: str = MINE
    read: str = f"{MINE}|^exchange/faults/.*"


def lacking(permission: str, thing: str, name: str) -> Refusal:
    """Return the refusal to a user who lacks one permission for a queue or exchange alone."""
    all_others = f"^(?!{thing}/{{user}}/{name}$)(queue|exchange)/{{user}}"
    if permission == "read":
        all_others += "|^exchange/faults/.*"
    said = f"no {permission} permission for the {thing} {name}"
    return Refusal(f"no-{permission}-{thing}-{name}", said, **{permission: all_others})


REFUSALS = [
    *(lacking(permission, "queue", "pulse-events-log") for permission in PERMISSIONS),
    *(lacking(permission, "queue", "pulse-events-record") for permission in PERMISSIONS),
    # To bind a queue to an exchange takes `read` on that.
    *(lacking(permission, "exchange", "pulse-events-log") for permission in PERMISSIONS),
]


@contextmanager
def unharmed(node: Rabbit, server: Server, fault: str, said: str) -> Iterator[RawStream]:
    """Have a stream that waits for the log, and others that do not notice, for the block.

    ``said`` is in the server's stderr.
    """
    with (
        trial(server.port, [node.amqp_url]) as run,
        RawStream(server.port, RESUMING[0]) as waiting,
    ):
        wait_until(lambda: server.stderr.count(said) >= 2, "two tries")
        assert heartbeat(server.port)[0] == 200
        yield waiting
        fault_s = time.monotonic()
        wait_until(partial(is_well, server), "all is well", within_s=40)
        found = run.finish(f"log: {fault}", fault_s, "streams without resume")
    nothing_missed(found, run.followers, server)


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.user)
def test_a_log_that_may_not_be_used_is_said_in_words(node: Rabbit, refusal: Refusal) -> None:
    user, said, *permissions = refusal
    configure, write, read = (text.format(user=user) for text in permissions)
    node.add_user(user, PASSWORD, configure=configure, write=write, read=read)
    with instance_at(node.url(user, PASSWORD)) as server:
        with unharmed(node, server, said, said) as waiting:
            assert heartbeat(server.port) == (200, f"the log: {said}")
            assert PASSWORD not in server.stderr
            allow_all(user)(node)
            assert waiting.head().status == 200
            waiting.event("ready", within_s=20)
            # What was published since is in the queue that is recorded from.
            waiting.event("message", within_s=20)
    for queue in (INBOX, LOG):
        delete(node, queue.replace("guest", user))


def test_the_permissions_that_the_document_gives_are_enough(node: Rabbit) -> None:
    with granted(node, "one broker") as url, instance_at(url) as server:
        serves_the_log(node, server)


class Streamless(Rabbit):
    """A node of a time before streams, until they are enabled."""

    def _environment(self) -> dict[str, str]:
        return super()._environment() | {"RABBITMQ_FEATURE_FLAGS": "quorum_queue"}


def test_a_broker_without_streams_serves_all_who_need_no_log(node: Rabbit) -> None:
    if node.major >= 4:  # it always has them
        with instance(node) as server:
            wait_until(partial(is_well, server), "all is well", within_s=40)
        return
    with Streamless() as streamless:
        with Amqp(streamless.amqp_url) as amqp:
            amqp.declare_exchange(EXCHANGE)
        said = "the broker's feature flag stream_queue is disabled"
        with (
            instance(streamless) as server,
            unharmed(streamless, server, "a broker without streams", said) as waiting,
        ):
            assert heartbeat(server.port) == (200, f"the log: {said}")
            streamless.ctl("enable_feature_flag", "stream_queue")
            waiting.ready(within_s=20)


@pytest.mark.timeout(240)
def test_the_gap_of_an_inbox_that_is_deleted_is_where_the_loss_is(node: Rabbit) -> None:
    with instance(node, *MANY) as one:
        records(node, one)
        with instance(node) as two:
            ports = (one.port, two.port)
            with trial(one.port, [node.amqp_url], clients=lambda port: roaming(ports)) as run:
                for _ in range(TIMES):  # either of the two may be the one that makes it
                    delete(node, INBOX)
                    run.feed.goes_on(3000)
                found = run.finish(f"log: inbox deleted {TIMES} times", time.monotonic())
            no_traceback(one, two)
            nothing_untold(run, found)


def test_an_inbox_that_is_deleted_when_nothing_is_held_is_a_gap(node: Rabbit) -> None:
    delete(node, LOG)
    with instance(node, "--log-age", "1") as one:
        with Returner(one.port, RESUMING[0]) as left, Returner(one.port, RESUMING[0]) as there:
            publish(node, AGAIN[:50])
            for client in (left, there):
                client.reaches(49)
            left.close()
            nothing = "nothing is held"
            wait_until(lambda: not stats(one.port)["historyRecords"], nothing, within_s=20)
            with Amqp(node.amqp_url) as amqp:
                amqp.delete_queue(INBOX)
                for key, body in AGAIN[50:60]:
                    amqp.publish(EXCHANGE, key, body)
            cancelled = "the broker cancelled the consumer"
            wait_until(lambda: cancelled in one.stderr, "it is noticed")
            wait_until(lambda: INBOX in str(node.rows("list_queues", "name")), "it is there again")
            publish(node, AGAIN[60:])
            there.reaches(99)
            with Returner(one.port, RESUMING[0], cursor=left.cursor) as back:
                back.reaches(99)
    for client in (there, back):
        missing = {number for number, _ in enumerate(AGAIN)} - {got.number for got in client.got}
        assert [gap.reason for gap in client.gaps] == [INBOX_GONE], f"missing, untold: {missing}"


def test_a_client_that_has_had_more_waits_for_an_instance_that_hears_nothing(node: Rabbit) -> None:
    target = RESUMING[0]
    with Proxy(node.port) as proxy, Amqp(node.amqp_url) as amqp:
        with instance(node) as one, instance_at(proxy.url(node.amqp_url)) as two:
            with RawStream(two.port, target) as both:
                both.ready(within_s=20)
            with RawStream(one.port, target).ready(within_s=20) as stream:
                proxy.swallow(new_ones=True)
                for number in range(3):  # which two cannot read now, and does not know yet
                    amqp.publish(EXCHANGE, "n.1", b"%d" % number)
                    event = stream.event("message")
                assert event.json["payload"] == 2
            with RawStream(two.port, f"{target}&lastEventId={event.event_id}") as stream:
                assert stream.head().status == 200
                proxy.mend()
                amqp.publish(EXCHANGE, "n.1", b'"last"')
                events = stream.events(2, within_s=40)
                assert [found.kind for found in events] == ["ready", "message"], events
                assert events[1].json["payload"] == "last"
