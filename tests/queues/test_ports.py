"""What every engine promises of ``QueueEngine``, whatever its kind.

Each row of the table is tested, and the toy kind, which keeps what it delivers. What a row refuses
is not asked of its engine.
"""

from collections.abc import Sequence

import pytest

from persistence.log_form import LogForm
from queues.batch import Batch, QueuedMessage
from queues.effects import Effect
from queues.kinds import KINDS, QueueKind, Request
from queues.offset_spec import FIRST
from queues.options import QueueOptions
from queues.ports import EngineParts, QueueEngine
from queues.stream.memory_log import MemoryStreamLog
from tests.support.classic_queue import single_batches
from tests.support.consumer import FakeConsumer, Prefetch
from tests.support.queue_log import FakeLog, Found
from tests.support.records import run_of
from tests.support.stream_logs import all_messages
from tests.support.toy.kind import TOY

NOW_MS = 1_000
ALL = 1_000_000


class KeptStreamLog(MemoryStreamLog):
    """The log of a stream, with the names that ``FakeLog`` has."""

    lsn = 0

    @property
    def kept(self) -> dict[int, bytes]:
        return dict(all_messages(self))

    def found(self) -> Found:
        return Found(self.next_offset, (), 0, {})


class Place:
    """An engine with what the broker has around it."""

    def __init__(self, kind: QueueKind) -> None:
        self.kind = kind
        self.is_stream = kind.log_form is LogForm.STREAM
        self.log = KeptStreamLog() if self.is_stream else FakeLog()
        self.effects: list[Effect] = []
        self.is_awake = False
        self.engine: QueueEngine = self.new_engine()

    def new_engine(self) -> QueueEngine:
        return self.kind.make_engine(
            EngineParts("jobs", QueueOptions(), self.log, self.effects.append, self.wake_up, NOW_MS)
        )

    def wake_up(self) -> None:
        self.is_awake = True

    def publish(self, *bodies: bytes) -> None:
        outcome = self.engine.publish(run_of(*bodies), NOW_MS)
        assert (list(outcome.rejected), outcome.safe_at.lsn) == ([], self.log.lsn)

    def consume(self, *consumers: FakeConsumer) -> None:
        for consumer in consumers:
            if self.is_stream:
                consumer.arguments = {"x-stream-offset": FIRST}
            self.engine.consume(consumer, NOW_MS)

    def end_turn(self) -> None:
        """Do what the broker does: drain a queue that asked for it, until it has no more."""
        if self.is_awake:
            self.is_awake = False
            while self.engine.drain(NOW_MS, ALL):
                pass

    def ack(self, consumer: FakeConsumer, positions: list[int]) -> list[QueuedMessage]:
        entries = self.taken(consumer, positions)
        self.engine.settle(positions, sum(len(entry.record.body) for entry in entries))
        return entries

    def taken(self, consumer: FakeConsumer, positions: list[int]) -> list[QueuedMessage]:
        """Take deliveries from a consumer, in the order in which the protocol goes about it."""
        if self.engine.must_drain_before(consumer):
            self.end_turn()
        entries = consumer.take_unacked(positions)
        if consumer.is_blocked and consumer.has_own_room():
            self.engine.credit_regained(consumer)
        return entries


@pytest.fixture(params=[*KINDS.values(), TOY], ids=lambda kind: str(kind.name))
def place(request: pytest.FixtureRequest) -> Place:
    kind = request.param
    assert isinstance(kind, QueueKind)
    return Place(kind)


def positions_of(batches: Sequence[Batch]) -> list[int]:
    return [position for batch in batches for position in batch.positions]


def test_a_new_queue_is_empty_and_has_nothing_to_do(place: Place) -> None:
    engine = place.engine
    assert (engine.ready_count, engine.consumer_count, engine.moves.count) == (0, 0, 0)
    assert engine.options == QueueOptions()
    assert not engine.drain(NOW_MS, ALL)
    assert place.is_stream or engine.next_deadline_ms() is None
    assert engine.delivered_below == 0


