# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Publish frames taken apart: the kernel behind ``stream_protocol.publish_frame``.

    first pass    is each frame whole and right? how large does each piece get?
    second pass   each octet is copied once, from what was read to its place in a piece
"""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from libc.stdint cimport int32_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy

from amqp_server.stream_protocol.errors import MalformedFrameError
from amqp_server.stream_protocol.publish_frame import New, Piece, PublishFrames

cdef enum:
    ENTRIES_MAX = 65_535
    PIECE_BYTES_MAX = 524_288
    SEEN_MAX = 8
    SIZE_BYTES = 4
    FRAME_HEAD_BYTES = 8
    SAME_BYTES = 5
    HEAD_BYTES = 5
    ID_BYTES = 8
    LENGTH_BYTES = 4
    SUB_BATCH_BYTES = 11
    UNCOMPRESSED_BYTES_MAX = 67_108_864
    RECORD_BYTES_MIN = 4

cdef object _new_tuple = tuple.__new__
cdef object _Piece = Piece
cdef object _PublishFrames = PublishFrames
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


cdef struct Walk:
    const uint8_t *octets
    int version
    Py_ssize_t piece_bytes
    Py_ssize_t piece_count
    Py_ssize_t refused_count


cdef struct Seen:
    const uint8_t *values[SEEN_MAX]
    Py_ssize_t sizes[SEEN_MAX]
    Py_ssize_t count


cdef bint _is_news(Seen *seen, const uint8_t *value, Py_ssize_t size_bytes) noexcept nogil:
    """Return whether a filter value is none of the last few other ones."""
    cdef Py_ssize_t index
    for index in range(min(seen.count, SEEN_MAX)):
        if seen.sizes[index] == size_bytes and memcmp(seen.values[index], value, size_bytes) == 0:
            return False
    seen.values[seen.count % SEEN_MAX] = value
    seen.sizes[seen.count % SEEN_MAX] = size_bytes
    seen.count += 1
    return True


cdef Py_ssize_t _value(
    const uint8_t *octets, Py_ssize_t at, Py_ssize_t stop, int version, Py_ssize_t *size_bytes
) noexcept nogil:
    """Return where a filter value begins; -1 if its length does not end. Its size may be 0."""
    size_bytes[0] = 0
    if version != 2:
        return at
    if stop - at < 2:
        return -1
    size_bytes[0] = _u16(octets + at)
    if size_bytes[0] >= 0x8000:
        size_bytes[0] = 0
    return at + 2


cdef str _walk(Walk *walk, Py_ssize_t at, Py_ssize_t stop, list sizes):
    """Look at a frame, and add what it has to the sizes of pieces; return what is wrong, or None."""
    if stop - at < FRAME_HEAD_BYTES + HEAD_BYTES:
        return "a Publish frame is too short"
    at += FRAME_HEAD_BYTES
    cdef const uint8_t *octets = walk.octets
    cdef int32_t left = <int32_t>_u32(octets + at + 1)
    cdef Py_ssize_t end, value_bytes
    cdef uint32_t records = 0
    at += HEAD_BYTES
    while left > 0:
        left -= 1
        if stop - at < ID_BYTES:
            return "a Publish frame ends within an entry"
        at = _value(octets, at + ID_BYTES, stop, walk.version, &value_bytes)
        if at < 0:
            return "a Publish frame ends within an entry"
        at += value_bytes
        end = _item_end(octets, at, stop, &records)
        if end < 0:
            return "a Publish frame ends within an entry"
        if walk.refused_count or records == 0:
            walk.refused_count += 1
        else:
            if walk.piece_count and (
                walk.piece_bytes + end - at > PIECE_BYTES_MAX or walk.piece_count == ENTRIES_MAX
            ):
                sizes.append((walk.piece_bytes, walk.piece_count))
                walk.piece_bytes = walk.piece_count = 0
            walk.piece_bytes += end - at
            walk.piece_count += 1
        at = end
    if at != stop:
        return f"{stop - at} octets behind the messages of a Publish frame"
    return None


cdef class _Taking:
    """The second pass: a place in a run that was looked at.

    ``left`` entries of the present frame are not taken yet; they begin at ``at``.
    """

    cdef const uint8_t *octets
    cdef int version
    cdef Py_ssize_t at
    cdef Py_ssize_t left

    cdef inline const uint8_t *next_id(self) noexcept:
        """Return where the next entry begins, maybe in a later frame."""
        while self.left <= 0:
            self.left = <int32_t>_u32(self.octets + self.at + FRAME_HEAD_BYTES + 1)
            self.at += FRAME_HEAD_BYTES + HEAD_BYTES
        self.left -= 1
        return self.octets + self.at

    cdef object piece(self, Py_ssize_t size_bytes, Py_ssize_t count, Py_ssize_t end_bytes):
        """Take a piece of this size; nothing is behind ``end_bytes``."""
        cdef bytes entries = PyBytes_FromStringAndSize(NULL, size_bytes)
        cdef bytes ids = PyBytes_FromStringAndSize(NULL, count * ID_BYTES)
        cdef uint8_t *to = <uint8_t *>PyBytes_AS_STRING(entries)
        cdef uint8_t *id_to = <uint8_t *>PyBytes_AS_STRING(ids)
        cdef const uint8_t *id_at
        cdef Seen seen
        cdef Py_ssize_t value_bytes = 0, at, stop, record_count = 0, index
        cdef uint64_t publishing_id, last_id = 0, lowest_id = 0, highest_id = 0
        cdef bint is_ascending = True, has_values = False
        cdef uint32_t records = 0
        cdef set values = set() if self.version == 2 else None
        seen.count = 0
        for index in range(count):
            id_at = self.next_id()
            at = _value(self.octets, self.at + ID_BYTES, end_bytes, self.version, &value_bytes)
            if values is not None and _is_news(&seen, self.octets + at, value_bytes):
                values.add(PyBytes_FromStringAndSize(<const char *>self.octets + at, value_bytes))
                has_values = has_values or value_bytes > 0
            at += value_bytes
            stop = _item_end(self.octets, at, end_bytes, &records)
            self.at = stop
            memcpy(to, self.octets + at, stop - at)
            to += stop - at
            memcpy(id_to, id_at, ID_BYTES)
            id_to += ID_BYTES
            record_count += records
            publishing_id = _u64(id_at)
            if index == 0:
                lowest_id = highest_id = publishing_id
            elif publishing_id <= last_id:
                is_ascending = False
            last_id = publishing_id
            if publishing_id < lowest_id:
                lowest_id = publishing_id
            if publishing_id > highest_id:
                highest_id = publishing_id
        fields = (
            entries,
            ids,
            record_count,
            lowest_id,
            highest_id,
            is_ascending,
            frozenset(values) if has_values else _NO_VALUES,
        )
        return _new_tuple(_Piece, fields)

    cdef bytes refused_ids(self, Py_ssize_t count, Py_ssize_t end_bytes):
        """Take the ids of the last entries of the run."""
        cdef bytes ids = PyBytes_FromStringAndSize(NULL, count * ID_BYTES)
        cdef uint8_t *id_to = <uint8_t *>PyBytes_AS_STRING(ids)
        cdef Py_ssize_t at, value_bytes = 0
        cdef uint32_t records = 0
        for _ in range(count):
            memcpy(id_to, self.next_id(), ID_BYTES)
            id_to += ID_BYTES
            at = _value(self.octets, self.at + ID_BYTES, end_bytes, self.version, &value_bytes)
            self.at = _item_end(self.octets, at + value_bytes, end_bytes, &records)
        return ids


cdef tuple _read_run(const uint8_t *octets, Py_ssize_t size, Py_ssize_t frame_max_bytes):
    cdef Walk walk, before
    cdef Py_ssize_t at = 0, stop
    cdef list sizes = [], pieces = []
    cdef str fault
    cdef bytes refused_ids = b""
    walk.octets = octets
    walk.version = _u16(octets + SIZE_BYTES + 2)
    walk.piece_bytes = walk.piece_count = walk.refused_count = 0
    while size - at >= FRAME_HEAD_BYTES:
        stop = at + SIZE_BYTES + <Py_ssize_t>_u32(octets + at)
        if stop > size or stop - at - SIZE_BYTES > frame_max_bytes:
            break
        if at and (
            stop - at - SIZE_BYTES < SAME_BYTES
            or memcmp(octets + at + SIZE_BYTES, octets + SIZE_BYTES, SAME_BYTES) != 0
        ):
            break
        before = walk
        fault = _walk(&walk, at, stop, sizes)
        if fault is not None:
            if at == 0:
                run = (0, [], b"", MalformedFrameError(fault))
                return _new_tuple(_PublishFrames, run), stop
            # Nothing of this frame counts; before it no piece was full.
            walk = before
            sizes.clear()
            break
        at = stop
        if sizes or walk.refused_count:
            break
    if walk.piece_count:
        sizes.append((walk.piece_bytes, walk.piece_count))
    cdef _Taking taking = _Taking.__new__(_Taking)
    taking.octets = octets
    taking.version = walk.version
    for size_bytes, count in sizes:
        pieces.append(taking.piece(size_bytes, count, at))
    if walk.refused_count:
        refused_ids = taking.refused_ids(walk.refused_count, at)
    run = (octets[FRAME_HEAD_BYTES], pieces, refused_ids, None)
    return _new_tuple(_PublishFrames, run), at


def read_run(buffer, Py_ssize_t start, Py_ssize_t frame_max_bytes):
    """Take the run of Publish frames at a place; see the twin."""
    cdef Py_buffer view
    PyObject_GetBuffer(buffer, &view, PyBUF_SIMPLE)
    try:
        run, end = _read_run(<const uint8_t *>view.buf + start, view.len - start, frame_max_bytes)
        return run, start + end
    finally:
        PyBuffer_Release(&view)


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
