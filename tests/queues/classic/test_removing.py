"""Messages that a look found leave from wherever they are; tests/properties has random queues."""

import pytest

from queues.classic.removing import remove
from queues.looking import LookPlace
from queues.options import QueueOptions
from queues.tail import NodeMemory, QueueMemory
from tests.support.classic_queue import NOW_MS, QueueUnderTest
from tests.support.queue_log import FakeLog
from tests.support.records import run_of


def bodies(jobs: QueueUnderTest) -> list[int]:
    found, place = list[int](), None
    while (looked := jobs.queue.look(place)).place is not None:
        place = looked.place
        found += [int(one.record.body) for each in looked.slices for one in each.messages()]
    return found


@pytest.mark.parametrize("spills", [False, True])
def test_every_third_message_of_a_long_queue_leaves(spills: bool) -> None:
    memory = QueueMemory(NodeMemory(), 6_000, 6_000) if spills else None
    jobs = QueueUnderTest(QueueOptions(), memory=memory, log=FakeLog())
    jobs.log.chunk_count = 50
    for start in range(0, 1_000, 100):
        jobs.queue.publish(run_of(*[b"%d" % at for at in range(start, start + 100)]), NOW_MS)
    for position in range(0, 1_000, 3):
        looked = jobs.queue.look(LookPlace(0, position), 1)
        (message,) = [one for each in looked.slices for one in each.messages()]
        assert message.position == position
        remove(jobs.queue._backlog, 0, [message])
    jobs.queue.check_invariants()
    left = [at for at in range(1_000) if at % 3]
    assert bodies(jobs) == left
    assert jobs.queue.ready_count == len(left)
    assert jobs.queue.counts().purged == 1_000 - len(left)
    got = [jobs.queue.get(NOW_MS, no_ack=True) for _ in left]
    assert [int(one[0].records[0].body) for one in got if one is not None] == left
    assert jobs.queue.ready_count == 0
    assert not jobs.log.kept
