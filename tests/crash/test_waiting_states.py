"""No crash loses a message that waits behind an exchange of a cluster, or changes its time.

``python -m tests.crash.states --waiting`` looks at as many states as there is time for.
"""

import os
from collections.abc import Collection
from typing import Any
from unittest.mock import patch

import pytest

from cluster.mirrored import log as mirrored_log
from persistence.record import Run
from queues.commits import SAFE_NOW
from queues.delayed.committed_waiting import CommittedWaiting
from queues.delayed.waiting import Due
from queues.delayed.waiting_engine import WaitingEngine
from queues.outcomes import PublishOutcome
from tests.crash import states
from tests.crash.states import crash_states
from tests.crash.waiting_life import WaitingLife

STATES = int(os.environ.get("HAREMQ_CRASH_STATES", "5000")) // 10
STATES_UNTIL_SEEN = 20_000


@pytest.mark.timeout(600)
def test_no_crash_loses_what_waits_in_a_cluster() -> None:
    kinds = [kind for _, found in crash_states(1, STATES, WaitingLife) for kind in found]
    assert {kind.split(" after")[0] for kind in kinds} == {
        "killed",
        "lived on",
        "power lost",
        "power lost again while starting",
    }


# -- bugs, put in on purpose -----------------------------------------------------------------------


def confirmed_at_once(engine: WaitingEngine, run: Run, now_ms: int) -> PublishOutcome:
    """Say that messages are safe before they are on the disk."""
    PUBLISH(engine, run, now_ms)
    return PublishOutcome((), SAFE_NOW)


PUBLISH = WaitingEngine.publish


def settled_first(waiting: CommittedWaiting, now_ms: int) -> Due | None:
    """Settle what is due before its copies are safe."""
    due = STEP(waiting, now_ms)
    if due is not None:
        waiting._settle(due.positions, is_promised=True)
    return due


STEP = CommittedWaiting.step


def settles_what_is_aside(waiting: CommittedWaiting, due: Due, aside: Collection[int] = ()) -> None:
    """Forget that a queue lacks some."""
    del aside
    SETTLE(waiting, due)


SETTLE = CommittedWaiting.settle

BUGS: dict[str, tuple[object, str, Any]] = {
    "confirmed at once": (WaitingEngine, "publish", confirmed_at_once),
    "settled before the copies": (CommittedWaiting, "step", settled_first),
    "what is set aside is settled": (CommittedWaiting, "settle", settles_what_is_aside),
    "instants of one process": (mirrored_log, "shifted", lambda expires, _offset_ms: expires),
}


@pytest.mark.planted
@pytest.mark.timeout(600)
@pytest.mark.parametrize("bug", BUGS)
def test_a_bug_of_what_waits_in_a_cluster_is_seen(bug: str) -> None:
    calm = patch.object(states, "SHORT_SHARE", 0.0)
    with calm, patch.object(*BUGS[bug]), pytest.raises(AssertionError, match="seed"):
        for _ in crash_states(1, STATES_UNTIL_SEEN, WaitingLife):
            pass
