"""The delivery tags outstanding on one channel, and the owners of their messages.

Tags count up from 1 over all consumers and gets of a channel. Messages that were delivered together
stay together. A *span* is one batch with the tag of its first message. So acks in order, alone or
``multiple``, cost one step for each span and not for each message.

    span   first_tag 41 | batch of 5 | start 2 | settled {4}
                             41 42 43 44 45
                             done done . .  done

This is the interpreted twin: no policy, no queue, no text.

Source: AMQP 0-9-1 §1.8.3.12 - 1.8.3.14; RabbitMQ collects acks the same way (rabbit_channel).
"""

from bisect import bisect_right
from collections.abc import Iterator
from itertools import islice
from typing import Final, Generic, NamedTuple, TypeVar

from amqp_server.protocol.errors import UnknownDeliveryTagError
from persistence.kernels import COMPILED
from persistence.record import memory_bytes
from queues.batch import Batch
from queues.tail import NodeMemory

Owner = TypeVar("Owner")
_COMPACT_AFTER: Final = 512
_NOTHING: Final = Batch(range(0), ())
"""The batch of a span that is done: its messages are freed earlier than the span."""


class Part(NamedTuple, Generic[Owner]):
    """Messages of one batch that are settled together."""

    owner: Owner
    batch: Batch


class Held(NamedTuple, Generic[Owner]):
    """Outstanding messages of one batch that follow each other.

    Attributes:
        first_tag: of the first message.
    """

    first_tag: int
    owner: Owner
    batch: Batch
    delivered_at_ms: int


class _Span(Generic[Owner]):
    """One batch under consecutive tags.

    Invariant: every index below ``start`` is settled, and so are those in ``settled``.
    Invariant: ``start`` is outstanding, or the span is done.
    """

    __slots__ = (
        "batch",
        "count",
        "delivered_at_ms",
        "first_tag",
        "held_bytes",
        "owner",
        "settled",
        "start",
    )

    def __init__(self, first_tag: int, owner: Owner, batch: Batch, now_ms: int) -> None:
        self.first_tag = first_tag
        self.owner = owner
        self.batch = batch
        self.count = len(batch)
        self.delivered_at_ms = now_ms
        self.start = 0
        self.settled: set[int] = set()
        self.held_bytes = memory_bytes(batch.records)

    def holds(self, index: int) -> bool:
        return self.start <= index < self.count and index not in self.settled

    def settle(self, first: int, last_tag: int) -> Part[Owner]:
        """Settle from an outstanding index up to a tag, or to the next one settled already."""
        stop = min(last_tag - self.first_tag + 1, self.count)
        if self.settled:
            stop = next((i for i in range(first, stop) if i in self.settled), stop)
        is_whole = first == 0 and stop == self.count
        part = Part(self.owner, self.batch if is_whole else self.batch.part(first, 1, stop))
        if first > self.start:
            self.settled.update(range(first, stop))
        else:
            self.start = stop
            while self.start in self.settled:
                self.settled.remove(self.start)
                self.start += 1
        if self.done:
            self.batch = _NOTHING
        return part

    @property
    def done(self) -> bool:
        return self.start == self.count


