"""The browser client in Chromium: what a page is told, and that it comes back by itself."""

import os
import signal

import pytest

from tests.browser.conftest import PING_S, Site
from tests.support.amqp import Amqp
from tests.support.browser import BLANK_PATH, Browser
from tests.support.rabbit import Rabbit
from tests.support.server import Server
from tests.support.waiting import wait_until

EVERYTHING = ("exchange/test", "#")


def test_a_page_hears_ready_messages_and_pings(site: Site) -> None:
    tab = site.open()
    tab.listen("it", ("exchange/test", "a.*"))
    tab.wait("it", "readies")
    site.publish("exchange/test", "a.b", {"text": "ä\u2028\x00</script>"})
    site.publish("exchange/test", "other", 2)
    site.publish("exchange/test", "n", 3, cc=["a.c"])
    assert tab.wait("it", "messages", 2) == [{"text": "ä\u2028\x00</script>"}, 3]
    tab.wait("it", "pings", 2)
    assert tab.told("it")["phases"] == ["connecting", "open"]


def test_a_wrong_request_ends_with_the_servers_reason(site: Site) -> None:
    tab = site.open()
    tab.listen("it", ("exchange/test", "x" * 256))
    (error,) = tab.wait("it", "errors")
    assert error["message"].startswith("bindings[0]: routingKeyPattern is 256 bytes")
    assert (error["permanent"], error["status"], error["code"]) == (True, 400, "InputError")
    assert tab.told("it")["phases"] == ["connecting", "closed"]


def test_messages_of_rabbitmq_reach_the_page_and_a_missing_exchange_is_named(
    tabs: Browser, rabbit: Rabbit, amqp: Amqp, exchange: str
) -> None:
    with Server("--broker", rabbit.amqp_url) as server:
        tab = tabs.open(server.url + BLANK_PATH)
        tab.listen("it", (exchange, "a.#"))
        tab.wait("it", "readies")
        tab.listen("missing", ("exchange/test/missing", "#"))
        (error,) = tab.wait("missing", "errors")
        assert "exchange/test/missing" in error["message"]
        assert (error["permanent"], error["status"]) == (True, 404)
        amqp.publish(exchange, "a.b", b'{"number": 1}')
        assert tab.wait("it", "messages") == [{"number": 1}]


def test_a_killed_server_is_found_again_on_its_port(site: Site) -> None:
    tab = site.open()
    tab.listen("it", EVERYTHING)
    tab.wait("it", "readies")
    site.publish(*EVERYTHING, 1)
    tab.wait("it", "messages")
    site.server.kill()
    error = tab.wait("it", "errors")[0]
    assert error["permanent"] is False
    assert error["message"] == "the connection was lost"
    with Server("--port", str(site.server.port)) as again:
        readies = tab.wait("it", "readies", 2)
        assert [each["first"] for each in readies] == [True, False]
        (gap,) = tab.wait("it", "gaps")
        assert (gap["reason"], gap["from"]) == ("the history was another process'", None)
        Site(site.browser, again).publish(*EVERYTHING, 2)
        assert tab.wait("it", "messages", 2) == [1, 2]


def test_a_stopping_server_is_quoted(site: Site) -> None:
    tab = site.open()
    tab.listen("it", EVERYTHING)
    tab.wait("it", "readies")
    assert site.server.stop() == 0
    error = tab.wait("it", "errors")[0]
    assert error["message"] == "the server is stopping; connect again"
    assert error["retryInMs"] > 0


def test_a_server_that_sleeps_is_stale_and_found_again_when_it_wakes(site: Site) -> None:
    tab = site.open()
    tab.listen("it", EVERYTHING)
    tab.wait("it", "pings", 2)
    os.kill(site.server.pid, signal.SIGSTOP)
    (stale,) = tab.wait("it", "stales")
    assert stale["silentMs"] > 2.5 * stale["intervalMs"]  # as it measured it between the pings
    assert stale["intervalMs"] == pytest.approx(1000 * PING_S, rel=0.5)
    tab.wait("it", "errors", 2)  # its kernel takes the connection, nobody answers
    os.kill(site.server.pid, signal.SIGCONT)
    tab.wait("it", "readies", 2, within_s=15)
    site.publish(*EVERYTHING, 1)
    tab.wait("it", "messages")
    assert tab.told("it")["gaps"] == []
    wait_until(lambda: site.clients() == 1, "the given up streams are gone")


def test_a_tab_that_was_offline_listens_as_soon_as_it_is_online(site: Site) -> None:
    tab = site.open()
    tab.listen("it", EVERYTHING)
    tab.wait("it", "readies")
    tab.set_offline(True)
    site.server.kill()
    with Server("--port", str(site.server.port)):
        last = tab.wait("it", "errors", 4, within_s=15)[-1]
        assert "cannot reach" in last["message"]
        assert last["retryInMs"] >= 4000
        tab.set_offline(False)
        tab.wait("it", "readies", 2, within_s=2)
        tab.wait("it", "gaps")


