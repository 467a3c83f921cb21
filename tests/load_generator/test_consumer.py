"""A consuming worker subscribes, counts, acks, and ends when it is told to."""

from dataclasses import replace

import pytest

from load_generator import wire
from load_generator.board import Board, Tally
from load_generator.consumer import WAKE_BYTES_MAX, buffer_bytes, consume, wake_bytes
from load_generator.load import Load, Settle
from load_generator.wire import BrokerRefusalError
from tests.support.deliveries import delivery
from tests.support.scripted_broker import ScriptedBroker

QOS_OK = wire.method(1, wire.BASIC_QOS_OK)
CONSUME_OK = wire.method(1, wire.BASIC_CONSUME_OK, wire.shortstr("c"))


class Until(Tally):
    """Ends the consumers once so many deliveries are counted."""

    def __init__(self, count: int) -> None:
        board = Board(1, lifetime_s=60)
        own = board.tally(0)
        super().__init__(board, own._row, own.latencies)
        self._count = count

    def set_consumed(self, count: int) -> None:
        super().set_consumed(count)
        if count >= self._count:
            self.board.stop_consumers()


def acks_heard(broker: ScriptedBroker, connection_index: int = 0) -> list[bytes]:
    heard = broker.heard(connection_index)
    return [frame.payload[4:] for frame in heard if wire.method_of(frame) == wire.BASIC_ACK]


def rendered(*acks: bytes) -> list[bytes]:
    return [ack[11:-1] for ack in acks]


def test_deliveries_are_counted_and_acked_and_the_rest_at_the_end(broker: ScriptedBroker) -> None:
    broker.log_in(QOS_OK, CONSUME_OK, *map(delivery, range(1, 6)))
    load = Load(
        publisher_keys=[["q"]],
        consumer_queues=["q"],
        settle=Settle.MULTIPLE,
        ack_every=2,
        prefetch_count=10,
    )
    tally, ready = Until(5), []
    consume(load, broker.endpoint, [0], tally, lambda: ready.append(True))
    assert tally.board.totals().consumed_count == 5
    assert ready == [True]
    assert acks_heard(broker) == rendered(
        *(wire.ack(tag, multiple=True) for tag in (2, 4, 5)),
    )


def test_each_consumer_has_a_connection_and_a_queue(broker: ScriptedBroker) -> None:
    for _ in range(2):
        broker.log_in(CONSUME_OK, delivery(1))
    load = Load(publisher_keys=[["a"]], consumer_queues=["a", "b", "c"], settle=Settle.EACH)
    tally = Until(2)
    consume(load, broker.endpoint, [0, 2], tally, lambda: None)
    queues = [
        received.payload[7 : 7 + received.payload[6]]
        for index in range(2)
        for received in broker.heard(index)
        if wire.method_of(received) == wire.BASIC_CONSUME
    ]
    assert queues == [b"a", b"c"]


def test_without_publishers_nothing_is_taken_before_the_run_begins(broker: ScriptedBroker) -> None:
    broker.log_in(CONSUME_OK, delivery(1))
    tally = Until(1)
    called: list[list[wire.MethodId]] = []

    def ready() -> None:
        called.append(broker.methods_heard())
        tally.board.go()

    consume(Load(consumer_queues=["q"]), broker.endpoint, [0], tally, ready)
    assert wire.BASIC_CONSUME not in called[0]
    assert tally.board.totals().consumed_count == 1


def test_a_cancelled_consumer_ends_the_run(broker: ScriptedBroker) -> None:
    cancel = wire.method(1, wire.MethodId(60, 30), wire.shortstr("c") + b"\x01")
    broker.log_in(CONSUME_OK, delivery(1), cancel)
    load = Load(publisher_keys=[["q"]], consumer_queues=["q"])
    with pytest.raises(BrokerRefusalError, match="unexpected frame"):
        consume(load, broker.endpoint, [0], Until(2), lambda: None)


@pytest.mark.parametrize(
    ("consumer_count", "body_bytes", "expected"),
    [(1, 12, 1 << 18), (32, 12, 1 << 16), (2_000, 12, 1 << 14), (1, 120_000, 480_000)],
)
def test_buffers_fit_into_a_cache_and_messages_into_a_buffer(
    consumer_count: int, body_bytes: int, expected: int
) -> None:
    assert buffer_bytes(consumer_count, body_bytes) == expected


def test_deliveries_too_few_to_wake_a_consumer_are_counted_all_the_same(
    broker: ScriptedBroker,
) -> None:
    broker.log_in(CONSUME_OK)
    load = Load(publisher_keys=[["q"]], consumer_queues=["q"], body=bytes(12))
    assert wake_bytes(load) == WAKE_BYTES_MAX
    tally = Until(1)
    consume(load, broker.endpoint, [0], tally, lambda: broker.tell(delivery(1)))
    assert tally.board.totals().consumed_count == 1


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, WAKE_BYTES_MAX),
        ({"backlog_max": 10_000}, 12 * 10_000 // 8),
        ({"backlog_max": 1_000_000}, WAKE_BYTES_MAX),
        ({"backlog_max": 800, "consumer_queues": ["q", "r"]}, 12 * 800 // 2 // 8),
        ({"backlog_max": 800, "consumer_queues": ["q", "r"], "copies": 2}, 12 * 800 // 8),
        ({"backlog_max": 1, "body": b""}, 1),
        ({"has_instants": True}, 1),
        ({"settle": Settle.EACH}, 1),
        ({"publisher_keys": ()}, 1),
    ],
)
def test_a_consumer_is_woken_at_once_where_somebody_waits_for_it(
    changes: dict[str, object], expected: int
) -> None:
    load = Load(publisher_keys=[["q"]], consumer_queues=["q"], body=bytes(12))
    assert wake_bytes(replace(load, **changes)) == expected  # type: ignore[arg-type]
