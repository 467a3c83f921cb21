"""No crash breaks a promise about a stream; bugs that would are seen.

As ``test_crash_states``, with streams beside the queues. ``python -m tests.crash.states --streams``
looks at as many states as there is time for.
"""

from collections.abc import Sequence
from typing import Any
from unittest.mock import patch

import pytest

import persistence.streams.rebuilding
import persistence.streams.scan
import persistence.streams.segments
from persistence.by_name import fsync_file, remove
from persistence.files import Octets
from persistence.group_writing import GroupWriter
from persistence.streams.chunk import ChunkHeader, Trailer, decode_chunk_header
from persistence.streams.index import SegmentIndex
from persistence.streams.kept import KeptChunks
from persistence.streams.log import StreamLog
from persistence.streams.open_files import OpenFiles
from persistence.streams.rebuilding import SegmentsRebuilding
from persistence.streams.recovery import StreamRecovery
from persistence.streams.row import StreamSnapshot
from persistence.streams.segments import StreamSegments
from tests.crash import states
from tests.crash.states import crash_states
from tests.crash.stream_life import StreamLife
from tests.crash.test_crash_states import STATES, STATES_UNTIL_SEEN


@pytest.mark.timeout(600)
def test_no_crash_breaks_a_promise_about_a_stream() -> None:
    kinds = [kind for _, found in crash_states(1, STATES // 2, StreamLife) for kind in found]
    assert {kind.split(" after")[0] for kind in kinds} == {
        "killed",
        "lived on",
        "power lost",
        "power lost again while starting",
    }


# -- bugs, put in on purpose -----------------------------------------------------------------------


def without_names(opened: OpenFiles, path: str, _folders: object) -> None:
    """Sync a segment, and not the name of a new one."""
    fsync_file(opened.files, path)


def taken_unchecked(octets: Octets, position: int = 0) -> ChunkHeader:
    """Take a chunk for whole where its header is one."""
    return decode_chunk_header(octets, position)


def removed_at_once(segments: StreamSegments, count: int) -> list[Any]:
    """Remove segments while the checkpoint on the disk lists them."""
    files = TAKE_OLDEST(segments, count)
    for file in files:
        remove(segments.opened.files.remove, file.path)
    return files


def without_folders(segments: StreamSegments) -> tuple[list[str], Sequence[str]]:
    """Sync files, and not the names of new ones."""
    return TAKE_DIRTY(segments)[0], ()


def without_tail(recovery: StreamRecovery, row: StreamSnapshot) -> None:
    """Begin with a row, and not with the chunks in it."""
    RESTORE(recovery, row._replace(tail=()))


def all_in_the_file(index: SegmentIndex, count: int, _unwritten: bytes = b"") -> None:
    """Take over places of which the last are not in the file, nor in memory."""
    ADOPT(index, count)


TAKE_OLDEST = StreamSegments.take_oldest
TAKE_DIRTY = StreamSegments.take_dirty
RESTORE = StreamRecovery.restore
ADOPT = SegmentIndex.adopt


BUGS: dict[str, tuple[object, str, Any]] = {
    "a direct write is not synced": (GroupWriter, "_fsync_files", lambda _: None),
    "the name of a new segment is not synced": (
        persistence.streams.segments,
        "_fsync",
        without_names,
    ),
    "a checkpoint leaves the tail in memory": (KeptChunks, "write_tail", lambda _: False),
    "a checkpoint does not sync segments": (StreamSegments, "take_dirty", lambda _: ([], ())),
    "a checkpoint does not sync new names": (StreamSegments, "take_dirty", without_folders),
    "the tail in a row is forgotten": (StreamRecovery, "restore", without_tail),
    "places in a row are taken for written": (SegmentIndex, "adopt", all_in_the_file),
    "segments are removed too early": (StreamSegments, "take_oldest", removed_at_once),
    "a torn chunk is taken for whole": (
        persistence.streams.scan,
        "check_chunk",
        taken_unchecked,
    ),
    "what is torn is not filled": (SegmentsRebuilding, "_fill", lambda *_: None),
    "names are not synced by a start": (
        persistence.streams.rebuilding,
        "fsync_directory",
        lambda *_: None,
    ),
    "the write-ahead log is not asked": (StreamRecovery, "_note_chunks", lambda *_: None),
    "publishing ids of trailers are forgotten": (
        persistence.streams.scan,
        "decode_trailer",
        lambda *_: Trailer(0, {}),
    ),
    "stored offsets are not logged": (StreamLog, "store_offset", lambda *_: None),
}


SEEDS = {"a checkpoint leaves the tail in memory": 12, "a checkpoint does not sync new names": 23}
"""Where to begin, so that what is rarely seen is seen soon; all others at 1."""


@pytest.mark.planted
@pytest.mark.timeout(600)
@pytest.mark.parametrize("bug", BUGS)
def test_a_bug_of_streams_is_seen(bug: str) -> None:
    calm = patch.object(states, "SHORT_SHARE", 0.0)
    with calm, patch.object(*BUGS[bug]), pytest.raises((AssertionError, OSError)):
        for _ in crash_states(SEEDS.get(bug, 1), STATES_UNTIL_SEEN, StreamLife):
            pass
