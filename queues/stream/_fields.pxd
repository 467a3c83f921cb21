"""AMQP 1.0 values as AMQP 0-9-1 fields in raw memory."""

from libc.stdint cimport int64_t, uint8_t, uint64_t

from queues.stream._amqp10 cimport Out


cdef enum:
    # What string_at may find.
    TEXTS = 1
    BINARIES = 2


cdef struct Items:
    # The items of a list, map or array: where they begin and end, and how many there should be.
    const uint8_t *at
    const uint8_t *end
    Py_ssize_t count


cdef bint items_of(const uint8_t *value, const uint8_t *end, Items *items) noexcept
cdef int key_at(
    const uint8_t **at, const uint8_t *end, const uint8_t **key, Py_ssize_t *size
) noexcept
cdef const uint8_t *string_at(
    const uint8_t *value, const uint8_t *end, int kinds, Py_ssize_t *size
) noexcept
cdef uint64_t seconds_of(const uint8_t *milliseconds) noexcept
cdef int put_urn(Out *out, const uint8_t *uuid) except -2
cdef int put_field(Out *out, const uint8_t **at, const uint8_t *end, int depth) except -2
