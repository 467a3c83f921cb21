"""No crash breaks a promise; and each bug that could break one, put in on purpose, is seen.

``HAREMQ_CRASH_STATES`` says how many states are looked at; ``python -m tests.crash.states`` looks
at as many as there is time for.
"""

import errno
import os
import random
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, Literal
from unittest.mock import patch

import pytest

from persistence.by_name import fsync_file, remove
from persistence.errors import FatalStorageError
from persistence.format import OperationKind
from persistence.group_commit import GroupCommit
from persistence.group_writing import Group, GroupWriter
from persistence.log import Log
from persistence.log_state import LogOptions, LogState
from persistence.record import PERSISTENT, Record
from persistence.store import Checkpoint, Store
from persistence.stored_log import StoredLog
from persistence.wal import Wal
from persistence.wal_file import SALT_BITS
from persistence.wal_replay import Replay
from tests.crash import states
from tests.crash.states import crash_states
from tests.crash.stored_node import (
    BrokenPromiseError,
    Expected,
    StoredNode,
    expect_promises_kept,
    messages_of,
)
from tests.support.fault_fs import FaultFS, Kind
from tests.support.records import HEADER, ROUTE

STATES = int(os.environ.get("HAREMQ_CRASH_STATES", "5000"))
STATES_UNTIL_SEEN = 20_000
"""A bug that so many states do not show would not have been found."""

SEEDS = {
    "segments removed too early": 25,
    "the checkpoint before its segments": 57,
    "nothing stored by a checkpoint": 14,
}
"""Where to begin, so that the bugs that are rarely seen are seen soon; all others at 1."""


@pytest.mark.timeout(600)
def test_no_crash_breaks_a_promise() -> None:
    kinds = [kind for _, found in crash_states(1, STATES) for kind in found]
    assert {kind.split(" after")[0] for kind in kinds} == {
        "killed",
        "lived on",
        "power lost",
        "power lost again while starting",
    }


# -- bugs, put in on purpose -----------------------------------------------------------------------


def no_sync(wal: Wal) -> None:
    """Say that it is on the disk."""


def settlements_first(
    commit: GroupCommit, parts: Sequence[bytes | memoryview], *, fsync: bool
) -> int:
    """Put a settlement in front of the group: before the message that it settles."""
    lsn = APPEND_ENTRY(commit, parts, fsync=fsync)
    group = commit._open
    if parts[0][0] == OperationKind.SETTLE and group.parts:
        octets = b"".join(group.parts)
        added_bytes = sum(map(len, parts))
        group.parts[:] = [bytearray(octets[-added_bytes:] + octets[:-added_bytes])]
    return lsn


APPEND_ENTRY = GroupCommit.append_operation


def rename_before_sync(store: Store, checkpoint: Checkpoint) -> Iterator[Literal[False]]:
    """Put the checkpoint in its place before what it lists is on the disk."""
    dirty = sorted(checkpoint.dirty)
    checkpoint.dirty.clear()
    yield from PERSIST(store, checkpoint)
    for path in dirty:
        fsync_file(store._files, path)
        yield False


def names_not_synced(store: Store, checkpoint: Checkpoint) -> Iterator[Literal[False]]:
    """Leave out that a new segment's name has to be on the disk too."""
    checkpoint.directories.clear()
    yield from PERSIST(store, checkpoint)


PERSIST = Store.persist


def released_too_early(store: Store) -> Checkpoint:
    """Replay from a file later than the one that is needed."""
    checkpoint = BEGIN_CHECKPOINT(store)
    checkpoint.snapshot.wal_number += 1
    return checkpoint


BEGIN_CHECKPOINT = Store.begin_checkpoint


def removed_too_early(store: Store, checkpoint: Checkpoint, each: StoredLog) -> None:
    """Remove segments that the checkpoint on the disk still lists."""
    NOTE(store, checkpoint, each)
    for unneeded in checkpoint.unneeded:
        remove(store._files.remove, unneeded.path)
    checkpoint.unneeded.clear()


NOTE = Store._note


def sync_tried_again(writer: GroupWriter, group: Group) -> None:
    """Take the success of a second sync for a success of the first."""
    try:
        WRITE(writer, group)
    except FatalStorageError:
        writer._wal.fsync()


WRITE = GroupWriter.write


def class_ignored(commit: GroupCommit, parts: Sequence[bytes | memoryview], *, fsync: bool) -> int:
    """Take every queue for one of class os."""
    return APPEND_ENTRY(commit, parts, fsync=False)


def never_synced_again(log: Log, *, is_fsynced: bool) -> None:
    """Hear of a change to class os alone."""
    log.is_fsynced = log.is_fsynced and is_fsynced


