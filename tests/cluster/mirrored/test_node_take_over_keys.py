"""Mirrored queues that tell duplicates under random use, with nodes that are killed at any moment.

A duplicate is confirmed once what it repeats is as safe, and no key is there twice.
"""

from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import pytest

from cluster.mirrored.log import MirroredLog
from cluster.mirrored.node import MirroredNode
from cluster.replication.inputs import LeaseRenewed, StateRead
from cluster.replication.publishers import Front, Publishers
from persistence.record import Run
from queues.commits import SAFE_NOW, CommitPoint
from queues.deduplication.keyed_log import KeyedLog
from queues.deduplication.mirrored_keyed_log import MirroredKeyedLog
from tests.support.keyed_cluster import KeyedCluster, is_persistent, key_of
from tests.support.mirrored_machine import QUEUE, Machine, Served

SEEDS = 40
BATCH = 10
STEPS = 3_000
SAME_KEY = 31 * 5
"""Messages so far apart have the same key, and are persistent or not alike."""


def lived(seed: int, max_priority: int | None = None) -> KeyedCluster:
    cluster = KeyedCluster(seed, max_priority=max_priority)
    for _ in range(STEPS):
        cluster.step()
    return cluster


@pytest.mark.parametrize("first", range(0, SEEDS, BATCH))
def test_nothing_confirmed_is_lost_and_no_key_is_there_twice(first: int) -> None:
    duplicates_count = confirmed_count = served_count = 0
    for seed in range(first, first + BATCH):
        try:
            cluster = lived(seed)
            cluster.heal()
        except AssertionError as broken:
            raise AssertionError(f"seed {seed}: {broken}") from broken
        duplicates_count += cluster.duplicates_count
        confirmed_count += len(cluster.ledger.confirmed)
        served_count += cluster.served_count
    assert duplicates_count > 20
    assert confirmed_count > 20
    assert served_count > 20


@pytest.mark.parametrize("seed", range(8))
def test_keys_of_priority_queues_are_read_from_all_lanes(seed: int) -> None:
    lived(seed, max_priority=2).heal()


def settled_elsewhere() -> tuple[KeyedCluster, Machine, int]:
    """Return a leader that is cut off and deposed, and a message that it has still.

    The next leader has settled that one.
    """
    cluster = KeyedCluster(3)
    cluster.heal()
    until(cluster, lambda: not cluster.jobs)
    before = cluster.machines[cluster.states[QUEUE][0].leader]
    cluster.publish()
    number = cluster.published_count - 1
    until(cluster, lambda: number in cluster.ledger.confirmed)
    del cluster.live[before.name]
    before.up.step(LeaseRenewed(cluster.now_ms, 0))
    for pair in [pair for pair in cluster.links if before.name in pair]:
        cluster.disconnect(*pair)
    others = [each for each in cluster.running() if each is not before]

    def is_led() -> bool:
        cluster.elect()
        cluster.answer_store()
        for each in others:
            each.up.note_state(QUEUE, cluster.states[QUEUE][0])
            each.up.step(StateRead(QUEUE, *cluster.states[QUEUE]))
        return any(QUEUE in each.served for each in others)

    until(cluster, is_led, is_connected=False)
    after = next(each for each in others if QUEUE in each.served)

    talk_to(cluster, after)

    def is_gone() -> bool:
        cluster.answer_store()
        cluster.get()
        cluster.drain()
        cluster.settle()
        cluster.note_settled(after.served[QUEUE])
        return number in cluster.ledger.gone

    until(cluster, is_gone, is_connected=False)
    assert QUEUE in before.served
    talk_to(cluster, before)
    return cluster, before, number


def talk_to(cluster: KeyedCluster, machine: Machine) -> None:
    """Clients talk to this node alone."""

    def leader(queue: str) -> tuple[Machine, Served] | None:
        served = machine.served.get(queue)
        return None if served is None else (machine, served)

    cluster.leader = leader  # type: ignore[method-assign]


def until(cluster: KeyedCluster, holds: Callable[[], bool], *, is_connected: bool = True) -> None:
    """Let clocks, disks and links work until something holds; links that are lost come back."""
    for _ in range(5_000):
        cluster.tick()
        cluster.sync()
        cluster.carry()
        if is_connected:
            cluster.connect()
        cluster.work()
        if holds():
            return
    raise AssertionError("it never holds")


def repeat(cluster: KeyedCluster, number: int) -> int:
    """A front end publishes the key of a message again, alone; return the message."""
    front, again = cluster.fronts[0], number + SAME_KEY
    assert (key_of(again), is_persistent(again)) == (key_of(number), is_persistent(number))
    at = front.made + 1
    front.bodies[at] = again
    front.open.add(at)
    cluster.numbered[again] = (front.name, front.incarnation, at)
    cluster.published_count = again + 1
    cluster.submit(front, range(at, at + 1))
    for _ in range(500):
        cluster.sync()
        cluster.carry()
    return again


