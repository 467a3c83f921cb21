"""A client takes all that queues have and gives it back: memory stays within the budgets."""

from pathlib import Path

import pytest

from amqp_server.broker.queue import Queue
from tests.support.consumer import FakeConsumer
from tests.support.frames import table
from tests.support.node_place import NOW_MS, Place

BODY_BYTES = 16 * 1024
MESSAGES = 768
"""Of each queue: 12 MiB."""

QUEUES = ("one", "two", "three")
PRIORITIES = 5


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def queue_of(place: Place, name: str) -> Queue:
    queue = place.broker.vhost("/").queues.find(name)
    assert queue is not None
    return queue


def body(number: int) -> bytes:
    return b"%04d" % number + bytes(BODY_BYTES)


def fill(place: Place, name: str, priorities: int) -> list[bytes]:
    """Declare and fill a queue; return the bodies in the order of delivery."""
    place.declare(name, table({"x-max-priority": priorities} if priorities else {}))
    for number in range(MESSAGES):
        place.publish(name, body(number), priority=number % (priorities + 1))
        if not number % 100:
            place.commit()
    place.commit()
    order = sorted(range(MESSAGES), key=lambda number: (-(number % (priorities + 1)), number))
    return list(map(body, order))


def take_all(queue: Queue) -> FakeConsumer:
    consumer = FakeConsumer()
    queue.engine.consume(consumer, NOW_MS)
    while queue.engine.drain(NOW_MS, 50):
        pass
    return consumer


@pytest.mark.parametrize("priorities", [0, PRIORITIES])
def test_what_is_given_back_stays_within_the_budget_of_its_queue(
    place: Place, priorities: int
) -> None:
    expected = {name: fill(place, name, priorities) for name in QUEUES}
    budget_bytes = place.settings.queues.memory_per_queue_bytes
    for round_number in range(1, 4):
        for name in QUEUES:
            queue = queue_of(place, name)
            consumer = take_all(queue)
            assert consumer.bodies == expected[name]
            counts = {batch.delivery_count for batch in consumer.batches}
            assert counts == {round_number - 1}
            queue.engine.cancel(consumer, NOW_MS)
            for batch in consumer.batches:
                queue.engine.requeue([batch], NOW_MS)
                assert queue.engine.counts().memory_bytes <= budget_bytes
            assert queue.engine.counts().ready_count == MESSAGES
    place.commit()
    place.restart()
    for name in QUEUES:
        consumer = take_all(queue_of(place, name))
        assert consumer.bodies == expected[name]
        assert {(one.delivery_count, one.redelivered) for one in consumer.batches} == {(3, True)}
