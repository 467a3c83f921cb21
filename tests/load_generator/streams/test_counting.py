"""Messages are counted by the heads of chunks, over any cuts of the input."""

from array import array

import pytest

from load_generator.histogram import CELL_COUNT, Histogram
from load_generator.streams import commands
from load_generator.streams.counting import ChunkCounter
from load_generator.wire import BrokerRefusalError
from tests.support.scripted_stream_broker import chunk

HEARTBEAT = commands.frame(commands.HEARTBEAT, b"")
INPUT = chunk(5, 3) + HEARTBEAT + chunk(8, 2, data=bytes(100)) + chunk(10, 1, data=b"")


@pytest.mark.parametrize("size", range(1, len(INPUT) + 1))
def test_any_cut_counts_the_same(size: int) -> None:
    counter = ChunkCounter()
    for at in range(0, len(INPUT), size):
        counter.received(memoryview(INPUT[at : at + size]))
    assert (counter.message_count, counter.chunk_count) == (6, 3)


def test_what_is_before_the_wanted_offset_is_not_counted() -> None:
    counter = ChunkCounter(from_offset=9)
    counter.received(memoryview(INPUT))
    assert counter.message_count == 2


def test_a_lost_or_repeated_offset_is_an_error() -> None:
    with pytest.raises(BrokerRefusalError, match="offset 9 lost: not 8"):
        ChunkCounter().received(memoryview(chunk(5, 3) + chunk(9, 1)))
    with pytest.raises(BrokerRefusalError, match="offset 7 repeated: not 8"):
        ChunkCounter(has_gaps=True).received(memoryview(chunk(5, 3) + chunk(7, 1)))


def test_a_filter_may_leave_chunks_out() -> None:
    counter = ChunkCounter(has_gaps=True)
    counter.received(memoryview(chunk(5, 3) + chunk(9, 1)))
    assert counter.message_count == 4


def test_a_chunk_of_another_type_is_an_error() -> None:
    with pytest.raises(BrokerRefusalError, match="no chunk of messages"):
        ChunkCounter().received(memoryview(chunk(0, 1, kind=1)))


def test_a_deleted_stream_ends_the_reader() -> None:
    gone = commands.frame(commands.METADATA_UPDATE, b"\x00\x06" + commands.string("s"))
    with pytest.raises(BrokerRefusalError, match="the stream is gone"):
        ChunkCounter().received(memoryview(gone))


def message_of(instant_ns: int) -> bytes:
    return commands.entry(commands.message(instant_ns.to_bytes(8, "big") + b"more"))


@pytest.mark.parametrize("size", [1, 7, 64, 1_000])
def test_latencies_are_of_the_read_that_brings_the_end_of_a_chunk(size: int) -> None:
    histogram = Histogram(memoryview(array("Q", bytes(8 * CELL_COUNT))))
    counter = ChunkCounter(latencies=histogram)
    octets = chunk(0, 2, message_of(10) + message_of(20)) + chunk(2, 1, message_of(30))
    for now_ns, at in enumerate(range(0, len(octets), size), start=100):
        counter.received(memoryview(octets)[at : at + size], now_ns)
    end_ns, first_ns = now_ns, 99 + -(-len(chunk(0, 2, message_of(10) * 2)) // size)
    expected = array("Q", bytes(8 * CELL_COUNT))
    Histogram(memoryview(expected)).record(first_ns, [10, 20])
    Histogram(memoryview(expected)).record(end_ns, [30])
    assert counter.message_count == 3
    assert histogram._cells.tolist() == expected.tolist()


def test_data_that_are_no_entries_are_an_error() -> None:
    histogram = Histogram(memoryview(array("Q", bytes(8 * CELL_COUNT))))
    with pytest.raises(BrokerRefusalError, match="no entries"):
        ChunkCounter(latencies=histogram).received(memoryview(chunk(0, 1, b"\x80")))
