"""The newest segment of a stream ends before it is full."""

import errno

from persistence.streams.ending import end_newest
from persistence.streams.kept import KeptChunks
from tests.persistence.streams.test_kept import add, kept_on, offsets
from tests.support.fault_fs import Kind
from tests.support.stream_logs import DiskPlace


def segments_of(kept: KeptChunks) -> list[tuple[int, int]]:
    return [(each.first_offset, each.next_offset) for each in kept.segments.all]


def test_what_is_in_memory_is_in_the_segment_that_ends() -> None:
    kept = kept_on(DiskPlace())
    end_newest(kept)
    assert segments_of(kept) == []
    add(kept, 0, b"a")
    end_newest(kept)
    end_newest(kept)
    add(kept, 1, b"b")
    kept.spill()
    assert segments_of(kept) == [(0, 1), (1, 2)]
    assert offsets(kept, 0) == [0]
    assert offsets(kept, 1) == [1]


def test_where_the_disk_refuses_the_segment_goes_on() -> None:
    place = DiskPlace()
    kept = kept_on(place)
    add(kept, 0, b"a")
    place.disk.fail_at(lambda o: o.kind is Kind.CREATE, errno.ENOSPC, times=1)
    end_newest(kept)
    assert segments_of(kept) == []
    place.disk.fail_at(lambda o: o.kind is Kind.CREATE and "1.seg" in o.path, errno.ENOSPC, times=1)
    end_newest(kept)
    assert segments_of(kept) == [(0, 1)]
    add(kept, 1, b"b")
    end_newest(kept)
    assert segments_of(kept) == [(0, 2), (2, 2)]
