"""What is there of a stream in a replica's log, before and after its records say that it is one."""

import pytest

from persistence.errors import DamagedError
from persistence.front_numbers import FrontNumber
from persistence.operations import Settle
from persistence.replicas.stream_part import StreamPart
from persistence.stream_operations import StreamKept, StreamOffset, StreamSubmitted
from tests.persistence.replicas.test_stream_content import chunks, content_on, new_disk


def test_a_queue_has_none() -> None:
    part = StreamPart(lambda: content_on(new_disk()))
    part.mark(3)
    part.check_whole()
    part.restore(None)
    part.drop()
    part.clear()
    assert part.store_some()
    assert part.note() == (None, (), (), ())
    assert (part.content, part.unneeded_bytes) == (None, 0)


def test_records_of_a_stream_make_it_one() -> None:
    part = StreamPart(lambda: content_on(new_disk()))
    part.take(StreamSubmitted(chunks(0, b"a"), FrontNumber("n", 1, 1)))
    part.take(StreamOffset(0, b"reader", 0))
    part.take(StreamKept(0, 0, 500))
    part.mark(3)
    assert part.content is part.needed()
    assert part.content is not None
    assert part.content.marks[0].at == 3
    row, *_ = part.note()
    assert row is not None
    again = StreamPart(lambda: content_on(new_disk()))
    again.restore(row)
    assert again.needed().next_offset == 1
    again.clear()
    assert again.content is None


def test_other_records_are_damage() -> None:
    part = StreamPart(lambda: content_on(new_disk()))
    with pytest.raises(DamagedError, match="cannot be"):
        part.take(Settle(0, range(3)))
