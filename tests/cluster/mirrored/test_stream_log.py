"""Mirrored streams under random use, with nodes that are killed at any moment.

Whoever leads next has every message that was confirmed or read, once, at the offset that it had.
"""

from collections.abc import Sequence
from typing import cast
from unittest.mock import patch

import pytest

from cluster.mirrored import mirror_stream_log
from cluster.mirrored.commit_notes import CommitNotes
from cluster.mirrored.groups import MirrorGroup
from cluster.mirrored.log import MirroredLog
from cluster.mirrored.mirror_stream_log import MirrorStreamLog
from cluster.mirrored.stream_log import MirroredStreamLog
from cluster.replication import inputs
from persistence.errors import DamagedError
from persistence.replicas import log as replica_log
from persistence.replicas import stream_content
from persistence.stream_operations import StreamState, stream_snapshot
from persistence.streams.chunk import Trailer, decode_trailer
from queues.commits import is_safe
from tests.support.mirrored_machine import NOW_MS, QUEUE
from tests.support.mirrored_streams import ServedStream, StreamCluster
from tests.support.stream_logs import appended

SEEDS = 40
BATCH = 10
STEPS = 3_000


def lived(seed: int, steps: int = STEPS) -> StreamCluster:
    cluster = StreamCluster(seed)
    for _ in range(steps):
        cluster.step()
    return cluster


@pytest.mark.parametrize("first", range(0, SEEDS, BATCH))
def test_no_offset_changes_and_nothing_confirmed_is_lost(first: int) -> None:
    with patch.object(stream_content, "PIECE_BYTES", 1_000):
        for seed in range(first, first + BATCH):
            try:
                lived(seed).heal()
            except AssertionError as broken:
                raise AssertionError(f"seed {seed}: {broken}") from broken


def test_they_are_read_kept_stored_and_taken_over() -> None:
    with patch.object(stream_content, "PIECE_BYTES", 1_000):
        clusters = [lived(seed, 6_000) for seed in range(4)]
    ledgers = [cluster.ledgers[QUEUE] for cluster in clusters]
    assert sum(len(ledger.confirmed) for ledger in ledgers) > 100
    assert sum(cluster.served_count for cluster in clusters) > 20
    assert any(getattr(ledger, "first_offset") > 0 for ledger in ledgers), "some went"  # noqa: B009
    assert any(getattr(ledger, "stored") for ledger in ledgers)  # noqa: B009


# -- mistakes, put in on purpose -------------------------------------------------------------------


def readable_once_appended(log: MirroredStreamLog) -> int:
    """Show what may be lost."""
    return log.next_offset


def is_set(log: MirroredStreamLog, offset: int) -> None:
    """Leave it to the getter."""


APPEND_STREAM = MirroredLog.append_stream


def without_numbers(
    log: MirroredLog, first_offset: int, chunks: Sequence[bytes], record_count: int
) -> int:
    """Append what a front end has submitted as if nobody had."""
    front, log._front = log._front, None
    lsn = APPEND_STREAM(log, first_offset, chunks, record_count)
    log._front = front
    return lsn


def without_its_own_records(octets: bytes) -> StreamState | None:
    """Take a piece for what follows the content, whatever the log has behind that."""
    found = stream_snapshot(octets)
    return None if found is None else found._replace(after=0)


def unknown(log: MirroredStreamLog, reference: bytes) -> None:
    """Take each publishing id for a new one."""


def without_ids(chunk: bytes) -> Trailer:
    """Have a mirror note no publishing ids."""
    return decode_trailer(chunk)._replace(publishing_ids={})


ADVANCE = MirrorStreamLog.advance


def to_its_end(log: MirrorStreamLog, _commit: int) -> None:
    """Have a mirror show what may be cut yet, and believe that it is not."""
    with patch.object(mirror_stream_log, "epoch_at", lambda *_: 0):
        ADVANCE(log, log._replica.end)


def nothing_is_told(_notes: CommitNotes) -> bool:
    """Leave it to the next run to say what is committed."""
    return False


MISTAKES = {
    "appended again": (MirroredStreamLog, "publishing_id", unknown),
    "ids are not kept": (stream_content, "decode_trailer", without_ids),
    "shown once appended": (
        MirroredStreamLog,
        "readable_offset",
        property(readable_once_appended, is_set),
    ),
    "no numbers": (MirroredLog, "append_stream", without_numbers),
    "a mirror shows all": (MirrorStreamLog, "advance", to_its_end),
    "no notes": (CommitNotes, "give", nothing_is_told),
    "own records dropped": (replica_log, "stream_snapshot", without_its_own_records),
}


def broken(seeds: int) -> bool:
    for seed in range(seeds):
        try:
            lived(seed, 4_000).heal()
        except (AssertionError, DamagedError):
            return True
    return False


@pytest.mark.planted
@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_seen(mistake: str) -> None:
    owner, name, wrong = MISTAKES[mistake]
    with (
        patch.object(stream_content, "PIECE_BYTES", 1_000),
        patch.object(owner, name, wrong, create=True),
    ):
        assert broken(30)


