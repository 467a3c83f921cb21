"""After every change of any kind, a restart restores all durable things, and no others.

What a restart brings back is compared with what the broker itself says; that the disk keeps what
it was given is tested below this (tests/persistence) and with this (tests/crash).
"""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.stored_broker import (
    SETUP,
    FakeChangeLog,
    StoredBroker,
    steps,
    surviving,
    take,
)

STEPS = steps()


def check_restart(changes: FakeChangeLog, node: StoredBroker) -> None:
    again = StoredBroker(FakeChangeLog(), changes.items().items())
    assert again.restored.skipped == ()
    assert again.stored.knows_every_queue
    assert surviving(again.broker) == surviving(node.broker)


@settings(deadline=None, max_examples=150)
@given(st.lists(st.integers(0, len(STEPS) - 1), max_size=60))
def test_a_restart_brings_back_what_is_durable_and_nothing_else(numbers: list[int]) -> None:
    changes = FakeChangeLog()
    node = StoredBroker(changes)
    for step in SETUP + [STEPS[number] for number in numbers]:
        take(node, step)
        check_restart(changes, node)


@settings(deadline=None, max_examples=150)
@given(st.lists(st.integers(0, len(STEPS) - 1), max_size=30))
def test_what_changes_nothing_that_is_durable_writes_nothing(numbers: list[int]) -> None:
    changes = FakeChangeLog(is_committed=False)
    node = StoredBroker(changes)
    for step in SETUP + [STEPS[number] for number in numbers]:
        before, lsn_before = surviving(node.broker), changes.last_lsn
        take(node, step)
        if surviving(node.broker) == before:
            assert changes.last_lsn == lsn_before
        else:
            assert node.broker.journal.safe_at.lsn == changes.last_lsn > lsn_before


def test_every_step_can_be_taken() -> None:
    for number, step in enumerate(STEPS):
        nodes = []
        for before in (SETUP[:2], SETUP, SETUP + STEPS[max(number - 20, 0) : number]):
            nodes.append(StoredBroker(FakeChangeLog()))
            for each in before:
                take(nodes[-1], each)
        assert any([take(node, step) for node in nodes]), f"step {number} is always refused"
