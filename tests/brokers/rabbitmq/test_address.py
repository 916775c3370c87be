"""Broker URLs: what they mean, and that a wrong one keeps its password to itself."""

import pytest

from pulse_events.brokers.rabbitmq.address import Address, parse_address
from pulse_events.errors import SettingsError


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("amqp://h", Address(False, (("h", 5672),), "guest", "/", "guest")),
        ("amqp://h/", Address(False, (("h", 5672),), "guest", "/", "guest")),
        ("amqps://u:p@h/v", Address(True, (("h", 5671),), "u", "v", "p")),
        (
            "amqp://u:p@h:1,i,[::1]:2/v",
            Address(False, (("h", 1), ("i", 5672), ("::1", 2)), "u", "v", "p"),
        ),
        ("amqp://u%40x:a%2Fb%3A@h/%2Fv", Address(False, (("h", 5672),), "u@x", "/v", "a/b:")),
        ("amqp://u@x:p@q:r@h", Address(False, (("h", 5672),), "u@x", "/", "p@q:r")),
        ("amqp://u:p?q@h", Address(False, (("h", 5672),), "u", "/", "p?q")),
        (" amqp://u:p@h/v\r\n", Address(False, (("h", 5672),), "u", "v", "p")),
    ],
)
def test_a_url_names_hosts_user_password_and_virtual_host(url: str, address: Address) -> None:
    assert parse_address(url) == address


@pytest.mark.parametrize("url", ["amqp://u:geheim@h/v%2Fw", "amqps://u:geheim@[::1]:1,h/"])
def test_an_address_shows_everything_but_its_password(url: str) -> None:
    address = parse_address(url)
    for shown in (str(address), repr(address)):
        assert "geheim" not in shown
        assert "u" in shown
    assert parse_address(str(address)).hosts == address.hosts
    assert parse_address(str(address)).vhost == address.vhost


@pytest.mark.parametrize(
    "url",
    [
        "",
        "memory",
        "http://u:geheim@h",
        "AMQP://u:geheim@h",
        "amqp:u:geheim@h",
        "amqp://",
        "amqp://u:geheim@",
        "amqp://u:geheim@:5672/",
        "amqp://u:geheim@h:port",
        "amqp://u:geheim@h:70000",
        "amqp://u:geheim@[::1",
        "amqp://u:geheim@h,",
        "amqp://u:geheim",
        "amqp://u:geheim/x@h",
        "amqp://u:x/geheim@h",
        "amqp://u:12/geheim@h/v",
        "amqp://u:geheim@h/v/w",
        "amqp://u:geheim@h/v#f",
        "amqp://u:geheim@h#f",
        "amqp://u:geheim@h/v?heartbeat=1#f",
        "amqp://u:geheim%ff@h/v",
        "amqp://u:geheim\udcff@h/v",
        "amqp://u:geheim@\udcff/v",
    ],
)
def test_a_wrong_url_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(SettingsError) as raised:
        parse_address(url)
    assert "geheim" not in str(raised.value)
    assert "broker URL" in str(raised.value)