def test_what_is_published_is_counted_logged_and_delivered_in_order(place: Place) -> None:
    consumer = FakeConsumer(prefetch=10)
    place.consume(consumer)
    assert place.engine.only_appends(run_of(b"1"), NOW_MS)
    place.publish(b"1", b"2")
    place.publish(b"3")
    assert place.engine.ready_count == 3
    assert consumer.bodies == [], "a publish that only appends delivers nothing"
    place.end_turn()
    assert consumer.bodies == [b"1", b"2", b"3"]
    assert positions_of(consumer.batches) == [0, 1, 2]
    assert place.engine.delivered_below == (0 if place.is_stream else 3)


def test_a_drain_stops_where_it_is_told_and_says_that_there_is_more(place: Place) -> None:
    consumer = FakeConsumer(prefetch=10)
    place.consume(consumer)
    place.publish(b"1", b"2", b"3")
    assert place.engine.drain(NOW_MS, 2)
    assert consumer.bodies == [b"1", b"2"]
    place.engine.drain(NOW_MS, 2)
    assert consumer.bodies == [b"1", b"2", b"3"]
    assert not place.engine.drain(NOW_MS, 2)


def test_an_ack_gives_credit_back(place: Place) -> None:
    consumer = FakeConsumer(prefetch=2)
    place.consume(consumer)
    place.publish(b"1", b"2", b"3", b"4", b"5")
    place.end_turn()
    assert consumer.bodies == [b"1", b"2"]
    place.ack(consumer, [0])
    place.end_turn()
    assert consumer.bodies == [b"1", b"2", b"3"]
    place.ack(consumer, [1, 2])
    place.end_turn()
    assert consumer.bodies == [b"1", b"2", b"3", b"4", b"5"]


def test_positions_are_settled_as_a_range_with_any_step(place: Place) -> None:
    consumer = FakeConsumer(prefetch=3)
    place.consume(consumer)
    place.publish(b"1", b"2", b"3", b"4")
    place.end_turn()
    place.taken(consumer, [0, 2])
    place.engine.settle(range(0, 4, 2), 2)
    place.end_turn()
    assert consumer.bodies == [b"1", b"2", b"3", b"4"]


def test_an_lsn_of_a_settlement_is_one_of_the_log(place: Place) -> None:
    consumer = FakeConsumer(prefetch=3)
    place.consume(consumer)
    place.publish(b"1")
    place.end_turn()
    place.taken(consumer, [0])
    assert 0 <= place.engine.settle(range(1), 1) <= place.log.lsn


@pytest.mark.parametrize("requeue", [True, False])
def test_what_is_given_back_or_rejected_makes_room(place: Place, requeue: bool) -> None:
    consumer = FakeConsumer(prefetch=1)
    place.consume(consumer)
    place.publish(b"1", b"2")
    place.end_turn()
    batches = single_batches(place.taken(consumer, [0]))
    if requeue:
        place.engine.requeue(batches, NOW_MS)
    else:
        place.engine.reject(batches, NOW_MS)
    place.end_turn()
    assert len(consumer.bodies) == 2
    assert (consumer.bodies[1] == b"1") <= requeue, "rejected is never delivered again"


def test_more_that_comes_back_in_pieces_is_delivered_once_all_is_back(place: Place) -> None:
    consumer = FakeConsumer(prefetch=2)
    place.consume(consumer)
    place.publish(b"1", b"2", b"3", b"4")
    place.end_turn()
    first, second = single_batches(place.taken(consumer, [0, 1]))
    place.engine.begin_refill()
    place.engine.requeue((first,), NOW_MS)
    place.engine.requeue((second,), NOW_MS)
    place.engine.end_refill()
    place.end_turn()
    assert len(consumer.bodies) == 4


def test_a_consumer_that_left_gets_nothing(place: Place) -> None:
    consumer = FakeConsumer(prefetch=10)
    place.consume(consumer)
    place.publish(b"1")
    shown_count = 0 if place.is_stream else 1
    assert (place.engine.consumer_count, place.engine.serves(consumer.lane)) == (shown_count, True)
    place.engine.cancel(consumer, NOW_MS)
    assert (place.engine.consumer_count, place.engine.serves(consumer.lane)) == (0, False)
    place.end_turn()
    assert consumer.bodies == []
    place.engine.cancel(consumer, NOW_MS)


def test_a_shut_lane_is_not_delivered_to_until_it_opens(place: Place) -> None:
    lane = Prefetch()
    lane.is_stopped = True
    consumer = FakeConsumer(prefetch=5, lane=lane)
    place.consume(consumer)
    place.publish(b"1", b"2")
    place.end_turn()
    assert consumer.bodies == []
    lane.is_stopped = False
    place.engine.lane_opened(lane)
    place.end_turn()
    assert consumer.bodies == [b"1", b"2"]


