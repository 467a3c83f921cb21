"""What one front half got of a queue and has not settled: batches under numbers, from 1 on.

A number is found by bisection. What is settled out of order is noted in its batch, and a batch is
let go when all of it is settled.
"""

from bisect import bisect_right
from collections.abc import Iterator
from typing import Final

from cluster.fronts.errors import FrontError
from queues.batch import Batch

SPANS_KEPT: Final = 64
"""So many batches that are done are kept before it is worth while to drop them."""

_NOTHING: Final = Batch(range(0), ())
"""The batch of a span that is done: its messages are freed earlier than the span."""


class _Span:
    """One batch under consecutive numbers; indexes below ``start``, and ``settled``, are done."""

    __slots__ = ("batch", "first", "holder", "settled", "start", "stop")

    def __init__(self, first: int, batch: Batch, holder: object) -> None:
        self.holder = holder
        self.first = first
        self.batch = batch
        self.start = 0
        self.stop = len(batch)
        self.settled: set[int] = set()

    def take(self, indexes: range) -> Batch:
        """Return the messages of these indexes, ascending, which are settled now.

        Raises:
            FrontError: one of them was settled before.
        """
        first, step, settled = indexes.start, indexes.step, self.settled
        # Most are settled in order, and nothing is in the set: then no message is looked at.
        if first < self.start or (settled and not settled.isdisjoint(indexes)):
            raise FrontError(f"settles some of {self.first + first} and behind it again")
        batch = self.batch
        if len(indexes) < len(batch):
            batch = batch.part(first, step, indexes.stop)
        if first == self.start and step == 1:
            self.start = indexes.stop
        else:
            settled.update(indexes)
        while self.start in settled:
            settled.remove(self.start)
            self.start += 1
        if self.is_done:
            self.batch = _NOTHING
        return batch

    @property
    def is_done(self) -> bool:
        """Whether all of it is settled."""
        return self.start == self.stop

    def left(self) -> Iterator[Batch]:
        """Return what is not settled."""
        first = self.start
        for index in (*sorted(self.settled), self.stop):
            if first < index:
                is_whole = index - first == len(self.batch)
                yield self.batch if is_whole else self.batch.part(first, 1, index)
            first = index + 1


class Outstanding:
    """The batches of one front half and queue, in the order of their numbers.

    Attributes:
        next_number: of the next message.
        count: of messages that are not settled.
        holder: who got the batch that was settled last; None where nobody noted it.
    """

    __slots__ = ("_done_count", "_firsts", "_spans", "count", "holder", "next_number")

    def __init__(self) -> None:
        self.next_number = 1
        self.count = 0
        self.holder: object = None
        self._spans: list[_Span] = []
        self._firsts: list[int] = []
        self._done_count = 0

    @property
    def batches_count(self) -> int:
        """How many batches they are in: so many steps an ack of all of them takes."""
        return len(self._spans) - self._done_count

    def add(self, batch: Batch, holder: object = None) -> Batch:
        """Note a batch, and who got it; return it as it is told: under its numbers."""
        first = self.next_number
        count = len(batch)
        self._spans.append(_Span(first, batch, holder))
        self._firsts.append(first)
        self.next_number += count
        self.count += count
        return Batch(
            range(first, first + count),
            batch.records,
            None,
            batch.delivery_count,
            redelivered=batch.redelivered,
            known_body_bytes=batch.body_bytes,
        )

    def settle(self, numbers: range) -> Iterator[Batch]:
        """Settle these numbers, ascending; return their batches piece by piece.

        Raises:
            FrontError: one of them is not outstanding; those before it are settled.
        """
        step, left = numbers.step, len(numbers)
        if step < 1:
            raise FrontError(f"settles {numbers}, which does not ascend")
        number = numbers.start
        while left:
            span = self._span_of(number)
            first = number - span.first
            count = min(left, (span.stop - first + step - 1) // step)
            batch = span.take(range(first, min(first + count * step, span.stop), step))
            self.count -= count
            self.holder = span.holder
            left -= count
            number += count * step
            if span.is_done:
                self._let_go()
            yield batch

    def take_all(self) -> list[Batch]:
        """Give up all that is not settled."""
        left = [batch for span in self._spans for batch in span.left()]
        self._spans, self._firsts, self.count, self._done_count = [], [], 0, 0
        return left

    def _span_of(self, number: int) -> _Span:
        at = bisect_right(self._firsts, number) - 1
        if at < 0 or number - self._firsts[at] >= self._spans[at].stop:
            raise FrontError(f"settles {number}, which it does not have")
        return self._spans[at]

    def _let_go(self) -> None:
        """A span is done: drop all that are, once they are most."""
        self._done_count += 1
        if self._done_count == len(self._spans):
            self._spans, self._firsts, self._done_count = [], [], 0
        elif self._done_count * 2 > len(self._spans) + SPANS_KEPT:
            self._spans = [each for each in self._spans if not each.is_done]
            self._firsts = [each.first for each in self._spans]
            self._done_count = 0
