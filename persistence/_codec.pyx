# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
# cython: cdivision=True
"""Runs of records as octets: the kernel of ``persistence.codec``.

A run in memory has the same octets as on disk, except for the gaps in a record, which are zero on
disk. Decoded octets are copied into one block, after every length in them was checked.
"""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdint cimport uint8_t, uint32_t
from libc.stdlib cimport realloc
from libc.string cimport memcpy, memset

from persistence._record cimport LARGE_BODY_BYTES, Block, Head, Run, head_of, make_run
from persistence._record cimport run_of, view_of

import sys

from persistence.codec import damaged

cdef enum:
    PERSISTENT = 1
    PRIORITY_END = 21
    HEAD_BYTES = 24
    ROUTE_BYTES_MIN = 2
    HEADER_BYTES_MIN = 14
    RECORD_BYTES_MIN = 40
    NO_TTL = -1

if sys.byteorder != "little" or sizeof(Head) != HEAD_BYTES:
    raise ImportError("records in memory are not what they are on disk here: use the twins")


cdef inline Py_ssize_t octets_bytes(Head *head) noexcept:
    """Return the number of octets behind the head, without the padding."""
    return <Py_ssize_t> head.route_bytes + head.header_bytes + head.body_bytes


cdef inline Py_ssize_t padded(Py_ssize_t size_bytes) noexcept:
    return (size_bytes + 7) & ~7


cdef inline void clear_gaps(char *place, Py_ssize_t size_bytes) noexcept:
    """Set the gaps to zero, because the memory there may hold any data."""
    memset(place + PRIORITY_END, 0, HEAD_BYTES - PRIORITY_END)
    memset(place + HEAD_BYTES + size_bytes, 0, padded(size_bytes) - size_bytes)


def encode_run(records):
    """Return the records of a run as octets; the length is a multiple of 8."""
    cdef Run run = run_of(records)
    cdef Py_ssize_t index, size_bytes, total = 0
    cdef Head *head = NULL
    cdef Head *last = NULL
    cdef char *place
    cdef bint contiguous = run.step == 1
    cdef bytes encoded
    for index in range(run.count):
        head = head_of(run.block, run.first + index * run.step)
        if last != NULL and <char *> head != <char *> last + HEAD_BYTES + padded(octets_bytes(last)):
            contiguous = False
        last = head
        total += HEAD_BYTES + padded(octets_bytes(head))
    encoded = PyBytes_FromStringAndSize(NULL, total)
    place = PyBytes_AS_STRING(encoded)
    if contiguous and total:
        # The padding of the last record belongs to the block too.
        memcpy(place, head_of(run.block, run.first), total)
    for index in range(run.count):
        head = head_of(run.block, run.first + index * run.step)
        size_bytes = octets_bytes(head)
        if not contiguous:
            memcpy(place, head, HEAD_BYTES + size_bytes)
        clear_gaps(place, size_bytes)
        place += HEAD_BYTES + padded(size_bytes)
    return encoded


def octets_of(records):
    """Return the same octets; those of one large message are a view of its block."""
    cdef Run run
    cdef Head *head
    cdef Py_ssize_t size_bytes
    if type(records) is Run and (<Run> records).count == 1:
        run = <Run> records
        head = head_of(run.block, run.first)
        if head.body_bytes >= LARGE_BODY_BYTES:
            # Blocks with such a body do not grow any more, so a view of one may stay.
            size_bytes = octets_bytes(head)
            clear_gaps(<char *> head, size_bytes)
            return view_of(run.block, <const char *> head, HEAD_BYTES + padded(size_bytes))
    return encode_run(records)


def lent_octets(records):
    """Return the same octets; where they lie one behind the other they are a view of the block."""
    cdef Run run
    cdef Py_ssize_t index, size_bytes, total = 0
    cdef char *first
    cdef char *place
    if type(records) is not Run or (<Run> records).step != 1 or not (<Run> records).count:
        return encode_run(records)
    run = <Run> records
    first = place = <char *> head_of(run.block, run.first)
    for index in range(run.first, run.first + run.count):
        if <char *> head_of(run.block, index) != place:
            return encode_run(records)
        size_bytes = octets_bytes(<Head *> place)
        clear_gaps(place, size_bytes)
        place += HEAD_BYTES + padded(size_bytes)
    return view_of(run.block, first, place - first)


cdef Py_ssize_t record_bytes(const uint8_t *place, Py_ssize_t left_bytes) noexcept:
    """Return the size of the record there, padding included; -1 if there is none."""
    cdef Head head
    cdef Py_ssize_t size_bytes, total, key_at
    cdef const uint8_t *route = place + HEAD_BYTES
    if left_bytes < RECORD_BYTES_MIN:
        return -1
    # The octets may be unaligned, and not every processor can read a head there.
    memcpy(&head, place, HEAD_BYTES)
    size_bytes = octets_bytes(&head)
    total = HEAD_BYTES + padded(size_bytes)
    if total > left_bytes or head.ttl_ms < NO_TTL:
        return -1
    if place[21] | place[22] | place[23]:
        return -1
    for key_at in range(HEAD_BYTES + size_bytes, total):
        if place[key_at]:
            return -1
    if head.header_bytes < HEADER_BYTES_MIN or head.route_bytes < ROUTE_BYTES_MIN:
        return -1
    key_at = 1 + <Py_ssize_t> route[0]
    if key_at >= head.route_bytes or key_at + 1 + route[key_at] != head.route_bytes:
        return -1
    return total


def decode_run(octets, Py_ssize_t count):
    """Return the run of these octets as a copy, after every length was checked."""
    cdef Py_buffer view
    cdef Block block
    PyObject_GetBuffer(octets, &view, PyBUF_SIMPLE)
    try:
        block = block_of(<const uint8_t *> view.buf, view.len, max(count, 0))
    finally:
        PyBuffer_Release(&view)
    return make_run(block, 0, 1, block.count)


cdef Block block_of(const uint8_t *octets, Py_ssize_t octets_bytes, Py_ssize_t count):
    cdef Block block = Block.__new__(Block)
    cdef Py_ssize_t position = 0, size_bytes
    cdef void *starts
    if octets_bytes:
        # The count comes from a file, so memory is taken only if this many records can be there.
        if count > octets_bytes // RECORD_BYTES_MIN:
            count = octets_bytes // RECORD_BYTES_MIN + 1
        block.reserve(octets_bytes)
        memcpy(block.data, octets, octets_bytes)
    if count > block.starts_size:
        starts = realloc(block.starts, count * sizeof(uint32_t))
        if starts == NULL:
            raise MemoryError("no memory for records")
        block.starts = <uint32_t *> starts
        block.starts_size = count
    while block.count < count:
        size_bytes = record_bytes(<const uint8_t *> block.data + position, octets_bytes - position)
        if size_bytes < 0:
            raise damaged(position)
        block.starts[block.count] = <uint32_t> position
        block.count += 1
        position += size_bytes
    if position != octets_bytes:
        raise damaged(position)
    block.used_bytes = octets_bytes
    return block


def persistent_ranges(records):
    """Return (start, stop) of each stretch of persistent messages, in order."""
    cdef Run run = run_of(records)
    cdef Py_ssize_t index, start = -1
    cdef list ranges = []
    for index in range(run.count):
        if head_of(run.block, run.first + index * run.step).flags & PERSISTENT:
            if start < 0:
                start = index
        elif start >= 0:
            ranges.append((start, index))
            start = -1
    if start >= 0:
        ranges.append((start, run.count))
    return ranges
