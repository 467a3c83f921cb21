# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Records of one queue, first in, first out: the kernel behind ``queues.ready``.

    segments   run | run | run on the queue's own block, still growing

A long run is kept as it is, whoever else shares its memory; short ones are copied together, so
that what is taken comes in long batches however it was published. No policy.
"""

from collections import deque

from persistence._record cimport Block, Run, head_of, make_run, run_of
from persistence._record import body_bytes as _body_bytes

cdef enum:
    SHARED_FROM_COUNT = 64
    SHARED_FROM_BYTES = 16384
    OWN_BLOCK_BYTES = 65536


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

    def append(self, records):
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

    def take(self, Py_ssize_t max_count, Py_ssize_t max_bytes):
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
