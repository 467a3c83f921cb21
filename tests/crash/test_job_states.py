"""No crash loses a message that a job moves, or brings a deleted one back; bugs are seen."""

from collections.abc import Iterable, Sequence
from unittest.mock import patch

import pytest

from amqp_server.broker.commands import picking
from amqp_server.broker.commands.picking import Fate, Picked, Target
from amqp_server.broker.jobs import move as module
from amqp_server.broker.jobs.move import MoveJob
from amqp_server.broker.publish import Publisher
from amqp_server.broker.queue import Queue
from persistence.record import Record
from queues.classic import queue as queue_module
from queues.classic import removing
from queues.classic.backlog import Backlog
from queues.commits import SAFE_NOW, CommitPoint
from queues.looking import LookedMessage
from queues.ports import EmptiedQueue
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


def answered_at_once(
    queue: Queue,
    engine: EmptiedQueue,
    picked: Picked,
    target: Target | None,
    publisher: Publisher,
    now_ms: int,
) -> tuple[Fate, CommitPoint]:
    """Say that a message is gone before that is safe."""
    return TAKE_ONE(queue, engine, picked, target, publisher, now_ms)[0], SAFE_NOW


def settled_like_an_ack(
    backlog: Backlog, positions: Iterable[int], *, is_promised: bool = False
) -> int:
    """Say that it is gone once the page cache has it."""
    return SETTLE(backlog, positions)


def all_of_a_look(backlog: Backlog, lane: int, messages: Sequence[LookedMessage]) -> int:
    """Settle the message behind it, too."""
    lsn = REMOVE(backlog, lane, messages)
    backlog.settle([messages[-1].position + 1])
    return lsn


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
TAKE_ONE = picking.take_one
SETTLE = Backlog.settle
REMOVE = removing.remove


@pytest.mark.planted
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("place", "name", "bug"),
    [
        (MoveJob, "_move_piece", settled_first),
        (MoveJob, "_publish", left_out),
        (picking, "take_one", answered_at_once),
        (Backlog, "settle", settled_like_an_ack),
        (queue_module, "remove", all_of_a_look),
    ],
    ids=["first", "left", "at once", "like an ack", "another one"],
)
def test_a_bug_is_seen(place: object, name: str, bug: object) -> None:
    with patch.object(place, name, bug), pytest.raises(AssertionError, match="seed"):
        for _ in crash_states(1, STATES_UNTIL_SEEN, JobLife):
            pass
