# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
# cython: cdivision=True
"""Delivery tags of a channel: the kernel of ``protocol.unacked``; it returns the same parts.

    span   first_tag 41 | batch of 5 | start 2 | settled 0b10000
                             41 42 43 44 45
                             done done .  .  done

A message settled out of order is one bit. Spans are found by binary search. It has no policy.
"""

from itertools import islice
from types import GenericAlias

cimport cython
from libc.stdint cimport int64_t, uint64_t
from libc.stdlib cimport calloc, free

from persistence._record cimport Run, head_of, make_run, run_octets
from queues._tail cimport NodeMemory

from amqp_server.protocol.errors import UnknownDeliveryTagError
from amqp_server.protocol.unacked import Held, Part
from queues.batch import Batch
from persistence.record import memory_bytes

cdef extern from *:
    int trailing_zeros "__builtin_ctzll"(unsigned long long) nogil

cdef enum:
    WORD_BITS = 64
    COMPACT_AFTER = 512

cdef enum Kind:
    EACH = 0
    UP_TO = 1
    UNDER_WAY = 2
    OVER = 3

cdef object _Held = Held
cdef object _Part = Part
cdef object _Batch = Batch
cdef object _new = object.__new__
cdef object _new_tuple = tuple.__new__


@cython.freelist(64)
cdef class _Span:
    """One batch under consecutive tags; see the twin."""

    cdef object owner
    cdef object batch
    cdef Run records
    cdef int64_t delivered_at_ms
    cdef uint64_t first_tag
    cdef Py_ssize_t count
    cdef Py_ssize_t start
    cdef int64_t position
    cdef int64_t position_step
    cdef uint64_t *settled
    cdef Py_ssize_t octets

    def __cinit__(self):
        self.settled = NULL

    def __dealloc__(self):
        free(self.settled)

    cdef bint holds(self, uint64_t index) noexcept:
        if index < <uint64_t> self.start or index >= <uint64_t> self.count:
            return False
        return self.settled == NULL or not self.settled[index // WORD_BITS] >> index % WORD_BITS & 1

    cdef Py_ssize_t next_bit(self, Py_ssize_t first, Py_ssize_t limit, uint64_t flip) noexcept:
        """Return the first index of ``first..limit`` whose bit is set after XOR with ``flip``."""
        cdef Py_ssize_t at = first // WORD_BITS
        cdef uint64_t word
        if first >= limit:
            return limit
        word = (self.settled[at] ^ flip) >> first % WORD_BITS << first % WORD_BITS
        while not word:
            at += 1
            if at * WORD_BITS >= limit:
                return limit
            word = self.settled[at] ^ flip
        return min(at * WORD_BITS + trailing_zeros(word), limit)

    cdef Py_ssize_t stretch(self, Py_ssize_t first, uint64_t last_tag) noexcept:
        """Return the index behind the outstanding messages from ``first`` on, up to a tag."""
        cdef uint64_t reach = last_tag - self.first_tag
        cdef Py_ssize_t limit = self.count
        if reach < <uint64_t> limit:
            limit = <Py_ssize_t> reach + 1
        return limit if self.settled == NULL else self.next_bit(first, limit, 0)

    cdef int mark(self, Py_ssize_t first, Py_ssize_t stop) except -1:
        """Mark a stretch as settled."""
        cdef Py_ssize_t index
        if first == self.start:
            self.start = stop
            if self.settled != NULL:
                self.start = self.next_bit(stop, self.count, ~(<uint64_t> 0))
            return 0
        if self.settled == NULL:
            self.settled = <uint64_t *> calloc(self.count // WORD_BITS + 1, sizeof(uint64_t))
            if self.settled == NULL:
                raise MemoryError("no memory for delivery tags")
        for index in range(first, stop):
            self.settled[index // WORD_BITS] |= <uint64_t> 1 << index % WORD_BITS
        return 0

    cdef object part(self, Py_ssize_t first, Py_ssize_t stop):
        """Return these messages as a batch; see ``Batch.part``."""
        cdef Py_ssize_t index
        cdef Py_ssize_t body_bytes = 0
        cdef Run records
        if stop - first == self.count:
            return self.batch
        if self.records is None:
            if type(self.batch.records) is not Run:
                return self.batch.part(first, 1, stop)
            self.records = self.batch.records
            self.position = self.batch.positions.start
            self.position_step = self.batch.positions.step
        records = make_run(
            self.records.block,
            self.records.first + first * self.records.step,
            self.records.step,
            stop - first,
        )
        for index in range(records.count):
            body_bytes += head_of(records.block, records.first + index * records.step).body_bytes
        records._body_bytes = body_bytes
        expires_at_ms = self.batch.expires_at_ms
        part = _new(_Batch)
        part.positions = range(
            self.position + first * self.position_step,
            self.position + stop * self.position_step,
            self.position_step,
        )
        part.records = records
        part.expires_at_ms = None if expires_at_ms is None else expires_at_ms[first:stop]
        part.delivery_count = self.batch.delivery_count
        part.redelivered = self.batch.redelivered
        part._body_bytes = body_bytes
        return part


@cython.freelist(8)
cdef class _Settling:
    """The rest of one settlement; a stretch is settled when the caller asks for it."""

    cdef Unacked unacked
    cdef Kind kind
    cdef uint64_t tag
    cdef uint64_t last_tag

    def __iter__(self):
        return self

    def __next__(self):
        cdef _Span span
        cdef uint64_t first
        if self.kind == EACH:
            if self.tag > self.last_tag:
                raise StopIteration
            span = self.unacked.span_of(self.tag)
            if span is None:
                self.kind = OVER
                raise UnknownDeliveryTagError(self.tag)
            first = self.tag - span.first_tag
        else:
            if self.kind == UP_TO:
                self.begin()
            span = self.unacked.oldest_span() if self.kind == UNDER_WAY else None
            if span is None or span.first_tag + <uint64_t> span.start > self.last_tag:
                self.kind = OVER
                raise StopIteration
            first = span.start
        return self.settle(span, <Py_ssize_t> first)

    cdef int begin(self) except -1:
        """Find the last tag of a settlement of many, when its first part is asked for."""
        self.kind = OVER
        if self.last_tag == 0:
            self.last_tag = self.unacked.next_tag - 1
        elif self.unacked.span_of(self.last_tag) is None:
            raise UnknownDeliveryTagError(self.last_tag)
        self.kind = UNDER_WAY
        return 0

    cdef object settle(self, _Span span, Py_ssize_t first):
        cdef Py_ssize_t stop = span.stretch(first, self.last_tag)
        cdef object part = _new_tuple(_Part, (span.owner, span.part(first, stop)))
        span.mark(first, stop)
        self.tag = span.first_tag + <uint64_t> stop
        self.unacked.count -= stop - first
        if span.start == span.count:
            self.unacked.drop(span)
        return part


cdef class Unacked:
    """See ``protocol.unacked.Unacked``."""

    cdef readonly list _spans
    cdef Py_ssize_t _head
    cdef Py_ssize_t _done_count
    cdef readonly Py_ssize_t count
    cdef readonly uint64_t next_tag
    cdef readonly uint64_t skipped_count
    cdef readonly Py_ssize_t held_bytes
    cdef NodeMemory _memory
    __class_getitem__ = classmethod(GenericAlias)

    def __cinit__(self, NodeMemory memory=None):
        self._memory = NodeMemory() if memory is None else memory
        self._spans = []
        self.held_bytes = 0
        self._head = self._done_count = self.count = 0
        self.next_tag = 1
        self.skipped_count = 0

    def add(self, owner, batch, int64_t now_ms):
        cdef _Span span = _Span.__new__(_Span)
        cdef object records = batch.records
        cdef bint is_run = type(records) is Run
        span.owner = owner
        span.batch = batch
        span.delivered_at_ms = now_ms
        span.first_tag = self.next_tag
        span.count = (<Run> records).count if is_run else len(records)
        span.octets = run_octets(<Run> records) if is_run else memory_bytes(records)
        self.held_bytes += span.octets
        self._memory.used_bytes += span.octets
        span.start = 0
        self._spans.append(span)
        self.next_tag += <uint64_t> span.count
        self.count += span.count
        return span.first_tag

    def skip(self, Py_ssize_t count):
        cdef uint64_t first_tag = self.next_tag
        self.next_tag += <uint64_t> count
        self.skipped_count += <uint64_t> count
        return first_tag

    def settle_each(self, uint64_t first_tag, uint64_t last_tag):
        return self.settling(EACH, first_tag, last_tag)

    def settle_up_to(self, uint64_t last_tag):
        return self.settling(UP_TO, 0, last_tag)

    def take_all(self):
        return self.settling(UP_TO, 0, 0)

    def is_outstanding(self, uint64_t tag):
        return self.span_of(tag) is not None

    def outstanding(self, uint64_t first_tag, uint64_t last_tag):
        cdef Py_ssize_t at = max(self.place_of(first_tag), self._head)
        cdef Py_ssize_t index
        cdef _Span span
        for span in self._spans[at:]:
            if span.first_tag > last_tag:
                return
            for index in range(span.start, span.count):
                if span.first_tag + <uint64_t> index > last_tag:
                    return
                if span.first_tag + <uint64_t> index >= first_tag and span.holds(index):
                    yield span.first_tag + <uint64_t> index

    def oldest(self, int64_t delivered_by_ms):
        cdef _Span span
        for span in islice(self._spans, self._head, None):
            if span.delivered_at_ms > delivered_by_ms:
                return
            if span.start < span.count:
                yield span.owner, span.delivered_at_ms

    def held(self, uint64_t first_tag):
        cdef Py_ssize_t place, first, stop
        cdef _Span span
        for place in range(max(self.place_of(first_tag), self._head), len(self._spans)):
            span = self._spans[place]
            first = span.start
            if first_tag > span.first_tag and first_tag - span.first_tag > <uint64_t> first:
                first = <Py_ssize_t> min(first_tag - span.first_tag, <uint64_t> span.count)
            while first < span.count:
                stop = span.stretch(first, span.first_tag + <uint64_t> span.count - 1)
                if stop > first:
                    yield _Held(
                        span.first_tag + <uint64_t> first,
                        span.owner,
                        span.part(first, stop),
                        span.delivered_at_ms,
                    )
                first = stop + 1

    def check_invariants(self):
        cdef _Span span
        cdef Py_ssize_t index, held = 0, done = 0, octets = 0
        cdef uint64_t last_tag = 0
        for at, span in enumerate(self._spans):
            assert span.first_tag > last_tag, "first tags rise"
            last_tag = span.first_tag + <uint64_t> span.count - 1
            done += span.start == span.count
            octets += span.octets if span.start < span.count else 0
            assert (span.batch is None) == (span.start == span.count), "what is done is let go"
            assert at >= self._head or span.batch is None, "before the head all is done"
            for index in range(span.count):
                held += span.holds(index)
        assert held == self.count, "count is what the spans hold"
        assert octets == self.held_bytes, "and so are the bytes"
        assert done == self._done_count, "done spans are counted"
        assert last_tag < self.next_tag, "the last span ends before the next tag"

    cdef _Settling settling(self, Kind kind, uint64_t tag, uint64_t last_tag):
        cdef _Settling settling = _Settling.__new__(_Settling)
        settling.unacked = self
        settling.kind = kind
        settling.tag = tag
        settling.last_tag = last_tag
        return settling

    cdef Py_ssize_t place_of(self, uint64_t tag) noexcept:
        """Return the place of the last span that begins at a tag or before; -1 is none."""
        cdef Py_ssize_t low = self._head
        cdef Py_ssize_t high = len(self._spans)
        cdef Py_ssize_t middle
        # Most are settled in order, and then the tag is in the first span.
        if low + 1 < high and (<_Span> self._spans[low + 1]).first_tag > tag:
            high = low + 1
        while low < high:
            middle = (low + high) // 2
            if (<_Span> self._spans[middle]).first_tag <= tag:
                low = middle + 1
            else:
                high = middle
        return low - 1

    cdef _Span span_of(self, uint64_t tag):
        """Return the span where a tag is outstanding, or None."""
        cdef Py_ssize_t at = self.place_of(tag)
        cdef _Span span
        if at < self._head:
            return None
        span = <_Span> self._spans[at]
        return span if span.holds(tag - span.first_tag) else None

    cdef _Span oldest_span(self):
        """Return the first span that is not done, or None."""
        return <_Span> self._spans[self._head] if self._head < len(self._spans) else None

    cdef int drop(self, _Span done) except -1:
        """Release a span's messages; when most spans are done, remove these too."""
        cdef _Span span
        cdef Py_ssize_t count = len(self._spans)
        done.owner = done.batch = done.records = None
        self.held_bytes -= done.octets
        self._memory.used_bytes -= done.octets
        self._done_count += 1
        while self._head < count:
            span = <_Span> self._spans[self._head]
            if span.start < span.count:
                break
            self._head += 1
        if self._done_count > COMPACT_AFTER and self._done_count * 2 > count:
            kept = []
            for span in self._spans:
                if span.start < span.count:
                    kept.append(span)
            self._spans = kept
            self._head = self._done_count = 0
        return 0
