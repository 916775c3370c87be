"""What is said of a refusal, where a permission may be missing."""

import pytest

from pulse_events.brokers.rabbitmq.connection import RequestRefused
from pulse_events.brokers.rabbitmq.queue import needing
from pulse_events.errors import BrokerUnavailable

BEHIND = "in vhost '/' refused for user 'web'"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (f"ACCESS_REFUSED - access to queue 'q' {BEHIND}", "no write permission for the queue q"),
        (f"ACCESS_REFUSED - write access to queue 'q' {BEHIND}", "no write permission for the"),
        (
            f"ACCESS_REFUSED - access to exchange 'q' {BEHIND}",
            "no read permission for the exchange",
        ),
    ],
)
def test_the_permission_is_named_that_is_missing(text: str, kind: str) -> None:
    with pytest.raises(BrokerUnavailable) as raised, needing("write", "q", of_exchange="read"):
        raise RequestRefused(403, text)
    assert raised.value.kind.startswith(kind)
    assert raised.value.kind.endswith(" q")


@pytest.mark.parametrize(
    "text",
    [
        f"ACCESS_REFUSED - access to topic 'k' in exchange 'e' {BEHIND}",
        "ACCESS_REFUSED - operation not permitted on the default exchange",
        f"ACCESS_REFUSED - access to exchange 'e' {BEHIND}",
    ],
)
def test_a_refusal_for_another_reason_stays_what_it_is(text: str) -> None:
    with pytest.raises(RequestRefused), needing("write"):
        raise RequestRefused(403, text)
