"""Who holds what is settled: put together, in order, and in the longest ranges."""

from typing import cast

from amqp_server.broker.queue import Queue
from amqp_server.broker.steps import finish
from amqp_server.protocol.consumer import GetOwner
from amqp_server.protocol.holders import PIECE_MAX, Owner, by_holder, grouping, joined
from amqp_server.protocol.unacked import Part
from queues.batch import Batch
from queues.options import QueueOptions
from tests.support.records import run_of


class FakeEngine:
    options = QueueOptions()


class FakeQueue:
    def __init__(self, name: str) -> None:
        self.name = name
        self.engine = FakeEngine()


A, B = (cast("Queue", FakeQueue(name)) for name in "ab")


def batch(*positions: int, step: int = 1) -> Batch:
    places = range(positions[0], positions[-1] + 1, step)
    return Batch(places, run_of(*[b"x" for _ in places]))


def test_all_gets_of_a_queue_are_one_holder_and_queues_go_by_name() -> None:
    one, two, three = batch(4), batch(0), batch(9)
    parts: list[Part[Owner]] = [
        Part(GetOwner(B), one),
        Part(GetOwner(A), two),
        Part(GetOwner(B), three),
    ]
    expected = [(GetOwner(A), [two]), (GetOwner(B), [one, three])]
    assert list(by_holder(parts)) == expected
    assert dict(expected) == finish(grouping(iter(parts)))


def test_many_are_grouped_piece_by_piece() -> None:
    steps = grouping(Part[Owner](GetOwner(A), batch(at)) for at in range(2 * PIECE_MAX + 1))
    assert len(list(steps)) == 3


def test_batches_that_go_on_where_another_ended_are_one_range() -> None:
    batches = [batch(0, 1), batch(2, 3), batch(7), batch(8, 12, step=2)]
    assert [positions for positions, _ in joined(batches[:3])] == [range(4), range(7, 8)]
    assert [body_bytes for _, body_bytes in joined(batches[:3])] == [4, 1]
    assert [positions for positions, _ in joined(batches[3:])] == [range(8, 13, 2)]
