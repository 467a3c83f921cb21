# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Publish numbers and their outcomes: the kernel behind ``protocol.confirms``.

    outcomes   1..7 acked | 9..10 ack said | 11..11 rejected | room

Outcomes are kept as numbers in one block of memory. They are sorted only if they come out of order.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdint cimport uint64_t
from libc.stdlib cimport free, qsort, realloc

from amqp_server.protocol.confirms import ConfirmReply

cdef enum:
    SIZE_AT_FIRST = 8
    SIZE_KEPT = 1024
    FRAME_METHOD = 1
    FRAME_END = 0xCE
    FRAME_BYTES = 21
    PAYLOAD_BYTES = 13
    CLASS_BASIC = 60
    METHOD_ACK = 80
    METHOD_NACK = 120

cdef enum:
    ACKED = 0
    REJECTED = 1
    SAID = 2
    ACK_SAID = 2

cdef object _Reply = ConfirmReply
cdef object _new_tuple = tuple.__new__


cdef struct Outcome:
    uint64_t first
    uint64_t last
    int kind


cdef int compare(const void *one, const void *other) noexcept nogil:
    cdef const Outcome *left = <const Outcome *> one
    cdef const Outcome *right = <const Outcome *> other
    if left.first != right.first:
        return -1 if left.first < right.first else 1
    if left.last != right.last:
        return -1 if left.last < right.last else 1
    return left.kind - right.kind


cdef inline bint is_continued(const Outcome *one, const Outcome *other) noexcept nogil:
    return one.last + 1 == other.first and one.kind == other.kind


cdef int add_alone(list replies, const Outcome *outcome) except -1:
    """Mark each number as answered, if it is not yet."""
    cdef uint64_t tag
    if not outcome.kind & SAID:
        for tag in range(outcome.first, outcome.last + 1):
            replies.append(_new_tuple(_Reply, (tag, False, outcome.kind == REJECTED)))
    return 0


cdef int add_acks(list replies, uint64_t first, uint64_t last) except -1:
    if first <= last:
        replies.append(_new_tuple(_Reply, (last, last > first, False)))
    return 0


cdef int put_frame(char *at, int channel, uint64_t tag, bint multiple, bint rejected) noexcept nogil:
    """Write basic.ack or basic.nack: ``wire.content.render_confirm``."""
    cdef int shift
    at[0] = FRAME_METHOD
    at[1] = <char> (channel >> 8)
    at[2] = <char> (channel & 0xFF)
    at[3] = at[4] = at[5] = 0
    at[6] = PAYLOAD_BYTES
    at[7] = 0
    at[8] = CLASS_BASIC
    at[9] = 0
    at[10] = METHOD_NACK if rejected else METHOD_ACK
    for shift in range(8):
        at[11 + shift] = <char> (tag >> (56 - 8 * shift) & 0xFF)
    at[19] = multiple
    at[20] = <char> FRAME_END
    return 0


cdef class ConfirmTracker:
    """See ``protocol.confirms.ConfirmTracker``."""

    cdef readonly uint64_t published
    cdef readonly uint64_t answered_up_to
    cdef readonly uint64_t confirmed_count
    cdef readonly uint64_t rejected_count
    cdef Outcome *_outcomes
    cdef Py_ssize_t _count
    cdef Py_ssize_t _size
    cdef bint _is_sorted

    def __cinit__(self):
        self.published = self.answered_up_to = 0
        self.confirmed_count = self.rejected_count = 0
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
        self.confirmed_count += last - first + 1
        self.note(first, last, ACKED)

    def reject(self, uint64_t first, uint64_t last):
        assert first <= last <= self.published, "only what was published is rejected"
        self.rejected_count += last - first + 1
        self.note(first, last, REJECTED)

    def take_replies(self):
        cdef list replies = []
        cdef Outcome *outcome
        cdef Outcome *kept
        cdef Outcome *end = self._outcomes + self._count
        cdef uint64_t reached = self.answered_up_to
        cdef uint64_t acked = reached
        cdef uint64_t ack_from = reached + 1
        if not self._is_sorted:
            qsort(self._outcomes, self._count, sizeof(Outcome), compare)
            self._is_sorted = True
        outcome = kept = self._outcomes
        while outcome < end:
            if outcome.first != reached + 1:
                add_acks(replies, ack_from, acked)
                ack_from = acked + 1
                add_alone(replies, outcome)
                outcome.kind |= SAID
                if kept > self._outcomes and is_continued(kept - 1, outcome):
                    kept[-1].last = outcome.last
                else:
                    kept[0] = outcome[0]
                    kept += 1
            else:
                reached = outcome.last
                if outcome.kind == ACKED:
                    acked = reached
                elif outcome.kind != ACK_SAID or ack_from > acked:
                    add_acks(replies, ack_from, acked)
                    add_alone(replies, outcome)
                    acked = reached
                    ack_from = reached + 1
            outcome += 1
        add_acks(replies, ack_from, acked)
        self.answered_up_to = reached
        self._count = kept - self._outcomes
        if not self._count and self._size > SIZE_KEPT:
            free(self._outcomes)
            self._outcomes = NULL
            self._size = 0
        return replies

    def render_replies(self, int channel):
        cdef list replies
        cdef bytes octets
        cdef char *at
        cdef object reply
        cdef uint64_t last
        cdef Outcome *outcome = self._outcomes
        if (
            self._count == 1
            and self._size <= SIZE_KEPT
            and outcome.kind == ACKED
            and outcome.first == self.answered_up_to + 1
        ):
            last = outcome.last
            octets = PyBytes_FromStringAndSize(NULL, FRAME_BYTES)
            put_frame(PyBytes_AS_STRING(octets), channel, last, last > outcome.first, False)
            self.answered_up_to = last
            self._count = 0
            return octets
        replies = self.take_replies()
        octets = PyBytes_FromStringAndSize(NULL, len(replies) * FRAME_BYTES)
        at = PyBytes_AS_STRING(octets)
        for reply in replies:
            put_frame(at, channel, reply[0], reply[1], reply[2])
            at += FRAME_BYTES
        return octets

    cdef int note(self, uint64_t first, uint64_t last, int kind) except -1:
        """Append an outcome, or extend the last one."""
        cdef Outcome *outcome
        cdef void *moved
        cdef Py_ssize_t size
        if self._count:
            outcome = &self._outcomes[self._count - 1]
            if outcome.last + 1 == first and outcome.kind == kind:
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
        outcome.kind = kind
        self._count += 1
        return 0
