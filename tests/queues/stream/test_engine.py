"""A stream: readers with places of their own, credit, and what is stored for them."""

from collections.abc import Mapping

import pytest

from conformance import fields
from persistence.record import HAS_HEADERS, Record
from queues.counters import QueueCounts
from queues.effects import Effect
from queues.offset_spec import FIRST, OffsetKind, OffsetSpec
from queues.options import QueueOptions
from queues.outcomes import all_taken
from queues.ports import EngineParts
from queues.stream.engine import StreamEngine
from queues.stream.memory_log import MemoryStreamLog
from queues.stream_log import StreamLog
from tests.support.consumer import FakeConsumer, Prefetch
from tests.support.memory_runs import in_memory
from tests.support.records import HEADER, record, run_of
from tests.support.stream_logs import appended
from tests.support.stream_messages import record_of

NOW_MS = 1_000
ALL = 1_000_000


class Place:
    """A stream with what the broker has around it."""

    def __init__(self, log: StreamLog | None = None) -> None:
        self.log = MemoryStreamLog() if log is None else log
        self.effects: list[Effect] = []
        self.is_awake = False
        self.now_ms = NOW_MS
        self.engine = StreamEngine(
            EngineParts("log", QueueOptions(), self.log, self.effects.append, self.wake_up, NOW_MS)
        )

    def wake_up(self) -> None:
        self.is_awake = True

    def publish(self, *bodies: bytes) -> None:
        self.engine.publish(run_of(*bodies), self.now_ms)

    def consume(self, tag: str = "c", prefetch: int = 100, **arguments: object) -> FakeConsumer:
        named = {f"x-stream-{key.replace('_', '-')}": value for key, value in arguments.items()}
        return self.consume_as(FakeConsumer(tag, prefetch=prefetch), named)

    def consume_as(self, consumer: FakeConsumer, named: Mapping[str, object]) -> FakeConsumer:
        consumer.arguments = named
        self.engine.consume(consumer, self.now_ms)
        self.end_turn()
        return consumer

    def end_turn(self) -> None:
        while self.is_awake:
            self.is_awake = False
            while self.engine.drain(self.now_ms, ALL):
                pass

    def ack(self, consumer: FakeConsumer, *offsets: int) -> None:
        for offset in offsets:
            self.engine.must_drain_before(consumer)
            entries = consumer.take_unacked([offset])
            if consumer.is_blocked and consumer.has_own_room():
                self.engine.credit_regained(consumer)
            self.engine.settle(range(offset, offset + 1), len(entries[0].record.body))
        self.end_turn()


@pytest.fixture
def place() -> Place:
    return Place()


def with_filter_value(value: bytes) -> Record:
    """Return a message with this filter value, if it is not empty."""
    if not value:
        return record(value)
    field = b"\x15x-stream-filter-valueS" + len(value).to_bytes(4, "big") + value
    table = len(field).to_bytes(4, "big") + field
    flags = HAS_HEADERS.to_bytes(2, "big")
    return record(value)._replace(header=HEADER[:12] + flags + table, flags=HAS_HEADERS)


def offsets_of(consumer: FakeConsumer) -> list[int]:
    return [position for batch in consumer.batches for position in batch.positions]


def test_every_reader_gets_everything_from_its_place_on(place: Place) -> None:
    place.publish(b"0", b"1")
    place.publish(b"2")
    first = place.consume("first", offset=FIRST)
    second = place.consume("second", offset=OffsetSpec(OffsetKind.OFFSET, 1))
    newest = place.consume("next")
    place.publish(b"3")
    place.end_turn()
    assert first.bodies == [b"0", b"1", b"2", b"3"]
    assert second.bodies == [b"1", b"2", b"3"]
    assert newest.bodies == [b"3"]
    assert place.engine.ready_count == 4, "nothing leaves a stream"


def test_a_reader_waits_for_an_offset_that_is_not_there_yet(place: Place) -> None:
    place.publish(b"0")
    consumer = place.consume(offset=OffsetSpec(OffsetKind.OFFSET, 2))
    place.publish(b"1", b"2")
    place.publish(b"3")
    place.end_turn()
    assert consumer.bodies == [b"2", b"3"]


def test_the_lag_of_a_reader_is_what_it_has_still_to_get(place: Place) -> None:
    place.publish(*[b"%d" % number for number in range(10)])
    first = place.consume("first", prefetch=4, offset=FIRST, group="g")
    second = place.consume("second", offset=FIRST, group="g")
    position_of = place.engine.state().position_of
    assert position_of(first) == (4, 6)
    assert position_of(second) is None, "it waits"
    assert position_of(place.consume("newest")) == (10, 0)
    assert position_of(FakeConsumer("stranger")) is None


