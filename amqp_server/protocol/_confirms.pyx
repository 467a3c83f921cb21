# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Publish numbers and their outcomes: the kernel behind ``protocol.confirms``.

    outcomes   1..7 acked | 9..10 acked | 11..11 rejected | room

Outcomes are kept as numbers in one block of memory, and sorted only when they came out of order.
"""

from libc.stdint cimport uint64_t
from libc.stdlib cimport free, qsort, realloc

from amqp_server.protocol.confirms import ConfirmReply

cdef enum:
    SIZE_AT_FIRST = 8
    SIZE_KEPT = 1024

cdef object _Reply = ConfirmReply
cdef object _new_tuple = tuple.__new__


cdef struct Outcome:
    uint64_t first
    uint64_t last
    bint rejected


cdef int compare(const void *one, const void *other) noexcept nogil:
    cdef const Outcome *left = <const Outcome *> one
    cdef const Outcome *right = <const Outcome *> other
    if left.first != right.first:
        return -1 if left.first < right.first else 1
    if left.last != right.last:
        return -1 if left.last < right.last else 1
    return <int> left.rejected - <int> right.rejected


cdef int add_acks(list replies, uint64_t first, uint64_t last) except -1:
    if first <= last:
        replies.append(_new_tuple(_Reply, (last, last > first, False)))
    return 0


cdef class ConfirmTracker:
    """See ``protocol.confirms.ConfirmTracker``."""

    cdef readonly uint64_t published
    cdef readonly uint64_t answered_up_to
    cdef Outcome *_outcomes
    cdef Py_ssize_t _count
    cdef Py_ssize_t _size
    cdef bint _is_sorted

    def __cinit__(self):
        self.published = self.answered_up_to = 0
        self._outcomes = NULL
        self._count = self._size = 0
        self._is_sorted = True

    def __dealloc__(self):
        free(self._outcomes)

    def publish(self, uint64_t count=1):
        cdef uint64_t first = self.published + 1
        self.published += count
        return first

    def confirm(self, uint64_t first, uint64_t last):
        assert first <= last <= self.published, "only what was published is confirmed"
        self.note(first, last, False)

    def reject(self, uint64_t first, uint64_t last):
        assert first <= last <= self.published, "only what was published is rejected"
        self.note(first, last, True)

    def take_replies(self):
        cdef list replies = []
        cdef Outcome *outcome
        cdef Py_ssize_t index, waiting = 0
        cdef uint64_t tag
        cdef uint64_t reached = self.answered_up_to
        cdef uint64_t ack_from = reached + 1
        if not self._is_sorted:
            qsort(self._outcomes, self._count, sizeof(Outcome), compare)
            self._is_sorted = True
        for index in range(self._count):
            outcome = &self._outcomes[index]
            if outcome.first != reached + 1:
                self._outcomes[waiting] = outcome[0]
                waiting += 1
                continue
            if outcome.rejected:
                add_acks(replies, ack_from, reached)
                for tag in range(outcome.first, outcome.last + 1):
                    replies.append(_new_tuple(_Reply, (tag, False, True)))
                ack_from = outcome.last + 1
            reached = outcome.last
        add_acks(replies, ack_from, reached)
        self.answered_up_to = reached
        self._count = waiting
        if not waiting and self._size > SIZE_KEPT:
            free(self._outcomes)
            self._outcomes = NULL
            self._size = 0
        return replies

    cdef int note(self, uint64_t first, uint64_t last, bint rejected) except -1:
        """Append an outcome, or lengthen the last one."""
        cdef Outcome *outcome
        cdef void *moved
        cdef Py_ssize_t size
        if self._count:
            outcome = &self._outcomes[self._count - 1]
            if outcome.last + 1 == first and outcome.rejected == rejected:
                outcome.last = last
                return 0
            if first <= outcome.first:
                self._is_sorted = False
        if self._count == self._size:
            size = max(SIZE_AT_FIRST, 2 * self._size)
            moved = realloc(self._outcomes, size * sizeof(Outcome))
            if moved == NULL:
                raise MemoryError("no memory for confirms")
            self._outcomes = <Outcome *> moved
            self._size = size
        outcome = &self._outcomes[self._count]
        outcome.first = first
        outcome.last = last
        outcome.rejected = rejected
        self._count += 1
        return 0
