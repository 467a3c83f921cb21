"""Messages are counted by the heads of chunks, over any cuts of the input."""

import pytest

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
