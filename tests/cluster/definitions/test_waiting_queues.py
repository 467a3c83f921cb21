import pytest

from cluster.definitions.references import References
from cluster.definitions.waiting_queues import (
    exchange_behind,
    exchange_shown,
    first_behind,
    shown_as,
    shown_name,
    waiting_queue_name,
)
from cluster.metadata.keys import DEFINITION, STATE, KeySpace

KEYS = KeySpace("c")


@pytest.mark.parametrize("exchange", ["orders", "", "a.b", "ends.", "x" * 255, "." * 255])
def test_the_name_says_whose_messages_wait(exchange: str) -> None:
    name = waiting_queue_name(exchange, "n1-7")
    assert exchange_behind(name) == exchange
    assert shown_name(name) == f"(waits for exchange '{exchange}')"
    assert shown_as(exchange) == shown_name(name)
    assert exchange_shown(shown_name(name)) == (exchange or None)
    assert name.startswith(first_behind(exchange))
    assert len(name) > 255
    assert waiting_queue_name(exchange, "n1-8") != name


@pytest.mark.parametrize("name", ["orders", "", "." * 255, "y" * 300])
def test_other_queues_are_other_queues(name: str) -> None:
    assert exchange_behind(name) is None
    assert exchange_shown(name) is None
    assert shown_name(name) == name


def test_it_needs_its_exchange() -> None:
    name = waiting_queue_name("x", "n1-7")
    vhost, exchange = KEYS.key("vhost", "/"), KEYS.key("x", "/", "x")
    defined = KEYS.key("q", "/", name, DEFINITION)
    references = References(KEYS)
    assert references.needed_by(defined) == (vhost, exchange)
    assert references.needed_by(KEYS.key("q", "/", name, STATE)) == (vhost, exchange, defined)
    assert references.needed_by(KEYS.key("q", "/", "x", DEFINITION)) == (vhost,)
