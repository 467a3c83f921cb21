"""A look shows what a consumer would get, in that order, and changes nothing."""

import random
from collections.abc import Iterator

import pytest

from queues.batch import messages_of
from queues.looking import LookedMessage, LookPlace
from queues.options import QueueOptions
from queues.tail import NodeMemory, QueueMemory
from tests.support.classic_queue import NOW_MS, QueueUnderTest
from tests.support.consumer import FakeConsumer
from tests.support.queue_log import FakeLog
from tests.support.records import record


def looked(
    jobs: QueueUnderTest, max_count: int, place: LookPlace | None = None
) -> Iterator[LookedMessage]:
    """Yield all messages behind a place; look after look."""
    before: LookPlace | None = None
    while True:
        found = jobs.queue.look(place, max_count)
        if found.place is None:
            assert not found.slices
            return
        assert sum([len(each.records) for each in found.slices]) <= max_count
        for each in found.slices:
            assert len(each.records) == len(each.positions) > 0
            yield from each.messages()
        before, place = place, found.place
        assert place != before, "a look makes progress"


def bodies(jobs: QueueUnderTest, max_count: int = 100) -> list[bytes]:
    return [bytes(one.record.body) for one in looked(jobs, max_count)]


@pytest.mark.parametrize("max_priority", [None, 3])
@pytest.mark.parametrize("spills", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_a_look_shows_the_order_of_delivery(
    max_priority: int | None,
    spills: bool,
    seed: int,
) -> None:
    """Random publishes, deliveries, acks and requeues: then everything is looked at, and taken."""
    random_ = random.Random(seed)
    memory = QueueMemory(NodeMemory(), 600, 600) if spills else None
    options = QueueOptions(max_priority=max_priority)
    jobs = QueueUnderTest(options, memory=memory, log=FakeLog(max_priority))
    jobs.log.chunk_count = random_.choice((1, 3, 20))
    holders: list[FakeConsumer] = []
    number = 0
    for _ in range(60):
        match random_.randrange(3):
            case 0:
                count = random_.choice((1, 2, 30))
                bands = random_.choices((0, 0, 1, 5), k=count)
                jobs.queue.publish(
                    [record(b"%d" % (number + at), priority=band) for at, band in enumerate(bands)],
                    NOW_MS,
                )
                number += count
            case 1:
                takers = [
                    FakeConsumer(tag, prefetch=random_.randrange(1, 20))
                    for tag in "ab"[: random_.choice((1, 2))]
                ]
                jobs.consume(*takers)
                jobs.drain()
                for taker in takers:
                    jobs.queue.cancel(taker, NOW_MS)
                holders += takers
            case _ if holders:
                give_back(jobs, holders.pop(random_.randrange(len(holders))), random_)
            case _:
                pass
    for holder in holders:
        give_back(jobs, holder, random_)
    before = jobs.queue.counts()
    shown = [list(looked(jobs, max_count)) for max_count in (3, 50, 1_000)]
    assert shown[0] == shown[1] == shown[2]
    assert jobs.queue.counts() == before
    for skipped in range(0, len(shown[0]) + 1, 5):
        place, left = jobs.queue.passing_by(skipped)
        behind = [] if place is None else list(looked(jobs, 10, place))
        assert behind[left:] == shown[0][skipped:]
    jobs.queue.check_invariants()
    taken: list[tuple[int, bytes, bool]] = []
    while (got := jobs.queue.get(NOW_MS)) is not None:
        taken += [
            (one.position, bytes(one.record.body), got[0].redelivered)
            for one in messages_of(got[0])
        ]
    assert [(one.position, bytes(one.record.body), one.redelivered) for one in shown[0]] == taken


def give_back(jobs: QueueUnderTest, holder: FakeConsumer, random_: random.Random) -> None:
    """Requeue what a consumer holds as it came, or ack some and requeue the rest one by one."""
    if random_.random() < 0.5:
        jobs.queue.requeue(holder.batches, NOW_MS)
        return
    entries = holder.take_unacked()
    random_.shuffle(entries)
    count = random_.randrange(len(entries) + 1)
    if count:
        jobs.settle(entries[:count])
    jobs.requeue(entries[count:])


def test_a_place_holds_while_messages_come_and_go() -> None:
    jobs = QueueUnderTest()
    jobs.publish(b"0", b"1", b"2")
    place = jobs.queue.look(None, 2).place
    assert place is not None
    jobs.queue.get(NOW_MS, no_ack=True)
    jobs.publish(b"3")
    assert [bytes(one.record.body) for one in looked(jobs, 9, place)] == [b"2", b"3"]


def test_one_look_reads_one_chunk() -> None:
    jobs = QueueUnderTest(memory=QueueMemory(NodeMemory(), 1, 1))
    jobs.publish(*[b"%02d" % number for number in range(40)])
    reads, place = jobs.log.read_back_count, None
    for _ in range(20):
        before = jobs.log.read_back_count
        found = jobs.queue.look(place)
        assert jobs.log.read_back_count - before <= 1
        place = found.place
    assert jobs.log.read_back_count > reads


def test_a_disk_that_refuses_is_an_error_and_changes_nothing() -> None:
    jobs = QueueUnderTest(memory=QueueMemory(NodeMemory(), 1, 1))
    jobs.publish(*[b"%02d" % number for number in range(40)])
    jobs.log.is_broken = True
    with pytest.raises(OSError, match="no answer"):
        bodies(jobs)
    jobs.log.is_broken = False
    assert len(bodies(jobs)) == 40
