"""The catalogue of Taskcluster's exchanges."""

import pytest

from pulse_events import catalogue
from pulse_events.catalogue import load_catalogue


def find(event: str) -> catalogue.KnownExchange:
    return next(exchange for exchange in load_catalogue() if exchange.event == event)


def test_every_exchange_is_named_after_its_service() -> None:
    assert len(load_catalogue()) > 30
    for exchange in load_catalogue():
        assert exchange.name.startswith(f"exchange/taskcluster-{exchange.service}/v1/")


def test_it_is_read_once() -> None:
    assert load_catalogue() is load_catalogue()


def test_a_routing_key_holds_the_words_in_order_and_an_underscore_for_each_absent_one() -> None:
    values = {"provisionerId": "proj", "workerType": "pool", "schedulerId": "s", "taskId": "t"}
    key = find("taskPending").routing_key(values | {"taskGroupId": "g", "runId": "0"})
    assert key == "primary.t.0._._.proj.pool.s.g._"


def test_a_last_word_may_stand_for_many() -> None:
    [kind, topic] = find("notify").words
    assert (kind.constant, topic.many, topic.optional) == ("primary", True, False)
    assert find("notify").routing_key({"topic": "a.b.c"}) == "primary.a.b.c"


def test_a_word_that_is_not_optional_must_have_a_value() -> None:
    with pytest.raises(KeyError, match="organization"):
        find("push").routing_key({"repository": "r"})


def test_a_pattern_matches_the_keys_that_say_some_of_the_words() -> None:
    exchange = find("taskPending")
    assert exchange.pattern({"taskId": "t"}) == "primary.t.#"
    assert exchange.pattern({"workerType": "w", "provisionerId": "p"}) == "primary.*.*.*.*.p.w.#"
    assert exchange.has("taskId")
    assert not find("push").has("taskId")
    with pytest.raises(KeyError, match="organization"):
        exchange.pattern({"organization": "o"})


def test_a_file_that_describes_no_word_is_refused_by_what_it_says() -> None:
    with pytest.raises(ValueError, match=r"taskcluster-exchanges\.json holds 'task id'"):
        catalogue._parse_word("task id")
