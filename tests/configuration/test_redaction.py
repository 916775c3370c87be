"""What is hidden of a text that may hold a password, and what is not."""

import pytest

from pulse_events.configuration.redaction import redacted, redacted_word

# As somebody meant or mistyped it, and as it is shown.
SECRET = {
    "amqp://u:geheim@h/v": "amqp://u:***@h/v",
    "amqps://u:geheim@h": "amqps://u:***@h",
    "--broker=amqp://u:geheim@h/v": "--broker=amqp://u:***@h/v",
    "--brokeramqp://u:geheim@h": "--brokeramqp:***@h",
    "amqp://u:gehe@geheim@h": "amqp://u:***@h",
    "amqp://u@x:geheim@h": "amqp://u@x:***@h",
    "amqp://u:12/geheim@h/v": "amqp://u:***@h/v",
    "amqp://u:a geheim@h/v": "amqp://u:***@h/v",
    "amqp://u:a\ngeheim@h/v": "amqp://u:***@h/v",
    "AMQP://u:geheim@h": "AMQP://u:***@h",
    "amqp:/u:geheim@h": "amqp:/u:***@h",
    "amqp:u:geheim@h": "amqp:***@h",
    "amqp//u:geheim@h": "amqp//u:***@h",
    "http://u:geheim@h/": "http://u:***@h/",
    "u:geheim@h": "u:***@h",
    "geheim@h": "***@h",
    "amqp://u:geheim": "***",
    "amqp://u:1geheim": "***",
    "amqp:u:geheim": "***",
    "amqp://:geheim": "***",
}
OPEN = [
    "",
    "serve",
    "memory:",
    "amqp.topic",
    "exchange/amqp=a.#",
    "amqp://h",
    "amqp://h:5672/v",
    "amqp://h,i:5673/%2F",
    "amqp://guest@localhost:5672/%2F",
    "http://127.0.0.1:12345/events/v1/connect/",
    "http://[::1]:80/",
]


@pytest.mark.parametrize(("word", "shown"), SECRET.items())
def test_a_password_in_a_word_is_hidden(word: str, shown: str) -> None:
    assert redacted_word(word) == shown


@pytest.mark.parametrize("word", OPEN)
def test_a_word_without_a_password_stays(word: str) -> None:
    assert redacted_word(word) == word


@pytest.mark.parametrize("word", [word for word in SECRET if word != "geheim@h"])
def test_a_password_in_a_quotation_is_hidden(word: str) -> None:
    for text in (f"not {word!r}, but another", f"no exchange \"{word}\" in vhost '/'"):
        assert "geheim" not in redacted(text)
        assert redacted(text).startswith(text[:4])


@pytest.mark.parametrize("word", [word for word in SECRET if word != "geheim@h"])
def test_a_password_among_other_words_is_hidden(word: str) -> None:
    assert "geheim" not in redacted(f"no such option {word}, see --help")
    assert "geheim" not in redacted(f"no such option: {word}")


TEXTS = [
    "the broker URL must look like memory:",
    "cannot listen on ::1 port 80: Permission denied",
    "Cannot connect to host 127.0.0.1:1 ssl:default [Connect call failed ('127.0.0.1', 1)]",
    "amqp://web@localhost:5672/%2F: (404, \"NOT_FOUND - no exchange 'a@b' in vhost '/'\")",
    "amqps://web@[::1]:5671/%2F: certificate verify failed: it's for 'a.example:443'",
    "name a broker with --broker amqp://…; a memory: server takes messages by POST /publish",
]


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_without_a_password_stays(text: str) -> None:
    assert redacted(text) == text
