"""The delivery tags outstanding on one channel, and whose messages they are.

Tags count up from 1 over all consumers and gets of a channel. What was delivered together stays
together: a *span* is one batch with the tag of its first message, so that acks in order, alone or
``multiple``, cost one step a span and not one a message.

    span   first_tag 41 | batch of 5 | start 2 | settled {4}
                             41 42 43 44 45
                             done done . .  done

This is the interpreted twin: no policy, no queue, no text.

Source: AMQP 0-9-1 §1.8.3.12 - 1.8.3.14; RabbitMQ collects acks the same way (rabbit_channel).
"""

from bisect import bisect_right
from collections.abc import Iterator
from typing import Generic, NamedTuple, TypeVar

from amqp_server.protocol.errors import UnknownDeliveryTagError
from queues.batch import Batch

Owner = TypeVar("Owner")
_COMPACT_AFTER = 512


class Part(NamedTuple, Generic[Owner]):
    """Messages of one batch that are settled together."""

    owner: Owner
    batch: Batch


class _Span(Generic[Owner]):
    """One batch under consecutive tags.

    Invariant: every index below ``start`` is settled, and so are those in ``settled``.
    """

    __slots__ = ("batch", "delivered_at_ms", "first_tag", "owner", "settled", "start")

    def __init__(self, first_tag: int, owner: Owner, batch: Batch, now_ms: int) -> None:
        self.first_tag = first_tag
        self.owner = owner
        self.batch = batch
        self.delivered_at_ms = now_ms
        self.start = 0
        self.settled: set[int] = set()

    def holds(self, index: int) -> bool:
        return self.start <= index < len(self.batch) and index not in self.settled

    def settle(self, first: int, last: int) -> list[Part[Owner]]:
        """Settle the outstanding messages among indexes first..last; return them in order."""
        if first <= self.start and not self.settled:
            part = self.batch if self.start == 0 and last + 1 == len(self.batch) else None
            part = part or self.batch.part(self.start, 1, last + 1)
            self.start = last + 1
            return [Part(self.owner, part)]
        parts: list[Part[Owner]] = []
        run_start = None
        for index in range(max(first, self.start), last + 2):
            if index <= last and index not in self.settled:
                run_start = index if run_start is None else run_start
            elif run_start is not None:
                parts.append(Part(self.owner, self.batch.part(run_start, 1, index)))
                run_start = None
        self.settled.update(range(max(first, self.start), last + 1))
        while self.start in self.settled:
            self.settled.remove(self.start)
            self.start += 1
        return parts

    @property
    def done(self) -> bool:
        return self.start == len(self.batch)


class Unacked(Generic[Owner]):
    """Spans in the order of their tags.

    Invariant: ``count`` is the number of outstanding messages over all spans.
    Invariant: first tags rise, and the last span ends before ``next_tag``.
    """

    __slots__ = ("_first_tags", "_head", "_spans", "count", "next_tag")

    def __init__(self) -> None:
        self._spans: list[_Span[Owner]] = []
        self._first_tags: list[int] = []
        self._head = 0
        self.count = 0
        self.next_tag = 1

    def add(self, owner: Owner, batch: Batch, now_ms: int) -> int:
        """Put a delivered batch under the next tags; return the first of them."""
        first_tag = self.next_tag
        self._spans.append(_Span(first_tag, owner, batch, now_ms))
        self._first_tags.append(first_tag)
        self.next_tag += len(batch)
        self.count += len(batch)
        return first_tag

    def skip(self, count: int) -> int:
        """Use up tags for deliveries that need no ack; return the first of them."""
        first_tag = self.next_tag
        self.next_tag += count
        return first_tag

    def settle_each(self, first_tag: int, last_tag: int) -> Iterator[Part[Owner]]:
        """Settle tags first..last, each of which must be outstanding.

        What lies before an unknown tag is settled all the same, as single acks would.

        Raises:
            UnknownDeliveryTagError: at the first tag that is not outstanding.
        """
        tag = first_tag
        while tag <= last_tag:
            at = bisect_right(self._first_tags, tag, self._head) - 1
            span = self._spans[at] if at >= self._head else None
            if span is None or not span.holds(tag - span.first_tag):
                raise UnknownDeliveryTagError(tag)
            first = tag - span.first_tag
            last = min(last_tag - span.first_tag, len(span.batch) - 1)
            if span.settled:
                last = next((i - 1 for i in range(first, last + 1) if not span.holds(i)), last)
            yield from self._settle(span, first, last)
            tag = span.first_tag + last + 1
            self._drop_done()

    def settle_up_to(self, last_tag: int) -> Iterator[Part[Owner]]:
        """Settle everything up to a tag; 0 is everything outstanding, be it nothing.

        Raises:
            UnknownDeliveryTagError: the tag is not 0 and not outstanding; nothing was settled.
        """
        if last_tag == 0:
            yield from self.take_all()
            return
        at = bisect_right(self._first_tags, last_tag, self._head) - 1
        if at < self._head or not self._spans[at].holds(last_tag - self._spans[at].first_tag):
            raise UnknownDeliveryTagError(last_tag)
        for span in self._spans[self._head : at]:
            yield from self._settle(span, 0, len(span.batch) - 1)
        span = self._spans[at]
        yield from self._settle(span, 0, last_tag - span.first_tag)
        self._drop_done()

    def take_all(self) -> Iterator[Part[Owner]]:
        """Settle everything outstanding, oldest first."""
        for span in self._spans[self._head :]:
            yield from self._settle(span, 0, len(span.batch) - 1)
        self._drop_done()

    def is_outstanding(self, tag: int) -> bool:
        """Whether this tag was delivered and not settled."""
        at = bisect_right(self._first_tags, tag, self._head) - 1
        return at >= self._head and self._spans[at].holds(tag - self._spans[at].first_tag)

    def outstanding(self, first_tag: int, last_tag: int) -> Iterator[int]:
        """Return the outstanding tags among first..last, in order."""
        at = max(bisect_right(self._first_tags, first_tag, self._head) - 1, self._head)
        for span in self._spans[at:]:
            if span.first_tag > last_tag:
                return
            first = max(first_tag - span.first_tag, span.start)
            stop = min(last_tag - span.first_tag + 1, len(span.batch))
            for index in range(first, stop):
                if index not in span.settled:
                    yield span.first_tag + index

    def oldest(self) -> Iterator[tuple[Owner, int]]:
        """Return owner and time of delivery (``now_ms``) of each span, oldest first."""
        for span in self._spans[self._head :]:
            if not span.done:
                yield span.owner, span.delivered_at_ms

    def _settle(self, span: _Span[Owner], first: int, last: int) -> list[Part[Owner]]:
        if span.done:
            return []
        parts = span.settle(first, last)
        self.count -= sum(len(part.batch) for part in parts)
        return parts

    def _drop_done(self) -> None:
        while self._head < len(self._spans) and self._spans[self._head].done:
            self._head += 1
        if self._head > _COMPACT_AFTER and self._head * 2 > len(self._spans):
            del self._spans[: self._head]
            del self._first_tags[: self._head]
            self._head = 0

    def check_invariants(self) -> None:
        """Assert the class's invariants; costly."""
        spans = self._spans[self._head :]
        held = sum(span.holds(i) for span in spans for i in range(len(span.batch)))
        assert held == self.count, "count is what the spans hold"
        tags = [span.first_tag for span in spans]
        assert tags == sorted(set(tags)), "first tags rise"
