# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Records of one queue, first in, first out: the kernel behind ``queues.ready``.

    segments   run | run | run on the queue's own block, still growing

A long run is kept as it is, whoever else shares its memory; short ones are copied together, so
that what is taken comes in long batches however it was published. What came back, and expiry, are
rare and stay Python's. No policy.
"""

from collections import deque
from itertools import chain, repeat

from libc.stdint cimport int64_t

from persistence._record cimport Block, Run, head_of, make_run, run_of
from persistence._record import body_bytes as _body_bytes
from queues.batch import BATCH_BYTES_MAX, Batch
from queues.ready import NOTHING_EXPIRED, expired_count, live_count
from queues.returned import Returned

cdef enum:
    SHARED_FROM_COUNT = 64
    # Not over LARGE_BODY_BYTES: what is shown in views is in no block that still grows.
    SHARED_FROM_BYTES = 16384
    OWN_BLOCK_BYTES = 65536

cdef object _Batch = Batch
cdef object _new = object.__new__
cdef Py_ssize_t _batch_bytes_max = BATCH_BYTES_MAX


cdef class Tail:
    """See ``queues.ready.Tail``."""

    cdef object _segments
    cdef Block _own
    cdef readonly Py_ssize_t count
    cdef readonly Py_ssize_t body_bytes

    def __cinit__(self):
        # Most queues of a large number of them never hold anything.
        self._segments = None
        self._own = None
        self.count = self.body_bytes = 0

    def __len__(self):
        return self.count

    def __iter__(self):
        for segment in list(self._segments or ()):
            yield from segment

    cpdef append(self, records):
        cdef Run run = run_of(records)
        cdef Run last
        cdef Py_ssize_t index, appended_bytes = _body_bytes(run)
        if self._segments is None:
            self._segments = deque()
        self.count += run.count
        self.body_bytes += appended_bytes
        if (
            run.count >= SHARED_FROM_COUNT
            or appended_bytes >= SHARED_FROM_BYTES
            or not self._segments
        ):
            self._segments.append(make_run(run.block, run.first, run.step, run.count))
            return
        last = self._segments[len(self._segments) - 1]
        if self._own is None or last.block is not self._own:
            self._own = Block.__new__(Block)
            last = make_run(self._own, 0, 1, 0)
            self._segments.append(last)
        for index in range(run.count):
            self._own.add_copy(run.block, run.first + index * run.step)
        last.count += run.count
        last._body_bytes = -1
        if self._own.used_bytes >= OWN_BLOCK_BYTES:
            self._own = None

    cpdef Run take(self, Py_ssize_t max_count, Py_ssize_t max_bytes):
        cdef Run head = self._segments[0]
        cdef Run taken
        if self.body_bytes > max_bytes:
            max_count = self._within(head, min(max_count, head.count), max_bytes)
        if head.count <= max_count:
            taken = head
            self._segments.popleft()
            if taken.block is self._own:
                self._own = None
        else:
            taken = make_run(head.block, head.first, head.step, max_count)
            head.first += max_count * head.step
            head.count -= max_count
            head._body_bytes = -1
        self.count -= taken.count
        self.body_bytes -= _body_bytes(taken)
        return taken

    cdef Py_ssize_t _within(self, Run head, Py_ssize_t max_count, Py_ssize_t max_bytes):
        """Return how many messages take the bodies to ``max_bytes``; ``max_count`` if none does."""
        cdef Py_ssize_t index, total = 0
        for index in range(max_count):
            total += head_of(head.block, head.first + index * head.step).body_bytes
            if total >= max_bytes:
                return index + 1
        return max_count

    def clear(self):
        self._segments = None
        self._own = None
        self.count = self.body_bytes = 0


cdef class Ready:
    """See ``queues.ready.Ready``."""

    cdef Tail _tail
    cdef int64_t _tail_position
    cdef object _expires
    cdef object _returned

    def __cinit__(self):
        self._tail = Tail()
        self._tail_position = 0
        self._expires = None
        self._returned = Returned()

    @property
    def count(self):
        return self._tail.count + self._returned.count

    def begin_at(self, int64_t position):
        self._tail_position = position

    @property
    def delivered_below(self):
        return self._tail_position

    @property
    def body_bytes(self):
        return self._tail.body_bytes + self._returned.body_bytes

    @property
    def head_expires_at_ms(self):
        if self._returned.count:
            return self._returned.head_expires_at_ms
        return 0 if self._expires is None else self._expires[0]

    def records(self):
        return chain(self._returned.records(), self._tail)

    def append(self, run, expires_at_ms=0):
        cdef int64_t first_position = self._tail_position + self._tail.count
        if self._expires is not None or expires_at_ms:
            self.note_expiry(len(run), expires_at_ms)
        self._tail.append(run)
        return first_position

    def take(self, Py_ssize_t max_count, int64_t now_ms):
        cdef Py_ssize_t count
        if self._returned.count:
            return self._returned.take(max_count, now_ms)
        count = min(max_count, self._tail.count)
        if self._expires is not None:
            count = live_count(self._expires, count, now_ms)
        return self.cut(count) if count > 0 else None

    def take_expired(self, Py_ssize_t max_count, int64_t now_ms):
        cdef Py_ssize_t count
        if self._returned.count:
            return self._returned.take_expired(max_count, now_ms)
        if self._expires is None:
            return None
        count = expired_count(self._expires, max_count, now_ms)
        return self.cut(count) if count > 0 else None

    def drop_head(self, Py_ssize_t max_count):
        return self.take(max_count, NOTHING_EXPIRED)

    def requeue(self, entries):
        self._returned.add(entries)

    def purge(self):
        cdef Py_ssize_t count = self._tail.count
        positions = self._returned.clear()
        if count:
            positions.append(range(self._tail_position, self._tail_position + count))
        self._tail_position += count
        self._tail.clear()
        self._expires = None
        return positions

    def check_invariants(self):
        records = list(self._tail)
        assert len(records) == self._tail.count, "the count is that of the tail"
        assert self._tail.body_bytes == _body_bytes(records), "bytes are those of the tail"
        if self._expires is not None:
            assert len(self._expires) == self._tail.count, "one expiry for each of the tail"
        self._returned.check_invariants(self._tail_position)

    cdef int note_expiry(self, Py_ssize_t count, expires_at_ms) except -1:
        if self._expires is None:
            self._expires = deque(repeat(0, self._tail.count))
        if isinstance(expires_at_ms, list):
            assert len(expires_at_ms) == count, "one expiry for each message"
            self._expires.extend(expires_at_ms)
        else:
            self._expires.extend(repeat(expires_at_ms, count))
        return 0

    cdef object cut(self, Py_ssize_t max_count):
        """Take messages off the head of the tail: at least one, at most ``max_count``."""
        cdef Run records = self._tail.take(max_count, _batch_bytes_max)
        cdef int64_t first = self._tail_position
        batch = _new(_Batch)
        batch.positions = range(first, first + records.count)
        batch.records = records
        batch.expires_at_ms = None
        if self._expires is not None:
            batch.expires_at_ms = [self._expires.popleft() for _ in range(records.count)]
            if not self._expires:
                self._expires = None
        batch.delivery_count = 0
        batch.redelivered = False
        batch._body_bytes = records._body_bytes
        self._tail_position = first + records.count
        return batch
