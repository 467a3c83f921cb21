"""What a mirrored stream keeps, where it is small or slow: its leader decides for all nodes."""

from typing import Any
from unittest.mock import patch

import pytest

from cluster.mirrored import stream_log
from cluster.replication import inputs
from persistence.replicas import stream_content
from persistence.streams.retention import Retention
from queues.options import QueueOptions
from tests.cluster.mirrored.test_stream_log import served
from tests.support import mirrored_streams
from tests.support.mirrored_machine import NOW_MS, QUEUE
from tests.support.mirrored_streams import ServedStream, StreamCluster, StreamLedger
from tests.support.stream_logs import appended

SMALL = bytes(200)
SMALL_SEGMENT_BYTES = 500


def appended_to_small(cluster: StreamCluster, stream: ServedStream, retention: Retention) -> int:
    """Append six small messages, less than is compacted otherwise; return the size of one."""
    stream.stream.set_retention(retention)
    for _ in range(6):
        stream.stream.append(appended(SMALL), NOW_MS)
        settled(cluster, stream)
    return stream.stream.size_bytes // 6


def settled(cluster: StreamCluster, stream: ServedStream) -> None:
    stream.machine.up.carry_out()
    for _ in range(200):
        cluster.sync()
        cluster.carry()


def test_a_small_stream_keeps_no_more_than_it_is_told() -> None:
    cluster, stream = served()
    log = stream.stream
    retention = Retention(max_bytes=2 * SMALL_SEGMENT_BYTES, segment_bytes_max=SMALL_SEGMENT_BYTES)
    size_bytes = appended_to_small(cluster, stream, retention)
    assert log.first_offset == 0
    due_ms = log.retain(NOW_MS)
    assert due_ms == NOW_MS + stream_log.AGAIN_MS, "it looks again whether that has gone"
    settled(cluster, stream)
    assert log.first_offset == 4
    assert log.size_bytes == 2 * size_bytes, "the newest segment stays"
    extent = log.read(0, 1_000)
    assert extent is not None
    assert extent.first_offset == 4
    assert log.retain(NOW_MS) is None


def test_a_small_stream_keeps_nothing_for_longer_than_it_is_told() -> None:
    cluster, stream = served()
    log = stream.stream
    retention = Retention(max_age_ms=1_000, segment_bytes_max=SMALL_SEGMENT_BYTES)
    appended_to_small(cluster, stream, retention)
    assert log.retain(NOW_MS) == NOW_MS + 1_001
    log.append(appended(b"last"), NOW_MS + 1_001)
    settled(cluster, stream)
    assert log.retain(NOW_MS + 1_001) == NOW_MS + 1_001 + stream_log.AGAIN_MS
    settled(cluster, stream)
    assert (log.first_offset, log.next_offset) == (6, 7), "full segments go, though one is newest"
    assert log.retain(NOW_MS + 1_001) is None


def test_a_segment_that_is_old_ends_on_all_nodes_and_a_silent_stream_keeps_nothing() -> None:
    cluster, stream = served()
    log = stream.stream
    log.set_retention(Retention(max_age_ms=5_000, segment_age_ms=1_000))
    assert log.retain(NOW_MS) is None
    for number in range(3):
        log.append(appended(b"%d" % number), NOW_MS + 100 * number)
        settled(cluster, stream)
    assert log.retain(NOW_MS + 999) == NOW_MS + 1_000
    ended_ms = NOW_MS + 1_000
    assert log.retain(ended_ms) == ended_ms + stream_log.AGAIN_MS, "it looks whether that is done"
    # What comes meanwhile is in the next one.
    for octets in (b"next", b"says what is committed"):
        log.append(appended(octets), ended_ms + 500)
        settled(cluster, stream)
    for machine in cluster.machines.values():
        machine.up.step(inputs.Compact(QUEUE, None))
        segments = machine.up.replicas()[QUEUE].stream.needed().kept.segments.all
        assert [each.first_offset for each in segments] == [0, 3]
    assert log.retain(ended_ms + stream_log.AGAIN_MS) == ended_ms + 1_500
    assert (log.first_offset, log.readable_offset) == (0, 5)
    for now_ms in (NOW_MS + 5_201, NOW_MS + 6_501, NOW_MS + 6_501):
        log.retain(now_ms)
        settled(cluster, stream)
    assert (log.first_offset, log.next_offset, log.message_count) == (5, 5, 0)
    assert log.retain(NOW_MS + 6_501) is None
    log.append(appended(b"later"), NOW_MS + 9_000)
    settled(cluster, stream)
    extent = log.read(0, 1_000)
    assert extent is not None
    assert extent.first_offset == 5


