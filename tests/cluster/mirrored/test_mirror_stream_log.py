"""A mirror shows what is committed, as the leader does, and nothing else."""

import pytest

from cluster.mirrored.mirror_stream_log import MirrorStreamLog
from cluster.replication import inputs
from persistence.streams.retention import Retention
from tests.support.mirrored_machine import NOW_MS, QUEUE
from tests.support.quiet_streams import QuietStreams
from tests.support.stream_logs import appended


def test_the_last_message_of_a_stream_is_shown_though_nothing_follows() -> None:
    quiet = QuietStreams()
    log = quiet.read()
    readable: list[int] = []
    log.on_readable = lambda: readable.append(log.readable_offset)
    quiet.append(b"one", b"two")
    assert log.read(0, 1_000) is None
    quiet.go_on()
    assert log.readable_offset == log.next_offset == log.message_count == 2
    assert readable == [2]
    extent = log.read(0, 1_000)
    theirs = quiet.stream.stream.read(0, 1_000)
    assert extent is not None
    assert theirs is not None
    assert bytes(extent.octets) == bytes(theirs.octets), "the same octets as at the leader"
    assert log.last_chunk_offset() == 0
    assert log.offset_at(0) == 0


def test_what_is_not_committed_is_not_shown() -> None:
    quiet = QuietStreams()
    log = quiet.read()
    quiet.go_on()
    quiet.append(b"one")
    down, leader = quiet.link.down, quiet.leader.name
    while down:
        quiet.mirror.up.step(inputs.FrameFromLeader(leader, down.popleft()))
    replica = quiet.mirror.up.replicas()[QUEUE]
    assert replica.end == quiet.leader.up.replicas()[QUEUE].end, "it is there"
    assert log.readable_offset == 0


def test_what_was_there_before_anybody_read_is_shown() -> None:
    quiet = QuietStreams()
    for number in range(5):
        quiet.append(b"%d" % number)
        quiet.go_on(4)
    quiet.go_on()
    log = quiet.read()
    quiet.go_on()
    assert log.readable_offset == 5
    assert (log.first_offset, log.size_bytes) == (0, quiet.stream.stream.size_bytes)


def test_what_the_leader_keeps_no_more_goes_here_too() -> None:
    quiet = QuietStreams()
    log = quiet.read()
    for _ in range(60):
        quiet.append(b"x" * 200)
        quiet.go_on(2)
    quiet.stream.stream.set_retention(Retention(max_bytes=1_000, segment_bytes_max=600))
    for _ in range(4):
        quiet.stream.engine.expire(NOW_MS)
        quiet.leader.up.carry_out()
        quiet.go_on()
    first_offset = quiet.stream.stream.first_offset
    assert first_offset > 0
    assert log.first_offset == first_offset


def test_what_segments_have_is_not_kept_for_a_reader_that_does_not_come_that_far() -> None:
    quiet = QuietStreams()
    log = quiet.read()
    for _ in range(60):
        quiet.append(b"x" * 200)
        quiet.go_on(2)
    replica = quiet.mirror.up.replicas()[QUEUE]
    assert log._coming.size_bytes <= replica.records_bytes, "each of them once, and no other"
    assert replica.base > 1


def test_another_history_is_not_shown() -> None:
    quiet = QuietStreams()
    log = quiet.read()
    lost: list[int] = []
    log.on_lost = lambda: lost.append(1)
    quiet.append(b"one")
    quiet.go_on()
    assert log.readable_offset == 1
    log._replica.table = ((77, 1),)  # as after a promotion with loss
    log.advance(100)
    log.advance(100)
    assert (lost, log.is_lost, log.readable_offset) == ([1], True, 1)


def test_a_replica_that_is_gone_is_lost_for_its_readers() -> None:
    quiet = QuietStreams()
    log = quiet.read()
    quiet.mirror.up.drop_replica(QUEUE)
    assert log.is_lost


@pytest.mark.parametrize(
    "change",
    [
        lambda log: log.append(appended(b"a"), NOW_MS),
        lambda log: log.store_offset(b"r", 1),
        lambda log: log.stored_offset(b"r"),
        lambda log: log.publishing_id(b"r"),
    ],
)
def test_what_only_the_leader_does_is_not_done_here(change: object) -> None:
    log: MirrorStreamLog = QuietStreams().read()
    with pytest.raises(AssertionError):
        change(log)  # type: ignore[operator]


def test_policies_are_the_leaders_affair() -> None:
    log = QuietStreams().read()
    log.set_fsynced(is_fsynced=True)
    log.set_retention(Retention(max_bytes=1))
    log.set_filter_bytes(16)
    log.set_compaction(None)
    assert (log.retain(NOW_MS), log.compaction_due_ms(NOW_MS), log.drop()) == (None, None, 0)
    assert log.compact(NOW_MS)
    assert log.tracking() == ([], [])
    assert log.wall_ms(1) == QuietStreams().read().wall_ms(1)
