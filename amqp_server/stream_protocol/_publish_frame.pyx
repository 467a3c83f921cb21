# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Publish frames taken apart: the kernel behind ``stream_protocol.publish_frame``.

A piece is gathered in two blocks of memory, entries and publishing ids, one copy of each octet.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from libc.stdint cimport int32_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy

from amqp_server.stream_protocol.errors import MalformedFrameError
from amqp_server.stream_protocol.publish_frame import New, Piece, PublishFrame

cdef enum:
    ENTRIES_MAX = 65_535
    PIECE_BYTES_MAX = 524_288
    HEAD_BYTES = 5
    ID_BYTES = 8
    LENGTH_BYTES = 4
    SUB_BATCH_BYTES = 11
    UNCOMPRESSED_BYTES_MAX = 67_108_864
    RECORD_BYTES_MIN = 4

cdef object _new_tuple = tuple.__new__
cdef object _Piece = Piece
cdef object _PublishFrame = PublishFrame
cdef object _New = New
cdef object _NO_VALUES = frozenset()


cdef inline uint16_t _u16(const uint8_t *at) noexcept nogil:
    return (<uint16_t>at[0] << 8) | at[1]


cdef inline uint32_t _u32(const uint8_t *at) noexcept nogil:
    return (<uint32_t>at[0] << 24) | (<uint32_t>at[1] << 16) | (<uint32_t>at[2] << 8) | at[3]


cdef inline uint64_t _u64(const uint8_t *at) noexcept nogil:
    return (<uint64_t>_u32(at) << 32) | _u32(at + 4)


cdef Py_ssize_t _item_end(
    const uint8_t *octets, Py_ssize_t at, Py_ssize_t size, uint32_t *record_count
) noexcept nogil:
    """Return where an entry ends; -1 if it does not end. 0 messages are of one no chunk may have."""
    cdef Py_ssize_t stop
    cdef uint32_t count, uncompressed_bytes, size_bytes
    cdef int compression
    if size - at < LENGTH_BYTES:
        return -1
    if octets[at] < 0x80:
        record_count[0] = 1
        stop = at + LENGTH_BYTES + <Py_ssize_t>_u32(octets + at)
    else:
        if size - at < SUB_BATCH_BYTES:
            return -1
        compression = (octets[at] >> 4) & 7
        count = _u16(octets + at + 1)
        uncompressed_bytes = _u32(octets + at + 3)
        size_bytes = _u32(octets + at + 7)
        record_count[0] = count
        if (
            compression > 4
            or count * RECORD_BYTES_MIN > uncompressed_bytes
            or uncompressed_bytes > UNCOMPRESSED_BYTES_MAX
            or (compression != 0 and size_bytes == 0)
        ):
            record_count[0] = 0
        stop = at + SUB_BATCH_BYTES + <Py_ssize_t>size_bytes
    return stop if stop <= size else -1


cdef class _Gathered:
    """The entries of a piece to be; its memory is as large as the whole frame."""

    cdef uint8_t *entries
    cdef uint8_t *ids
    cdef Py_ssize_t entries_bytes
    cdef Py_ssize_t count
    cdef Py_ssize_t record_count
    cdef uint64_t lowest_id
    cdef uint64_t highest_id
    cdef uint64_t last_id
    cdef bint is_ascending
    cdef bint has_values
    cdef set filter_values

    def __cinit__(self, Py_ssize_t size):
        self.entries = <uint8_t *>PyMem_Malloc(size + 1)
        self.ids = <uint8_t *>PyMem_Malloc(size + 1)
        if self.entries == NULL or self.ids == NULL:
            raise MemoryError
        self.begin()

    def __dealloc__(self):
        PyMem_Free(self.entries)
        PyMem_Free(self.ids)

    cdef void begin(self):
        self.entries_bytes = self.count = self.record_count = 0
        self.lowest_id = self.highest_id = self.last_id = 0
        self.is_ascending = True
        self.has_values = False
        self.filter_values = None

    cdef inline bint has_room(self, Py_ssize_t size_bytes) noexcept:
        if self.count == 0:
            return True
        return self.entries_bytes + size_bytes <= PIECE_BYTES_MAX and self.count < ENTRIES_MAX

    cdef inline void add(
        self, const uint8_t *id_at, const uint8_t *entry, Py_ssize_t size_bytes, uint32_t records
    ) noexcept:
        cdef uint64_t publishing_id = _u64(id_at)
        memcpy(self.entries + self.entries_bytes, entry, size_bytes)
        memcpy(self.ids + self.count * ID_BYTES, id_at, ID_BYTES)
        if self.count == 0:
            self.lowest_id = self.highest_id = publishing_id
        else:
            if publishing_id <= self.last_id:
                self.is_ascending = False
            if publishing_id < self.lowest_id:
                self.lowest_id = publishing_id
            if publishing_id > self.highest_id:
                self.highest_id = publishing_id
        self.last_id = publishing_id
        self.entries_bytes += size_bytes
        self.count += 1
        self.record_count += records

    cdef void note_value(self, const uint8_t *value, Py_ssize_t size_bytes):
        if self.filter_values is None:
            self.filter_values = set()
        self.filter_values.add(PyBytes_FromStringAndSize(<const char *>value, size_bytes))
        if size_bytes:
            self.has_values = True

    cdef object piece(self):
        values = frozenset(self.filter_values) if self.has_values else _NO_VALUES
        fields = (
            PyBytes_FromStringAndSize(<const char *>self.entries, self.entries_bytes),
            PyBytes_FromStringAndSize(<const char *>self.ids, self.count * ID_BYTES),
            self.record_count,
            self.lowest_id,
            self.highest_id,
            self.is_ascending,
            values,
        )
        return _new_tuple(_Piece, fields)


