"""When a stream is compacted, and when a compaction stops."""

import errno

from tests.support.compacted_places import (
    NOW_MS,
    configure,
    fill,
    names_of,
    place_of,
    write,
)
from tests.support.fault_fs import Kind, Operation
from tests.support.keyed_messages import (
    COMPACTION,
    compact,
    kept,
    state_of,
)
from tests.support.stream_logs import (
    all_messages,
)


def test_nothing_is_compacted_that_may_get_more_chunks() -> None:
    place = place_of(segment_bytes_max=1 << 20)
    write(place, b"a=1", b"a=2", b"a=3")
    place.stream.kept.spill()
    assert place.log.compaction_due_ms(NOW_MS) is None
    assert compact(place.log, NOW_MS) == 1
    assert kept(place.log) == [b"a=1", b"a=2", b"a=3"]


def test_without_a_key_nothing_is_compacted() -> None:
    place = place_of()
    place.log.set_compaction(None)
    write(place, b"a=1", b"a=2")
    fill(place)
    assert place.log.compaction_due_ms(NOW_MS) is None


def test_what_the_disk_refuses_is_tried_again_later() -> None:
    place = place_of()
    write(place, *[b"a=%d" % number for number in range(30)])
    fill(place)
    state = state_of(all_messages(place.log))

    def makes_new(operation: Operation) -> bool:
        return operation.kind is Kind.WRITE and "-" in operation.path

    place.disk.fail_at(makes_new, errno.ENOSPC)
    compact(place.log, NOW_MS)
    assert state_of(all_messages(place.log)) == state
    assert not [name for name in names_of(place.disk) if "-" in name]
    due_ms = place.log.compaction_due_ms(NOW_MS)
    assert due_ms is not None
    assert due_ms > NOW_MS
    compact(place.log, due_ms)
    assert kept(place.log)[0] == b"a=29"


def test_a_restart_does_not_compact_again_what_is_clean() -> None:
    place = place_of()
    write(place, *[b"%d=%d" % (number, number) for number in range(30)])
    fill(place)
    compact(place.log, NOW_MS)
    place.checkpoint()
    restarted = configure(place.restarted())
    assert restarted.log.compaction_due_ms(NOW_MS) is None
    restarted.log.set_compaction(COMPACTION._replace(key_name=b"another"))
    assert restarted.log.compaction_due_ms(NOW_MS) == NOW_MS


def test_a_dropped_stream_stops_its_compaction() -> None:
    place = place_of()
    write(place, *[b"a=%d" % number for number in range(30)])
    fill(place)
    place.log.compact(NOW_MS)
    place.log.drop()
    assert place.log.compact(NOW_MS)
    assert place.log.compaction_due_ms(NOW_MS) is None
