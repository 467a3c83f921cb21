"""No crash breaks a promise about a queue that is longer than its memory; bugs that would are seen.

As ``test_crash_states``, with a queue of a tiny budget on top of each log. ``python -m
tests.crash.states --queues`` looks at as many states as there is time for.
"""

from collections.abc import Sequence
from typing import Any
from unittest.mock import patch

import pytest

import persistence.log
from persistence.log import Log
from queues.classic.spilled import Spilled
from queues.classic.spilled_requeued import SpilledRequeued
from queues.classic.stored import Stored
from queues.log_port import QueueSlice
from tests.crash.queue_life import QueueLife
from tests.crash.states import crash_states
from tests.crash.test_crash_states import STATES, STATES_UNTIL_SEEN


@pytest.mark.timeout(600)
def test_no_crash_breaks_a_promise_about_a_long_queue() -> None:
    kinds = [kind for _, found in crash_states(1, STATES // 5, QueueLife) for kind in found]
    assert {kind.split(" after")[0] for kind in kinds} == {
        "killed",
        "lived on",
        "power lost",
        "power lost again while starting",
    }


# -- bugs, put in on purpose -----------------------------------------------------------------------


def one_skipped(spilled: Spilled, part: Stored) -> bool:
    """Leave out the message behind the ones that were read."""
    is_read = READ(spilled, part)
    part.from_position += 1
    return is_read


def read_twice(spilled: Spilled, part: Stored) -> bool:
    """Read the last message again with what follows."""
    is_read = READ(spilled, part)
    part.from_position -= 1
    return is_read


READ = Spilled._read


def said_to_be_stored(
    log: Log, lane: int, slices: Sequence[QueueSlice], *, among_unacked: bool = False
) -> bool:
    """Tell the queue that messages are on the disk, whether or not."""
    SPILL(log, lane, slices, among_unacked=among_unacked)
    return True


SPILL = Log.spill


BUGS: dict[str, tuple[object, str, Any]] = {
    "a message behind a chunk skipped": (Spilled, "_read", one_skipped),
    "the last message of a chunk read twice": (Spilled, "_read", read_twice),
    "settled messages come back from a chunk": (
        persistence.log,
        "stretches_outside",
        lambda whole, _: [whole],
    ),
    "a purge settles only what is in memory": (Spilled, "position_ranges", lambda _: []),
    "what the disk refused is given up": (Log, "spill", said_to_be_stored),
    "unacked messages of a chunk come back with requeued ones": (
        SpilledRequeued,
        "_marks_at",
        lambda _, positions: [1] * len(positions),
    ),
    "nobody tells the log what came back": (Log, "requeued", lambda *_: 0),
    "counts of returns forgotten by a restart": (Spilled, "remember", lambda *_: None),
}


@pytest.mark.planted
@pytest.mark.timeout(600)
@pytest.mark.parametrize("bug", BUGS)
def test_a_bug_of_long_queues_is_seen(bug: str) -> None:
    with patch.object(*BUGS[bug]), pytest.raises(AssertionError, match="seed"):
        for _ in crash_states(1, STATES_UNTIL_SEEN, QueueLife):
            pass
