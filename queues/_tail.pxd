"""Contents of the kernel of tails: slices of records with positions and expiries."""

from libc.stdint cimport int64_t

from persistence._record cimport Run


cdef class NodeMemory:
    cdef public Py_ssize_t used_bytes
    cdef public Py_ssize_t limit_bytes


cdef class QueueMemory:
    cdef readonly NodeMemory node
    cdef readonly Py_ssize_t used_bytes
    cdef public Py_ssize_t budget_bytes
    cdef public Py_ssize_t short_budget_bytes

    cdef bint over(self) noexcept
    cdef int count(self, Py_ssize_t more_bytes) except -1


cdef class Slice:
    cdef Run run
    cdef int64_t first_position
    cdef int64_t expiry
    cdef int64_t *each_position
    cdef int64_t *each_expiry
    cdef Py_ssize_t at
    cdef Py_ssize_t position_room
    cdef Py_ssize_t expiry_room

    cdef int note(self, int64_t position, int64_t expiry) except -1
    cdef Slice front(self, Py_ssize_t count)
    cdef int skip(self, Py_ssize_t count) except -1


cdef class Tail:
    cdef object _slices
    cdef Slice _growing
    cdef QueueMemory _memory
    cdef readonly Py_ssize_t count
    cdef readonly Py_ssize_t body_bytes
    cdef readonly Py_ssize_t memory_bytes
    cdef public int64_t redeliver_below

    cdef int64_t head_expiry(self) except? -1
    cdef int add(self, Run run, int64_t first_position, positions, expires_at_ms) except -1
    cdef int share(self, Run run, int64_t first_position, positions, expires_at_ms) except -1
    cdef int copy(self, Run run, Py_ssize_t index, int64_t position, int64_t expiry) except -1
    cdef int count_in(self, Run run, Py_ssize_t sign) except -1
    cdef object taken(
        self, Py_ssize_t max_count, Py_ssize_t max_bytes, int64_t now_ms, bint expired
    )
