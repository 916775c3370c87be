"""An address opens the broker that it names, and what else that can do is known before it runs."""

from typing import Any

import pytest

from pulse_events.brokers import EMBEDDED
from pulse_events.brokers.addresses import check_address, is_inside
from pulse_events.brokers.memory import Memory
from pulse_events.brokers.opening import open_broker
from pulse_events.brokers.rabbitmq.broker import RabbitMQ
from pulse_events.configuration.settings import Settings
from pulse_events.errors import SettingsError
from pulse_events.hub.ports import Broker

URL = "amqp://guest:secret@broker.test/"


def opened(**settings: Any) -> Broker:
    return open_broker(Settings.model_construct(**settings))


def test_the_embedded_broker_takes_messages_and_needs_no_queue_for_a_set_of_bindings() -> None:
    broker = opened()
    assert (type(broker), broker.name) == (Memory, EMBEDDED)
    assert broker.publish
    assert broker.exact is None


def test_a_rabbitmq_takes_messages_from_others_and_opens_one_more_like_it() -> None:
    broker = opened(broker=URL, namespace="mine")
    assert broker.publish is None
    assert broker.exact
    another = broker.exact()
    assert isinstance(broker, RabbitMQ)
    assert isinstance(another, RabbitMQ)
    assert another.name == broker.name
    assert another.queue != broker.queue
    for queue in (broker.queue, another.queue):
        assert queue.startswith("queue/mine/pulse-events/")
    assert (broker._pace.watches_alarms, another._pace.watches_alarms) == (True, False)


def test_what_is_no_address_opens_nothing_and_its_password_is_not_told() -> None:
    for refuse in (check_address, lambda url: opened(broker=url)):
        with pytest.raises(SettingsError) as found:
            refuse("http://guest:secret@broker.test/")
        assert "secret" not in str(found.value)


def test_only_the_embedded_broker_is_inside() -> None:
    check_address(EMBEDDED)
    check_address(URL)
    assert [is_inside(url) for url in (EMBEDDED, URL)] == [True, False]
