"""Whenever the power goes, what was promised is there, in order, and nothing else (G1, G2).

Every operation of a random program is followed by a look at the disks that a crash at this point
may leave; from some of them the node goes on, crashes while it restarts, and crashes again.
"""

import os
import random
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from persistence import wal as wal_module
from persistence import wal_replay as wal_replay_module
from persistence.wal import Wal
from tests.support.fault_fs import FaultFS, Operation, PowerCutError
from tests.support.wal_program import Program, Promises, new_wal, replayed, run

EXAMPLES = int(os.environ.get("HAREMQ_CRASH_EXAMPLES", "12"))
"""Random programs of each kind; more of them for a long run."""

STATES_PER_STEP = 3

NAMES = (
    "append",
    *("append for the disk",) * 2,
    "define",
    "ask for a sync",
    *("commit",) * 3,
    "checkpoint",
)

STEPS = st.lists(
    st.tuples(
        st.sampled_from(NAMES),
        st.sampled_from([0, 0, 1, 5, 30, 70, 200]),
    ),
    min_size=4,
    max_size=25,
)


def run_and_look(disk: FaultFS, promises: Promises, steps: list[tuple[str, int]], seed: int) -> int:
    """Run a life of the node and look at every crash of it; return how many states were seen."""
    seen = 0

    def look(operation: Operation) -> None:
        nonlocal seen
        promises.check(disk.killed(), was_killed=True)
        for state in disk.crash_states(STATES_PER_STEP, seed=seed + operation.number):
            promises.check(state, was_killed=False)
            seen += 1

    disk.after_each = look
    run(Program(disk, promises, seed), steps)
    disk.after_each = None
    return seen


@settings(deadline=None, max_examples=EXAMPLES)
@given(STEPS, st.integers(0, 2**16))
def test_every_crash_of_one_life_keeps_its_promises(
    steps: list[tuple[str, int]], seed: int
) -> None:
    disk = FaultFS()
    assert run_and_look(disk, Promises(), [*steps, ("commit", 0)], seed) > 0


@settings(deadline=None, max_examples=EXAMPLES)
@example(
    # The checkpoint of the second life begins with a file that never got its name.
    first=[("append", 0), ("commit", 0), ("append", 200), ("commit", 0)],
    second=[("append", 0), ("append", 0), ("append", 0), ("checkpoint", 0)],
    third=[("append", 0), ("append", 200), ("checkpoint", 0), ("commit", 0)],
    seed=11522,
)
@given(STEPS, STEPS, STEPS, st.integers(0, 2**16))
def test_lives_that_follow_a_crash_keep_the_promises_of_all(
    first: list[tuple[str, int]],
    second: list[tuple[str, int]],
    third: list[tuple[str, int]],
    seed: int,
) -> None:
    draw = random.Random(seed)
    disk, promises = FaultFS(), Promises()
    for steps in (first, second, third):
        begun_at = len(disk.operations)
        disk.halt_after = begun_at + draw.randrange(1, 40)
        try:
            run_and_look(disk, promises, steps, seed)
        except PowerCutError:
            disk.after_each = None
        if draw.random() < 0.3:
            disk = disk.killed()
        else:
            disk = draw.choice(list(disk.crash_states(8, seed=draw.randrange(2**16))))
            promises.lose_power()
    promises.check(disk, was_killed=False)


@settings(deadline=None, max_examples=EXAMPLES)
@given(STEPS, st.integers(0, 2**16))
def test_a_crash_while_restarting_changes_nothing(steps: list[tuple[str, int]], seed: int) -> None:
    disk, promises = FaultFS(), Promises()
    run(Program(disk, promises, seed), steps)
    promises.lose_power()
    for left in disk.crash_states(3, seed):
        believed = promises.check(left, was_killed=False).entries
        number, lsn, _ = promises.checkpoint
        new_wal(left, replayed(left, number, lsn).replay, seed + 1)
        for again in [left.killed(), *left.crash_states(3, seed)]:
            assert promises.check(again, was_killed=False).entries == believed


@settings(deadline=None, max_examples=EXAMPLES)
@given(STEPS, st.integers(3_000, 12_000), st.integers(0, 2**16))
def test_a_full_disk_keeps_what_was_promised_and_goes_on_later(
    steps: list[tuple[str, int]], capacity_bytes: int, seed: int
) -> None:
    disk, promises = FaultFS(capacity_bytes), Promises()
    program = Program(disk, promises, seed)
    run(program, steps)
    promises.check(disk.killed(), was_killed=True)
    for state in disk.crash_states(20, seed):
        promises.check(state, was_killed=False)
    disk.capacity_bytes = None
    while program.commit.committed_lsn < program.commit.last_lsn:
        program.commit_group()
    assert not program.commit.is_disk_full
    assert promises.written_count == len(promises.entries)
    promises.check(disk.killed(), was_killed=True)


@pytest.mark.parametrize("error_number", [5, 28])
def test_a_failed_sync_promises_nothing_more(error_number: int) -> None:
    """Every sync of a program fails once, in turn; the node stops there."""
    steps = [("append for the disk", 30), ("commit", 0)] * 4
    clean = FaultFS()
    run(Program(clean, Promises()), steps)
    syncs = [operation.number for operation in clean.operations if operation.kind.name == "SYNC"]
    assert len(syncs) > 4
    for number in syncs:
        disk, promises = FaultFS(), Promises()
        disk.fail_at(number, error_number)
        with suppress(OSError):  # of a disk that fails before the log runs
            run(Program(disk, promises), steps)
        for state in disk.crash_states(40, seed=number):
            promises.check(state, was_killed=False)


def survive_everything(seeds: range) -> None:
    """Run random programs of three lives and look everywhere; fail where a promise is broken."""
    for seed in seeds:
        draw = random.Random(seed)
        disk, promises = FaultFS(), Promises()
        for _ in range(3):
            steps = [(draw.choice(NAMES), draw.choice([0, 5, 30, 70])) for _ in range(20)]
            run_and_look(disk, promises, steps, seed)
            disk = disk.killed()


def no_sync(self: object, *arguments: object) -> None:
    """Forget to sync."""


@pytest.mark.parametrize(
    ("target", "name", "bug"),
    [
        (Wal, "fsync", no_sync),
        (wal_module, "fsync_log", no_sync),
        (FaultFS, "fsync_directory", no_sync),
        (wal_replay_module, "fsync_log", no_sync),
    ],
    ids=["no sync", "no sync of a full file", "no sync of the folder", "no sync of the old life"],
)
def test_a_seeded_bug_is_caught(
    target: object, name: str, bug: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    survive_everything(range(3))
    monkeypatch.setattr(target, name, bug)
    with pytest.raises(AssertionError):
        survive_everything(range(40))
