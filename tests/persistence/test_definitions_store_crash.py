"""Whenever the power goes, definitions that were acknowledged are there, and no half of a change.

Every operation of a random program is followed by a look at the disks that a crash at this point
may leave, and at those that a crash of the restart from them may leave.
"""

import os
import random
from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from persistence.errors import FatalStorageError
from tests.support.definitions import Change, Node, Values, after, reopened
from tests.support.fault_fs import FaultFS, Kind, Operation, PowerCutError

EXAMPLES = int(os.environ.get("HAREMQ_CRASH_EXAMPLES", "12"))
"""Random programs of each kind; more of them for a long run."""

STATES_PER_STEP = 4
JOURNAL_BYTES_MIN = 1_600

CHANGES = st.tuples(
    st.sampled_from([("queue", name) for name in "abcdef"]),
    st.none() | st.integers(0, 400).map(lambda size_bytes: bytes([size_bytes % 251]) * size_bytes),
)
GROUPS = st.lists(st.lists(CHANGES, min_size=1, max_size=5), min_size=2, max_size=12)


class Promises:
    """What was acknowledged, and what one commit may have added meanwhile."""

    def __init__(self) -> None:
        self.safe: Values = {}
        self.next: Values = {}

    def check(self, disk: FaultFS) -> Values:
        found = reopened(disk)
        assert not found.damages
        items = found.items()
        assert items in (self.safe, self.next)
        return items


def run(
    disk: FaultFS, promises: Promises, groups: list[list[Change]], saves_per_group: int = 1
) -> None:
    """Live once: one commit for each group of changes."""
    node = Node(disk, JOURNAL_BYTES_MIN)
    assert node.found in (promises.safe, promises.next)
    promises.safe = promises.next = node.found
    for group in groups:
        for key, value in group:
            node.change(key, value)
        promises.next = after(promises.safe, group)
        for _ in range(saves_per_group):
            node.save()
        if node.commit.committed_lsn < node.commit.last_lsn:
            return  # the disk is full
        promises.safe = promises.next


def run_and_look(
    disk: FaultFS, promises: Promises, groups: list[list[Change]], seed: int, restarts: int = 1
) -> int:
    """Look at every crash of a life; return how many states were seen."""
    seen = 0

    def look(operation: Operation) -> None:
        nonlocal seen
        promises.check(disk.killed())
        for state in disk.crash_states(STATES_PER_STEP, seed=seed + operation.number):
            believed = promises.check(state)
            seen += 1
            if restarts and operation.number % 7 == seed % 7:
                look_at_restart(state, believed)

    def look_at_restart(state: FaultFS, believed: Values) -> None:
        def look_again(operation: Operation) -> None:
            for left in state.crash_states(STATES_PER_STEP, seed=operation.number):
                assert reopened(left).items() == believed

        state.after_each = look_again
        assert Node(state, JOURNAL_BYTES_MIN).found == believed
        state.after_each = None

    disk.after_each = look
    try:
        run(disk, promises, groups)
    finally:
        disk.after_each = None
    return seen


@settings(deadline=None, max_examples=EXAMPLES)
@given(GROUPS, st.integers(0, 2**16))
def test_every_crash_of_one_life_keeps_its_promises(groups: list[list[Change]], seed: int) -> None:
    assert run_and_look(FaultFS(), Promises(), groups, seed)


@settings(deadline=None, max_examples=EXAMPLES)
@given(GROUPS, GROUPS, GROUPS, st.integers(0, 2**16))
def test_lives_that_follow_a_crash_keep_the_promises_of_all(
    first: list[list[Change]],
    second: list[list[Change]],
    third: list[list[Change]],
    seed: int,
) -> None:
    draw = random.Random(seed)
    disk, promises = FaultFS(), Promises()
    for groups in (first, second, third):
        disk.halt_after = len(disk.operations) + draw.randrange(1, 60)
        with suppress(PowerCutError):
            run_and_look(disk, promises, groups, seed, restarts=0)
        if draw.random() < 0.3:
            disk = disk.killed()
        else:
            disk = draw.choice(list(disk.crash_states(8, seed=draw.randrange(2**16))))
    promises.check(disk)


@settings(deadline=None, max_examples=EXAMPLES)
@given(GROUPS, st.integers(1_100, 6_000), st.integers(0, 2**16))
def test_a_full_disk_keeps_what_was_promised_and_goes_on_later(
    groups: list[list[Change]], capacity_bytes: int, seed: int
) -> None:
    disk, promises = FaultFS(capacity_bytes), Promises()
    run(disk, promises, groups, saves_per_group=2)
    for state in disk.crash_states(20, seed):
        state.capacity_bytes = None
        promises.check(state)
    disk.capacity_bytes = None
    later = Promises()
    later.safe = later.next = promises.check(disk)
    run(disk, later, groups)
    assert reopened(disk).items() == later.safe


@settings(deadline=None, max_examples=EXAMPLES)
@given(GROUPS, st.integers(1, 60), st.sampled_from([Kind.WRITE, Kind.SYNC]))
def test_a_disk_that_fails_stops_the_node_and_takes_nothing_back(
    groups: list[list[Change]], number: int, kind: Kind
) -> None:
    disk, promises = FaultFS(), Promises()
    disk.fail_at(lambda operation: operation.number >= number and operation.kind is kind, 5)
    with suppress(FatalStorageError, OSError):
        run(disk, promises, groups)
    for state in disk.crash_states(20, number):
        promises.check(state)


@settings(deadline=None, max_examples=EXAMPLES * 5)
@given(GROUPS)
def test_definitions_are_a_dict_whatever_the_size_of_journals(groups: list[list[Change]]) -> None:
    disk = FaultFS()
    model: Values = {}
    node = Node(disk, JOURNAL_BYTES_MIN)
    for index, group in enumerate(groups):
        if index % 3 == 2:
            node = Node(disk, JOURNAL_BYTES_MIN)
        for key, value in group:
            node.change(key, value)
        node.save()
        model = after(model, group)
        assert reopened(disk).items() == model
