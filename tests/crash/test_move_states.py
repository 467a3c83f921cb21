"""No crash loses a message that the broker moves; bugs that would are seen.

As ``test_crash_states``, with a vhost on top of the logs. ``python -m tests.crash.states --moves``
looks at as many states as there is time for.
"""

import random
from collections.abc import Sequence
from functools import partial
from typing import Any
from unittest.mock import patch

import pytest

from amqp_server.broker.moves.confirmed import ConfirmedMoves, _Staying
from amqp_server.broker.moves.mover import Mover
from amqp_server.broker.queue import Queue
from amqp_server.broker.steps import Steps
from persistence.group_commit import GroupCommit
from persistence.log_state import FEW_BYTES_MAX, LogOptions
from persistence.record import PERSISTENT, Record, Run
from persistence.wal_file import SALT_BITS
from queues.classic.backlog import Backlog
from queues.commits import SAFE_NOW, CommitPoint
from queues.effects import DeathReason
from queues.moves import Dying
from tests.crash.move_life import MoveLife
from tests.crash.states import crash_states
from tests.crash.stored_node import StoredNode, messages_of
from tests.crash.test_crash_states import STATES, STATES_UNTIL_SEEN
from tests.support.fault_fs import FaultFS
from tests.support.records import HEADER, ROUTE


@pytest.mark.timeout(600)
def test_no_crash_loses_what_is_moved() -> None:
    kinds = [kind for _, found in crash_states(1, STATES // 5, MoveLife) for kind in found]
    assert {kind.split(" after")[0] for kind in kinds} == {
        "killed",
        "lived on",
        "power lost",
        "power lost again while starting",
    }


# -- bugs, put in on purpose -----------------------------------------------------------------------


def settled_first(mover: Mover, queue: Queue, max_count: int, now_ms: int) -> Steps[int]:
    """Settle what is moved, then publish the copies: what was done before ADR 18."""
    if queue.engine.options.dead_letters_at_least_once:
        return (yield from MOVING(mover, queue, max_count, now_ms))
    dying = queue.engine.moves.take(max_count)
    if dying is None:
        return 0
    queue.engine.moved(dying)
    yield from mover._publishing(queue.name, dying, now_ms)
    return len(dying.records)


MOVING = Mover._moving


def settled_at_death(
    backlog: Backlog,
    positions: Sequence[int],
    records: Run,
    reason: DeathReason,
    *,
    is_prompt: bool = False,
) -> None:
    """Settle what dies before it waits to be moved."""
    backlog.settle(positions)
    DIE(backlog, positions, records, reason, is_prompt=is_prompt)


DIE = Backlog.die


def settled_though_refused(moves: ConfirmedMoves, staying: _Staying) -> None:
    """Give up messages that a target refused."""
    moves._confirmed(staying)


def half_published(mover: Mover, queue_name: str, dying: Dying, now_ms: int) -> Steps[CommitPoint]:
    """Leave the last one out."""
    return PUBLISHING(mover, queue_name, dying.part(0, max(len(dying.records) - 1, 1)), now_ms)


PUBLISHING = Mover._publishing


def settled_before_all_have_it(
    mover: Mover, queue_name: str, dying: Dying, now_ms: int
) -> Steps[CommitPoint]:
    """Go no further than to the first place where the copies may be left to a later turn."""
    for _ in PUBLISHING(mover, queue_name, dying, now_ms):
        return SAFE_NOW
    yield
    raise AssertionError("there was nothing to publish")


BUGS: dict[str, tuple[object, str, Any]] = {
    "settled before the copies": (Mover, "_moving", settled_first),
    "settled where it died": (Backlog, "die", settled_at_death),
    "what is refused given up": (ConfirmedMoves, "_keep", settled_though_refused),
    "a copy left out": (Mover, "_publishing", half_published),
    "settled in the middle": (Mover, "_publishing", settled_before_all_have_it),
}


@pytest.mark.planted
@pytest.mark.timeout(600)
@pytest.mark.parametrize("bug", BUGS)
def test_a_bug_of_moves_is_seen(bug: str) -> None:
    with patch.object(*BUGS[bug]), pytest.raises(AssertionError, match="seed"):
        for _ in crash_states(1, STATES_UNTIL_SEEN, MoveLife):
            pass


# -- a checkpoint beside a queue of class os -------------------------------------------------------


def new_node(disk: FaultFS) -> StoredNode:
    return StoredNode(disk, partial(random.Random(1).getrandbits, SALT_BITS), 0)


def expect_kept_beside_a_checkpoint() -> None:
    """Move a message to a queue of class os while a checkpoint is made, and cut the power.

    The target is noted before it has the copy, the source behind its settlement.
    """
    disk = FaultFS()
    node = new_node(disk)
    source, between, target = [node.declare(LogOptions()).log for _ in range(3)]
    target.set_fsynced(is_fsynced=False)
    run = [Record(ROUTE, HEADER, b"m", PERSISTENT)]
    source.append(0, run)
    for position in range(3):
        between.append(position, [Record(ROUTE, HEADER, bytes(FEW_BYTES_MAX), PERSISTENT)])
    node.commit_group()
    checkpoint = node.store.begin_checkpoint()
    assert not node.store.step(checkpoint, max_bytes=1)
    target.append(0, run)
    source.settle(range(1))
    while not node.store.step(checkpoint):
        pass
    while node.commit_group():
        pass
    for _ in node.store.persist(checkpoint):
        for left in disk.crash_states(200, seed=1):
            queues = new_node(left).opened.queues
            kept = [messages_of(queues[each.queue_id], 0) for each in (source, target)]
            assert any(kept), "it is somewhere"


def test_a_checkpoint_keeps_no_settlement_without_its_copy() -> None:
    expect_kept_beside_a_checkpoint()


def test_a_checkpoint_ahead_of_the_log_is_seen() -> None:
    with (
        patch.object(GroupCommit, "append_fsync", lambda self: self.last_lsn),
        pytest.raises(AssertionError, match="somewhere"),
    ):
        expect_kept_beside_a_checkpoint()
