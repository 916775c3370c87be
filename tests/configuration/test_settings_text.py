"""What around a setting's text does not count, bytes that are no text, and the broker's file."""

import os
from pathlib import Path

import pytest

from pulse_events.configuration.loading import load_settings
from pulse_events.configuration.settings import Settings
from tests.configuration import test_settings
from tests.configuration.test_settings import EACH, NEEDED, OPTIONS, PULSE, configure, fault, value

clean = test_settings.clean


# What is left empty, and what is around a value

EMPTY_IS_BAD = ["port", "host", "compression", "namespace", "taskcluster_root_url", "log_level"]


@pytest.mark.parametrize("name", EMPTY_IS_BAD)
def test_an_option_that_is_empty_is_bad(name: str) -> None:
    assert fault({name: ""}).startswith(f"--{name.replace('_', '-')}: ")


@EACH
@pytest.mark.parametrize("text", ["", " ", "\n", " \t\r\n"])
def test_an_empty_variable_is_an_unset_one(
    name: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"PULSE_EVENTS_{name.upper()}", text)
    assert value(name) == OPTIONS[name][0]


OTHERS = [
    *("PORT", "TRUST_PROXY", "NODE_ENV", "DEBUG", "TASKCLUSTER_ROOT_URL"),
    *("PULSE_HOSTNAME", "PULSE_USERNAME", "PULSE_PASSWORD", "PULSE_VHOST", "PULSE_AMQPS"),
    *("PULSE_CONNECTION_STRING", "PULSE_EVENTS_CONFIG", "PULSE_EVENTS_PROFILE"),
]


