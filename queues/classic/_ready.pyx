# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""The ready messages of a queue: the kernel of ``queues.classic.ready``.

Appends to memory and takes from it without a Python call. Requeued messages, and messages that are
not in memory, are rare, and Python handles them. There is no policy here.
"""

from libc.stdint cimport int64_t

from persistence._record cimport Run, run_of
from queues._tail cimport QueueMemory, Tail

from queues.batch import BATCH_BYTES_MAX
from persistence.positions import joined
from queues.classic.ready import NOTHING_EXPIRED, check_lane
from queues.classic.requeued import Requeued
from queues.tail import NodeMemory, position_ranges

cdef Py_ssize_t _batch_bytes_max = BATCH_BYTES_MAX


cdef class Lane:
    """See ``queues.classic.ready.Lane``."""

    cdef readonly Tail head
    cdef readonly object requeued
    cdef public object spilled

    def __init__(self, QueueMemory memory not None):
        self.head = Tail(memory)
        self.requeued = Requeued(memory)
        self.spilled = None

    @property
    def count(self):
        if self.spilled is None:
            return self.head.count + self.requeued.count
        return self.head.count + self.requeued.count + self.spilled.count

    @property
    def body_bytes(self):
        if self.spilled is None:
            return self.head.body_bytes + self.requeued.body_bytes
        return self.head.body_bytes + self.requeued.body_bytes + self.spilled.body_bytes

    @property
    def head_expires_at_ms(self):
        if self.requeued.count:
            return self.requeued.head_expires_at_ms
        return self.head.head_expiry()

    @property
    def is_stalled(self):
        return self.requeued.is_stalled or (self.spilled is not None and self.spilled.is_stalled)

    def put(self, run, first_position, expires_at_ms):
        self.put_run(run, first_position, expires_at_ms)

    cdef int put_run(self, run, int64_t first_position, expires_at_ms) except -1:
        if self.spilled is None:
            self.head.add(run_of(run), first_position, None, expires_at_ms)
        else:
            self.spilled.append(run, first_position, expires_at_ms)
        return 0

    def put_band(self, run, first_position, expires_at_ms, bands, band):
        if self.spilled is None:
            self.head.append_band(run, first_position, expires_at_ms, bands, band)
        else:
            self.spilled.append_band(run, first_position, expires_at_ms, bands, band)

    def take(self, Py_ssize_t max_count, int64_t now_ms, Py_ssize_t max_bytes=_batch_bytes_max):
        if self.requeued.count or self.spilled is not None:
            return self.take_slowly(max_count, max_bytes, now_ms, False)
        return self.head.taken(max_count, max_bytes, now_ms, False)

    def take_expired(self, Py_ssize_t max_count, int64_t now_ms):
        if self.requeued.count or self.spilled is not None:
            return self.take_slowly(max_count, _batch_bytes_max, now_ms, True)
        return self.head.taken(max_count, _batch_bytes_max, now_ms, True)

    def clear(self):
        self.requeued.clear()
        self.head.clear()
        if self.spilled is not None:
            self.spilled.clear()
            self.spilled = None

    cdef object take_slowly(self, max_count, max_bytes, now_ms, expired):
        again = self.requeued
        if again.count:
            batch = (again.take_expired if expired else again.take)(max_count, now_ms, max_bytes)
            if batch is not None or again.count:
                return batch
        if self.spilled is None:
            return self.head.taken(max_count, max_bytes, now_ms, expired)
        batch = self.spilled.take(max_count, max_bytes, now_ms, expired=expired)
        if self.spilled.is_done:
            self.spilled = None
        return batch


cdef class Ready(Lane):
    """See ``queues.classic.ready.Ready``."""

    cdef readonly QueueMemory memory
    cdef public int64_t next_position

    def __init__(self, QueueMemory memory=None):
        self.memory = QueueMemory(NodeMemory()) if memory is None else memory
        Lane.__init__(self, self.memory)
        self.next_position = 0

    @property
    def is_over(self):
        return self.memory.over()

    @property
    def delivered_below(self):
        first_position = self.next_position
        if self.head.count:
            first_position = self.head.first_position
        elif self.spilled is not None:
            first_position = self.spilled.first_position
        return max(first_position, self.head.redeliver_below)

    def lanes(self):
        return [(0, self)]

    def append(self, run, expires_at_ms=0):
        cdef Run records = run_of(run)
        cdef int64_t first_position = self.next_position
        self.next_position = first_position + records.count
        self.put_run(records, first_position, expires_at_ms)
        return first_position

    def drop_head(self, Py_ssize_t max_count, Py_ssize_t max_bytes=_batch_bytes_max):
        return self.take(max_count, NOTHING_EXPIRED, max_bytes)

    def requeue(self, batches):
        self.requeued.add(batches)

    def purge(self):
        positions = self.requeued.clear() + position_ranges(self.head)
        if self.spilled is not None:
            positions += self.spilled.position_ranges()
        self.clear()
        return joined(positions)

    def check_invariants(self):
        check_lane(self, self.next_position)