def numbered(number: int) -> Record:
    headers = {"x-stream-publisher": "meter", "x-stream-publishing-id": number}
    return record_of(fields.properties(headers=headers), b"%d" % number)


def test_a_duplicate_is_not_stored_and_is_safe_with_its_first_copy(place: Place) -> None:
    place.engine.publish(in_memory([numbered(1), numbered(2)]), NOW_MS)
    place.engine.publish(in_memory([numbered(2), numbered(3)]), NOW_MS)
    outcome = place.engine.publish(in_memory([numbered(1), numbered(3)]), NOW_MS)
    assert outcome == all_taken(place.log.commit_group, place.log.appended_lsn)
    assert place.log.publishing_id(b"meter") == 3
    assert place.consume(offset=FIRST).bodies == [b"1", b"2", b"3"]
    assert place.engine.counts().published == 3


def test_deliveries_have_their_offset_and_are_never_redelivered(place: Place) -> None:
    place.publish(b"0", b"1")
    consumer = place.consume(offset=FIRST)
    assert offsets_of(consumer) == [0, 1]
    for batch in consumer.batches:
        assert not batch.redelivered
        for offset, each in zip(batch.positions, batch.records, strict=True):
            assert b"\x0fx-stream-offsetl" + offset.to_bytes(8, "big") in each.header


def test_the_prefetch_is_exact_and_an_ack_gives_one_credit(place: Place) -> None:
    place.publish(*[b"%d" % number for number in range(10)])
    consumer = place.consume(prefetch=2, offset=FIRST)
    assert offsets_of(consumer) == [0, 1]
    place.ack(consumer, 1)
    assert offsets_of(consumer) == [0, 1, 2]
    place.ack(consumer, 0, 2)
    assert offsets_of(consumer) == [0, 1, 2, 3, 4]


def test_a_reader_whose_lane_is_shut_goes_on_when_it_opens(place: Place) -> None:
    lane = Prefetch()
    lane.is_stopped = True
    consumer = FakeConsumer(prefetch=10, lane=lane)
    place.publish(b"0")
    place.consume_as(consumer, {"x-stream-offset": FIRST})
    assert consumer.bodies == []
    assert place.engine.serves(lane)
    lane.is_stopped = False
    place.engine.lane_opened(lane)
    place.end_turn()
    assert consumer.bodies == [b"0"]


def test_readers_are_served_in_turn(place: Place) -> None:
    place.publish(*[b"%d" % number for number in range(6_000)])
    consumers = [FakeConsumer(tag, prefetch=10_000) for tag in "ab"]
    for consumer in consumers:
        consumer.arguments = {"x-stream-offset": FIRST}
        place.engine.consume(consumer, NOW_MS)
    place.engine.drain(NOW_MS, 4_096)
    assert [len(consumer.bodies) for consumer in consumers] == [2_048, 2_048]


def test_messages_are_converted_once_for_readers_at_one_place(place: Place) -> None:
    place.publish(b"0", b"1")
    one, two = place.consume("one", offset=FIRST), place.consume("two", offset=FIRST)
    assert one.batches[0].records is two.batches[0].records


def test_a_filter_lets_only_its_values_through(place: Place) -> None:
    for value in ("eu", "us", "", "eu"):
        place.engine.publish([with_filter_value(value.encode())], NOW_MS)
    assert offsets_of(place.consume("eu", offset=FIRST, filter="eu")) == [0, 3]
    assert offsets_of(place.consume("both", offset=FIRST, filter=["eu", "us", 7])) == [0, 1, 3]
    unfiltered = place.consume("un", offset=FIRST, filter="us", match_unfiltered=True)
    assert offsets_of(unfiltered) == [1, 2]


def test_a_named_reader_goes_on_behind_what_it_has_acked(place: Place) -> None:
    place.publish(*[b"%d" % number for number in range(6)])
    consumer = place.consume("me", offset=FIRST, automatic_offset_tracking=True)
    place.ack(consumer, 0, 1, 3)
    place.engine.cancel(consumer, NOW_MS)
    assert place.log.stored_offset(b"me") == 1, "2 was not acked"
    again = place.consume("me", offset=FIRST, automatic_offset_tracking=True)
    assert offsets_of(again) == [2, 3, 4, 5]


