"""What is declared is deleted, and nothing else is."""

import struct

import pytest

from load_generator import wire
from load_generator.load import Binding, Topology
from load_generator.topology import declared
from load_generator.wire import BrokerRefusalError
from tests.support.scripted_broker import ScriptedBroker

DECLARED = wire.method(1, wire.QUEUE_DECLARE_OK, wire.shortstr("q") + bytes(8))
BOUND = wire.method(1, wire.QUEUE_BIND_OK)
DELETED = wire.method(1, wire.QUEUE_DELETE_OK, bytes(4))
EXCHANGE_DECLARED = wire.method(1, wire.EXCHANGE_DECLARE_OK)
EXCHANGE_DELETED = wire.method(1, wire.EXCHANGE_DELETE_OK)
NOT_FOUND = wire.method(
    1, wire.CHANNEL_CLOSE, struct.pack(">H", 404) + wire.shortstr("NOT_FOUND") + bytes(4)
)
REOPENED = wire.method(1, wire.CHANNEL_OPEN_OK, bytes(4))


def calls_of(broker: ScriptedBroker, connection_index: int) -> list[tuple[wire.MethodId, str]]:
    """Return what a connection called after its log-in, and the first name in it."""
    calls = []
    for received in broker.heard(connection_index)[4:]:
        method = wire.method_of(received)
        assert method is not None
        length = received.payload[6] if len(received.payload) > 6 else 0
        calls.append((method, received.payload[7 : 7 + length].decode()))
    return calls


def test_queues_exchange_and_bindings_are_declared_and_deleted(broker: ScriptedBroker) -> None:
    broker.log_in(DECLARED, DECLARED, EXCHANGE_DECLARED, BOUND)
    broker.log_in(DELETED, DELETED, EXCHANGE_DELETED)
    topology = Topology(["a", "b"], "e", "direct", [Binding("a", "k")])
    with declared(topology, broker.endpoint):
        assert calls_of(broker, 0)[:4] == [
            (wire.QUEUE_DECLARE, "a"),
            (wire.QUEUE_DECLARE, "b"),
            (wire.EXCHANGE_DECLARE, "e"),
            (wire.QUEUE_BIND, "a"),
        ]
    assert calls_of(broker, 1)[:3] == [
        (wire.QUEUE_DELETE, "a"),
        (wire.QUEUE_DELETE, "b"),
        (wire.EXCHANGE_DELETE, "e"),
    ]


def test_what_is_to_be_kept_is_not_deleted(broker: ScriptedBroker) -> None:
    broker.log_in(DECLARED)
    with declared(Topology(["a"]), broker.endpoint, keep=True):
        assert calls_of(broker, 0)[0] == (wire.QUEUE_DECLARE, "a")


def test_a_queue_that_was_there_is_neither_declared_nor_deleted(broker: ScriptedBroker) -> None:
    broker.log_in(DECLARED, NOT_FOUND, REOPENED)
    broker.log_in(DECLARED)
    broker.log_in(DELETED)
    with declared(Topology(["theirs", "new"], is_shared=True), broker.endpoint):
        pass
    assert calls_of(broker, 1)[0] == (wire.QUEUE_DECLARE, "new")
    assert calls_of(broker, 2)[0] == (wire.QUEUE_DELETE, "new")


def test_a_refusal_is_told_and_what_was_declared_is_deleted(broker: ScriptedBroker) -> None:
    broker.log_in(DECLARED, NOT_FOUND)
    broker.log_in(DELETED, DELETED)
    with (
        pytest.raises(BrokerRefusalError, match="404"),
        declared(Topology(["a", "b"]), broker.endpoint),
    ):
        pytest.fail("nothing to run with")
    assert (wire.QUEUE_DELETE, "a") in calls_of(broker, 1)
