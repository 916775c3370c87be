"""The server's URL and headers as they are typed, and what a list of processes shows of them."""

import click
import pytest

from pulse_events.cli.command import shown_words
from pulse_events.cli.connecting import connection_of, server_url

URLS = {
    "http://h/": "http://h/",
    "https://h.example": "https://h.example",
    "localhost:12345": "http://localhost:12345",
    "127.0.0.1:12345/events/v1/connect/": "http://127.0.0.1:12345/events/v1/connect/",
    "[::1]:80": "http://[::1]:80",
    "events:8080": "http://events:8080",
    "a.localhost": "http://a.localhost",
    "events.example.com/x": "https://events.example.com/x",
    "user:pass@events.example.com:444": "https://user:pass@events.example.com:444",
    " localhost ": "http://localhost",
}


@pytest.mark.parametrize(("typed", "url"), URLS.items(), ids=URLS)
def test_a_url_may_lack_its_scheme(typed: str, url: str) -> None:
    assert server_url(typed) == url


@pytest.mark.parametrize("typed", [None, "", " "])
def test_a_server_must_be_named(typed: str | None) -> None:
    with pytest.raises(click.UsageError, match="PULSE_EVENTS_URL"):
        server_url(typed)


@pytest.mark.parametrize("typed", ["ftp://h/", "http://h:99999/", "http://[::1/", "https:///"])
def test_what_is_no_url_is_wrong_use(typed: str) -> None:
    with pytest.raises(click.BadParameter, match="URL"):
        server_url(typed)


OPTIONS = {
    "token_file": None,
    "ca_file": None,
    "proxy": None,
    "stale_after": 75.0,
    "no_retry": False,
    "wait": False,
}


def test_headers_are_read_as_curl_reads_them() -> None:
    texts = ["X-One: a: b ", "x-two:", "X-Three:\tc"]
    found = connection_of({**OPTIONS, "headers": texts})["headers"]
    assert found == {"X-One": "a: b", "x-two": "", "X-Three": "c"}


NO_HEADERS = {
    "a: geheim\nc: d": "printable ASCII",
    "a: geheim\x7f": "printable ASCII",
    "a: geheimé": "printable ASCII",
    "last-event-id: geheim": "'cursor'",
    "A: geheim": "given twice",
}


@pytest.mark.parametrize("text", NO_HEADERS, ids=range(len(NO_HEADERS)))
def test_a_header_that_cannot_be_sent_is_wrong_use(text: str) -> None:
    headers = ["a: b", text] if text[0] == "A" else [text]
    with pytest.raises(click.BadParameter) as raised:
        connection_of({**OPTIONS, "headers": headers})
    assert NO_HEADERS[text] in raised.value.message
    assert "geheim" not in raised.value.message


@pytest.mark.parametrize("text", ["", "x", ": x", "a b: c"])
def test_what_is_no_header_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(click.BadParameter) as raised:
        connection_of({**OPTIONS, "headers": [text]})
    assert raised.value.message == "it is not like 'Name: value'"


def test_a_list_of_processes_shows_no_header_and_no_password() -> None:
    words = ["listen", "-H", "A: s", "-HB: s", "--header", "C:s", "--header=D: s", "http://u:s@h"]
    assert list(shown_words(words)) == [
        "listen",
        "-H",
        "A: ***",
        "-HB: ***",
        "--header",
        "C: ***",
        "--header=D: ***",
        "http://u:***@h",
    ]


def test_flags_before_a_header_in_one_word_do_not_give_it_away() -> None:
    words = ["listen", "-qH", "A: secret", "-vqHB: secret"]
    assert list(shown_words(words)) == ["listen", "-qH", "A: ***", "-vqHB: ***"]
