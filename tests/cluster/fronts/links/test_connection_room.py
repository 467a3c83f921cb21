"""Windows and room of a front link, in both directions."""

import random
from dataclasses import replace

import pytest

from cluster.fronts.frames import Deliver, Publish
from cluster.fronts.links.connection import FrontLink
from cluster.fronts.links.node_room import NodeRoom
from cluster.links.settings import KIB
from persistence.record import memory_bytes
from tests.support.front_pair import SMALL, FrontPair, Hearing, deliver, publish

WINDOWS = SMALL.windows


class Delivering(Hearing):
    """A leader half that delivers as long as there is room, and goes on when it is told."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.left = {"q": count, "r": count}
        self.next = 1

    def room(self, link: FrontLink, queue: str) -> None:
        super().room(link, queue)
        self.deliver(link, queue)

    def deliver(self, link: FrontLink, queue: str) -> None:
        while self.left[queue] and not link.is_shut(queue):
            self.left[queue] -= 1
            self.next += 1
            link.put(deliver(queue, self.next, 1, 1_000))


def untaken(hearing: Hearing, queue: str | None = None) -> int:
    return sum(octets for name, octets in hearing.owed if queue in {None, name})


def test_a_slow_front_holds_its_queue_and_no_other() -> None:
    leader = Delivering(500)
    pair = FrontPair(SMALL, owners=(Hearing(), leader)).opened()
    pair.at_a.is_slow = True
    leader.deliver(pair.b, "q")
    pair.carry()
    assert pair.b.is_shut("q")
    assert pair.b.waiting_count == 0
    assert untaken(pair.at_a) <= WINDOWS.stream_bytes
    assert leader.left["q"] > 400
    leader.deliver(pair.b, "r")
    for _ in range(2_000):
        if not leader.left["r"]:
            break
        pair.carry()
        pair.at_a.take(pair.a, "r")
    assert leader.left["r"] == 0
    assert leader.left["q"] > 400
    while leader.left["q"]:
        pair.at_a.take(pair.a)
        pair.carry()
    batches = [frame for frame in pair.at_a.frames if isinstance(frame, Deliver)]
    assert sum(len(each.batch) for each in batches) == 1_000
    for queue in "qr":
        places = [each.batch.positions[0] for each in batches if each.queue == queue]
        assert places == sorted(places)
    assert pair.is_well()


def test_a_publisher_is_held_back_in_the_same_way() -> None:
    pair = FrontPair(SMALL).opened()
    pair.at_b.is_slow = True
    count = 0
    while not pair.a.is_shut("q"):
        count += 1
        pair.a.put(publish("q", count, 1, 1_000))
    assert count < 20
    pair.carry()
    assert pair.a.is_shut("q")
    assert not pair.a.is_shut("r")
    assert pair.at_a.rooms == []
    pair.at_b.take(pair.b)
    pair.b.tick(pair.now_ms)
    pair.carry()
    assert pair.at_a.rooms == ["q"]
    assert not pair.a.is_shut("q")


def test_what_all_queues_have_on_the_way_has_a_window_too() -> None:
    pair = FrontPair(SMALL).opened()
    pair.at_b.is_slow = True
    queues = [f"queue {number}" for number in range(100)]
    for queue in queues:
        if not pair.a.is_shut(queue):
            pair.a.put(publish(queue, 1, 1, 1_000))
    pair.carry()
    assert untaken(pair.at_b) <= WINDOWS.catch_up_bytes
    assert all(pair.a.is_shut(queue) for queue in queues)
    pair.at_b.take(pair.b)
    pair.b.tick(pair.now_ms)
    pair.carry()
    # Some at a time: the loop has its turn before the next ones.
    assert len(pair.at_a.rooms) < len(queues)
    pair.carry()
    assert set(pair.at_a.rooms) == set(queues)
    assert len(pair.at_a.rooms) == len(queues)


class Playing:
    """Both ends put, carry and take by chance, and nobody asks for room: what is too much waits."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.pair = FrontPair(SMALL).opened()
        self.pair.at_a.is_slow = self.pair.at_b.is_slow = True
        self.published_count = self.delivered_count = 0

    def put(self) -> None:
        queue, size = self.dice.choice("qrs"), self.dice.choice((0, 12, 900, 3_000, 40 * KIB))
        if self.dice.random() < 0.5:
            self.published_count += 1
            self.pair.a.put(publish(queue, self.published_count, 1, size))
        else:
            self.delivered_count += 1
            self.pair.b.put(deliver(queue, self.delivered_count, 1, size))

    def step(self) -> None:
        pair, dice = self.pair, self.dice
        ends = ((pair.a, pair.at_a, pair.b), (pair.b, pair.at_b, pair.a))
        for link, hearing, other in ends:
            if dice.random() < 0.3:
                room = dice.choice((1, 5_000, 1 << 20))
                pair.give(other, b"".join(map(bytes, link.output(room, 0))))
            assert untaken(hearing) <= WINDOWS.catch_up_bytes
            assert max(untaken(hearing, queue) for queue in "qrs") <= WINDOWS.stream_bytes
            if dice.random() < 0.2:
                hearing.take(link, dice.choice((None, "q", "r")))

    def end(self) -> None:
        pair = self.pair
        for _ in range(5_000):
            pair.at_a.take(pair.a)
            pair.at_b.take(pair.b)
            if not list(pair.carry_once()) and not pair.a.waiting_count + pair.b.waiting_count:
                return