def test_acks_after_the_cancel_are_stored_unless_another_one_is_further(place: Place) -> None:
    place.publish(b"0", b"1", b"2")
    one = place.consume("me", offset=FIRST, automatic_offset_tracking=True)
    place.engine.cancel(one, NOW_MS)
    place.ack(one, 0, 1)
    assert place.log.stored_offset(b"me") == 1
    two = place.consume("me", automatic_offset_tracking=True)
    place.ack(two, 2)
    place.engine.cancel(two, NOW_MS)
    three = place.consume("me", offset=FIRST)
    assert offsets_of(three) == [0, 1, 2], "it did not ask for tracking"
    place.ack(one, 2)
    assert place.log.stored_offset(b"me") == 2


def test_one_of_a_group_reads_and_the_next_goes_on(place: Place) -> None:
    place.publish(b"0", b"1", b"2")
    one = place.consume("one", offset=FIRST, group="billing")
    two = place.consume("two", offset=FIRST, group="billing")
    other = place.consume("other", offset=FIRST, group="audit")
    assert (one.bodies, two.bodies) == ([b"0", b"1", b"2"], [])
    assert other.bodies == [b"0", b"1", b"2"]
    place.ack(one, 0, 1)
    place.engine.cancel(one, NOW_MS)
    place.end_turn()
    assert two.bodies == [b"2"]
    place.publish(b"3")
    place.end_turn()
    assert two.bodies == [b"2", b"3"]


def test_a_waiting_member_that_leaves_changes_nothing(place: Place) -> None:
    place.publish(b"0")
    one = place.consume("one", offset=FIRST, group="billing")
    two = place.consume("two", offset=FIRST, group="billing")
    place.engine.credit_regained(two)
    place.engine.cancel(two, NOW_MS)
    place.publish(b"1")
    place.end_turn()
    assert (one.bodies, two.bodies) == ([b"0", b"1"], [])


def test_counts(place: Place) -> None:
    place.publish(b"0", b"1", b"2")
    consumer = place.consume(prefetch=2, offset=FIRST)
    place.ack(consumer, 0)
    place.engine.reject([consumer.batches[0].part(1)], NOW_MS)
    place.engine.requeue([consumer.batches[1]], NOW_MS)
    counts = place.engine.counts()
    assert counts == QueueCounts(
        ready_count=3,
        ready_bytes=counts.ready_bytes,
        consumer_count=1,
        published=3,
        delivered=3,
        acked=1,
        requeued=1,
        discarded=1,
    )


def test_only_committed_messages_are_counted(place: Place) -> None:
    place.publish(b"0", b"1", b"2")

    class Uncommitted(MemoryStreamLog):
        readable_offset = 1

    place.engine.log.__class__ = Uncommitted
    assert (place.engine.ready_count, place.engine.counts().ready_count) == (1, 1)


def test_retention_by_age_is_looked_at_when_it_is_due(place: Place) -> None:
    options = QueueOptions(max_age_ms=1_000, segment_age_ms=100)
    place.engine.reconfigure(options, NOW_MS)
    place.engine.expire(NOW_MS)
    place.publish(b"0")
    place.end_turn()
    place.engine.expire(NOW_MS)
    due_ms = place.engine.next_deadline_ms()
    assert due_ms == NOW_MS + 100
    place.engine.expire(due_ms)
    place.now_ms = NOW_MS + 2_000
    place.publish(b"1")
    place.engine.expire(place.now_ms)
    assert place.engine.ready_count == 1
    late = place.consume(offset=FIRST)
    assert offsets_of(late) == [1]


def test_a_deleted_stream_takes_settlements(place: Place) -> None:
    place.publish(b"0")
    consumer = place.consume(offset=FIRST, automatic_offset_tracking=True)
    place.engine.delete()
    place.engine.must_drain_before(consumer)
    assert place.engine.settle(range(1), 1) == 0
    assert not place.engine.drain(NOW_MS, ALL)


@pytest.mark.parametrize(("compact_key", "due_ms"), [("device", 1), (None, None)])
def test_a_segment_that_ends_with_a_commit_is_looked_at(
    compact_key: str | None, due_ms: int | None
) -> None:
    place = Place()
    place.engine.reconfigure(QueueOptions(compact_key=compact_key), NOW_MS)
    place.engine.expire(NOW_MS)
    place.is_awake = False
    # As a log on disk, which begins a segment when a group is committed.
    place.log.append(appended(b"m"), NOW_MS)
    assert (place.engine.next_deadline_ms(), place.is_awake) == (due_ms, due_ms is not None)
