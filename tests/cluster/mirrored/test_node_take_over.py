"""Mirrored classic queues under random use, with nodes that are killed at any moment.

Whoever leads next has every message that was confirmed and that nobody has begun to settle, none
whose settlement is committed, and the others in their order. Dead letters are copied before they
are settled, over two queues that may come to have different leaders.
"""

from collections.abc import Sequence
from typing import Any
from unittest.mock import patch

import pytest

from cluster.mirrored.groups import LedQueue, MirrorGroup
from cluster.mirrored.log import MirroredLog
from cluster.mirrored.serving import Serving
from cluster.replication import inputs
from cluster.replication.publishers import Finding, Front, Publishers, Submission, Verdict
from cluster.replication.rules import Rules
from cluster.replication.state import QueueState
from persistence.files import Octets
from persistence.front_numbers import PublishedTable
from persistence.log_state import LogOptions, LogState
from persistence.operations import Expires, encode_enqueue
from persistence.queue_recovery import found_in
from persistence.record import Run
from persistence.slices import Expiries
from tests.support.mirrored_cluster import Cluster
from tests.support.mirrored_machine import DEAD, NAMES, NOW_MS, QUEUE, QUEUE_IDS, numbers_of

SEEDS = 60
BATCH = 10
STEPS = 3_000


def lived(seed: int, steps: int = STEPS, max_priority: int | None = None) -> Cluster:
    cluster = Cluster(seed, max_priority=max_priority)
    for _ in range(steps):
        cluster.step()
    return cluster


@pytest.mark.parametrize("first", range(0, SEEDS, BATCH))
def test_nothing_confirmed_is_lost_and_nothing_settled_comes_back(first: int) -> None:
    for seed in range(first, first + BATCH):
        try:
            lived(seed).heal()
        except AssertionError as broken:
            raise AssertionError(f"seed {seed}: {broken}") from broken


@pytest.mark.parametrize("seed", range(8))
def test_messages_of_priority_queues_keep_their_lanes_wherever_they_lie(seed: int) -> None:
    lived(seed, max_priority=2).heal()


def test_a_replica_without_the_lanes_of_its_queue_is_found() -> None:
    """The leader spills by lanes, and all else takes the replica for one of a plain queue."""
    state = LogState.__init__

    def without_lanes(self: LogState, queue_id: int, options: LogOptions, *more: Any) -> None:  # noqa: ANN401
        state(self, queue_id, options._replace(max_priority=None), *more)

    def live_on() -> None:
        for seed in range(8):
            lived(seed, max_priority=2).heal()

    with patch.object(LogState, "__init__", without_lanes), pytest.raises(AssertionError):
        live_on()


def test_messages_are_confirmed_settled_moved_and_taken_over() -> None:
    clusters = [lived(seed, 6_000) for seed in range(6)]
    for queue in (QUEUE, DEAD):
        assert sum(len(cluster.ledgers[queue].confirmed) for cluster in clusters) > 10
        assert sum(len(cluster.ledgers[queue].gone) for cluster in clusters) > 10
    assert sum(cluster.moved_count for cluster in clusters) > 5
    assert sum(cluster.served_count for cluster in clusters) > 20


