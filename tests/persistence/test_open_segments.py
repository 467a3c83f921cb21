"""Open segments: a bounded number, the one that wrote longest ago makes room."""

import errno

import pytest

from persistence.chunk import encode_chunk
from persistence.chunk_table import StoredChunk
from persistence.open_segments import OpenSegments
from persistence.segment import Segments
from persistence.slices import Slice
from tests.support.fault_fs import FaultFS, Kind
from tests.support.records import run_of


class Rig:
    """Some queues with three descriptors together."""

    def __init__(self, segment_size_bytes: int = 1_000_000) -> None:
        self.disk = FaultFS()
        self.disk.make_directory("queues")
        self.opened = OpenSegments(3)
        self.queues = [
            Segments(self.disk, "queues", number, segment_size_bytes, self.opened)
            for number in range(10)
        ]
        self.rows: list[tuple[Segments, StoredChunk, int]] = []

    def append(self, number: int) -> None:
        first = len(self.rows)
        run = Slice(run_of(b"%d" % first), range(first, first + 1))
        queue = self.queues[number]
        self.rows.append((queue, queue.append(*encode_chunk(0, [run])), first))
        assert len(self.opened) <= 3

    def expect_all_readable(self) -> None:
        for queue, row, first in self.rows:
            assert list(queue.read(row).records) == run_of(b"%d" % first)


def test_more_queues_than_descriptors_go_on_with_the_files_that_they_have() -> None:
    rig = Rig()
    for _ in range(5):
        for number in range(10):
            rig.append(number)
    rig.expect_all_readable()
    assert all(len(rig.disk.names(queue.directory)) == 1 for queue in rig.queues)


def test_the_one_that_wrote_longest_ago_makes_room() -> None:
    rig = Rig()
    for number in (0, 1, 2, 0, 3):
        rig.append(number)
    rig.disk.fail_at(lambda operation: operation.kind is Kind.OPEN, errno.EIO, times=None)
    for number in (0, 2, 3):
        rig.append(number)
    with pytest.raises(OSError, match="Input/output"):
        rig.append(1)


def test_a_queue_that_is_done_with_its_file_holds_no_place() -> None:
    rig = Rig(segment_size_bytes=1)
    for number in range(10):
        rig.append(number)
    assert len(rig.opened) == 0


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOMEM])
def test_a_file_that_cannot_be_opened_again_is_gone_on_with_later(number: int) -> None:
    rig = Rig()
    for queue in (0, 1, 2, 3):
        rig.append(queue)
    rig.disk.fail_at(lambda operation: operation.kind is Kind.OPEN, number)
    with pytest.raises(OSError, match=r"\[Errno"):
        rig.append(0)
    rig.append(0)
    rig.expect_all_readable()
    assert len(rig.disk.names(rig.queues[0].directory)) == 1
