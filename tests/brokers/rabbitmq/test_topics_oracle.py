"""RabbitMQ as the oracle: what its topic exchange routes is what `TopicIndex` matches.

One queue per pattern.  Each example publishes its messages, whose bodies are their numbers, and
compares what arrived in each queue with what the index says of the message's keys.
"""

import uuid
from collections.abc import Iterator
from typing import NamedTuple

import pika
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pika.adapters.blocking_connection import BlockingChannel

from pulse_events.topics.containment import for_broker
from pulse_events.topics.index import TopicIndex
from pulse_events.topics.patterns import canonical
from tests.support.rabbit import Rabbit
from tests.support.topic_reference import reference_match_any

PATTERNS = 60
MESSAGES = 60
EXAMPLES = 40

WORDS = st.sampled_from(
    ["", "a", "b", "*", "#", "*", "#", "ä", "日本", "😀", "a*", "#a", "**", "##", "*#", " ", "A"]
)
TEXTS = st.lists(WORDS, max_size=6).map(".".join)
# Few different words, so that patterns with several wildcards have something to match.
DENSE_PATTERNS = st.lists(st.sampled_from(["a", "*", "#", ""]), max_size=7).map(".".join)
DENSE_KEYS = st.lists(st.sampled_from(["a", "a", "b", ""]), max_size=7).map(".".join)
KEYS = TEXTS | DENSE_KEYS

PATTERN_SETS = st.lists(TEXTS | DENSE_PATTERNS, min_size=PATTERNS, max_size=PATTERNS, unique=True)


class Publication(NamedTuple):
    """The keys of one message."""

    routing_key: str
    cc: list[str]

    @property
    def keys(self) -> list[str]:
        """All that count."""
        return [self.routing_key, *self.cc]


PUBLICATIONS = st.lists(
    st.builds(Publication, KEYS, st.just([]) | st.lists(KEYS, max_size=3)),
    min_size=MESSAGES,
    max_size=MESSAGES,
)


class Oracle:
    """A topic exchange of a real broker, with one queue per pattern."""

    def __init__(self, channel: BlockingChannel) -> None:
        self._channel = channel
        self._exchange = f"oracle/{uuid.uuid4().hex}"
        self._queues = [
            str(channel.queue_declare("", exclusive=True).method.queue) for _ in range(PATTERNS)
        ]

    def route(self, patterns: list[str], publications: list[Publication]) -> list[set[str]]:
        """Return, for each message, the patterns whose queues it arrived in."""
        self._channel.exchange_declare(self._exchange, "topic")
        for queue, pattern in zip(self._queues, patterns, strict=True):
            self._channel.queue_bind(queue, self._exchange, pattern)
        for number, publication in enumerate(publications):
            self._publish(number, publication)
        # Methods of a channel are carried out in order: after this, all messages are in the queues.
        self._channel.exchange_delete(self._exchange)
        routed: list[set[str]] = [set() for _ in publications]
        for queue, pattern in zip(self._queues, patterns, strict=True):
            for number in self._take(queue):
                assert pattern not in routed[number], "one queue got a message twice"
                routed[number].add(pattern)
        return routed

    def _publish(self, number: int, publication: Publication) -> None:
        headers = {"CC": publication.cc} if publication.cc else None
        self._channel.basic_publish(
            self._exchange,
            publication.routing_key,
            b"%d" % number,
            pika.BasicProperties(headers=headers),
        )

    def _take(self, queue: str) -> Iterator[int]:
        waiting = self._channel.queue_declare(queue, passive=True).method.message_count
        for _ in range(waiting):
            _method, _properties, body = self._channel.basic_get(queue, auto_ack=True)
            assert body is not None, "a message that was counted is gone"
            yield int(body)


@pytest.fixture(scope="module")
def oracle(rabbit: Rabbit) -> Iterator[Oracle]:
    parameters = pika.URLParameters(rabbit.amqp_url)
    parameters.heartbeat = 0  # nothing answers heartbeats while hypothesis draws
    connection = pika.BlockingConnection(parameters)
    yield Oracle(connection.channel())
    connection.close()


@pytest.mark.timeout(120)
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    phases=[Phase.reuse, Phase.generate],  # shrinking would take minutes; the message says enough
    suppress_health_check=list(HealthCheck),
)
@given(patterns=PATTERN_SETS, publications=PUBLICATIONS)
def test_the_index_matches_what_rabbitmq_routes(
    oracle: Oracle, patterns: list[str], publications: list[Publication]
) -> None:
    index: TopicIndex[str] = TopicIndex()
    for pattern in patterns:
        index.add(canonical(pattern), pattern)
    routed = oracle.route(patterns, publications)
    for publication, expected in zip(publications, routed, strict=True):
        matched = frozenset[str]().union(*map(index.match, publication.keys))
        assert matched == expected, publication
        assert {p for p in patterns if reference_match_any(p, publication.keys)} == expected
        for pattern in patterns:
            assert reference_match_any(canonical(pattern), publication.keys) == (
                pattern in expected
            )
            if pattern in expected:
                assert reference_match_any(for_broker(canonical(pattern)), publication.keys)