class Moving(Cluster):
    """Queues stand still, and are handed over, all the time."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.kinds += [(6, self.stand_still)]

    def stand_still(self) -> None:
        queue, target = self.draw.choice(list(QUEUE_IDS)), self.draw.choice(NAMES)
        machine = self.machines[self.states[queue][0].leader]
        if machine.shell is None or target not in self.live:
            return
        if machine.up.core.may_hand_over(queue, target):
            incarnation = self.live[target].incarnation
            machine.up.step(inputs.HandOver(queue, target, incarnation))


def test_what_was_acked_before_a_move_does_not_come_back() -> None:
    acked_count = 0
    for seed in range(10):
        cluster = Moving(seed)
        for _ in range(STEPS):
            cluster.step()
        acked_count += sum(map(len, cluster.acked_before.values()))
    assert acked_count


# -- mistakes, put in on purpose -------------------------------------------------------------------


def safe_once_appended(group: MirrorGroup, lsn: int, led: LedQueue, index: int) -> None:
    """Confirm what the leader alone has."""
    group.committed_lsn = lsn


def served_as_it_is(serving: Serving, queue: str) -> None:
    """Take over without the records that are not compacted."""
    del serving.begun[queue]
    lead, replica = serving._core.lead_of(queue), serving._replicas[queue]
    assert lead is not None
    found = found_in(replica.messages, was_clean=False, lost_count=0, keeps_transient=True)
    serving._serve(queue, lead, found)


def settlements_are_forgotten(
    log: MirroredLog, parts: Sequence[Octets], *, is_settlement: bool
) -> int:
    """Append no settlement."""
    log._waiting.clear()
    return 0 if is_settlement else APPEND(log, parts, is_settlement=False)


def lost_on_the_way(log: MirroredLog, parts: Sequence[Octets], *, is_settlement: bool) -> int:
    """Append what comes, and forget the settlements that waited for it."""
    if parts:
        log._waiting.clear()
    return APPEND(log, parts, is_settlement=is_settlement)


SETTLE = MirroredLog.settle


def settled_with_what_was_before(
    log: MirroredLog, positions: range, *, is_promised: bool = False
) -> int:
    """Say of a settlement that waits that it is safe with the record before it."""
    lsn = SETTLE(log, positions, is_promised=is_promised)
    return lsn or log.last_point.lsn


def the_end_is_safe(led: LedQueue) -> None:
    """Say of what was appended that it is safe, when the queue has lost its leader."""
    for group in led._waiting_in:
        group.committed_lsn = led.lead.replica.end + 1_000_000
        group.fail()


APPEND = MirroredLog._append


def without_numbers(
    log: MirroredLog, front: Front, first_position: int, run: Run, expires: Expires
) -> int:
    """Do not say in the log whose messages these are."""
    return log._append(encode_enqueue(0, first_position, run, expires), is_settlement=False)


PUBLISH = MirroredLog.append


def committed_once_appended(
    log: MirroredLog, first_position: int, run: Run, expires_at_ms: Expiries = 0
) -> int:
    """Let the queue deliver what the leader alone has."""
    lsn = PUBLISH(log, first_position, run, expires_at_ms)
    log.committed_below = first_position + len(run)
    log.on_committed()
    return lsn


def always_fresh(publishers: Publishers, submission: Submission, rules: Rules) -> Verdict:
    """Take whatever is submitted again."""
    return Verdict(Finding.FRESH)


MISTAKES: dict[str, tuple[object, str, object]] = {
    "what is appended is safe": (MirrorGroup, "append", safe_once_appended),
    "a new leader serves what was compacted": (Serving, "_go_on_with", served_as_it_is),
    "settlements are not in the log": (MirroredLog, "_append", settlements_are_forgotten),
    "settlements that wait are lost": (MirroredLog, "_append", lost_on_the_way),
    "settlements that wait are told": (MirroredLog, "settle", settled_with_what_was_before),
    "what is appended is delivered": (MirroredLog, "append", committed_once_appended),
    "delivered without a lease": (MirroredLog, "may_deliver", True),
    "numbers are not in the log": (MirroredLog, "_append_submitted", without_numbers),
    "numbers are forgotten by compaction": (PublishedTable, "note", lambda *_: None),
    "what comes again is new": (Publishers, "judge", always_fresh),
    "what a lost leader appended is safe": (LedQueue, "end", the_end_is_safe),
}


def broken(seeds: int) -> bool:
    for seed in range(seeds):
        cluster = Cluster(seed)
        try:
            for _ in range(6_000):
                cluster.step()
        except AssertionError:
            return True
    return False


@pytest.mark.planted
@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_seen(mistake: str) -> None:
    with patch.object(*MISTAKES[mistake]):
        assert broken(20)


def settled_down(cluster: Cluster) -> None:
    """Let all frames arrive, and all disks sync."""
    for _ in range(300):
        cluster.sync()
        cluster.carry()


@pytest.mark.parametrize("settles_first", [False, True])
def test_a_dead_letter_is_settled_once_its_copy_is_safe(settles_first: bool) -> None:
    """A mirror that has the settlement leads the one queue, one without the copy the other."""
    cluster = Cluster(0, settles_first=settles_first)
    cluster.heal()
    cluster.publish()
    settled_down(cluster)
    cluster.get()
    while not cluster.machines["a"].served[QUEUE].unacked:
        cluster.get()
    numbers = set(cluster.ledgers[QUEUE].confirmed)
    cluster.reject()
    cluster.move_dead()
    link = cluster.links["a", "b"]
    while link.down:
        cluster.machines["b"].up.step(inputs.FrameFromLeader("a", link.down.popleft()))
    while cluster.machines["b"].node.commit_group():
        pass
    cluster.machines["a"].stop_now()
    del cluster.live["a"]
    for pair in [pair for pair in cluster.links if "a" in pair]:
        cluster.disconnect(*pair)
    for queue, name in ((QUEUE, "b"), (DEAD, "c")):
        state, _ = cluster.states[queue]
        left = frozenset(replica for replica in state.in_sync_set if replica.node != "a")
        incarnation = cluster.live[name].incarnation
        cluster.put(queue, QueueState(name, incarnation, state.epoch + 1, left))
    cluster.kinds = [each for each in cluster.kinds if each[1] != cluster.start]
    machines = cluster.machines
    while QUEUE not in machines["b"].served or DEAD not in machines["c"].served:
        cluster.step()
    there = [machines["b"].served[QUEUE].engine, machines["c"].served[DEAD].engine]
    count = sum(engine.ready_count for engine in there)
    assert count == len(numbers) - settles_first, "with the mistake one is in neither queue"


def test_an_ack_that_waits_when_a_queue_is_handed_over_does_not_come_to_nothing() -> None:
    """The target has the whole log, and another member has not, so the ack has waited."""
    cluster = Cluster(0)
    cluster.heal()
    leader = cluster.machines[cluster.states[QUEUE][0].leader]
    target = cluster.machines[next(name for name in NAMES if name != leader.name)]
    served, link = leader.served[QUEUE], cluster.links[leader.name, target.name]

    def carry_to_target() -> None:
        while link.down:
            target.up.step(inputs.FrameFromLeader(leader.name, link.down.popleft()))
        for machine in (leader, target):
            while machine.node.commit_group():
                pass
        while link.up:
            leader.up.step(inputs.FrameFromMirror(target.name, link.up.popleft()))

    cluster.publish()
    settled_down(cluster)
    got = served.engine.get(NOW_MS)
    assert got is not None
    cluster.publish()
    carry_to_target()
    ledger = cluster.ledgers[QUEUE]
    for batch in [got[0], *served.unacked]:
        assert served.engine.settle(batch.positions, batch.body_bytes) == 0, "it waits"
        ledger.leaving |= numbers_of(batch.records)
        ledger.gone |= numbers_of(batch.records)
    leader.up.carry_out()
    incarnation = cluster.live[target.name].incarnation
    leader.up.step(inputs.HandOver(QUEUE, target.name, incarnation))
    assert not cluster.requests, "the target does not have the ack"
    carry_to_target()
    cluster.tick()
    assert cluster.requests, "and now it has"
    cluster.answer_store()
    # Its ledger holds that what is gone is not there.
    while QUEUE not in target.served:
        cluster.read()
        cluster.sync()
        cluster.carry()
        cluster.tick()
