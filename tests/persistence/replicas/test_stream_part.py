"""What is there of a stream in a replica's log, before and after its records say that it is one."""

from functools import partial

import pytest

from persistence.errors import DamagedError
from persistence.front_numbers import FrontNumber
from persistence.operations import Settle
from persistence.replicas.messages import Damage
from persistence.replicas.stream_part import StreamPart
from persistence.stream_operations import StreamKept, StreamOffset, StreamSubmitted
from tests.persistence.replicas.test_stream_content import chunks, content_on, new_disk


def test_a_queue_has_none() -> None:
    part = StreamPart(lambda _: content_on(new_disk()), Damage())
    part.mark(3)
    part.check_whole()
    part.restore(None)
    part.drop()
    part.begin_anew(4)
    assert part.store_some()
    assert part.note() == (None, (), (), [])
    assert (part.content, part.unneeded_bytes) == (None, 0)


def test_records_of_a_stream_make_it_one() -> None:
    part = StreamPart(lambda _: content_on(new_disk()), Damage())
    part.take(StreamSubmitted(chunks(0, b"a"), FrontNumber("n", 1, 1)))
    part.take(StreamOffset(0, b"reader", 0))
    part.take(StreamKept(0, 0, 500))
    part.mark(3)
    assert part.content is part.needed()
    assert part.content is not None
    assert part.content.marks[0].at == 3
    row, *_ = part.note()
    assert row is not None
    again = StreamPart(lambda _: content_on(new_disk()), Damage())
    again.restore(row)
    assert again.needed().next_offset == 1


def test_what_is_replaced_stays_until_a_checkpoint() -> None:
    disk = new_disk()
    part = StreamPart(partial(content_on, disk), Damage())
    for offset in range(3):
        part.take(chunks(offset, b"a" * 400))
    part.note()
    before = part.needed()
    paths = [each.path for each in before.kept.segments.all]
    part.begin_anew(5)
    assert (part.content, before.kept.segments.all) == (None, [])
    assert part.unneeded_bytes > 1_200
    part.take(chunks(0, b"b" * 400))
    assert part.needed().begun_with == 5
    assert all(map(disk.exists, paths))
    row, _, _, unneeded = part.note()
    assert row is not None
    assert row.begun_with == 5
    assert {each.path for each in unneeded} >= set(paths)
    assert part.unneeded_bytes == 0


def test_a_restart_without_a_row_begins_without_files() -> None:
    disk = new_disk()
    for begun_with in (0, 5):
        content_on(disk, begun_with).take(chunks(0, b"a" * 400))
    directory = content_on(disk).kept.directory
    assert len(disk.names(directory)) == 2
    StreamPart(partial(content_on, disk), Damage()).restore(None)
    assert disk.names(directory) == []


def test_other_records_are_damage() -> None:
    part = StreamPart(lambda _: content_on(new_disk()), Damage())
    with pytest.raises(DamagedError, match="cannot be"):
        part.take(Settle(0, range(3)))