def test_who_is_blocked_is_served_once_told_of(place: Place) -> None:
    consumer = FakeConsumer(prefetch=1)
    place.consume(consumer)
    place.publish(b"1", b"2")
    place.end_turn()
    asked_count = consumer.asked_count
    place.publish(b"3")
    place.end_turn()
    place.publish(b"4")
    place.end_turn()
    assert consumer.asked_count <= asked_count + 2, "a full consumer is not asked run by run"
    place.ack(consumer, [0])
    place.end_turn()
    assert consumer.bodies == [b"1", b"2"]


def test_a_get_takes_the_next_where_the_row_grants_it(place: Place) -> None:
    if place.kind.refusal(Request.GET, QueueOptions()) is not None:
        return
    place.publish(b"1", b"2")
    got = place.engine.get(NOW_MS)
    assert got is not None
    batch, ready_count = got
    assert ([record.body for record in batch.records], ready_count) == ([b"1"], 1)
    place.engine.settle(batch.positions, batch.body_bytes)
    assert place.engine.get(NOW_MS, no_ack=True) is not None
    assert place.engine.get(NOW_MS) is None


def test_a_purge_leaves_nothing_where_the_row_grants_it(place: Place) -> None:
    if place.kind.refusal(Request.PURGE, QueueOptions()) is not None:
        return
    place.publish(b"1", b"2")
    assert place.engine.purge().purged_count == 2
    assert place.engine.ready_count == 0
    place.publish(b"3")
    consumer = FakeConsumer(prefetch=5)
    place.consume(consumer)
    place.end_turn()
    assert consumer.bodies == [b"3"]


def test_what_a_restart_finds_is_there_again(place: Place) -> None:
    place.publish(b"1", b"2", b"3")
    place.engine = place.new_engine()
    place.engine.recover(place.log.found(), NOW_MS)
    assert place.engine.ready_count == 3
    consumer = FakeConsumer(prefetch=10)
    place.consume(consumer)
    place.publish(b"4")
    place.end_turn()
    assert consumer.bodies == [b"1", b"2", b"3", b"4"]
    assert positions_of(consumer.batches) == [0, 1, 2, 3]


def test_a_look_and_other_policies_change_nothing_that_is_there(place: Place) -> None:
    place.publish(b"1")
    place.engine.touch(NOW_MS)
    place.engine.expire(NOW_MS)
    place.engine.reconfigure(QueueOptions(consumer_timeout_ms=7), NOW_MS)
    assert (place.engine.ready_count, place.engine.options.consumer_timeout_ms) == (1, 7)


@pytest.mark.parametrize("max_count", [1, 2, 9])
def test_messages_are_looked_at_in_place_from_any_of_them_on(place: Place, max_count: int) -> None:
    place.publish(b"1", b"2")
    place.publish(b"3")
    counts = place.engine.counts()
    for passed_count in range(4):
        at, left = place.engine.passing_by(passed_count)
        seen: list[bytes] = []
        while at is not None or not (passed_count or seen):
            found = place.engine.look(at, max_count)
            seen += [bytes(one.record.body) for each in found.slices for one in each.messages()]
            if found.place is None:
                break
            at = found.place
        assert seen[left:] == [b"1", b"2", b"3"][passed_count:]
    assert place.engine.counts() == counts


def test_a_deleted_queue_is_gone_from_its_log_and_bears_what_comes_late(place: Place) -> None:
    consumer = FakeConsumer(prefetch=2)
    place.consume(consumer)
    place.publish(b"1", b"2", b"3")
    place.end_turn()
    engine = place.engine
    engine.delete()
    assert (place.log.kept, engine.ready_count, engine.consumer_count) == ({}, 0, 0)
    batches = single_batches(consumer.take_unacked())
    engine.settle(range(1), 1)
    engine.requeue(batches, NOW_MS)
    engine.reject(batches, NOW_MS)
    engine.cancel(consumer, NOW_MS)
    engine.expire(NOW_MS)
    assert not engine.drain(NOW_MS, ALL)
    assert (place.effects, consumer.bodies) == ([], [b"1", b"2"])
