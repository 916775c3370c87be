"""Parameters that are wrong are refused before anything is tried."""

import math
from typing import Any

import pytest

from pulse_events import listen, sync
from pulse_events.client.terms import Terms
from pulse_events.errors import InputError

WRONG: list[tuple[dict[str, Any], str]] = [
    ({"url": 5}, "the server's URL is of type int, not a str"),
    ({"url": b"http://u:geheim@h/"}, "the server's URL is of type bytes, not a str"),
    ({"bindings": []}, "'bindings' is empty"),
    ({"events": "no"}, "events is 'no', which is not a bool"),
    ({"events": None}, "events is None, which is not a bool"),
    ({"resume": "yes"}, "resume is 'yes', which is not a bool"),
    ({"wait_for_server": "no"}, "wait_for_server is 'no', which is not a bool"),
    ({"on_retry": 5}, "on_retry is 5, which is not a function"),
    ({"ca_file": 5}, "ca_file is 5, which is not a path"),
    ({"cursor": 5}, "cursor is 5"),
    ({"cursor": "a b"}, "'a b' is no cursor"),
    ({"cursor": "1", "resume": False}, "cursor, since and last are for streams that resume"),
    ({"since": 5}, "since is 5"),
    ({"last": 0}, "last is 0; it must be an int, 1 to 1000"),
    ({"last": 1001}, "last is 1001; it must be an int, 1 to 1000"),
    ({"last": True}, "last is True"),
    ({"max_retries": -1}, "max_retries is -1; it must be an int, 0 or more"),
    ({"connect_timeout_s": 0}, "connect_timeout_s is 0; it must be above 0, 604800 at most"),
    ({"stale_after_s": math.nan}, "stale_after_s is nan"),
    ({"first_delay_s": math.inf}, "first_delay_s is inf"),
    ({"max_delay_s": "5"}, "max_delay_s is '5'"),
    ({"max_delay_s": True}, "max_delay_s is True"),
    ({"headers": ["x"]}, r"headers is \['x'\], which is not a mapping"),
    ({"headers": {"a b": "x"}}, "'a b' is not the name of a header"),
    ({"headers": {"a": "x\r\ny: z"}}, "the header a is not a str of printable ASCII"),
    ({"headers": {"a": 5}}, "the header a is not a str"),
    ({"headers": {"last-event-id": "1"}}, "the header Last-Event-ID is the parameter 'cursor'"),
    ({"token": "a\n"}, "the token is not a str of printable ASCII$"),
    ({"proxy": 5}, "the proxy is not a URL with a host"),
    ({"proxy": b"http://h"}, "the proxy is not a URL"),
    ({"proxy": "nonsense"}, "the proxy is not a URL"),
    ({"proxy": "http://"}, "the proxy is not a URL"),
    ({"proxy": "http://user:geheim@h:99999"}, "the proxy is not a URL with a host, like [^@]*$"),
    ({"token": 5}, "the token is not a str of printable ASCII$"),
    ({"client": object()}, r"client is <object .*, which is not an httpx\."),
    ({"client": object(), "proxy": "http://h"}, "ca_file and proxy are for a client of ours"),
    ({"client": object(), "ca_file": "f"}, "ca_file and proxy are for a client of ours"),
]


@pytest.mark.parametrize(
    ("options", "text"), WRONG, ids=lambda part: str(part)[:40].partition(" at ")[0]
)
def test_a_wrong_parameter_is_named(options: dict[str, Any], text: str) -> None:
    given = {"url": "http://h", "bindings": ("e", "#")} | options
    for one in (listen, sync.listen):
        with pytest.raises(InputError, match=f"^{text}"):
            one(**given)


def test_a_name_that_is_no_parameter_is_python_s_to_refuse() -> None:
    for name in ("sinc", "endpoint"):
        text = rf"^listen\(\) got an unexpected keyword argument '{name}'$"
        for one in (listen, sync.listen):
            given: dict[str, Any] = {name: "10m"}
            with pytest.raises(TypeError, match=text):
                one("http://h", ("e", "#"), **given)


def test_each_option_has_its_place_in_both() -> None:
    fields = Terms.__dataclass_fields__.keys() - {"url", "bindings", "events"}
    options = {name for name in fields if Terms.__dataclass_fields__[name].init}
    from pulse_events.client.asynchronous import AsyncOptions
    from pulse_events.sync import SyncOptions

    for each in (AsyncOptions, SyncOptions):
        assert each.__annotations__.keys() == options
        assert listen.__doc__ and all(name in listen.__doc__ for name in options)
