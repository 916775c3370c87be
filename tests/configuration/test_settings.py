"""Where each option may come from, in which order, and what a bad one says."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from pulse_events.configuration.loading import load_settings
from pulse_events.configuration.settings import Settings
from pulse_events.errors import SettingsError
from tests.support.server import clean_environment


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Give each test a working folder without a config and an environment that says nothing."""
    for name in os.environ.keys() - clean_environment().keys():
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    for number in range(1, 4):
        Path(f"{number}.url").write_text(f"amqp://h{number}\n")
    yield


def configure(document: Any, name: str = "user-config.yml") -> None:
    Path(name).write_text(yaml.safe_dump(document))


def fault(options: dict[str, str] | None = None) -> str:
    with pytest.raises(SettingsError) as raised:
        load_settings(options or {})
    text = str(raised.value)
    assert "\n" not in text
    assert "geheim" not in text
    return text


# Each option but config and profile: default, and other values as text.
OPTIONS: dict[str, tuple[Any, str, str, str]] = {
    "host": ("127.0.0.1", "h1", "h2", "h3"),
    "port": (12345, "1", "2", "3"),
    "broker": ("memory:", "amqp://one", "amqp://two", "amqp://three"),
    "broker_file": (None, "1.url", "2.url", "3.url"),
    "broker_ca_file": (None, "/1.pem", "/2.pem", "/3.pem"),
    "demo": (None, "1.0", "2.0", "3.0"),
    "workers": (1, "2", "3", "4"),
    "ping_interval": (20.0, "1.0", "2.0", "3.0"),
    "max_bindings": (100, "1", "2", "3"),
    "max_distinct_bindings": (100_000, "1", "2", "3"),
    "max_bindings_per_address": (None, "1", "2", "3"),
    "max_streams": (None, "1", "2", "3"),
    "max_streams_per_address": (None, "1", "2", "3"),
    "max_outstanding_bindings": (None, "1", "2", "3"),
    "max_connections_per_address": (None, "1", "2", "3"),
    "max_request_rate": (None, "1.0", "2.0", "3.0"),
    "trust_proxy": (0, "1", "2", "3"),
    "trusted_proxies": ((), "('10.0.0.0/8',)", "('::1',)", "('192.0.2.1',)"),
    "max_head_bytes": (65536, "8192", "8193", "8194"),
    "max_message_bytes": (1 << 20, "1", "2", "3"),
    "max_unsent_bytes": (1 << 20, "1", "2", "3"),
    "exact": ((), "('a',)", "('b',)", "('c',)"),
    "max_exact_per_address": (None, "1", "2", "3"),
    "history": ("memory", "off", "memory", "off"),
    "history_bytes": (64 << 20, "1024", "1025", "1026"),
    "history_age": (600.0, "1.0", "2.0", "3.0"),
    "log_bytes": (10_000_000_000, "100000", "100001", "100002"),
    "log_age": (604_800.0, "1.0", "2.0", "3.0"),
    "record": ((), "('e=a',)", "('e=b',)", "('e=#',)"),
    "max_kept_bindings": (10_000, "0", "1", "2"),
    "compression": ("on", "off", "on", "off"),
    "namespace": (None, "n1", "n2", "n3"),
    "taskcluster_root_url": (None, "https://one", "https://two", "https://three"),
    "log_level": ("info", "debug", "warning", "error"),
    "log_format": ("text", "json", "text", "json"),
}
EACH = pytest.mark.parametrize("name", OPTIONS)
NEEDED = {"workers": {"broker": "amqp://shared"}}
"""What else must be given for a value to be accepted."""


def value(name: str, options: dict[str, str] | None = None) -> Any:
    return getattr(load_settings(options or {}), name)


def test_no_option_is_forgotten_here() -> None:
    assert OPTIONS.keys() | {"config", "profile"} == Settings.model_fields.keys()


@EACH
def test_an_option_has_its_default(name: str) -> None:
    assert value(name) == OPTIONS[name][0]


