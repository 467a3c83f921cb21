"""One consumer of a stream, as it is served."""

from persistence.streams.chunk_filter import LOOKS_PER_MESSAGE
from queues.counters import QueueCounters
from queues.stream.filter import Filter
from queues.stream.memory_log import MemoryStreamLog
from queues.stream.place import Pieces, Place
from queues.stream.reader import LOOK_COST, Reader, ReadOptions
from queues.stream_port import Served, Then
from tests.support.consumer import FakeConsumer
from tests.support.stream_logs import appended
from tests.support.streaming import NoStream

NOW_MS = 1_000


def reading(
    consumer: FakeConsumer, stream: NoStream, reference: bytes = b"", *bodies: bytes
) -> Reader:
    for body in bodies:
        stream.log.append(appended(body), NOW_MS)
    reader = Reader(consumer, ReadOptions(reference=reference), stream, QueueCounters())
    reader.begin(Place(stream.log, Pieces(), b"s", 0))
    return reader


def test_it_gets_a_batch_and_is_ready_for_more() -> None:
    consumer, stream = FakeConsumer(prefetch=5), NoStream()
    reader = reading(consumer, stream, b"", b"0", b"1")
    assert reader.serve(1, NOW_MS) == Served(1, Then.READY)
    assert reader.serve(10, NOW_MS) == Served(1, Then.READY)
    assert reader.serve(10, NOW_MS) == Served(LOOK_COST, Then.AT_END)
    assert [list(batch.positions) for batch in consumer.batches] == [[0], [1]]


def test_without_credit_it_is_held_back() -> None:
    consumer, stream = FakeConsumer(prefetch=1), NoStream()
    reader = reading(consumer, stream, b"", b"0", b"1")
    reader.serve(10, NOW_MS)
    assert reader.serve(10, NOW_MS) == Served(1, Then.HELD)
    assert stream.held == [reader]


def test_what_was_delivered_is_noted_where_its_offset_is_stored() -> None:
    consumer, stream = FakeConsumer(prefetch=5), NoStream()
    reader = reading(consumer, stream, b"me", b"0")
    reader.serve(10, NOW_MS)
    assert reader.progress is not None
    assert reader.progress.offset == 0
    assert reader.progress.settled(range(1))
    assert reading(FakeConsumer(), NoStream()).progress is None


def test_a_disk_that_refuses_is_told_and_tried_again_later() -> None:
    class Refusing(MemoryStreamLog):
        def read(self, *_: object, **__: object) -> None:
            raise OSError("no")

    consumer, stream = FakeConsumer(prefetch=5), NoStream()
    stream.log = Refusing()
    reader = reading(consumer, stream, b"", b"0")
    assert reader.serve(10, NOW_MS) == Served(LOOK_COST, Then.AT_END)
    assert len(stream.errors) == 1


def test_filter_values_that_were_looked_for_count_as_messages() -> None:
    consumer, stream = FakeConsumer(prefetch=5), NoStream()
    for _ in range(3):
        stream.log.append(appended(b"x", filter_values={b"other"}), NOW_MS)
    reader = Reader(consumer, ReadOptions(), stream, QueueCounters())
    wanted = Filter(frozenset(b"%d" % number for number in range(1_000)))
    reader.begin(Place(stream.log, Pieces(), b"s", 0, wanted))
    assert reader.serve(10, NOW_MS).cost >= 1_000 // LOOKS_PER_MESSAGE
