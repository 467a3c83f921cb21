"""Whatever a crash leaves of the disk of a replica, a restart finds one of its states, whole."""

import os
from unittest.mock import patch

import pytest

from persistence.chunk_table import ChunkTable, StoredChunk
from persistence.files import Octets
from persistence.front_numbers import Published, PublishedTable
from persistence.operations import Submitted, decode_operations
from persistence.replica_operations import EpochTable
from persistence.replicas.building import Building
from persistence.replicas.content import Content
from persistence.replicas.log import ReplicaLog
from persistence.replicas.records import Records
from persistence.replicas.recovery import ReplicaRecovery
from persistence.replicas.taking import Taken
from persistence.replicas.tombstones import Changes, Tombstones
from persistence.settled import PositionSet
from tests.crash import states
from tests.crash.replica_life import ReplicaLife
from tests.crash.states import crash_states

STATES = int(os.environ.get("HAREMQ_CRASH_STATES", "5000"))
STATES_UNTIL_SEEN = 20_000


@pytest.mark.timeout(600)
def test_no_crash_breaks_a_promise_of_a_replica() -> None:
    kinds = [kind for _, found in crash_states(1, STATES, ReplicaLife) for kind in found]
    assert {kind.split(" after")[0] for kind in kinds} == {
        "killed",
        "lived on",
        "power lost",
        "power lost again while starting",
    }


# -- bugs, put in on purpose -----------------------------------------------------------------------


def repeated_again(recovery: ReplicaRecovery, operation: object) -> None:
    """Repeat what the checkpoint has already."""
    recovery.known.repeat(operation)  # type: ignore[arg-type]


def said_to_be_promised(log: ReplicaLog, epoch: int) -> int:
    """Promise in memory alone."""
    log.promised = epoch
    return log._commit.committed_lsn


def not_cut(records: Records, after: int) -> None:
    """Keep what a leader of a later epoch replaces."""
    records.end = after


def without_records(log: ReplicaLog) -> object:
    """Leave the records that are not in the messages out of the checkpoint."""
    noted = NOTE(log)
    return noted._replace(row=noted.row._replace(pieces=()))  # type: ignore[attr-defined]


def without_published(log: ReplicaLog) -> object:
    """Leave how far front ends are out of the checkpoint."""
    noted = NOTE(log)
    return noted._replace(row=noted.row._replace(published=()))  # type: ignore[attr-defined]


def noted_with_the_record(
    log: ReplicaLog, after: int, spans: EpochTable, count: int, octets: Octets
) -> int:
    """Take what a record says of front ends before the record is committed: it may be cut."""
    for index, operation in enumerate(decode_operations(memoryview(octets)), after + 1):
        if isinstance(operation, Submitted):
            log.published.note(Published(0, operation.last, index))
    return APPEND(log, after, spans, count, octets)


APPEND = ReplicaLog.append


def without_front_ends(log: ReplicaLog, since: int, taken: Taken) -> Content:
    """Forget how far front ends have published."""
    return CONTENT(log, since, taken)._replace(published=())


def without_counts(log: ReplicaLog, since: int, taken: Taken) -> Content:
    """Forget how often messages were requeued."""
    content = CONTENT(log, since, taken)
    return content._replace(messages=content.messages._replace(requeued=()))


def settling_nothing(log: ReplicaLog, since: int, taken: Taken) -> Content:
    """Bring messages back that were settled since they were taken."""
    content = CONTENT(log, since, taken)
    return content._replace(messages=content.messages._replace(settled=PositionSet()))


CONTENT = ReplicaLog.content


def only_the_last(building: Building, number: int) -> None:
    """Leave the files before it in the page cache."""
    if number == building._segments.next_number - 1:
        BRING(building, number)


BRING = Building._bring_to_disk


def of_one_lane(table: ChunkTable, position: int) -> list[StoredChunk]:
    """Take a priority queue for a plain one."""
    row = table.next_from(0, position)
    return [] if row is None else [row]


def buried_last(
    tombstones: Tombstones,
    queue: str,
    log: ReplicaLog,
    deletion: bytes,
    changes: Changes,
    now_ms: int,
) -> int:
    """Delete the definition before there is a tombstone."""
    changes.append_definition(deletion)
    return DROP(tombstones, queue, log, deletion, changes, now_ms)


DROP = Tombstones.drop
NOTE = ReplicaLog.note

BUGS: dict[str, tuple[object, str, object]] = {
    "changes that the checkpoint has are repeated": (ReplicaRecovery, "replay", repeated_again),
    "a promise is not written": (ReplicaLog, "promise", said_to_be_promised),
    "records are not cut": (Records, "_cut", not_cut),
    "a checkpoint without records": (ReplicaLog, "note", without_records),
    "a definition goes before its tombstone is there": (Tombstones, "drop", buried_last),
    "no tombstone is left": (Tombstones, "__contains__", lambda *_: False),
    "a checkpoint without front ends": (ReplicaLog, "note", without_published),
    "a number of a record that may be cut": (ReplicaLog, "append", noted_with_the_record),
    "a snapshot without front ends": (ReplicaLog, "content", without_front_ends),
    "a snapshot is added to the front ends": (PublishedTable, "restore", lambda *_: None),
    "a snapshot without delivery counts": (ReplicaLog, "content", without_counts),
    "a snapshot that settles nothing": (ReplicaLog, "content", settling_nothing),
    "a snapshot counts before its files are on the disk": (
        Building,
        "bring_to_disk",
        lambda _: None,
    ),
    "only the last file of a snapshot is brought to the disk": (
        Building,
        "_bring_to_disk",
        only_the_last,
    ),
    "a snapshot has the chunks of one lane": (ChunkTable, "each_next_from", of_one_lane),
}


SEEDS = {
    "only the last file of a snapshot is brought to the disk": 54,
    "a snapshot that settles nothing": 61,
    "a snapshot has the chunks of one lane": 14,
}
"""Where to begin, so that what is rarely seen is seen soon; all others at 1."""


@pytest.mark.planted
@pytest.mark.timeout(600)
@pytest.mark.parametrize("bug", BUGS)
def test_a_bug_of_replicas_is_seen(bug: str) -> None:
    calm = patch.object(states, "SHORT_SHARE", 0.0)
    with calm, patch.object(*BUGS[bug]), pytest.raises((AssertionError, IndexError)):
        for _ in crash_states(SEEDS.get(bug, 1), STATES_UNTIL_SEEN, ReplicaLife):
            pass
