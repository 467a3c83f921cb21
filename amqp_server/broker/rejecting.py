"""Rejects many messages in pieces, in the order in which one step would reject them.

Source: RabbitMQ, rabbit_priority_queue: what is rejected together dies lane by lane, the highest
priority first.
"""

from typing import Final

from amqp_server.broker.steps import Steps, taken_in_pieces
from amqp_server.broker.turn import Turn
from queues.batch import Batch
from queues.ports import QueueEngine

PIECE_MAX: Final = 500
"""Batches, or messages of a priority queue, that die between two looks at the time."""


def rejecting(queue: QueueEngine, batches: list[Batch], turn: Turn) -> Steps[None]:
    """Drop messages for good.

    Args:
        queue: theirs.
        batches: messages that it delivered, in the order in which they are rejected; they are
            taken off the list.
        turn: knows the time.
    """
    max_priority = queue.options.max_priority
    if max_priority is not None:
        batches = yield from _highest_first(batches, max_priority)
    for some in taken_in_pieces(batches, PIECE_MAX):
        queue.reject(some, turn.now_ms)
        yield


def _highest_first(batches: list[Batch], max_priority: int) -> Steps[list[Batch]]:
    lanes: dict[int, list[Batch]] = {}
    count = 0
    for (batch,) in taken_in_pieces(batches, 1):
        priorities = [min(record.priority, max_priority) for record in batch.records]
        if min(priorities) == max(priorities):
            lanes.setdefault(priorities[0], []).append(batch)
        else:
            for index, priority in enumerate(priorities):
                lanes.setdefault(priority, []).append(batch.part(index, 1, index + 1))
        count += len(priorities)
        if count >= PIECE_MAX:
            count = 0
            yield
    return [batch for priority in sorted(lanes, reverse=True) for batch in lanes[priority]]