def read_publish(bytes body, int version):
    """Take a Publish frame apart; see the twin."""
    cdef const uint8_t *octets = <const uint8_t *>PyBytes_AS_STRING(body)
    cdef Py_ssize_t size = PyBytes_GET_SIZE(body)
    if size < HEAD_BYTES:
        raise MalformedFrameError("a Publish frame is too short")
    cdef int32_t count = <int32_t>_u32(octets + 1)
    cdef Py_ssize_t at = HEAD_BYTES, id_at, stop, value_at
    cdef Py_ssize_t value_bytes
    cdef uint32_t record_count = 0
    cdef int32_t index = 0
    cdef list pieces = []
    cdef bytearray refused = bytearray()
    cdef bint is_refusing = False
    cdef _Gathered gathered = _Gathered(size)
    while index < count:
        index += 1
        if size - at < ID_BYTES:
            raise MalformedFrameError("a Publish frame ends within an entry")
        id_at = at
        at += ID_BYTES
        value_at = at
        value_bytes = 0
        if version == 2:
            if size - at < 2:
                raise MalformedFrameError("a Publish frame ends within an entry")
            value_bytes = _u16(octets + at)
            at += 2
            value_at = at
            if value_bytes >= 0x8000:
                value_bytes = 0
            at += value_bytes
        stop = _item_end(octets, at, size, &record_count)
        if stop < 0:
            raise MalformedFrameError("a Publish frame ends within an entry")
        if is_refusing or record_count == 0:
            is_refusing = True
            refused += PyBytes_FromStringAndSize(<const char *>octets + id_at, ID_BYTES)
        else:
            if not gathered.has_room(stop - at):
                pieces.append(gathered.piece())
                gathered.begin()
            gathered.add(octets + id_at, octets + at, stop - at, record_count)
            if version == 2:
                gathered.note_value(octets + value_at, value_bytes)
        at = stop
    if at != size:
        raise MalformedFrameError(f"{size - at} octets behind the messages of a Publish frame")
    if gathered.count:
        pieces.append(gathered.piece())
    return _new_tuple(_PublishFrame, (octets[0], pieces, bytes(refused)))


def new_of(piece, known):
    """Return the entries that are not stored yet; see the twin."""
    cdef bytes entries = piece.entries
    cdef bytes ids = piece.ids
    cdef const uint8_t *octets = <const uint8_t *>PyBytes_AS_STRING(entries)
    cdef const uint8_t *id_at = <const uint8_t *>PyBytes_AS_STRING(ids)
    cdef Py_ssize_t size = PyBytes_GET_SIZE(entries)
    cdef Py_ssize_t count = PyBytes_GET_SIZE(ids) // ID_BYTES
    cdef Py_ssize_t index, stop, at = 0, new_bytes = 0, entry_count = 0, record_count = 0
    cdef bint has_known = known >= 0
    cdef uint64_t highest = known if has_known else 0
    cdef uint64_t publishing_id
    cdef uint32_t records = 0
    cdef uint8_t *gathered = <uint8_t *>PyMem_Malloc(size + 1)
    if gathered == NULL:
        raise MemoryError
    try:
        for index in range(count):
            stop = _item_end(octets, at, size, &records)
            publishing_id = _u64(id_at + index * ID_BYTES)
            if publishing_id > highest or not has_known:
                has_known = True
                highest = publishing_id
                memcpy(gathered + new_bytes, octets + at, stop - at)
                new_bytes += stop - at
                entry_count += 1
                record_count += records
            at = stop
        octets_new = PyBytes_FromStringAndSize(<const char *>gathered, new_bytes)
    finally:
        PyMem_Free(gathered)
    return _new_tuple(_New, (octets_new, entry_count, record_count, highest if has_known else known))
