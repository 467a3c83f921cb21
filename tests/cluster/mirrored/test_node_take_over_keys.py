"""Mirrored queues that tell duplicates under random use, with nodes that are killed at any moment.

A duplicate is confirmed once what it repeats is as safe, and no key is there twice.
"""

from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import pytest

from persistence.record import Run
from queues.commits import SAFE_NOW
from queues.deduplication.keyed_log import KeyedLog
from queues.deduplication.mirrored_keyed_log import MirroredKeyedLog
from tests.support.keyed_cluster import KeyedCluster

SEEDS = 40
BATCH = 10
STEPS = 3_000


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