def served() -> tuple[StreamCluster, ServedStream]:
    cluster = StreamCluster(0)
    cluster.heal()
    found = cluster.machines[cluster.states[QUEUE][0].leader].served[QUEUE]
    assert isinstance(found, ServedStream)
    return cluster, found


def test_what_is_appended_without_a_front_half_is_readable_once_it_is_committed() -> None:
    cluster, stream = served()
    log = stream.stream
    log.append(appended(b"a", b"b", publisher=b"p", publishing_id=7), NOW_MS)
    assert (log.next_offset, log.readable_offset, log.message_count) == (2, 0, 2)
    assert log.publishing_id(b"p") == 7
    assert log.read(0, 1_000) is None
    safe_at = log.safe_at
    assert not is_safe(safe_at)
    stream.machine.up.carry_out()
    for _ in range(200):
        cluster.sync()
        cluster.carry()
    assert is_safe(safe_at)
    assert (log.readable_offset, log.last_chunk_offset(), log.offset_at(0)) == (2, 0, 0)
    extent = log.read(1, 1_000)
    assert extent is not None
    assert (extent.first_offset, extent.next_offset) == (0, 2)
    assert log.commit_group is safe_at.group


def test_what_is_committed_is_safe_though_another_queue_of_its_group_is_led_no_more() -> None:
    cluster, stream = served()
    log = stream.stream
    log.append(appended(b"a", publisher=b"p", publishing_id=7), NOW_MS)
    point = log.safe_at
    stream.machine.up.carry_out()
    cast("MirrorGroup", point.group).fail()
    assert not is_safe(log.safe_at), "who has published it hears of an error"
    for _ in range(200):
        cluster.sync()
        cluster.carry()
    assert log.readable_offset == 1
    assert log.appended_lsn <= log.commit_group.committed_lsn, "published again, it is a duplicate"
    assert is_safe(log.safe_at)


def test_a_refused_append_says_nothing_of_what_came_before_once_appends_are_taken_again() -> None:
    _, stream = served()
    log = stream.stream
    stream.log.led.lead.moving = True
    log.append(appended(b"a"), NOW_MS)
    assert not is_safe(log.safe_at)
    stream.log.led.lead.moving = False
    assert is_safe(log.safe_at), "a client may ask for its sequence"


@pytest.mark.parametrize("why", ["moving", "ended"])
def test_an_append_that_is_refused_is_never_safe(why: str) -> None:
    _, stream = served()
    log = stream.stream
    if why == "ended":
        stream.log.has_ended = True
    else:
        stream.log.led.lead.moving = True
    lsn = log.append(appended(b"a"), NOW_MS)
    assert log.next_offset == 0
    assert log.commit_group.committed_lsn < lsn
    called: list[int] = []
    log.commit_group.wait(lsn, lambda: called.append(1))
    assert called == [1], "whoever waits hears of it at once"
    log.store_offset(b"reader", 3)
    if why == "moving":
        stream.log.led.lead.moving = False
        log.append(appended(b"a"), NOW_MS)
        assert (log.next_offset, log.commit_group.has_failed) == (1, False)  # type: ignore[attr-defined]


def test_segments_of_the_node_are_shown() -> None:
    _, stream = served()
    log = stream.stream
    assert (log.segment_count, log.segments_from(0, 3), log.size_bytes) == (0, [], 0)
    assert (log.compaction_due_ms(NOW_MS), log.compact(NOW_MS), log.drop()) == (None, True, 0)
    assert log.tracking() == ([], [])


def test_offsets_that_are_stored_while_nothing_commits_are_one_record_for_each_reference() -> None:
    cluster, stream = served()
    log, lead = stream.stream, stream.log.led.lead
    before = lead.replica.end
    for offset in range(1_000):
        log.store_offset(b"one", offset)
        log.store_offset(b"two", 2 * offset)
    stream.machine.up.carry_out()
    assert lead.replica.end == before + 1, "the first is said at once"
    assert (log.stored_offset(b"one"), log.stored_offset(b"two")) == (999, 1_998)
    for _ in range(400):
        cluster.sync()
        cluster.carry()
    assert lead.replica.end == before + 3
    assert lead.commit == lead.replica.end
    stream.machine.up.step(inputs.Compact(QUEUE, lead.commit))
    content = stream.log.replica.stream.needed()
    assert dict(content.stored_offsets) == {b"one": 999, b"two": 1_998}


def test_where_the_group_fails_the_next_offset_is_said_again() -> None:
    _, stream = served()
    log, lead = stream.stream, stream.log.led.lead
    log.store_offset(b"one", 1)
    log.store_offset(b"one", 2)
    stream.machine.up.carry_out()
    stream.log.led.group.fail()
    end = lead.replica.end
    log.store_offset(b"one", 3)
    stream.machine.up.carry_out()
    assert lead.replica.end == end + 1