def submit_again(cluster: KeyedCluster) -> None:
    """The front end has heard nothing of its last message."""
    front = cluster.fronts[0]
    cluster.submit(front, range(front.made, front.made + 1))


def test_a_deposed_leader_confirms_no_duplicate_of_what_the_next_one_has_settled() -> None:
    cluster, before, number = settled_elsewhere()
    again = repeat(cluster, number)
    assert cluster.repeats_gone_count
    assert again not in cluster.ledger.confirmed
    submit_again(cluster)
    assert again not in cluster.ledger.confirmed, "it is in the log no more than before"
    before.up.step(StateRead(QUEUE, *cluster.states[QUEUE]))
    assert QUEUE not in before.served
    del cluster.leader
    cluster.heal()


def test_a_duplicate_is_confirmed_while_the_store_is_away() -> None:
    cluster = KeyedCluster(3)
    cluster.heal()
    until(cluster, lambda: not cluster.jobs)
    cluster.publish()
    number = cluster.published_count - 1
    until(cluster, lambda: number in cluster.ledger.confirmed)
    for machine in cluster.running():
        machine.up.step(LeaseRenewed(cluster.now_ms, 0))
    again = repeat(cluster, number)
    assert cluster.duplicates_count
    assert again in cluster.ledger.confirmed


# -- mistakes, put in on purpose -------------------------------------------------------------------


def keys_are_not_read(log: MirroredKeyedLog, _found: object) -> None:
    """Begin to lead without the keys of what is there."""
    log._kept.keys_are_known = True


def publishes_do_not_wait(log: MirroredKeyedLog, found: Any) -> None:  # noqa: ANN401
    """Take publishes while keys are read."""
    RECOVER(log, found)
    log._kept.keys_are_known = True


def only_the_stored(log: MirroredKeyedLog, found: Any) -> None:  # noqa: ANN401
    """Read the keys of what is in segments, and of nothing else."""
    RECOVER(log, found)
    assert log._unread is not None, "it is read in steps"
    log._unread._read.clear()


def what_left_is_noted(log: MirroredKeyedLog, positions: Any, records: Run) -> None:  # noqa: ANN401
    """Note the keys of all that is read, also of what has left since."""
    log._note(positions, records)


def noted_for_ever(_log: KeyedLog, _positions: Any) -> None:  # noqa: ANN401
    """Free no key."""


RECOVER = MirroredKeyedLog.recover
MISTAKES: list[tuple[type, str, Callable[..., object] | property]] = [
    (MirroredKeyedLog, "recover", keys_are_not_read),
    (MirroredKeyedLog, "recover", publishes_do_not_wait),
    (MirroredKeyedLog, "recover", only_the_stored),
    (MirroredKeyedLog, "_note_found", what_left_is_noted),
    (MirroredKeyedLog, "repeated_at", property(lambda _log: SAFE_NOW)),
    (KeyedLog, "_free", noted_for_ever),
]


@pytest.mark.parametrize(("where", "name", "mistake"), MISTAKES)
def test_a_mistake_is_seen(where: type, name: str, mistake: Any) -> None:  # noqa: ANN401
    def live_on() -> None:
        for seed in range(2, 40):
            lived(seed).heal()

    with patch.object(where, name, mistake), pytest.raises(AssertionError):
        live_on()


def is_always_leased(_node: MirroredNode, _queue: str) -> bool:
    """Take the lease for valid, also when it is over."""
    return True


def noted_before_the_proof(log: MirroredLog, front: Front, last: int) -> CommitPoint:
    """Append the record, and have who asks again not wait for it."""
    with patch.object(Publishers, "note"):
        return PROVE(log, front, last)


def noted_as_proved(log: MirroredLog, front: Front, last: int) -> CommitPoint:
    """Append the record, and do not wait for it."""
    PROVE(log, front, last)
    return SAFE_NOW


PROVE = MirroredLog.prove
NOT_PROVED: list[tuple[type, str, Callable[..., object]]] = [
    (MirroredNode, "is_leased", is_always_leased),
    (MirroredLog, "prove", noted_before_the_proof),
    (MirroredLog, "prove", noted_as_proved),
]


@pytest.mark.parametrize(("where", "name", "mistake"), NOT_PROVED)
def test_a_duplicate_that_is_not_proved_is_seen(where: type, name: str, mistake: Any) -> None:  # noqa: ANN401
    cluster, _, number = settled_elsewhere()
    is_seen = pytest.raises(AssertionError, match="duplicates of what has left")
    with patch.object(where, name, mistake), is_seen:
        repeat(cluster, number)
        submit_again(cluster)
