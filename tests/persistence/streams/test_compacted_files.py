"""How a restart finds what a compaction has left."""

import pytest

from tests.support.compacted_places import NOW_MS, configure, fill, names_of, place_of, write
from tests.support.fault_fs import FaultFS
from tests.support.keyed_messages import (
    compact,
    state_of,
)
from tests.support.stream_logs import (
    TINY,
    DiskPlace,
    all_messages,
    appended,
)


def content_of(disk: FaultFS, path: str) -> bytes:
    file = disk.open(path)
    return file.read_at(0, file.size_bytes)


@pytest.mark.parametrize("is_listed", [True, False])
def test_a_restart_finds_the_old_segments_or_the_new_ones(is_listed: bool) -> None:
    place = place_of()
    write(place, *[b"a=%d" % number for number in range(30)])
    fill(place)
    before = all_messages(place.log)
    compact(place.log, NOW_MS)
    after = all_messages(place.log)
    if is_listed:
        place.checkpoint()
    restarted = place.restarted()
    assert restarted.damages == []
    assert all_messages(restarted.log) == (after if is_listed else before)
    has_compacted = any("-" in name for name in names_of(restarted.disk))
    assert has_compacted == is_listed, "what does not count is removed"
    configure(restarted)
    compact(restarted.log, NOW_MS)
    assert all_messages(restarted.log) == after
    assert restarted.log.message_count == len(after)


@pytest.mark.parametrize("there", ["all", "last", "none"])
def test_with_a_damaged_checkpoint_new_segments_stand_for_old_ones_that_are_gone(
    there: str,
) -> None:
    place = place_of()
    place.checkpoint()
    write(place, *[b"%d=%d" % (number % 9, number) for number in range(60)])
    fill(place)
    old = [segment.path for segment in place.stream.kept.segments.all[:-1]]
    content = {path: content_of(place.disk, path) for path in old}
    before, expected = all_messages(place.log), state_of(all_messages(place.log))
    compact(place.log, NOW_MS)
    after = all_messages(place.log)
    place.checkpoint()
    disk = place.disk.killed()
    for name in disk.names("wal"):
        disk.remove(f"wal/{name}")
    disk.open("checkpoint").write_at(50, b"?" * 40)
    for path in {"all": old, "last": old[-1:], "none": []}[there]:
        disk.open(path, create=True).write_at(0, content[path])
    restarted = DiskPlace(TINY, disk)
    assert not [each for each in restarted.damages if "lost" in each and "offset" in each]
    found = all_messages(restarted.log)
    assert state_of(found) == expected
    if there != "last":
        assert found == (before if there == "all" else after)


def test_a_file_of_a_compaction_that_is_not_whole_does_not_count() -> None:
    place = place_of()
    write(place, *[b"%d=%d" % (number % 9, number) for number in range(60)])
    fill(place)
    before = all_messages(place.log)
    for _ in range(4):
        place.log.compact(NOW_MS)
    restarted = place.restarted()
    assert (restarted.damages, all_messages(restarted.log)) == ([], before)


def test_publishing_ids_of_what_is_gone_are_in_what_is_left() -> None:
    place = place_of()
    place.log.append(appended(b"a=1", publisher=b"p", publishing_id=7), NOW_MS)
    place.commit()
    write(place, b"a=2")
    fill(place)
    compact(place.log, NOW_MS)
    place.checkpoint()
    disk = place.disk.killed()
    disk.open("checkpoint").write_at(50, b"?" * 40)
    for name in disk.names("wal"):
        disk.remove(f"wal/{name}")
    assert DiskPlace(TINY, disk).log.publishing_id(b"p") == 7
