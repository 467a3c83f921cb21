"""Whatever a crash leaves of a replica of a stream, a restart finds one of its states, whole."""

import os
from unittest.mock import patch

import pytest

from persistence.errors import DamagedError
from persistence.replicas import log as replica_log
from persistence.replicas.stream_content import StreamContent, StreamRow
from persistence.replicas.stream_part import StreamPart
from persistence.stored_log import UnneededFile
from persistence.stream_operations import StreamState, stream_snapshot
from persistence.streams.kept import KeptChunks
from tests.crash import states
from tests.crash.mirrored_stream_life import MirroredStreamLife
from tests.crash.states import crash_states

STATES = int(os.environ.get("HAREMQ_CRASH_STATES", "5000"))
STATES_UNTIL_SEEN = 20_000


@pytest.mark.timeout(600)
def test_no_crash_breaks_a_promise_of_a_replica_of_a_stream() -> None:
    kinds = [kind for _, found in crash_states(1, STATES, MirroredStreamLife) for kind in found]
    assert {kind.split(" after")[0] for kind in kinds} == {
        "killed",
        "lived on",
        "power lost",
        "power lost again while starting",
    }


# -- bugs, put in on purpose -----------------------------------------------------------------------


def without_a_sync(content: StreamContent) -> object:
    """Have a checkpoint say what is in the page cache alone."""
    row, _, _, unneeded = NOTE(content)
    return row, [], [], unneeded


def without_stored_offsets(content: StreamContent) -> object:
    """Leave the offsets of consumers out of the checkpoint."""
    row, *others = NOTE(content)
    return (row._replace(row=row.row._replace(stored_offsets=())), *others)


def without_what_is_kept(content: StreamContent, row: StreamRow) -> None:
    """Let messages that retention gave up count again, where their segment is there."""
    RESTORE(content, row._replace(first_offset=0))


def marked_before(content: StreamContent, index: int) -> None:
    """Say of the index before that the content was this there."""
    MARK(content, index - 1)


def without_its_own_records(octets: bytes) -> StreamState | None:
    """Take a piece for what follows the content, whatever the log has behind that."""
    found = stream_snapshot(octets)
    return None if found is None else found._replace(after=0)


def removed_at_once(kept: KeptChunks) -> list[UnneededFile]:
    """Remove a content that is replaced before the log says that it is."""
    files = kept.segments.opened.files
    for file in GIVE_UP(kept):
        if files.exists(file.path):
            files.remove(file.path)
    return []


def names_used_again(part: StreamPart, change: int) -> None:
    """Have the files of a new content the names of the old one's, which a checkpoint removes."""
    BEGIN_ANEW(part, change)
    part._begun_with = 0


def nothing_of_the_new_one(part: StreamPart, row: StreamRow | None) -> None:
    """Have a restart go on with the row's content under the names of the first one."""
    RESTORE_PART(part, None if row is None else row._replace(begun_with=0))


BEGIN_ANEW = StreamPart.begin_anew
GIVE_UP = KeptChunks.give_up
RESTORE_PART = StreamPart.restore
MARK = StreamContent.mark
NOTE = StreamContent.note
RESTORE = StreamContent.restore

BUGS: dict[str, tuple[object, str, object]] = {
    "a checkpoint before its files": (StreamContent, "note", without_a_sync),
    "a checkpoint without stored offsets": (StreamContent, "note", without_stored_offsets),
    "a restart forgets what is kept": (StreamContent, "restore", without_what_is_kept),
    "a mark is at another index": (StreamContent, "mark", marked_before),
    "an old content goes at once": (KeptChunks, "give_up", removed_at_once),
    "a new content has the names of the old one": (StreamPart, "begin_anew", names_used_again),
    "a row says nothing of the content's names": (StreamPart, "restore", nothing_of_the_new_one),
    "own records are dropped": (replica_log, "stream_snapshot", without_its_own_records),
}


SEEDS = {"a checkpoint without stored offsets": 5, "a restart forgets what is kept": 12}
"""Where to begin, so that what is rarely seen is seen soon; all others at 1."""


@pytest.mark.planted
@pytest.mark.timeout(600)
@pytest.mark.parametrize("bug", BUGS)
def test_a_bug_of_streams_is_seen(bug: str) -> None:
    calm = patch.object(states, "SHORT_SHARE", 0.0)
    seen = pytest.raises((AssertionError, DamagedError, KeyError))
    with calm, patch.object(*BUGS[bug]), seen:
        for _ in crash_states(SEEDS.get(bug, 1), STATES_UNTIL_SEEN, MirroredStreamLife):
            pass