@pytest.mark.parametrize("seed", range(15))
def test_windows_are_never_exceeded_whatever_is_put(seed: int) -> None:
    playing = Playing(seed)
    pair = playing.pair
    for _ in range(600):
        if playing.dice.random() < 0.5:
            playing.put()
        playing.step()
    playing.end()
    assert pair.is_well(), (pair.at_a.reasons, pair.at_b.reasons)
    runs = [frame for frame in pair.at_b.frames if isinstance(frame, Publish)]
    assert sorted(each.first for each in runs) == list(range(1, playing.published_count + 1))
    for queue in "qrs":
        numbers = [each.first for each in runs if each.queue == queue]
        assert numbers == sorted(numbers)
    batches = [each.batch for each in pair.at_a.frames if isinstance(each, Deliver)]
    delivered = [number for batch in batches for number in batch.positions]
    assert sorted(delivered) == list(range(1, playing.delivered_count + 1))


def test_a_node_that_takes_more_than_its_window_is_told_so() -> None:
    settings = replace(SMALL, windows=replace(WINDOWS, stream_bytes=8 * KIB))
    pair, small = FrontPair(SMALL).opened(), FrontPair(settings).opened()
    small.at_b.is_slow = True
    for number in range(1, 12):
        pair.a.put(publish("q", number, 1, 1_000))
    small.b._received_count = pair.b._received_count
    small.give(small.b, pair.output(pair.a))
    assert small.at_b.reasons == ["more octets than the window allows"]


def test_links_that_hold_much_are_shut_where_the_node_holds_too_much() -> None:
    room = NodeRoom(20 * KIB)
    slow, brisk = (FrontPair(SMALL, rooms=(NodeRoom(1 << 40), room)).opened() for _ in range(2))
    number = 0
    while not slow.b.is_shut("q"):
        number += 1
        slow.b.put(deliver(f"q{number}", 1, 1, 1_000))
    assert room.total_bytes == slow.b.waiting_bytes >= 20 * KIB
    assert not brisk.b.is_shut("q")
    size = memory_bytes(deliver("q", 1, 1, 1_000).batch.records)
    brisk.b.put(deliver("q", 1, 1, 1_000))
    assert room.total_bytes == slow.b.waiting_bytes + size
    slow.b.lost("the socket is gone")
    assert room.total_bytes == size
    brisk.carry()
    assert room.total_bytes == 0
    assert brisk.is_well()


def test_a_large_message_does_not_shut_other_queues() -> None:
    pair = FrontPair(SMALL).opened()
    pair.b.put(deliver("large", 1, 1, 4 * 1024 * KIB))
    assert not pair.b.is_shut("q")
    for _ in range(2):
        pair.give(pair.a, b"".join(map(bytes, pair.b.output(1, 0))))
    assert pair.b.is_shut("large")
    assert not pair.b.is_shut("q")
    pair.carry()
    assert pair.at_b.rooms == ["large"]