BUGS: dict[str, tuple[object, str, Any]] = {
    "no fdatasync": (Wal, "fsync", no_sync),
    "a settlement before its enqueue": (GroupCommit, "append_operation", settlements_first),
    "the class of a queue ignored": (GroupCommit, "append_operation", class_ignored),
    "a change to class fsync ignored": (Log, "set_fsynced", never_synced_again),
    "the checkpoint before its segments": (Store, "persist", rename_before_sync),
    "names not synced": (Store, "persist", names_not_synced),
    "the log released too early": (Store, "begin_checkpoint", released_too_early),
    "segments removed too early": (Store, "_note", removed_too_early),
    "nothing stored by a checkpoint": (LogState, "store_some", lambda *_: True),
}


@pytest.mark.planted
@pytest.mark.timeout(600)
@pytest.mark.parametrize("bug", BUGS)
def test_a_bug_that_breaks_a_promise_is_seen(bug: str) -> None:
    # Descriptors do not run out here: with fewer checkpoints some bugs hardly show.
    calm = patch.object(states, "SHORT_SHARE", 0.0)
    with calm, patch.object(*BUGS[bug]), pytest.raises(AssertionError, match="seed"):
        for _ in crash_states(SEEDS.get(bug, 1), STATES_UNTIL_SEEN):
            pass


# -- damage and failing disks ----------------------------------------------------------------------


def new_node(disk: FaultFS) -> StoredNode:
    return StoredNode(disk, partial(random.Random(1).getrandbits, SALT_BITS), 0)


def publish_and_commit(node: StoredNode, count: int) -> list[int]:
    """Publish messages, one in each group, until a sync fails; return positions confirmed."""
    queue = next(iter(node.queues.values()), None) or node.declare(LogOptions())
    confirmed: list[int] = []
    for _ in range(count):
        position = queue.log.state.next_position
        record = Record(ROUTE, HEADER, b"%d" % position, PERSISTENT)
        lsn = queue.log.append(position, [record])
        queue.messages[position] = Expected(record, 0, lsn)
        try:
            node.commit_group()
        except FatalStorageError:
            break
        if node.commit.committed_lsn >= lsn:
            confirmed.append(position)
    return confirmed


def damage_second_batch(disk: FaultFS) -> None:
    writes = [
        operation
        for operation in disk.operations
        if operation.kind is Kind.WRITE and operation.path.startswith("wal/")
    ]
    # The first write fills the file, the second is the first batch.
    disk.flip_bit(writes[2].path, writes[2].position + writes[2].size_bytes - 1)


def positions_after_damage() -> tuple[list[int], list[str]]:
    """Return what is left of 5 messages of which the second is damaged, and what was noted."""
    disk = FaultFS()
    publish_and_commit(new_node(disk), 5)
    damage_second_batch(disk)
    after = new_node(disk)
    (recovered,) = after.opened.queues.values()
    return list(messages_of(recovered, 0)), after.opened.report.damages


def test_damage_in_the_middle_costs_what_it_hit_and_is_noted() -> None:
    positions, damages = positions_after_damage()
    assert positions == [0, 2, 3, 4]
    assert len(damages) == 1


def test_stopping_at_the_first_bad_batch_is_seen() -> None:
    with patch.object(Replay, "_look_on", lambda *_: None):
        positions, _ = positions_after_damage()
    assert positions == [0], "the test above fails"


def confirmed_although_a_sync_failed() -> tuple[StoredNode, FaultFS]:
    """Return a node after a failed sync, and what a power cut then leaves of its disk."""
    disk = FaultFS()
    node = new_node(disk)
    publish_and_commit(node, 2)
    disk.fail_at(lambda operation: operation.kind is Kind.SYNC, errno.EIO)
    # A second one would write the lost octets again, being in the same sector.
    publish_and_commit(node, 1)
    (left, *_) = disk.crash_states(2, seed=1)
    return node, left


def test_nothing_is_confirmed_after_a_failed_sync() -> None:
    node, left = confirmed_although_a_sync_failed()
    assert node.commit.has_failed
    found = expect_promises_kept(node, new_node(left), power_was_lost=True)
    assert len(found[1].messages) == 2


def test_a_sync_that_is_tried_again_is_seen() -> None:
    writes = patch.object(GroupWriter, "write", sync_tried_again)
    # No group is carried out as a planned write, which another function does.
    with writes, patch.object(GroupWriter, "plan", lambda *_: None):
        node, left = confirmed_although_a_sync_failed()
        with pytest.raises(BrokenPromiseError):
            expect_promises_kept(node, new_node(left), power_was_lost=True)


def test_a_full_disk_confirms_nothing_and_loses_nothing() -> None:
    disk = FaultFS()
    node = new_node(disk)
    assert publish_and_commit(node, 3) == [0, 1, 2]
    disk.capacity_bytes = 1
    confirmed = publish_and_commit(node, 200)
    assert node.commit.is_disk_full, "what fits into the file at hand needs no space"
    assert publish_and_commit(node, 3) == []
    after = new_node(disk.killed())
    expect_promises_kept(node, after, power_was_lost=False)
    disk.capacity_bytes = None
    while node.commit_group():
        pass
    found = expect_promises_kept(node, new_node(disk.killed()), power_was_lost=False)
    assert sorted(found[1].messages) == list(range(206))
    assert len(confirmed) < 200