@pytest.mark.parametrize("text", ["", "\n"])
def test_each_other_variable_that_is_empty_is_an_unset_one(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure({"development": {"pulse": PULSE}})
    before = load_settings({})
    for variable in OTHERS:
        monkeypatch.setenv(variable, text)
        assert load_settings({}) == before


@EACH
def test_blanks_around_a_variable_do_not_count(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _, *expected = OPTIONS[name]
    monkeypatch.setenv(f"PULSE_EVENTS_{name.upper()}", f" {expected[1].strip(chr(39) + '(,)')}\r\n")
    assert str(value(name, NEEDED.get(name))) == expected[1]


def test_blanks_around_other_variables_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    said = {"USERNAME": "u", "PASSWORD": "p", "HOSTNAME": "h", "VHOST": "v", "AMQPS": "false"}
    for name, text in said.items():
        monkeypatch.setenv(f"PULSE_{name}", f" {text}\n")
    monkeypatch.setenv("PORT", "8080\n")
    monkeypatch.setenv("TRUST_PROXY", " true ")
    monkeypatch.setenv("DEBUG", "\tevents:*\n")
    monkeypatch.setenv("TASKCLUSTER_ROOT_URL", "https://tc.example.com\n")
    settings = load_settings({})
    assert settings.broker == "amqp://u:p@h/v"
    assert (settings.port, settings.trust_proxy, settings.log_level) == (8080, 1, "debug")
    assert settings.taskcluster_root_url == "https://tc.example.com"
    monkeypatch.setenv("PULSE_CONNECTION_STRING", "\namqp://whole\n")
    assert value("broker") == "amqp://whole"


def test_blanks_around_the_broker_s_url_do_not_count_wherever_it_stands() -> None:
    assert value("broker", {"broker": " amqp://h/v\n"}) == "amqp://h/v"
    Path("user-config.yml").write_text("broker: |\n  amqp://h/v\n\n")
    assert value("broker") == "amqp://h/v"
    Path("user-config.yml").write_text('broker: " amqp://h/v\\n"')
    assert value("broker") == "amqp://h/v"


def test_an_option_that_is_left_empty_in_the_config_file_is_absent() -> None:
    Path("user-config.yml").write_text("port:\nhost: ''\nnamespace: \n")
    assert load_settings({}) == Settings.model_construct()


# Bytes that are no UTF-8

FILES = {"broker_file", "broker_ca_file", "config"}


@pytest.mark.parametrize("name", sorted(Settings.model_fields.keys() - FILES))
def test_a_value_that_is_not_utf_8_is_bad(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    configure({"one": {"pulse": {}}, "two": {"pulse": {}}})
    broken = os.fsdecode(b"\xff")
    flag = "--" + name.replace("_", "-")
    assert flag in fault({"profile": "one", name: broken})
    monkeypatch.setenv("PULSE_EVENTS_PROFILE", "one")
    monkeypatch.setenv(f"PULSE_EVENTS_{name.upper()}", broken)
    assert name in fault().lower() or flag in fault()


@pytest.mark.parametrize("name", ["broker_file", "config"])
def test_a_file_s_name_may_be_any_bytes(name: str) -> None:
    path = os.fsdecode(b"\xff\xfe")
    Path(path).write_text("amqp://h" if name == "broker_file" else "broker: amqp://h")
    assert value("broker", {name: path}) == "amqp://h"


# The broker's file


def test_the_broker_s_file_holds_its_url_on_one_line() -> None:
    for text in ("amqp://h/v", " amqp://h/v\r\n\n", "\ufeffamqp://h/v\n"):
        Path("url").write_text(text)
        assert value("broker", {"broker_file": "url"}) == "amqp://h/v"


@pytest.mark.parametrize("text", ["", "\n", "amqp://h\namqp://i", "# geheim\namqp://h"])
def test_a_broker_s_file_that_holds_no_one_line_is_bad(text: str) -> None:
    Path("url").write_text(text)
    assert "the broker file url must hold one line" in fault({"broker_file": "url"})


def test_a_broker_s_file_that_cannot_be_read_is_named() -> None:
    assert "the broker file no.url: No such file" in fault({"broker_file": "no.url"})
    assert "the broker file .: Is a directory" in fault({"broker_file": "."})


def test_the_strongest_source_names_the_broker_by_its_url_or_by_a_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    configure({"broker-file": "1.url"})
    assert value("broker") == "amqp://h1"
    monkeypatch.setenv("PULSE_CONNECTION_STRING", "amqp://pulse")
    assert value("broker") == "amqp://pulse"
    assert value("broker_file") is None
    monkeypatch.setenv("PULSE_EVENTS_BROKER_FILE", "2.url")
    assert value("broker") == "amqp://h2"
    assert value("broker", {"broker": "amqp://option"}) == "amqp://option"
    assert value("broker", {"broker_file": "3.url"}) == "amqp://h3"
    assert str(value("broker_file", {"broker_file": "3.url"})) == "3.url"
    monkeypatch.delenv("PULSE_EVENTS_BROKER_FILE")
    monkeypatch.setenv("PULSE_EVENTS_BROKER", "amqp://own")
    assert value("broker", {"broker_file": "3.url"}) == "amqp://h3"


def test_a_weaker_source_s_file_is_not_even_read() -> None:
    configure({"broker-file": "no.url"})
    assert value("broker", {"broker": "amqp://option"}) == "amqp://option"


def test_both_from_one_source_is_bad(monkeypatch: pytest.MonkeyPatch) -> None:
    both = {"broker": "amqp://u:geheim@h", "broker_file": "1.url"}
    assert fault(both).startswith("--broker and --broker-file: ")
    configure(both)
    assert fault().startswith("config file, keys 'broker' and 'broker-file': ")
    for name, text in both.items():
        monkeypatch.setenv(f"PULSE_EVENTS_{name.upper()}", text)
    expected = "environment variables PULSE_EVENTS_BROKER and PULSE_EVENTS_BROKER_FILE: "
    assert fault().startswith(expected)


# The working folder


def test_a_working_folder_that_is_deleted_has_no_config_file(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    os.chdir(folder)
    folder.rmdir()
    assert load_settings({}) == Settings.model_construct()


# Text in YAML

WRITTEN = ["0123456", "1e3", "on", "no", "null", "~", "2024-01-01", "0x10", "1_0", "12.50"]


@pytest.mark.parametrize("text", WRITTEN)
def test_a_text_in_yaml_is_taken_as_it_is_written(text: str) -> None:
    pulse = f"{{username: {text}, password: {text}, hostname: h, vhost: {text}}}"
    Path("user-config.yml").write_text(f"development: {{pulse: {pulse}}}\n")
    assert value("broker") == f"amqps://{text}:{text}@h/{text}"
    Path("user-config.yml").write_text(f"host: {text}\n")
    assert value("host") == text


def test_numbers_in_yaml_are_those_that_an_option_takes() -> None:
    Path("user-config.yml").write_text("port: 80\ndemo: 1e1\ntrust-proxy: yes\n")
    settings = load_settings({})
    assert (settings.port, settings.demo, settings.trust_proxy) == (80, 10.0, 1)
    Path("user-config.yml").write_text("port: 0x50\n")
    assert "config file, key 'port': " in fault()
