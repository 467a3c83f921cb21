# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
# cython: cdivision=True
"""Memory of whole pages that is used again: the kernel of ``persistence.direct_memory``.

    gather()   the smallest free piece that is large enough, or a new one ─▶ a view of a ``Memory``
    the last view is gone                                                ─▶ the piece is free

The interpreter lock guards the list of free pieces.
"""

from cpython.buffer cimport (
    PyBUF_SIMPLE,
    PyBuffer_FillInfo,
    PyBuffer_Release,
    PyObject_GetBuffer,
)
from libc.stdint cimport int64_t, uint8_t
from libc.stdlib cimport free
from libc.string cimport memcpy

from persistence.direct_memory import ALL_BYTES_MAX, MEMORY_BYTES_MAX, PAGE_BYTES

cdef extern from "<stdlib.h>" nogil:
    int posix_memalign(void **, size_t, size_t)

cdef enum:
    FREE_MAX = 8

cdef struct Piece:
    uint8_t *octets
    Py_ssize_t size_bytes

cdef Py_ssize_t page_bytes = PAGE_BYTES
cdef Py_ssize_t piece_bytes_min = 1 << 20
cdef Py_ssize_t piece_bytes_max = MEMORY_BYTES_MAX
cdef Py_ssize_t all_bytes_max = ALL_BYTES_MAX

cdef Piece[FREE_MAX] pool
cdef Py_ssize_t free_count = 0
cdef Py_ssize_t free_bytes = 0
cdef Py_ssize_t held_bytes = 0


cdef Piece taken_from_pool(Py_ssize_t size_bytes) noexcept:
    """Return the smallest free piece that is large enough, and not over twice as large.

    One without octets where there is none.
    """
    global free_count, free_bytes
    cdef Py_ssize_t index, best = -1
    cdef Piece found = Piece(octets=NULL, size_bytes=0)
    for index in range(free_count):
        if size_bytes <= pool[index].size_bytes <= 2 * size_bytes:
            if best < 0 or pool[index].size_bytes < pool[best].size_bytes:
                best = index
    if best >= 0:
        found = pool[best]
        free_count -= 1
        free_bytes -= found.size_bytes
        pool[best] = pool[free_count]
    return found


cdef void give_to_pool(Piece piece) noexcept:
    global free_count, free_bytes
    if free_count == FREE_MAX:
        free(piece.octets)
        return
    pool[free_count] = piece
    free_count += 1
    free_bytes += piece.size_bytes


cdef void empty_pool() noexcept:
    global free_count, free_bytes
    while free_count:
        free_count -= 1
        free(pool[free_count].octets)
    free_bytes = 0


cdef Piece new_piece(Py_ssize_t size_bytes) noexcept:
    """Return a piece from the pool or the system; one without octets where neither has any."""
    cdef Py_ssize_t rounded = piece_bytes_min
    cdef void *octets = NULL
    cdef Piece piece
    while rounded < size_bytes:
        rounded *= 2
    piece = taken_from_pool(rounded)
    if piece.octets != NULL or held_bytes + rounded > all_bytes_max:
        return piece
    if held_bytes + free_bytes + rounded > all_bytes_max:
        empty_pool()
    if not posix_memalign(&octets, page_bytes, rounded):
        piece.octets = <uint8_t *> octets
        piece.size_bytes = rounded
    return piece


cdef class Memory:
    """A piece that somebody has a view of."""

    cdef Piece piece

    def __cinit__(self):
        self.piece = Piece(octets=NULL, size_bytes=0)

    def __dealloc__(self):
        global held_bytes
        if self.piece.octets != NULL:
            held_bytes -= self.piece.size_bytes
            give_to_pool(self.piece)

    def __getbuffer__(self, Py_buffer *view, int flags):
        PyBuffer_FillInfo(view, self, self.piece.octets, self.piece.size_bytes, 1, flags)


def gather(parts, int64_t position):
    """Return a copy of parts for a write to a position of a file; None where there is no memory."""
    global held_bytes
    cdef Py_ssize_t size_bytes = 0, at
    cdef Py_buffer part
    cdef Memory memory
    for each in parts:
        size_bytes += len(each)
    if not 0 < size_bytes <= piece_bytes_max - page_bytes or position < 0:
        return None
    memory = Memory.__new__(Memory)
    at = position % page_bytes
    memory.piece = new_piece(at + size_bytes)
    if memory.piece.octets == NULL:
        return None
    held_bytes += memory.piece.size_bytes
    view = memoryview(memory)[at : at + size_bytes]
    for each in parts:
        PyObject_GetBuffer(each, &part, PyBUF_SIMPLE)
        memcpy(memory.piece.octets + at, part.buf, part.len)
        at += part.len
        PyBuffer_Release(&part)
    return view


def used_bytes():
    """Return the size of all memory of which there is a view."""
    return held_bytes
