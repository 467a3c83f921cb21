"""No crash makes a message the duplicate of nothing, or forgets a key; bugs that would are seen.

``python -m tests.crash.states --deduplication`` looks at as many states as there is time for.
"""

from collections.abc import Sequence
from typing import Any
from unittest.mock import patch

import pytest

from amqp_server.broker.keepers.deduplicator import Deduplicator, _Fate
from amqp_server.broker.steps import Steps
from persistence.record import Run
from queues.classic.deduplicating_queue import DeduplicatingQueue
from queues.commits import SAFE_NOW, CommitPoint
from queues.deduplication.seen_keys import SeenKeys, Sorted
from queues.log_port import RecoveredMessages
from queues.outcomes import PublishOutcome
from tests.crash.deduplicating_life import DeduplicatingLife
from tests.crash.deduplicating_queue_life import DeduplicatingQueueLife
from tests.crash.life import Life
from tests.crash.states import crash_states
from tests.crash.test_crash_states import STATES, STATES_UNTIL_SEEN


@pytest.fixture(autouse=True)
def _renews_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("queues.deduplication.seen_keys.STALE_MAX", 4)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("life", [DeduplicatingLife, DeduplicatingQueueLife])
def test_no_crash_makes_a_duplicate_of_nothing(life: type[Life]) -> None:
    found = crash_states(1, STATES // 20, life)
    kinds = [kind for _, kinds in found for kind in kinds]
    assert {kind.split(" after")[0] for kind in kinds} == {
        "killed",
        "lived on",
        "power lost",
        "power lost again while starting",
    }


# -- bugs, put in on purpose -----------------------------------------------------------------------


def noted_first(
    keeper: Deduplicator,
    run: Run,
    keys: Sequence[str],
    now_ms: int,
    passed: frozenset[object],
) -> Steps[_Fate]:
    """Note the keys before the messages are in their queues."""
    found = keeper.seen.sort(run, now_ms)
    if found.fresh:
        part = [run[index] for index in found.fresh]
        keeper._note(part, found, _Fate(set(), set(), SAFE_NOW), now_ms)
        with patch.object(Deduplicator, "_note", lambda *given: given[3].safe_at):
            yield from keeper._routing(part, keys, now_ms, passed)
    return _Fate(set(), {index for index, _ in found.duplicates}, keeper.seen.safe_at)


def confirmed_at_once(
    keeper: Deduplicator, run: Run, keys: Sequence[str], now_ms: int, passed: frozenset[object]
) -> Steps[_Fate]:
    """Say that duplicates are safe whatever they repeat."""
    found: Sorted = keeper.seen.sort(run, now_ms)
    fate = yield from PASSING_PIECE(keeper, run, keys, now_ms, passed)
    return fate if found.fresh else fate._replace(safe_at=SAFE_NOW)


PASSING_PIECE = Deduplicator._passing_piece


def not_waited_for(
    seen: SeenKeys,
    keys: Sequence[bytes],
    expires_at_ms: Sequence[int],
    persistent: Sequence[int],
    now_ms: int,
    safe_at: CommitPoint,
) -> CommitPoint:
    """Confirm a message before its key is safe."""
    NOTE(seen, keys, expires_at_ms, persistent, now_ms, safe_at)
    return safe_at


NOTE = SeenKeys.note


def duplicates_at_once(queue: DeduplicatingQueue, run: Run, now_ms: int) -> PublishOutcome:
    """Confirm duplicates whatever they repeat."""
    queue._keyed._last_lsn = 0
    return PUBLISH(queue, run, now_ms)


def not_read(queue: DeduplicatingQueue, found: RecoveredMessages, now_ms: int) -> None:
    """Leave the keys of the messages that a restart found alone."""
    with patch.object(queue._keyed, "recover"):
        RECOVER(queue, found, now_ms)


PUBLISH = DeduplicatingQueue.publish
RECOVER = DeduplicatingQueue.recover

QUEUE_BUGS: dict[str, tuple[object, str, Any]] = {
    "duplicates confirmed at once": (DeduplicatingQueue, "publish", duplicates_at_once),
    "keys are not read": (DeduplicatingQueue, "recover", not_read),
}


@pytest.mark.planted
@pytest.mark.timeout(600)
@pytest.mark.parametrize("bug", QUEUE_BUGS)
def test_a_bug_of_present_keys_is_seen(bug: str) -> None:
    with patch.object(*QUEUE_BUGS[bug]), pytest.raises(AssertionError, match="seed"):
        for _ in crash_states(1, STATES_UNTIL_SEEN, DeduplicatingQueueLife):
            pass


BUGS: dict[str, tuple[object, str, Any]] = {
    "noted before the messages": (Deduplicator, "_passing_piece", noted_first),
    "duplicates confirmed at once": (Deduplicator, "_passing_piece", confirmed_at_once),
    "keys are not waited for": (SeenKeys, "note", not_waited_for),
}


@pytest.mark.planted
@pytest.mark.timeout(600)
@pytest.mark.parametrize("bug", BUGS)
def test_a_bug_of_deduplication_is_seen(bug: str) -> None:
    with patch.object(*BUGS[bug]), pytest.raises(AssertionError, match="seed"):
        for _ in crash_states(1, STATES_UNTIL_SEEN, DeduplicatingLife):
            pass