def test_a_page_that_comes_back_from_the_cache_listens_again(site: Site) -> None:
    tab = site.open()
    tab.listen("it", EVERYTHING)
    tab.wait("it", "readies")
    tab.go(f"{site.server.url}{BLANK_PATH}?other")
    wait_until(lambda: site.clients() == 0, "the page let go")
    site.publish(*EVERYTHING, "while it was away")
    tab.back()
    assert tab.wait("it", "messages") == ["while it was away"]
    told = tab.told("it")
    assert (told["gaps"], told["readies"][1]) == ([], {"first": False, "resumed": True})


def test_a_page_changes_its_bindings_without_a_stop_and_keeps_them(site: Site) -> None:
    tab = site.open()
    tab.listen("it", ("exchange/test", "n.#"))
    tab.wait("it", "readies")
    tab.rebind("it", EVERYTHING)
    sent = 0
    while not tab.told("it")["rebinds"]:
        site.publish("exchange/test", f"n.{sent}", sent)
        sent += 1
    site.publish("exchange/test", "other", sent)
    assert tab.wait("it", "messages", sent + 1) == list(range(sent + 1))
    wait_until(lambda: site.clients() == 1, "the old stream ended")
    tab.go(f"{site.server.url}{BLANK_PATH}?other")
    wait_until(lambda: site.clients() == 0, "the page let go")
    tab.back()
    tab.wait("it", "readies", 2)
    site.publish("exchange/test", "other", "after")
    assert tab.wait("it", "messages", sent + 2)[-1] == "after"
    assert tab.told("it")["gaps"] == []


def test_a_loop_reads_messages_until_it_breaks(site: Site) -> None:
    tab = site.open()
    tab.run(
        """
        const { listen } = await import("/events/v1/client.js");
        const bindings = [{ exchange: "exchange/test", routingKeyPattern: "#" }];
        globalThis.read = [];
        const listening = listen(bindings);
        globalThis.loop = (async () => {
          for await (const { payload } of listening) if (read.push(payload) === 2) break;
        })();
        await listening.ready;
        """
    )
    for number in (1, 2, 3):
        site.publish(*EVERYTHING, number)
    assert tab.run("await loop; return read;") == [1, 2]
    wait_until(lambda: site.clients() == 0, "the stream is closed")


def test_an_abort_signal_ends_the_stream_quietly(site: Site) -> None:
    tab = site.open()
    tab.run(
        """
        const { listen } = await import("/events/v1/client.js");
        const bindings = [{ exchange: "exchange/test", routingKeyPattern: "#" }];
        globalThis.abort = new AbortController();
        globalThis.listening = listen(bindings, { signal: abort.signal });
        await listening.ready;
        """
    )
    assert site.clients() == 1
    tab.run("abort.abort(); await listening.closed;")
    assert tab.run("return listening.state.phase;") == "closed"
    wait_until(lambda: site.clients() == 0, "the stream is closed")


def test_ten_thousand_bindings_are_listened_to(site: Site) -> None:
    tab = site.open()
    tab.listen("it", *[("exchange/test", f"primary.{number:022d}.#") for number in range(10_000)])
    tab.wait("it", "readies")
    site.publish("exchange/test", f"primary.{9_999:022d}.x.y", 1)
    site.publish("exchange/test", f"primary.{10_000:022d}.x.y", 2)
    site.publish("exchange/test", f"primary.{0:022d}", 3)
    assert tab.wait("it", "messages", 2) == [1, 3]


def test_a_page_of_another_origin_may_use_the_client(site: Site) -> None:
    with Server() as other:
        tab = site.browser.open(other.url + BLANK_PATH)
        tab.listen("it", EVERYTHING, client=f"{site.server.url}events/v1/client.js", share=True)
        tab.wait("it", "readies")
        site.publish(*EVERYTHING, 1)
        assert tab.wait("it", "messages") == [1]


def test_a_function_of_the_page_that_throws_does_not_end_the_stream(site: Site) -> None:
    tab = site.open()
    tab.run(
        """
        const { listen } = await import("/events/v1/client.js");
        const bindings = [{ exchange: "exchange/test", routingKeyPattern: "#" }];
        globalThis.read = [];
        globalThis.thrown = [];
        addEventListener("error", ({ message }) => thrown.push(message));
        const onMessage = ({ payload }) => {
          read.push(payload);
          throw new Error("the page's own");
        };
        await listen(bindings, { onMessage }).ready;
        """
    )
    for number in (1, 2):
        site.publish(*EVERYTHING, number)
    wait_until(lambda: tab.run("return read.length;") == 2, "both messages")
    assert tab.run("return thrown;") == ["Uncaught Error: the page's own"] * 2
