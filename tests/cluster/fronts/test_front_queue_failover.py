"""Pipes that break and leaders that change under random use, on three nodes (``front_cluster``).

No confirmed message is lost, none is in the queue twice, none that was refused is there, and none
comes back whose settlement is committed. In the end all is decided. Mistakes that are put in on
purpose are seen.
"""

from collections.abc import Callable
from unittest.mock import patch

import pytest

from cluster.fronts.frames import Settlement
from cluster.fronts.front_queue import FrontQueue
from cluster.fronts.remote_consumer import RemoteConsumer
from cluster.fronts.remote_consumers import RemoteConsumers
from cluster.fronts.remote_way import RemoteWay
from cluster.fronts.submissions import Submissions, Submitted
from tests.cluster.fronts import test_front_queue as directed
from tests.cluster.fronts.test_front_queue import FULL, fate, published
from tests.support.front_cluster import FrontCluster
from tests.support.half_pair import Pair

SEEDS = 40
BATCH = 10
STEPS = 1_500


def lived(seed: int, steps: int = STEPS) -> FrontCluster:
    cluster = FrontCluster(seed)
    for _ in range(steps):
        cluster.step()
    return cluster


@pytest.mark.parametrize("first", range(0, SEEDS, BATCH))
def test_what_is_promised_is_kept_whoever_leads(first: int) -> None:
    for seed in range(first, first + BATCH):
        try:
            lived(seed).heal()
        except AssertionError as broken:
            raise AssertionError(f"seed {seed}: {broken}") from broken


def test_messages_are_confirmed_refused_delivered_and_settled() -> None:
    clusters = [lived(seed) for seed in range(6)]
    for counted in ("confirmed", "refused", "delivered", "gone"):
        assert sum(len(getattr(each.ledger, counted)) for each in clusters) > 50, counted
    assert sum(each.leader.epoch for each in clusters) > 20


def test_nothing_overtakes_a_refusal_that_was_not_heard() -> None:
    """Else the message that was refused would seem to be in the log, and be confirmed."""
    pair = Pair(FULL)
    pair.settle_down()
    published(pair, b"1", b"2")
    pair.settle_down()
    refused, behind = published(pair, b"3"), published(pair, b"4")
    assert pair.carry_up()
    assert pair.engine.get(pair.now_ms) is not None
    while pair.carry_up():
        pass
    pair.break_pipe()
    pair.settle_down()
    assert pair.engine.get(pair.now_ms) is not None
    pair.settle_down()
    there = {each.body for each in pair.log.kept.values()}
    assert (fate(refused) == "ack") == (b"3" in there)
    assert (fate(behind) == "ack") == (b"4" in there)


# -- mistakes, put in on purpose -------------------------------------------------------------------


def positions_begin_anew(queue: FrontQueue) -> None:
    """Give deliveries of each leadership the same positions."""
    LEAVE(queue)
    queue._base = 0


def nothing_open_below(submissions: Submissions) -> Submitted | None:
    """Say of no run which open one is below it."""
    submitted = NEXT(submissions)
    if submitted is not None:
        submitted.below = 0
    return submitted


def granted_twice(consumers: RemoteConsumers, consumer: RemoteConsumer, extra: int) -> None:
    """Tell the leader of twice the credit that there is, and believe that it is right."""
    ALLOW(consumers, consumer, 2 * extra)


def unseen_is_dropped(way: RemoteWay, settlement: Settlement, numbers: range) -> None:
    """Say nothing of what was not shown."""
    if settlement is not Settlement.UNSEEN:
        SETTLE(way, settlement, numbers)


def failed_though_submitted(submissions: Submissions, now_ms: int) -> None:
    """Let what was submitted fail by time, too."""
    while submissions._again:
        submissions._held.appendleft(submissions._again.pop())
    EXPIRE(submissions, now_ms)


LEAVE = FrontQueue._leave
NEXT: Callable[[Submissions], Submitted | None] = Submissions.next
ALLOW = RemoteConsumers._allow
SETTLE = RemoteWay.settle_as
EXPIRE = Submissions.expire


def begun() -> Pair:
    pair = Pair()
    pair.settle_down()
    return pair


def many_seeds() -> None:
    for seed in range(40):
        lived(seed).heal()


MISTAKES: dict[str, tuple[object, str, object, Callable[[], None]]] = {
    "a settlement of an older leadership counts": (
        FrontQueue,
        "_leave",
        positions_begin_anew,
        many_seeds,
    ),
    "a run does not say what is open below it": (
        Submissions,
        "next",
        nothing_open_below,
        test_nothing_overtakes_a_refusal_that_was_not_heard,
    ),
    "what was submitted fails by time": (
        Submissions,
        "expire",
        failed_though_submitted,
        many_seeds,
    ),
    "credit is granted twice": (
        RemoteConsumers,
        "_allow",
        granted_twice,
        lambda: directed.test_a_consumer_gets_its_prefetch_and_more_as_it_acks(begun()),
    ),
    "what was not shown does not go back": (
        RemoteWay,
        "settle_as",
        unseen_is_dropped,
        lambda: directed.test_what_was_not_shown_goes_back_when_its_consumer_is_cancelled(begun()),
    ),
}


@pytest.mark.planted
@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_seen(mistake: str) -> None:
    *planted, check = MISTAKES[mistake]
    with patch.object(*planted), pytest.raises((AssertionError, KeyError)):  # type: ignore[call-overload]
        check()
