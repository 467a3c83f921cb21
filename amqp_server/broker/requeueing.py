"""Many messages go back to their queue: in pieces, oldest first, over as many turns as it takes.

While it lasts the queue delivers nothing but what has come back, so that whoever consumes from it
sees the order that there would be had all come back at once.
"""

from collections import deque
from collections.abc import Sequence
from typing import Final

from amqp_server.broker.turn import Turn
from queues.batch import Batch
from queues.ports import QueueEngine

PIECE_MAX: Final = 500
"""So many messages go back before somebody asks for the time: about a millisecond."""


def requeue(queue: QueueEngine, batches: Sequence[Batch], turn: Turn, now_ms: int) -> None:
    """Give messages back to their queue, now as far as the turn's budget lasts.

    Args:
        queue: theirs.
        batches: messages that it delivered, in any order.
        turn: carries on what is left.
        now_ms: the instant.
    """
    if sum(map(len, batches)) <= PIECE_MAX:
        queue.requeue(batches, now_ms)
        return
    job = _Requeueing(queue, batches, turn)
    if not job.step(now_ms):
        turn.later(job)


class _Requeueing:
    """A ``Job``: what is left to go back to one queue."""

    def __init__(self, queue: QueueEngine, batches: Sequence[Batch], turn: Turn) -> None:
        self._queue = queue
        self._budget = turn.budget
        pieces = [
            batch if len(batch) <= PIECE_MAX else batch.part(first, 1, first + PIECE_MAX)
            for batch in batches
            for first in range(0, len(batch), PIECE_MAX)
        ]
        self._pieces = deque(sorted(pieces, key=lambda piece: piece.positions.start))
        queue.begin_refill()

    def step(self, now_ms: int) -> bool:
        """Give pieces back while the budget lasts; see ``Job``."""
        pieces = self._pieces
        while pieces:
            self._queue.requeue((pieces.popleft(),), now_ms)
            if pieces and self._budget.is_spent():
                return False
        self._queue.end_refill()
        return True