def test_a_segment_ends_by_its_age_where_nothing_else_limits_the_stream() -> None:
    cluster, stream = served()
    log = stream.stream
    log.set_retention(Retention(segment_age_ms=1_000))
    log.append(appended(b"a"), NOW_MS)
    settled(cluster, stream)
    log.retain(NOW_MS + 1_000)
    settled(cluster, stream)
    assert log.retain(NOW_MS + 2_000) is None
    assert (log.segment_count, log.message_count) == (2, 1)


def test_a_stream_without_a_limit_is_not_compacted_before_it_is_due() -> None:
    cluster, stream = served()
    base = stream.log.replica.base
    appended_to_small(cluster, stream, Retention(segment_bytes_max=SMALL_SEGMENT_BYTES))
    assert stream.stream.retain(NOW_MS) is None
    settled(cluster, stream)
    assert stream.log.replica.base == base


def test_whoever_leads_next_begins_where_a_small_stream_begins() -> None:
    cluster, stream = served()
    retention = Retention(max_bytes=2 * SMALL_SEGMENT_BYTES, segment_bytes_max=SMALL_SEGMENT_BYTES)
    appended_to_small(cluster, stream, retention)
    stream.stream.retain(NOW_MS)
    settled(cluster, stream)
    assert stream.stream.first_offset == 4
    stream.stream.append(appended(b"says what is committed"), NOW_MS)
    settled(cluster, stream)
    for machine in cluster.machines.values():
        machine.up.step(inputs.Compact(QUEUE, None))
        assert machine.up.replicas()[QUEUE].stream.needed().first_offset == 4


def test_while_a_mirror_needs_the_records_they_stay() -> None:
    cluster, stream = served()
    retention = Retention(max_bytes=2 * SMALL_SEGMENT_BYTES, segment_bytes_max=SMALL_SEGMENT_BYTES)
    with patch.object(stream.machine.up.compacting, "_holds_records", lambda _: True):
        appended_to_small(cluster, stream, retention)
        due_ms = stream.stream.retain(NOW_MS)
        settled(cluster, stream)
        assert (stream.stream.first_offset, due_ms) == (0, NOW_MS + stream_log.AGAIN_MS)
    stream.stream.retain(NOW_MS)
    settled(cluster, stream)
    stream.stream.retain(NOW_MS)
    settled(cluster, stream)
    assert stream.stream.first_offset == 4


class AgedCluster(StreamCluster):
    """Streams whose segments end by age, and whose messages go by it, as time passes."""

    def step(self) -> None:
        super().step()
        for machine in self.running():
            for stream in machine.served.values():
                assert isinstance(stream, ServedStream)
                if self.draw.random() < 0.05 and stream.stream.readable_offset:
                    stream.ledger.look(stream)
                    stream.engine.expire(NOW_MS + self.now_ms)
                    machine.up.carry_out()


@pytest.mark.parametrize("first", range(0, 16, 4))
def test_no_offset_changes_where_segments_end_by_age(first: int) -> None:
    def aged(**options: Any) -> QueueOptions:  # noqa: ANN401 -- those of a stream
        return QueueOptions(**options, max_age_ms=20_000 if first else None, segment_age_ms=2_000)

    gone = 0
    with (
        patch.object(stream_content, "PIECE_BYTES", 1_000),
        patch.object(mirrored_streams, "QueueOptions", aged),
    ):
        for seed in range(first, first + 4):
            cluster = AgedCluster(seed)
            for _ in range(3_000):
                cluster.step()
            cluster.heal()
            ledger = cluster.ledgers[QUEUE]
            assert isinstance(ledger, StreamLedger)
            gone += ledger.first_offset > 0
    assert gone