@EACH
def test_option_goes_before_environment_before_config_file(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, *expected = OPTIONS[name]
    filed, exported, given = (text.strip("(',)") for text in expected)
    needed = NEEDED.get(name, {})
    configure({name.replace("_", "-"): yaml.safe_load(filed)})
    assert str(value(name, needed)) == expected[0]
    monkeypatch.setenv(f"PULSE_EVENTS_{name.upper()}", exported)
    assert str(value(name, needed)) == expected[1]
    assert str(value(name, {**needed, name: given})) == expected[2]


@pytest.mark.parametrize(
    ("text", "proxies"), [("true", 1), ("yes", 1), ("false", 0), ("0", 0), ("2", 2)]
)
def test_trusting_a_proxy_may_be_said_as_other_services_do(
    text: str, proxies: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRUST_PROXY", text)
    assert value("trust_proxy") == proxies
    assert value("trust_proxy", {"trust_proxy": "3"}) == 3


def test_several_globs_may_stand_in_one_text_or_in_a_list() -> None:
    assert value("exact", {"exact": "a/* b"}) == ("a/*", "b")
    configure({"exact": ["c", "d/?"]})
    assert value("exact") == ("c", "d/?")


def test_several_networks_may_stand_in_one_text_or_in_a_list() -> None:
    assert value("trusted_proxies", {"trusted_proxies": "::1 10.0.0.0/8"}) == ("::1", "10.0.0.0/8")
    configure({"trusted-proxies": ["192.0.2.1", "2001:db8::/32"]})
    assert value("trusted_proxies") == ("192.0.2.1", "2001:db8::/32")


def test_a_key_of_the_config_file_may_have_underscores_or_dashes() -> None:
    configure({"ping_interval": 1, "log-level": "error"})
    settings = load_settings({})
    assert (settings.ping_interval, settings.log_level) == (1.0, "error")


@pytest.mark.parametrize(
    ("text", "meant"),
    [("on", "on"), ("off", "off"), ("'off'", "off"), ("true", "on"), ("No", "off"), ("ON", "on")],
)
def test_compression_is_on_or_off_in_all_words_that_yaml_has_for_it(text: str, meant: str) -> None:
    Path("user-config.yml").write_text(f"compression: {text}\n")
    assert value("compression") == meant


def test_the_config_file_is_the_one_that_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    configure({"port": 1})
    configure({"port": 2}, "two.yml")
    configure({"port": 3}, "three.yml")
    assert value("port") == 1
    monkeypatch.setenv("PULSE_EVENTS_CONFIG", "two.yml")
    assert value("port") == 2
    assert value("port", {"config": "three.yml"}) == 3


@pytest.mark.parametrize("text", ["", "{}", "# nothing\n", "development:\n  pulse:\n"])
def test_an_empty_config_file_says_nothing(text: str) -> None:
    Path("user-config.yml").write_text(text)
    assert load_settings({}) == Settings.model_construct()


# The layout of the original

PULSE = {"username": "u", "password": "p", "hostname": "h", "vhost": "v"}


def test_the_only_profile_of_the_original_layout_is_taken() -> None:
    configure({"development": {"pulse": PULSE}})
    assert value("broker") == "amqps://u:p@h/v"


def test_a_profile_is_picked_by_option_then_environment_then_node_env(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    configure({name: {"pulse": PULSE | {"hostname": name}} for name in ("one", "two", "three")})
    monkeypatch.setenv("NODE_ENV", "one")
    assert value("broker") == "amqps://u:p@one/v"
    monkeypatch.setenv("PULSE_EVENTS_PROFILE", "two")
    assert value("broker") == "amqps://u:p@two/v"
    assert value("broker", {"profile": "three"}) == "amqps://u:p@three/v"


def test_values_of_the_original_layout_that_are_left_empty_count_as_absent() -> None:
    lines = "".join(f"    {key}:\n" for key in PULSE)
    Path("user-config.yml").write_text(f"development:\n  pulse:\n{lines}")
    assert value("broker") == "memory:"


# Taskcluster's and other programs' variables


def test_pulse_variables_name_a_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in {"HOSTNAME": "h", "USERNAME": "me@x", "PASSWORD": "a/b:c@d"}.items():
        monkeypatch.setenv(f"PULSE_{name}", text)
    assert value("broker") == "amqps://me%40x:a%2Fb%3Ac%40d@h/%2F"
    monkeypatch.setenv("PULSE_VHOST", "v/w")
    monkeypatch.setenv("PULSE_AMQPS", "false")
    assert value("broker") == "amqp://me%40x:a%2Fb%3Ac%40d@h/v%2Fw"


@pytest.mark.parametrize(
    ("text", "scheme"), [("true", "amqps"), ("1", "amqps"), ("False", "amqp"), ("0", "amqp")]
)
def test_pulse_amqps_picks_the_scheme(
    text: str, scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULSE_HOSTNAME", "h")
    monkeypatch.setenv("PULSE_AMQPS", text)
    assert value("broker").partition(":")[0] == scheme


def test_a_connection_string_goes_before_the_single_variables(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PULSE_HOSTNAME", "h")
    monkeypatch.setenv("PULSE_CONNECTION_STRING", "amqp://whole")
    assert value("broker") == "amqp://whole"


def test_pulse_variables_go_before_the_config_file_and_behind_the_option(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    configure({"development": {"pulse": PULSE}})
    monkeypatch.setenv("PULSE_PASSWORD", "other")
    assert value("broker") == "amqps://u:other@h/v"
    monkeypatch.setenv("PULSE_EVENTS_BROKER", "amqp://environment")
    assert value("broker") == "amqp://environment"
    assert value("broker", {"broker": "amqp://option"}) == "amqp://option"


def test_variables_that_name_no_broker_leave_the_embedded_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PULSE_PASSWORD", "p")
    monkeypatch.setenv("TASKCLUSTER_ROOT_URL", "https://tc.example.com")
    assert value("broker") == "memory:"


def test_port_is_honoured_behind_our_own_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    configure({"port": 1})
    monkeypatch.setenv("PORT", "2")
    assert value("port") == 2
    monkeypatch.setenv("PULSE_EVENTS_PORT", "3")
    assert value("port") == 3


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("events:*", "debug"),
        ("events", "debug"),
        ("*", "debug"),
        ("express,events:pulse", "debug"),
        ("express events:*", "debug"),
        ("", "info"),
        ("express:*", "info"),
        ("eventsource:*", "info"),
        ("-events:*", "info"),
    ],
)
def test_debug_means_debug_if_it_names_events(
    text: str, level: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEBUG", text)
    assert value("log_level") == level
    assert value("log_level", {"log_level": "error"}) == "error"


# What is bad

BAD = {
    "port": ["-1", "65536", "x", "1.5"],
    "demo": ["0", "-1", "x", "nan", "inf"],
    "workers": ["0", "1.5", "x"],
    "ping_interval": ["0", "nan", "x", "3601"],
    "max_bindings": ["0", "x"],
    "max_bindings_per_address": ["0", "x"],
    "max_connections_per_address": ["0", "1.5"],
    "max_exact_per_address": ["0", "x"],
    "compression": ["gzip", "2"],
    "history": ["redis", "AMQP"],
    "namespace": ["a/b", "a b", "x" * 65],
    "taskcluster_root_url": ["tc.example.com", "ftp://h", "https://h/path", "https://h?q"],
    "log_level": ["loud", "DEBUG"],
    "log_format": ["xml"],
}
BAD_VALUES = [(name, text) for name, texts in BAD.items() for text in texts]


@pytest.mark.parametrize(("name", "text"), BAD_VALUES)
def test_a_bad_value_is_named_with_its_place(
    name: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    flag = "--" + name.replace("_", "-")
    assert fault({name: text}).startswith(f"{flag}: ")
    variable = f"PULSE_EVENTS_{name.upper()}"
    monkeypatch.setenv(variable, text)
    assert fault().startswith(f"environment variable {variable}: ")
    monkeypatch.delenv(variable)
    configure({name: text})
    assert fault().startswith(f"config file, key '{name}': ")
    assert repr(text) in fault()


@pytest.mark.parametrize("text", ["x", "10.0.0.1/8", "10.0.0.0/33", "::1/64", "1.2.3", "host"])
def test_a_network_that_is_none_is_named(text: str) -> None:
    found = fault({"trusted_proxies": f"127.0.0.1 {text}"})
    assert found.startswith("--trusted-proxies: ")
    assert text in found


def test_a_bad_port_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "geh heim")
    assert fault().startswith("environment variable PORT: ")


def test_a_bad_pulse_amqps_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULSE_HOSTNAME", "h")
    monkeypatch.setenv("PULSE_AMQPS", "perhaps")
    assert "PULSE_AMQPS" in fault()


def test_a_demo_needs_the_embedded_broker() -> None:
    assert fault({"demo": "1", "broker": "amqp://u:geheim@h"}).startswith("--demo: ")


def test_a_config_file_that_is_named_must_exist() -> None:
    assert "no.yml" in fault({"config": "no.yml"})
    assert "cannot read" in fault({"config": "."})


def test_a_profile_that_does_not_exist_is_named_with_those_that_do() -> None:
    configure({"one": {"pulse": {}}, "two": {"pulse": {}}})
    text = fault({"profile": "three"})
    assert all(name in text for name in ("'three'", "one", "two", "--profile"))
