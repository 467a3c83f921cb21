"""No crash breaks a promise about a stream that is compacted; bugs that would are seen.

As ``test_stream_states``. ``python -m tests.crash.states --compaction`` looks at as many states as
there is time for.
"""

from collections.abc import Generator, Sequence
from typing import Any
from unittest.mock import patch

import pytest

import persistence.streams.recovery
from persistence.by_name import remove
from persistence.errors import DamagedError
from persistence.streams.compacted_writer import CompactedWriter
from persistence.streams.compacting import Compacting
from persistence.streams.kept import KeptChunks
from persistence.streams.segments import Segment, StreamSegments
from tests.crash import states
from tests.crash.compacted_life import CompactedLife
from tests.crash.states import crash_states
from tests.crash.test_crash_states import STATES, STATES_UNTIL_SEEN


@pytest.mark.timeout(600)
def test_no_crash_breaks_a_promise_about_a_compacted_stream() -> None:
    kinds = [kind for _, found in crash_states(1, STATES // 2, CompactedLife) for kind in found]
    assert {kind.split(" after")[0] for kind in kinds} == {
        "killed",
        "lived on",
        "power lost",
        "power lost again while starting",
    }


# -- bugs, put in on purpose -----------------------------------------------------------------------

REPLACE = KeptChunks.replace
TAKE_DIRTY = StreamSegments.take_dirty
DROPS = Compacting._drops_tombstones_of
FINISH = CompactedWriter.finish
SEGMENT_OF = StreamSegments.segment_of


def removed_at_once(kept: KeptChunks, old: Sequence[Segment], new: Sequence[Segment]) -> bool:
    """Remove old segments while the checkpoint on the disk lists them."""
    is_done = REPLACE(kept, old, new)
    for segment in old:
        remove(kept.segments.opened.files.remove, segment.path)
    return is_done


def without_new_segments(segments: StreamSegments) -> tuple[list[str], Sequence[str]]:
    """Sync no segment that a compaction has written."""
    dirty, folders = TAKE_DIRTY(segments)
    return [path for path in dirty if "-" not in path], folders


def whatever_is_committed(segments: StreamSegments, _offset: int) -> Sequence[Segment]:
    """Compact what is still on its way to the disk, too."""
    return segments.all[:-1]


def also_the_last(segments: StreamSegments, _offset: int) -> Sequence[Segment]:
    """Compact the segment that gets more chunks, too."""
    return segments.all


def at_once(compacting: Compacting, _source: object) -> bool:
    """Drop a tombstone with the messages before it."""
    return not compacting._keeps_tombstones


def with_the_first_offset(compacting: Compacting) -> Generator[None, None, int]:
    """Take the first message of a key for the newest."""
    frontier: int = yield from FIND(compacting)
    compacting._newest = dict.fromkeys(compacting._newest, compacting._clean_offset + 1)
    return frontier


FIND = Compacting._find_newest


def not_to_its_end(
    writer: CompactedWriter, from_offset: int, before_offset: int
) -> Sequence[Segment]:
    """Forget what was gathered for the last write."""
    writer._unwritten = []
    return FINISH(writer, from_offset, before_offset)


BUGS: dict[str, tuple[object, str, Any]] = {
    "old segments are removed too early": (KeptChunks, "replace", removed_at_once),
    "new segments are not synced": (StreamSegments, "take_dirty", without_new_segments),
    "the last segment is compacted": (StreamSegments, "closed_below", also_the_last),
    "what is not committed is compacted": (StreamSegments, "closed_below", whatever_is_committed),
    "a tombstone goes at once": (Compacting, "_drops_tombstones_of", at_once),
    "the wrong message of a key stays": (Compacting, "_find_newest", with_the_first_offset),
    "the end of a segment is not written": (CompactedWriter, "finish", not_to_its_end),
    "a generation is given twice": (
        StreamSegments,
        "segment_of",
        lambda self, first, generation=0: SEGMENT_OF(self, first, min(generation, 1)),
    ),
    "a restart keeps what does not count": (
        persistence.streams.recovery,
        "remove_superseded",
        lambda _segments, _row, names: [name for name in names if "-" in name] or names,
    ),
}


SEEDS = {"new segments are not synced": 9, "old segments are removed too early": 4}
"""Where to begin, so that what is rarely seen is seen soon; all others at 1."""


@pytest.mark.planted
@pytest.mark.timeout(600)
@pytest.mark.parametrize("bug", BUGS)
def test_a_bug_of_compaction_is_seen(bug: str) -> None:
    calm = patch.object(states, "SHORT_SHARE", 0.0)
    seen = (AssertionError, OSError, DamagedError)
    with calm, patch.object(*BUGS[bug]), pytest.raises(seen):
        for _ in crash_states(SEEDS.get(bug, 1), STATES_UNTIL_SEEN, CompactedLife):
            pass
