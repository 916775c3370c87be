"""The settings of this process, or one line that says which is wrong and where it stands."""

import os
from collections.abc import Mapping
from fnmatch import fnmatchcase

from pydantic import ValidationError

from pulse_events.bindings import read_pair
from pulse_events.brokers import EMBEDDED
from pulse_events.configuration.other_variables import OTHER_VARIABLES, given
from pulse_events.configuration.redaction import redacted_word
from pulse_events.configuration.settings import PREFIX, Settings
from pulse_events.errors import SettingsError

_SHOWN_CHARACTERS = 200
"""Of a bad value, in its error."""


def load_settings(options: Mapping[str, str]) -> Settings:
    """Return the settings of this process.

    Args:
        options: Flags that were given, by field name, as text.

    Raises:
        SettingsError: A value is bad or a key unknown; one line that names where it stands, and
            never holds a password.
    """
    try:
        settings = Settings(**options)  # type: ignore[arg-type]  # text, which pydantic converts
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        if first["type"] == "extra_forbidden":
            raise SettingsError(f"{place_of(name, options)}: there is no such setting") from None
        shown = "" if name == "broker" else f", not {_shown(first['input'])}"
        fault = first["msg"].removeprefix("Value error, ")
        raise SettingsError(f"{place_of(name, options)}: {fault}{shown}") from None
    if settings.demo is not None and settings.broker != EMBEDDED:
        raise SettingsError(f"{place_of('demo', options)}: works with the broker {EMBEDDED} only")
    _check_record(settings, options)
    _check_log(settings, options)
    return settings


def _check_record(settings: Settings, options: Mapping[str, str]) -> None:
    """Refuse to record what has queues of its own: there is one for each set of bindings."""
    for text in settings.record:
        exchange = read_pair(text).exchange
        if any(fnmatchcase(exchange, glob) for glob in settings.exact):
            place = place_of("record", options)
            raise SettingsError(f"{place}: {exchange!r} is one of --exact, it cannot be recorded")
    if settings.record and settings.history == "off":
        raise SettingsError(f"{place_of('record', options)}: works with a history only")


def _check_log(settings: Settings, options: Mapping[str, str]) -> None:
    """Refuse a log without a broker that could keep it, or without anything in it."""
    if not settings.log_url:
        return
    place = place_of("history", options)
    if settings.broker == EMBEDDED:
        raise SettingsError(f"{place}: a log needs messages of a RabbitMQ broker (--broker)")
    if not settings.record:
        raise SettingsError(f"{place}: a log needs --record, which says what it holds")


def place_of(name: str, options: Mapping[str, str]) -> str:
    """Name the place that a setting's value came from; it has one, it is not the default."""
    if name in options:
        return "--" + name.replace("_", "-")
    for variable in (PREFIX + name.upper(), *OTHER_VARIABLES.get(name, ())):
        if variable in given(os.environ):
            return f"environment variable {variable}"
    return f"config file, key {name!r}"


def _shown(value: object) -> str:
    """Return a bad value for its error: no password, even if it got to the wrong place."""
    text = repr(redacted_word(value) if isinstance(value, str) else value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"
