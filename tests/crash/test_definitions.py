"""A node that declares, binds and deletes; the power goes after any operation of its disk (G7).

What was acknowledged is there again, what was deleted stays away, and a change of which nobody was
told is there as a whole or not at all: with all that it took along.
"""

import os
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from amqp_server.broker.broker import Broker
from queues.commits import is_safe
from tests.support.definitions import Node
from tests.support.fault_fs import FaultFS, Operation
from tests.support.stored_broker import SETUP, StoredBroker, steps, surviving, take

EXAMPLES = int(os.environ.get("HAREMQ_CRASH_EXAMPLES", "12"))
JOURNAL_BYTES_MIN = 4_000
"""So that a run of a few dozen steps replaces its journal."""

STEPS = steps()
STATES_PER_OPERATION = 2


class Life:
    """A node from its start on, whose disk is looked at whenever it changes."""

    def __init__(self, disk: FaultFS) -> None:
        self.disk = disk
        self.node = Node(disk, JOURNAL_BYTES_MIN)
        self.stored = StoredBroker(self.node.commit, self.node.found.items())
        assert not self.stored.restored.skipped
        self.promised = self.next = surviving(self.stored.broker)

    def take(self, number: int) -> None:
        """Take a step, and let nobody know before it is safe."""
        step = (SETUP + STEPS)[number % (len(SETUP) + len(STEPS))]
        take(self.stored, step)
        self.next = surviving(self.stored.broker)
        journal = self.stored.broker.journal
        if self.next != self.promised:
            assert not is_safe(journal.safe_at), "the answer waits"
        self.node.save()
        assert is_safe(journal.safe_at)
        self.promised = self.next

    def check(self, disk: FaultFS) -> None:
        found = after_restart(disk)
        assert surviving(found) in (self.promised, self.next)


def after_restart(disk: FaultFS) -> Broker:
    node = Node(disk, JOURNAL_BYTES_MIN)
    assert not node.replay.damages
    stored = StoredBroker(node.commit, node.found.items())
    assert not stored.restored.skipped
    return stored.broker


@settings(deadline=None, max_examples=EXAMPLES)
@given(st.integers(0, 2**32))
def test_definitions_survive_every_crash(seed: int) -> None:
    draw = random.Random(seed)
    disk = FaultFS()
    seen = 0
    for _ in range(3):
        life = Life(disk)

        def look(operation: Operation, life: Life = life) -> None:
            nonlocal seen
            for state in life.disk.crash_states(STATES_PER_OPERATION, seed=seed + operation.number):
                life.check(state)
                seen += 1

        if not seen:
            for number in range(len(SETUP)):
                life.take(number)
        disk.after_each = look
        for _ in range(draw.randrange(5, 25)):
            life.take(draw.randrange(1000))
        disk.after_each = None
        disk = draw.choice(list(disk.crash_states(4, seed=seed)))
    assert seen


def test_ids_of_queues_are_never_given_twice() -> None:
    disk = FaultFS()
    given_ids: list[int] = []
    for _ in range(4):
        node = Node(disk, JOURNAL_BYTES_MIN)
        stored = StoredBroker(node.commit, node.found.items())
        stored.add_vhost("/")
        for number in range(3):
            stored.queue(f"q{number}")
            queue = stored.vhost().queues.find(f"q{number}")
            assert queue is not None
            given_ids.append(queue.queue_id)
            node.save()
            stored.delete_queue(f"q{number}")
            node.save()
        disk = disk.crash(lambda options_count: 0)
    assert len(set(given_ids)) == len(given_ids) == 12
    assert given_ids == sorted(given_ids)
