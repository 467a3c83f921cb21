"""No crash loses a message that a job moves; a bug that would is seen."""

from collections.abc import Sequence
from unittest.mock import patch

import pytest

from amqp_server.broker.jobs import move as module
from amqp_server.broker.jobs.move import MoveJob
from persistence.record import Record
from queues.commits import CommitPoint
from queues.looking import LookedMessage
from tests.crash.job_life import JobLife
from tests.crash.states import crash_states
from tests.crash.test_crash_states import STATES, STATES_UNTIL_SEEN


@pytest.fixture(autouse=True)
def short_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PIECE_MAX", 3)


@pytest.mark.timeout(600)
def test_no_crash_loses_what_a_job_moves() -> None:
    kinds = [kind for _, found in crash_states(1, STATES // 5, JobLife) for kind in found]
    assert {kind.split(" after")[0] for kind in kinds} == {
        "killed",
        "lived on",
        "power lost",
        "power lost again while starting",
    }


def settled_first(job: MoveJob, lane: int, messages: Sequence[LookedMessage]) -> None:
    """Settle a piece, then publish its copies."""
    engine = job._queue.emptied
    assert engine is not None
    if messages:
        engine.remove(lane, messages)
    _, job._waits_for = job._publish([one.record for one in messages])


def left_out(job: MoveJob, records: Sequence[Record]) -> tuple[list[bool], CommitPoint]:
    """Say that all are sent, and leave the last one out."""
    sent, safe_at = PUBLISH(job, records[:-1])
    return [*sent, *[True] * (len(records) - len(sent))], safe_at


PUBLISH = MoveJob._publish


@pytest.mark.planted
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("name", "bug"), [("_move_piece", settled_first), ("_publish", left_out)], ids=["first", "left"]
)
def test_a_bug_of_jobs_is_seen(name: str, bug: object) -> None:
    with patch.object(MoveJob, name, bug), pytest.raises(AssertionError, match="seed"):
        for _ in crash_states(1, STATES_UNTIL_SEEN, JobLife):
            pass
