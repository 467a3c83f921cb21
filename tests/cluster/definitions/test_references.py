import pytest

from cluster.definitions.references import References
from cluster.metadata.keys import KeySpace
from cluster.metadata.port import Item

KEYS = KeySpace("c")
VHOST = KEYS.key("vhost", "/")
QUEUE = KEYS.queue_definition("/", "q")
EXCHANGE = KEYS.key("x", "/", "x")
OTHER = KEYS.key("x", "/", "y")
USER = KEYS.key("user", "u")


@pytest.mark.parametrize(
    ("key", "needed"),
    [
        (VHOST, ()),
        (USER, ()),
        (KEYS.key("global-param", "p"), ()),
        (KEYS.prefix + b"of a later version", ()),
        (QUEUE, (VHOST,)),
        (KEYS.queue_state("/", "q"), (VHOST, QUEUE)),
        (EXCHANGE, (VHOST,)),
        (KEYS.key("policy", "/", "p"), (VHOST,)),
        (KEYS.key("perm", "/", "u"), (VHOST, USER)),
        (KEYS.key("topic-perm", "/", "u", "x"), (VHOST, USER)),
        (KEYS.key("b", "/", "x", "q", "q", "k~"), (VHOST, EXCHANGE, QUEUE)),
        (KEYS.key("b", "/", "x", "x", "y", "k~"), (VHOST, EXCHANGE, OTHER)),
        (KEYS.key("b", "/", "x", "x", "x", "k~"), (VHOST, EXCHANGE)),
        (KEYS.key("b", "/", "amq.topic", "q", "q", "k~"), (VHOST, QUEUE)),
        (KEYS.key("b", "/", "x", "x", "amq.topic", "k~"), (VHOST, EXCHANGE)),
    ],
)
def test_what_a_definition_needs(key: bytes, needed: tuple[bytes, ...]) -> None:
    assert References(KEYS).needed_by(key) == needed


def item(key: bytes, created: int) -> Item:
    return Item(key, b"", created, created + 5)


def test_it_holds_while_what_it_needs_was_there_before_it() -> None:
    references = References(KEYS)
    binding = item(KEYS.key("b", "/", "x", "q", "q", "k~"), 9)
    found = {VHOST: item(VHOST, 2), EXCHANGE: item(EXCHANGE, 3), QUEUE: item(QUEUE, 9)}
    assert references.holds(binding, found.get)
    for key in (VHOST, EXCHANGE, QUEUE):
        without = {each: held for each, held in found.items() if each != key}
        assert not references.holds(binding, without.get)
        assert not references.holds(binding, {**found, key: item(key, 10)}.get)


def test_what_is_missing_is_named_in_the_order_of_needs() -> None:
    references = References(KEYS)
    key = KEYS.key("b", "/", "x", "q", "q", "k~")
    found = {VHOST: item(VHOST, 2), EXCHANGE: item(EXCHANGE, 3), QUEUE: item(QUEUE, 9)}
    assert references.first_missing(key, found.get) is None
    assert references.first_missing(key, lambda _: None) == VHOST
    assert references.first_missing(key, {VHOST: item(VHOST, 2)}.get) == EXCHANGE
    # The exchange is of a vhost that was deleted and created again.
    assert references.first_missing(key, {**found, VHOST: item(VHOST, 4)}.get) == EXCHANGE


def test_the_source_of_a_binding() -> None:
    references = References(KEYS)
    assert references.source_of(KEYS.key("b", "/", "x", "q", "q", "k~")) == EXCHANGE
    assert references.source_of(KEYS.key("b", "/", "amq.fanout", "q", "q", "k~")) is None
    assert references.bindings_from("/", "x") == KEYS.prefix_of("b", "/", "x")
