"""From an address to a broker: the one place that knows all kinds of them."""

from collections.abc import Iterable
from functools import partial

from pulse_events.bindings import Binding
from pulse_events.brokers.addresses import is_inside
from pulse_events.brokers.memory import Memory
from pulse_events.brokers.rabbitmq.broker import RabbitMQ
from pulse_events.brokers.rabbitmq.log.place import BrokerPlace
from pulse_events.brokers.rabbitmq.log.queues import Retention
from pulse_events.brokers.rabbitmq.log.shared_log import SharedLog
from pulse_events.brokers.rabbitmq.pace import BrokerPace
from pulse_events.configuration.settings import Settings
from pulse_events.errors import SettingsError
from pulse_events.hub.log_hub import LogHub
from pulse_events.hub.ports import Broker


def open_broker(settings: Settings) -> Broker:
    """Return a broker as the settings name it; it connects when it runs.

    Raises:
        SettingsError: They name none, or what it needs cannot be read.
    """
    if is_inside(settings.broker):
        return Memory(settings.max_message_bytes)
    another = partial(
        RabbitMQ,
        settings.broker,
        namespace=settings.namespace,
        ca_file=str(settings.broker_ca_file) if settings.broker_ca_file else None,
        body_limit_bytes=settings.max_message_bytes,
    )
    # Whether the broker blocks publishers one connection asks for all.
    return another(exact=partial(another, pace=BrokerPace(watches_alarms=False)))


def open_log(settings: Settings, hub: LogHub, recorded: Iterable[Binding]) -> SharedLog:
    """Return a process's part in the log of ``--history``; it connects when it runs.

    Raises:
        SettingsError: There is no such address, or what it needs cannot be read.
    """
    ca_file = str(settings.broker_ca_file) if settings.broker_ca_file else None
    source = BrokerPlace.of(settings.broker, settings.namespace, ca_file)
    log = source
    if settings.log_url != settings.broker:
        try:
            log = BrokerPlace.of(settings.log_url, settings.namespace)
        except SettingsError as error:
            raise SettingsError(f"--history: {error}") from None
    return SharedLog(
        source,
        log,
        hub,
        recorded,
        Retention(settings.log_bytes, settings.log_age),
        body_limit_bytes=settings.max_message_bytes,
    )