class Unacked(Generic[Owner]):
    """Spans in the order of their tags.

    Settling is lazy: each part is settled when the caller asks for it.

    Attributes:
        count: messages outstanding.
        next_tag: of the next delivery.
        skipped_count: deliveries that needed no ack.
        held_bytes: memory of the batches, each counted until all of it is settled.

    Invariant: ``count`` is the number of outstanding messages over all spans.
    Invariant: first tags rise, and the last span ends before ``next_tag``.
    Invariant: a span that is done holds no messages; those before ``_head`` are done.
    """

    __slots__ = (
        "_done_count",
        "_first_tags",
        "_head",
        "_memory",
        "_spans",
        "count",
        "held_bytes",
        "next_tag",
        "skipped_count",
    )

    def __init__(self, memory: NodeMemory | None = None) -> None:
        """Begin with nothing outstanding.

        Args:
            memory: counts the held memory together with others; None counts it alone.
        """
        self._memory = NodeMemory() if memory is None else memory
        self.held_bytes = 0
        self._spans: list[_Span[Owner]] = []
        self._first_tags: list[int] = []
        self._head = 0
        self._done_count = 0
        self.count = 0
        self.next_tag = 1
        self.skipped_count = 0

    def add(self, owner: Owner, batch: Batch, now_ms: int) -> int:
        """Put a delivered batch under the next tags; return the first of them."""
        first_tag = self.next_tag
        span = _Span(first_tag, owner, batch, now_ms)
        self._spans.append(span)
        self.held_bytes += span.held_bytes
        self._memory.used_bytes += span.held_bytes
        self._first_tags.append(first_tag)
        self.next_tag += len(batch)
        self.count += len(batch)
        return first_tag

    def skip(self, count: int) -> int:
        """Use up tags for deliveries that need no ack; return the first of them."""
        first_tag = self.next_tag
        self.next_tag += count
        self.skipped_count += count
        return first_tag

    def settle_each(self, first_tag: int, last_tag: int) -> Iterator[Part[Owner]]:
        """Settle tags first..last, each of which must be outstanding.

        The tags before an unknown one are settled all the same, as by single acks.

        Raises:
            UnknownDeliveryTagError: at the first tag that is not outstanding.
        """
        tag = first_tag
        while tag <= last_tag:
            span = self._span_of(tag)
            if span is None:
                raise UnknownDeliveryTagError(tag)
            part = self._settle(span, tag - span.first_tag, last_tag)
            tag += len(part.batch)
            yield part

    def settle_up_to(self, last_tag: int) -> Iterator[Part[Owner]]:
        """Settle everything up to a tag; 0 is everything outstanding, which may be nothing.

        Raises:
            UnknownDeliveryTagError: the tag is not 0 and not outstanding; nothing was settled.
        """
        if last_tag == 0:
            last_tag = self.next_tag - 1
        elif not self.is_outstanding(last_tag):
            raise UnknownDeliveryTagError(last_tag)
        while self._head < len(self._spans):
            span = self._spans[self._head]
            if span.first_tag + span.start > last_tag:
                return
            yield self._settle(span, span.start, last_tag)

    def take_all(self) -> Iterator[Part[Owner]]:
        """Settle everything outstanding, oldest first."""
        return self.settle_up_to(0)

    def is_outstanding(self, tag: int) -> bool:
        """Whether this tag was delivered and not settled."""
        return self._span_of(tag) is not None

    def outstanding(self, first_tag: int, last_tag: int) -> Iterator[int]:
        """Return the outstanding tags among first..last, in order."""
        at = max(bisect_right(self._first_tags, first_tag, self._head) - 1, self._head)
        for span in self._spans[at:]:
            if span.first_tag > last_tag:
                return
            first = max(first_tag - span.first_tag, span.start)
            stop = min(last_tag - span.first_tag + 1, span.count)
            for index in range(first, stop):
                if index not in span.settled:
                    yield span.first_tag + index

    def oldest(self, delivered_by_ms: int) -> Iterator[tuple[Owner, int]]:
        """Return owner and time of delivery of each span that is so old, oldest first.

        Args:
            delivered_by_ms: the first span that was delivered later (instant) ends the search.
        """
        for span in islice(self._spans, self._head, None):
            if span.delivered_at_ms > delivered_by_ms:
                return
            if not span.done:
                yield span.owner, span.delivered_at_ms

    def held(self, first_tag: int) -> Iterator[Held[Owner]]:
        """Return what is outstanding from a tag on; nothing may change meanwhile."""
        at = max(bisect_right(self._first_tags, first_tag, self._head) - 1, self._head)
        for place in range(at, len(self._spans)):
            span = self._spans[place]
            first = max(first_tag - span.first_tag, span.start)
            while first < span.count:
                stop = first
                while span.holds(stop):
                    stop += 1
                if stop > first:
                    is_whole = stop - first == span.count
                    batch = span.batch if is_whole else span.batch.part(first, 1, stop)
                    yield Held(span.first_tag + first, span.owner, batch, span.delivered_at_ms)
                first = stop + 1

    def _span_of(self, tag: int) -> _Span[Owner] | None:
        """Return the span where a tag is outstanding."""
        at = bisect_right(self._first_tags, tag, self._head) - 1
        if at < self._head:
            return None
        span = self._spans[at]
        return span if span.holds(tag - span.first_tag) else None

    def _settle(self, span: _Span[Owner], first: int, last_tag: int) -> Part[Owner]:
        part = span.settle(first, last_tag)
        self.count -= len(part.batch)
        if span.done:
            self.held_bytes -= span.held_bytes
            self._memory.used_bytes -= span.held_bytes
            self._done_count += 1
            self._drop_done()
        return part

    def _drop_done(self) -> None:
        """Move the head on; when most spans are done, remove all done ones."""
        while self._head < len(self._spans) and self._spans[self._head].done:
            self._head += 1
        if self._head == len(self._spans):
            self._spans, self._first_tags = [], []
            self._head = self._done_count = 0
        if self._done_count > _COMPACT_AFTER and self._done_count * 2 > len(self._spans):
            self._spans = [span for span in self._spans if not span.done]
            self._first_tags = [span.first_tag for span in self._spans]
            self._head = self._done_count = 0

    def check_invariants(self) -> None:
        """Assert the class's invariants; this is slow."""
        held = sum(span.holds(i) for span in self._spans for i in range(span.count))
        assert held == self.count, "count is what the spans hold"
        held_bytes = sum(span.held_bytes for span in self._spans if not span.done)
        assert held_bytes == self.held_bytes, "and so are the bytes"
        tags = [span.first_tag for span in self._spans]
        assert tags == sorted(set(tags)), "first tags rise"
        assert tags == self._first_tags, "spans are found by their first tags"
        assert all(span.first_tag + span.count <= self.next_tag for span in self._spans)
        done = [span for span in self._spans if span.done]
        assert len(done) == self._done_count, "done spans are counted"
        assert all(not span.batch for span in done), "what is done is let go"
        assert all(span.done for span in self._spans[: self._head])


if COMPILED:
    from amqp_server.protocol import _unacked  # type: ignore[attr-defined]

    Unacked = _unacked.Unacked  # type: ignore[misc]
