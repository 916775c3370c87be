"""The parameters of a broker URL: what is accepted, what is named as not supported."""

import pytest

from pulse_events.brokers.rabbitmq.address import Parameters, parse_address
from pulse_events.errors import SettingsError

ACCEPTED = {
    "": Parameters(),
    "heartbeat=30": Parameters(heartbeat_s=30),
    "connection_timeout=2500": Parameters(connect_within_s=2.5),
    "channel_max=64&frame_max=8192": Parameters(channel_max=64, frame_max=8192),
    "auth_mechanism=plain": Parameters(),
    "auth_mechanism=PLAIN&auth_mechanism=plain": Parameters(),
    "heartbeat=1&connection_timeout=100": Parameters(heartbeat_s=1, connect_within_s=0.1),
}
FILES = "cacertfile=/a b/ca.pem&certfile=/c.pem&keyfile=%2Fk%40.pem&password=p%2Fw"
TLS = {
    FILES: Parameters(
        ca_file="/a b/ca.pem", certificate_file="/c.pem", key_file="/k@.pem", key_password="p/w"
    ),
    "verify=verify_peer&fail_if_no_peer_cert=true": Parameters(),
    "server_name_indication=one.example": Parameters(server_name="one.example"),
}
# Each with what is said of it.
REFUSED = {
    "heartbeat=0": "heartbeat must be a whole number from 1 to 3600",
    "heartbeat=-1": "heartbeat must be",
    "heartbeat=1.5": "heartbeat must be",
    "heartbeat=": "heartbeat must be",
    "heartbeat=٣": "heartbeat must be",
    "heartbeat=9999999999999999999999": "heartbeat must be",
    "heartbeat=5&heartbeat=6": "heartbeat twice",
    "connection_timeout=1": "connection_timeout must be",
    "connection_timeout=infinity": "connection_timeout must be",
    "channel_max=1": "channel_max must be",
    "frame_max=1": "frame_max must be",
    "auth_mechanism=external": "auth_mechanism can only be plain here",
    "auth_mechanism=plain&auth_mechanism=amqplain": "auth_mechanism can only be plain here",
    "idle_time_out=5": "idle_time_out is not supported",
    "Heartbeat=5": "an unknown parameter",
    "heartbeats=5": "an unknown parameter heartbeats",
    "heartbeat": "not name=value",
    "heartbeat=5&": "not name=value",
    "heartbeat=%ff": "not name=value",
    "cacertfile=/ca.pem": "cacertfile needs amqps://",
    "verify=verify_peer": "verify needs amqps://",
}
REFUSED_WITH_TLS = {
    "verify=verify_none": "verify can only be verify_peer here",
    "depth=3": "depth is not supported",
    "cacertfile=": "cacertfile must be a path",
    "keyfile=/k.pem": "keyfile, but no certfile",
    "server_name_indication=disable": "server_name_indication must be a name",
    "server_name_indication=a%20b": "server_name_indication must be a name",
}
PLACES = ["u:geheim@h/v?{}", "u:geheim@h/?{}", "u:geheim@h?{}", "h?{}", "u:geheim@h:1,i:2?{}"]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("query", ACCEPTED | TLS)
def test_what_can_be_honoured_is_accepted_wherever_the_url_ends(query: str, place: str) -> None:
    if query:
        address = parse_address(f"amqps://{place.format(query)}")
        assert address.parameters == {**ACCEPTED, **TLS}[query]
        assert [host for host, _ in address.hosts] in (["h"], ["h", "i"])
        assert address.vhost == ("v" if "/v" in place else "/")


@pytest.mark.parametrize("query", ACCEPTED)
def test_without_tls_too(query: str) -> None:
    assert parse_address(f"amqp://h/v?{query}").parameters == ACCEPTED[query]


@pytest.mark.parametrize(
    ("scheme", "query", "said"),
    [
        *(("amqp", query, said) for query, said in REFUSED.items()),
        *(("amqps", query, said) for query, said in REFUSED_WITH_TLS.items()),
    ],
)
def test_what_cannot_be_honoured_is_named(scheme: str, query: str, said: str) -> None:
    with pytest.raises(SettingsError) as raised:
        parse_address(f"{scheme}://u:geheim@h/v?{query}")
    assert said in str(raised.value)
    assert "geheim" not in str(raised.value)


def test_parameters_are_no_part_of_what_is_shown() -> None:
    address = parse_address(f"amqps://u:geheim@h/v?{FILES.replace('p%2Fw', 'geheim')}")
    assert str(address) == "amqps://u@h:5671/v"
    assert "geheim" not in repr(address)


AMBIGUOUS = ["amqp://u:a@b?heartbeat=geheim@h", "amqp://u:a@b/?heartbeat=1@geheim/"]


@pytest.mark.parametrize("url", AMBIGUOUS)
def test_an_at_sign_among_the_parameters_may_be_that_of_a_password(url: str) -> None:
    with pytest.raises(SettingsError) as raised:
        parse_address(url)
    assert "write" in str(raised.value)
    assert "geheim" not in str(raised.value)
