"""Queues that were put into the store as definitions alone get their first state, once."""

import pytest

from amqp_server.broker.clustered.stored import StoredDefinitions
from amqp_server.broker.clustered.unplaced import is_unplaced, placing
from amqp_server.broker.definitions.definition import (
    ExchangeDefinition,
    QueueDefinition,
    VhostDefinition,
)
from cluster.metadata.contents import Contents
from cluster.metadata.keys import KeySpace
from cluster.metadata.records import StoredQueueState, decode_queue_state, encode_queue_state
from cluster.replication.state import QueueOptions, QueueState, ReplicaId
from tests.support.inquiries import Run, put, run

KEYS = KeySpace("c")
STORED = StoredDefinitions(KEYS)
KEY = KEYS.queue_definition("/", "q")
STATE = KEYS.queue_state("/", "q")
QUEUE = QueueDefinition("q", "/", True, False, {})


def state_of(queue_id: str, leader: str = "n1") -> StoredQueueState:
    state = QueueState(leader, 5, 1, frozenset({ReplicaId(leader, "d")}))
    return StoredQueueState(queue_id, state, QueueOptions((leader,)))


def place(queue: QueueDefinition, queue_id: str) -> StoredQueueState | None:
    assert queue.name == "q"
    return state_of(queue_id)


def moved() -> Contents:
    contents = Contents()
    put(contents, KEYS.key("vhost", "/"), STORED.value_of(VhostDefinition("/")))
    put(contents, KEY, STORED.value_of(QUEUE, "node-7"))
    return contents


def looked_at(contents: Contents, key: bytes) -> bool:
    item = contents.now(key)
    assert item is not None
    return is_unplaced(KEYS, item, contents.now)


def test_a_queue_without_a_state_gets_one_with_its_id() -> None:
    contents = moved()
    assert looked_at(contents, KEY)
    assert run(contents, placing(STORED, place, KEY))
    item = contents.now(STATE)
    assert item is not None
    assert decode_queue_state(item.value) == state_of("node-7")
    assert not looked_at(contents, KEY)
    assert not looked_at(contents, STATE)
    assert not run(contents, placing(STORED, place, KEY)), "it has one"


def test_what_is_no_queue_is_left_alone() -> None:
    contents = moved()
    exchange = ExchangeDefinition("def", "/", "direct", True, False, False, {}, 9)
    key = STORED.key_of(exchange)
    put(contents, key, STORED.value_of(exchange))
    assert key.endswith(b"/def")
    assert not looked_at(contents, key)
    assert not looked_at(contents, KEYS.key("vhost", "/"))


def test_one_that_is_on_no_node_but_its_own_stays_without() -> None:
    contents = moved()
    assert not run(contents, placing(STORED, lambda _queue, _id: None, KEY))
    assert contents.now(STATE) is None


def test_one_whose_vhost_is_gone_gets_none() -> None:
    contents = Contents()
    put(contents, KEY, STORED.value_of(QUEUE, "node-7"))
    assert not run(contents, placing(STORED, place, KEY))


@pytest.mark.parametrize("steps", range(1, 3))
def test_of_two_that_place_it_one_does(steps: int) -> None:
    contents = moved()
    each = Run(placing(STORED, place, KEY))
    for _ in range(steps - 1):
        each.step(contents)
    other = encode_queue_state(state_of("node-7", "n2"))
    put(contents, STATE, other)
    while not each.is_over:
        each.step(contents)
    assert each.result is False
    item = contents.now(STATE)
    assert item is not None
    assert item.value == other
