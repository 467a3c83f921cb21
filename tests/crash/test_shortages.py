"""Out of descriptors, or of the kernel's memory, at each single opening of a file: it passes.

A life that is always the same is lived once for each of its openings, which is refused: the node
does not end, and all that was promised is there after a kill or a power cut, and when it goes on.
"""

import errno
import random
from collections.abc import Iterator

import pytest

from tests.crash.life import Life, restart
from tests.support.definitions import Change, Node, Values, after, reopened
from tests.support.fault_fs import FaultFS, Kind, Operation

STEPS = 120
SEED = 7
OPENS = frozenset({Kind.OPEN, Kind.CREATE, Kind.MAKE_DIRECTORY})
SHORTAGES = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)


class Refused:
    """Refuses the openings from a number on, for some times; counts all of them."""

    def __init__(self, first: int, times: int) -> None:
        self.count = 0
        self.places: list[str] = []
        self._refused = range(first, first + times)

    def __call__(self, operation: Operation) -> bool:
        if operation.kind not in OPENS:
            return False
        self.count += 1
        is_hit = self.count in self._refused
        if is_hit:
            folder = operation.path.partition("/")[0]
            self.places.append(f"{operation.kind.name} {folder}")
        return is_hit


def lived(first: int, times: int, number: int) -> tuple[Life, FaultFS, Refused]:
    """Return a life whose openings from a number on were refused with an errno."""
    disk = FaultFS()
    life = Life(disk, random.Random(SEED))
    refused = Refused(first, times)
    disk.fail_at(refused, number, times=None)
    for _ in range(STEPS):
        life.step()
    return life, disk, refused


def settled(life: Life) -> None:
    """Carry out all that is pending."""
    while life.node.commit_group():
        pass


def trials() -> Iterator[tuple[int, int, int]]:
    _, _, whole = lived(0, 0, errno.EMFILE)
    for first in range(1, whole.count + 1):
        yield first, 1, SHORTAGES[first % len(SHORTAGES)]
        yield first, 3, SHORTAGES[(first + 1) % len(SHORTAGES)]


@pytest.mark.timeout(300)
def test_no_opening_that_is_refused_costs_anything() -> None:
    places: set[str] = set()
    for first, times, number in trials():
        life, disk, refused = lived(first, times, number)
        places.update(refused.places)
        assert not life.node.commit.has_failed
        restart(life, disk.killed(), power_was_lost=False, draw=random.Random(1))
        for left in disk.crash_states(2, seed=first):
            restart(life, left, power_was_lost=True, draw=random.Random(1))
        settled(life)
        assert life.node.commit.committed_lsn == life.node.commit.last_lsn
        restart(life, disk.killed(), power_was_lost=False, draw=random.Random(1))
    assert places >= {
        "CREATE wal",
        "CREATE queues",
        "CREATE checkpoint.new",
        "MAKE_DIRECTORY queues",
        "OPEN wal",
        "OPEN queues",
        "OPEN checkpoint.new",
        "OPEN ",
    }


def defined(first: int, number: int) -> tuple[Refused, Values, Values]:
    """Change definitions while an opening is refused; return what is there, and must be."""
    disk = FaultFS()
    node = Node(disk, journal_bytes_min=1_600)
    refused = Refused(first, 2)
    disk.fail_at(refused, number, times=None)
    expected: Values = {}
    for index in range(40):
        changes: list[Change] = [(("queue", f"q{index % 7}"), b"%d" % index * 80)]
        for key, value in changes:
            node.change(key, value)
        for _ in range(3):
            node.save()
        assert node.commit.committed_lsn == node.commit.last_lsn
        expected = after(expected, changes)
    return refused, reopened(disk.killed()).items(), expected


def test_no_opening_that_is_refused_costs_a_definition() -> None:
    whole, *_ = defined(0, errno.EMFILE)
    assert whole.count > 10, "the journal was begun anew"
    for first in range(1, whole.count + 1):
        _, found, expected = defined(first, SHORTAGES[first % len(SHORTAGES)])
        assert found == expected


def test_a_shortage_in_a_sync_itself_is_a_failure() -> None:
    disk = FaultFS()
    life = Life(disk, random.Random(SEED))
    life.publish()
    life.publish()
    disk.fail_at(lambda operation: operation.kind is Kind.SYNC, errno.ENOMEM)
    with pytest.raises(Exception, match="a sync failed"):
        settled(life)
    assert life.node.commit.has_failed
