"""URLs that a client asks."""

import pytest

from pulse_events.client.addresses import endpoint_of
from pulse_events.errors import InputError


@pytest.mark.parametrize(
    ("given", "connect"),
    [
        ("http://h", "http://h/events/v1/connect/"),
        ("https://h:8443/", "https://h:8443/events/v1/connect/"),
        ("http://h/prefix", "http://h/prefix/events/v1/connect/"),
        ("http://h/v1/connect", "http://h/v1/connect"),
        ("http://h/api/events/v1/connect/#x", "http://h/api/events/v1/connect/"),
        ("http://[::1]:1", "http://[::1]:1/events/v1/connect/"),
    ],
)
def test_a_server_or_its_endpoint_may_be_given(given: str, connect: str) -> None:
    assert endpoint_of(given).public == connect


def test_the_user_s_own_query_stays_but_for_what_is_ours() -> None:
    endpoint = endpoint_of("http://h/connect?key=a%20b&empty=&bindings=x&key=c")
    asked = endpoint.asking({"bindings": '{"é": "+&"}'})
    assert asked == (
        "http://h/connect?key=a+b&empty=&key=c&bindings=%7B%22%C3%A9%22%3A+%22%2B%26%22%7D"
    )
    assert endpoint.beside("config") == "http://h/config?key=a+b&empty=&key=c"
    assert endpoint.public == "http://h/connect"


def test_a_password_goes_into_a_header_and_nowhere_else() -> None:
    endpoint = endpoint_of("https://us%3Aer:p%40ss@h:1/x")
    assert endpoint.authorization == "Basic dXM6ZXI6cEBzcw=="
    assert endpoint.public == "https://h:1/x/events/v1/connect/"
    assert endpoint.origin == "https://h:1"
    assert endpoint_of("http://h").authorization is None


@pytest.mark.parametrize("wrong", ["h", "ftp://u:1@h", "amqp://u", "http://", ""])
def test_a_url_of_another_kind_is_refused(wrong: str) -> None:
    with pytest.raises(InputError) as raised:
        endpoint_of(wrong)
    assert str(raised.value) == "the server's URL is not an http:// or https:// URL"


@pytest.mark.parametrize(
    "wrong",
    [
        "http://[",
        "http://h:70000",
        "http://u:secret@h:x",
        "http://u:secret",
        "amqp://u:secret",
        "http://u:secret/x@h",
        "http://u:x//secret@h",
        "http://u:12/secret@h",
        "http://u:12?secret@h",
        "http://u:12#secret@h",
        "http://u:/secret@h",
    ],
)
def test_a_url_whose_host_or_port_is_wrong_is_refused_and_not_repeated(wrong: str) -> None:
    with pytest.raises(InputError) as raised:
        endpoint_of(wrong)
    assert str(raised.value) == (
        "the server's URL has a bad host or port; "
        "write / in a password as %2F, and likewise ? as %3F, # as %23, @ as %40"
    )


@pytest.mark.parametrize("given", ["http://h/@x", "http://h/?by=a@b", "http://u:x@h:1/?by=a@b"])
def test_an_at_sign_may_stand_where_it_ends_no_password(given: str) -> None:
    assert endpoint_of(given).parts.hostname == "h"
