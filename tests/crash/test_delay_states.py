"""No crash loses a message that waits for its time, or brings it early; bugs that would are seen.

``python -m tests.crash.states --delays`` looks at as many states as there is time for.
"""

from collections.abc import Sequence
from typing import Any
from unittest.mock import patch

import pytest

from amqp_server.broker.keepers.due_publisher import DuePublisher
from amqp_server.broker.keepers.waiting_room import WaitingRoom
from amqp_server.broker.publish_target import Targets
from amqp_server.broker.steps import Steps
from persistence.record import Record, Run
from queues.commits import CommitPoint
from queues.delayed.few import Waiting
from queues.delayed.opening import Opening
from queues.delayed.waiting import Due, WaitingMessages
from queues.outcomes import ALL_SAFE, PublishOutcome
from tests.crash.delay_life import DelayLife
from tests.crash.states import crash_states
from tests.crash.test_crash_states import STATES, STATES_UNTIL_SEEN


@pytest.fixture(autouse=True)
def _renews_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("queues.delayed.waiting.SPAN_MAX", 60)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("few_max", [2_048, 2], ids=["few in order", "most divided"])
def test_no_crash_loses_what_waits(few_max: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("queues.delayed.few.FEW_COUNT_MAX", few_max)
    kinds = [kind for _, found in crash_states(1, STATES // 20, DelayLife) for kind in found]
    assert {kind.split(" after")[0] for kind in kinds} == {
        "killed",
        "lived on",
        "power lost",
        "power lost again while starting",
    }


# -- bugs, put in on purpose -----------------------------------------------------------------------


def settled_first(room: WaitingRoom, due: Due, now_ms: int) -> Steps[None]:
    """Settle what is due, then publish the copies."""
    room.messages.settle(due)
    with patch.object(WaitingMessages, "settle"):
        yield from MOVING_OUT(room, due, now_ms)


MOVING_OUT = WaitingRoom._moving_out


def settled_before_it_moves(
    messages: WaitingMessages, opening: Opening, found: list[Waiting]
) -> Due | None:
    """Settle what goes to another slot before it is there."""
    later = [each for each in found if opening.renews or each.due_ms > opening.at_ms]
    if not opening.is_few:
        messages._settle([each.position for each in later])
    return SORT_OUT(messages, opening, found)


SORT_OUT = WaitingMessages._sort_out


def confirmed_at_once(room: WaitingRoom, run: Run, now_ms: int) -> PublishOutcome:
    """Say that a message is safe before it is on the disk."""
    PUBLISH(room, run, now_ms)
    return ALL_SAFE


PUBLISH = WaitingRoom.publish


def all_due_when_opened(
    messages: WaitingMessages, opening: Opening, found: list[Waiting]
) -> Due | None:
    """Take what is opened for due."""
    return messages._take(found)


def settled_when_some_are_out(
    publisher: DuePublisher, records: Sequence[Record], now_ms: int
) -> Steps[CommitPoint]:
    """Publish only the first half of what leaves together."""
    kept = records[: (len(records) + 1) // 2]
    return (yield from PUBLISHING(publisher, kept, now_ms))


PUBLISHING = DuePublisher.publishing


def to_the_first_queue(
    publisher: DuePublisher,
    records: Sequence[Record],
    order: bytes,
    targets_of: Sequence[Targets],
    now_ms: int,
) -> CommitPoint | None:
    """Leave out all queues of a route but one."""
    first_of = [targets[:1] for targets in targets_of]
    return PUBLISH_AT_ONCE(publisher, records, order, first_of, now_ms)


PUBLISH_AT_ONCE = DuePublisher._publish_at_once


def dropped_like_acked(
    messages: WaitingMessages, positions: Sequence[int], *, is_promised: bool = False
) -> None:
    """Say that a message is gone once the page cache has it."""
    SETTLE(messages, positions)


SETTLE = WaitingMessages._settle

BUGS: dict[str, tuple[object, str, Any]] = {
    "settled before the copies": (WaitingRoom, "_moving_out", settled_first),
    "settled when some are out": (DuePublisher, "publishing", settled_when_some_are_out),
    "one queue of two": (DuePublisher, "_publish_at_once", to_the_first_queue),
    "settled before it moves": (WaitingMessages, "_sort_out", settled_before_it_moves),
    "confirmed at once": (WaitingRoom, "publish", confirmed_at_once),
    "dropped like acked": (WaitingMessages, "_settle", dropped_like_acked),
    "due when opened": (WaitingMessages, "_sort_out", all_due_when_opened),
}


@pytest.mark.planted
@pytest.mark.timeout(600)
@pytest.mark.parametrize("bug", BUGS)
def test_a_bug_of_waiting_is_seen(bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("queues.delayed.few.FEW_COUNT_MAX", 0)
    with patch.object(*BUGS[bug]), pytest.raises(AssertionError, match="seed"):
        for _ in crash_states(1, STATES_UNTIL_SEEN, DelayLife):
            pass
