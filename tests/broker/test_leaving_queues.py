"""Queues that were deleted: who hears of it, and what goes after them in steps."""

from itertools import pairwise

import pytest

from amqp_server.broker.errors import NotFoundError
from tests.support.counted_clock import budget_of
from tests.support.told_consumer import ToldConsumer
from tests.support.vhosts import VhostUnderTest


@pytest.fixture
def place() -> VhostUnderTest:
    return VhostUnderTest()


def test_consumers_hear_once_that_their_queue_is_gone(place: VhostUnderTest) -> None:
    queue = place.queue()
    consumers = [ToldConsumer(queue) for _ in range(2)]
    for consumer in consumers:
        consumer.consume(place.now_ms)
    place.delete_queue("jobs")
    place.vhost.queues.remove(queue)  # it is gone already
    assert [(consumer.is_cancelled, consumer.told) for consumer in consumers] == [(True, [])] * 2
    place.turn.settle(place.now_ms)
    assert [consumer.told for consumer in consumers] == [[True], [True]]
    assert queue.consumers == {}


def test_consumers_hear_of_the_end_in_the_order_of_their_tags(place: VhostUnderTest) -> None:
    queue = place.queue()
    heard: list[str] = []

    class Hearer(ToldConsumer):
        def queue_deleted(self) -> None:
            heard.append(self.consumer_tag)

    for tag in ("c2", "c11", "b"):
        consumer = Hearer(queue)
        consumer.consumer_tag = tag
        consumer.consume(place.now_ms)
    place.delete_queue("jobs")
    place.turn.settle(place.now_ms)
    assert heard == ["b", "c11", "c2"]


def test_very_many_who_use_a_queue_hear_of_its_end_in_slices() -> None:
    place = VhostUnderTest(budget=budget_of(100))
    queue = place.queue()
    heard: list[object] = []

    class Hearer:
        def queue_deleted(self, queue: object) -> None:
            heard.append(queue)

        def queue_led_elsewhere(self, queue: object) -> None:
            raise AssertionError(f"{queue} is gone")

        def queue_led_here(self, queue: object) -> None:
            raise AssertionError(f"{queue} is gone")

    queue.watchers.update(dict.fromkeys([Hearer() for _ in range(1_000)]))
    consumers = [ToldConsumer(queue) for _ in range(1_000)]
    for consumer in consumers:
        consumer.consume(place.now_ms)
    place.delete_queue("jobs")
    counts: list[int] = []
    place.turn.settle(place.now_ms)
    is_more = True
    while is_more:
        place.turn.budget.begin()
        is_more = place.turn.end(place.now_ms)
        counts.append(sum(bool(consumer.told) for consumer in consumers) + len(heard))
    assert counts[-1] == 2_000
    assert max(later - sooner for sooner, later in pairwise(counts)) <= 101


def test_its_bindings_go_with_a_queue(place: VhostUnderTest) -> None:
    place.queue()
    place.bind("amq.direct", "jobs", "k")
    place.bind("amq.topic", "jobs", "#")
    place.delete_queue("jobs")
    assert len(place.vhost.router.bindings) == 0


def test_very_many_exclusive_queues_leave_in_pieces_and_nobody_sees_one_that_waits() -> None:
    place = VhostUnderTest(budget=budget_of(100))
    one, two = object(), object()
    queues = [place.queue(f"q{number}", one, exclusive=True) for number in range(1_000)]
    place.bind("amq.fanout", "q999")
    table = place.vhost.queues
    table.release(one)
    assert 0 < sum(queue.is_deleted for queue in queues) < 100
    assert len(table) == 0
    assert table.find("q998") is None
    assert place.publish(b"m", routing_key="q997").unroutable == range(1)
    with pytest.raises(NotFoundError):
        table.get("q996", two)
    assert table.is_leaving("q999")
    assert place.queue("q999", two, exclusive=True).owner is two
    assert not place.vhost.router.has_bindings_from("amq.fanout")
    place.end()
    assert all(queue.is_deleted for queue in queues)
    assert [queue.name for queue in table] == ["q999"]
    assert len(table) == 1
