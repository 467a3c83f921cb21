# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
# cython: cdivision=True
"""Records as raw memory: the kernel of ``persistence.record``.

    block   | Head | route | header | body | pad to 8 | Head | route | ...
    run     block, first, step, count: a view; slices of it are views too

A block only grows, and a record in it never changes, so that any number of runs may share it. It is
freed with the last run and the last view of its octets. There is no policy here. Callers have
checked every length that a peer sent.
"""

from cpython.buffer cimport PyBuffer_FillInfo
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.list cimport PyList_GET_ITEM
from libc.stdint cimport uint32_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcmp, memcpy

from array import array

from persistence.record import NO_TTL, Record

cdef enum:
    STARTS_AT_FIRST = 8
    BLOCK_MAX_BYTES = 0xFFFFFFF0
    # persistence.record
    RESERVED_PER_OCTET = 4
    BODY_SIZE_STOP = 12

cdef object _tuple_new = tuple.__new__
cdef object _Record = Record


cdef class Block:
    """Memory of records, in the order they were added."""

    def __cinit__(self):
        self.data = NULL
        self.starts = NULL
        self.size_bytes = self.used_bytes = self.starts_size = self.count = 0
        self.exports_count = 0

    def __dealloc__(self):
        free(self.data)
        free(self.starts)

    def __getbuffer__(self, Py_buffer *view, int flags):
        PyBuffer_FillInfo(view, self, self.data, self.used_bytes, True, flags)
        self.exports_count += 1

    def __releasebuffer__(self, Py_buffer *view):
        self.exports_count -= 1

    cdef int resize(self, Py_ssize_t size_bytes) except -1:
        """Set the memory to exactly this size."""
        cdef void *moved
        if size_bytes > BLOCK_MAX_BYTES:
            raise MemoryError("a block of records holds at most 4 GiB")
        if self.exports_count:
            raise BufferError("a block does not move under a view of it")
        moved = realloc(self.data, size_bytes)
        if moved == NULL:
            raise MemoryError("no memory for records")
        self.data = <char *> moved
        self.size_bytes = size_bytes
        return 0

    cdef int reserve(self, Py_ssize_t more_bytes) except -1:
        """Make room for ``more_bytes`` and one more record."""
        cdef Py_ssize_t wanted = self.used_bytes + more_bytes
        cdef void *moved
        if wanted > self.size_bytes:
            self.resize(max(wanted, min(2 * self.size_bytes, self.size_bytes + (1 << 22))))
        if self.count == self.starts_size:
            wanted = max(STARTS_AT_FIRST, 2 * self.starts_size)
            moved = realloc(self.starts, wanted * sizeof(uint32_t))
            if moved == NULL:
                raise MemoryError("no memory for records")
            self.starts = <uint32_t *> moved
            self.starts_size = wanted
        return 0

    cdef Head *add(
        self,
        const char *route,
        Py_ssize_t route_bytes,
        const char *header,
        Py_ssize_t header_bytes,
        const char *body,
        Py_ssize_t body_bytes,
    ) except NULL:
        """Append a record; flags, priority and ttl_ms are the caller's to set."""
        cdef Py_ssize_t total = sizeof(Head) + route_bytes + header_bytes + body_bytes
        cdef Head *head
        cdef char *place
        total = (total + 7) & ~7
        if self.used_bytes + total > self.size_bytes or self.count == self.starts_size:
            self.reserve(total)
        head = <Head *> (self.data + self.used_bytes)
        self.starts[self.count] = <uint32_t> self.used_bytes
        self.count += 1
        self.used_bytes += total
        head.route_bytes = route_bytes
        head.header_bytes = header_bytes
        head.body_bytes = body_bytes
        place = <char *> head + sizeof(Head)
        memcpy(place, route, route_bytes)
        memcpy(place + route_bytes, header, header_bytes)
        if body_bytes:
            memcpy(place + route_bytes + header_bytes, body, body_bytes)
        return head

    cdef int add_copy(self, Block source, Py_ssize_t index) except -1:
        """Append a copy of another block's record."""
        cdef Head *head = head_of(source, index)
        cdef Py_ssize_t total = sizeof(Head) + head.route_bytes + head.header_bytes
        cdef Py_ssize_t padded
        total += head.body_bytes
        padded = (total + 7) & ~7
        if self.used_bytes + padded > self.size_bytes or self.count == self.starts_size:
            self.reserve(padded)
        # If the source is this block, its memory may have moved.
        memcpy(self.data + self.used_bytes, head_of(source, index), total)
        self.starts[self.count] = <uint32_t> self.used_bytes
        self.count += 1
        self.used_bytes += padded
        return 0

    cdef int add_record(self, object record) except -1:
        """Append a ``persistence.record.Record``."""
        cdef bytes route = record[0]
        cdef bytes header = record[1]
        cdef bytes body = record[2]
        cdef Head *head = self.add(
            PyBytes_AS_STRING(route),
            PyBytes_GET_SIZE(route),
            PyBytes_AS_STRING(header),
            PyBytes_GET_SIZE(header),
            PyBytes_AS_STRING(body),
            PyBytes_GET_SIZE(body),
        )
        head.flags = record[3]
        head.priority = record[4]
        head.ttl_ms = record[5]
        return 0

    cdef int trim(self) except -1:
        """Release memory that no record uses; nothing is added after it."""
        if self.size_bytes - self.used_bytes > 256 and self.used_bytes:
            self.resize(self.used_bytes)
        return 0


cdef class OpenRecord:
    """See ``persistence.record.OpenRecord``: the body grows in its final place."""

    cdef Block _block
    cdef Py_ssize_t _body_at
    cdef Py_ssize_t _body_bytes
    cdef readonly Py_ssize_t size_bytes
    cdef readonly Py_ssize_t held_bytes

    def __init__(self, record, Py_ssize_t size_bytes):
        cdef Head *head
        self._block = Block.__new__(Block)
        self._block.add_record(record)
        head = head_of(self._block, 0)
        self._body_at = sizeof(Head) + head.route_bytes + head.header_bytes
        self._body_bytes = self.held_bytes = 0
        self.size_bytes = size_bytes

    def add(self, const unsigned char[::1] octets):
        cdef Py_ssize_t added_bytes = octets.shape[0]
        cdef Py_ssize_t body_bytes = self._body_bytes + added_bytes
        assert body_bytes <= self.size_bytes, "a body is as long as announced"
        if body_bytes > self.held_bytes:
            self.held_bytes = min(RESERVED_PER_OCTET * body_bytes, self.size_bytes)
            self._block.resize(self._block.used_bytes + (self.held_bytes + 7 & ~7))
        if added_bytes:
            memcpy(self._block.data + self._body_at + self._body_bytes, &octets[0], added_bytes)
        self._body_bytes = body_bytes

    def finish(self):
        head_of(self._block, 0).body_bytes = self._body_bytes
        self._block.used_bytes = (self._body_at + self._body_bytes + 7) & ~7
        self._block.trim()
        return make_run(self._block, 0, 1, 1)


cdef object view_of(Block block, const char *octets, Py_ssize_t size_bytes):
    """Return a view of octets of a block; nothing may be added to the block from now on."""
    cdef Py_ssize_t start = octets - block.data
    return memoryview(block)[start : start + size_bytes]


cdef Run make_run(Block block, Py_ssize_t first, Py_ssize_t step, Py_ssize_t count):
    """Return a view of ``count`` records of a block."""
    cdef Run run = Run.__new__(Run)
    run.block = block
    run.first = first
    run.step = step
    run.count = count
    run._body_bytes = -1
    return run


cdef Run run_of(object records):
    """Return records as a run; a run is returned unchanged."""
    cdef Block block
    if type(records) is Run:
        return <Run> records
    block = Block.__new__(Block)
    for record in records:
        block.add_record(record)
    return make_run(block, 0, 1, block.count)


cdef object _record_at(Block block, Py_ssize_t index):
    cdef Head *head = head_of(block, index)
    cdef const char *octets = octets_of(head)
    cdef Py_ssize_t header_at = head.route_bytes
    cdef Py_ssize_t body_at = header_at + head.header_bytes
    return _tuple_new(
        _Record,
        (
            PyBytes_FromStringAndSize(octets, head.route_bytes),
            PyBytes_FromStringAndSize(octets + header_at, head.header_bytes),
            PyBytes_FromStringAndSize(octets + body_at, head.body_bytes),
            <int> head.flags,
            <int> head.priority,
            head.ttl_ms,
        ),
    )


cdef class Run:
    """A sequence of records: indexing makes a ``Record``, slicing another view."""

    def __len__(self):
        return self.count

    def __bool__(self):
        return self.count > 0

    def __getitem__(self, index):
        cdef Py_ssize_t start, stop, step, at
        if isinstance(index, slice):
            start, stop, step = index.indices(self.count)
            at = len(range(start, stop, step))
            return make_run(self.block, self.first + start * self.step, self.step * step, at)
        at = index
        if at < 0:
            at += self.count
        if at < 0 or at >= self.count:
            raise IndexError("record index out of range")
        return _record_at(self.block, self.first + at * self.step)

    def __iter__(self):
        cdef Py_ssize_t index
        for index in range(self.count):
            yield _record_at(self.block, self.first + index * self.step)

    def __eq__(self, other):
        return list(self) == list(other)

    def __repr__(self):
        return f"Run({list(self)!r})"


cdef Py_ssize_t run_octets(Run run) noexcept:
    """Return the octets of a run's records in their block, where they lie one behind the other."""
    cdef Block block = run.block
    cdef Py_ssize_t index, stop, total = 0
    if run.step == 1:
        stop = run.first + run.count
        if stop < block.count:
            return block.starts[stop] - block.starts[run.first]
        return block.used_bytes - block.starts[run.first] if run.count else 0
    for index in range(run.count):
        stop = run.first + index * run.step + 1
        total += (block.starts[stop] if stop < block.count else block.used_bytes)
        total -= block.starts[stop - 1]
    return total


def body_bytes(records):
    """Return the sum of the body sizes, in bytes."""
    cdef Run run
    cdef Py_ssize_t index, total = 0
    if type(records) is not Run:
        return sum([len(record[2]) for record in records])
    run = <Run> records
    if run._body_bytes < 0:
        for index in range(run.count):
            total += head_of(run.block, run.first + index * run.step).body_bytes
        run._body_bytes = total
    return run._body_bytes


def memory_bytes(records):
    """Return the memory of the records, in bytes."""
    return run_octets(<Run> records) if type(records) is Run else sum(
        [(sizeof(Head) + 7 + len(one[0]) + len(one[1]) + len(one[2])) & -8 for one in records]
    )


def kept_bytes(records):
    """Return the memory that stays in use as long as this view of it does, in bytes."""
    return (<Run> records).block.size_bytes if type(records) is Run else memory_bytes(records)


def route_of(records):
    """Return the route of the first message."""
    cdef Run run
    cdef Head *head
    if type(records) is not Run or not (<Run> records).count:
        return records[0][0]
    run = <Run> records
    head = head_of(run.block, run.first)
    return PyBytes_FromStringAndSize(octets_of(head), head.route_bytes)


def has_ttl(records):
    """Return whether any of the messages has a TTL of its own."""
    cdef Run run
    cdef Py_ssize_t index
    if type(records) is not Run:
        return any([record[5] != NO_TTL for record in records])
    run = <Run> records
    for index in range(run.count):
        if head_of(run.block, run.first + index * run.step).ttl_ms >= 0:
            return True
    return False


def priorities_of(records):
    """Return the priority of each message, an octet each."""
    cdef Run run
    cdef Py_ssize_t index
    cdef bytes found
    if type(records) is not Run:
        return bytes([record[4] for record in records])
    run = <Run> records
    found = PyBytes_FromStringAndSize(NULL, run.count)
    for index in range(run.count):
        PyBytes_AS_STRING(found)[index] = <char> head_of(
            run.block, run.first + index * run.step
        ).priority
    return found


cdef inline bint _alike(Head *one, Head *other, bint in_size) noexcept:
    """Whether the headers are equal; or routes and headers, except for the size of the body."""
    cdef Py_ssize_t skipped = 0 if in_size else min(BODY_SIZE_STOP, one.header_bytes)
    if one.header_bytes != other.header_bytes or memcmp(
        octets_of(one) + one.route_bytes + skipped,
        octets_of(other) + other.route_bytes + skipped,
        one.header_bytes - skipped,
    ):
        return False
    return in_size or (
        one.route_bytes == other.route_bytes
        and not memcmp(octets_of(one), octets_of(other), one.route_bytes)
    )


cdef list _stretches(Run run, bint in_size):
    """Return (start, stop) of each stretch of messages alike."""
    cdef Py_ssize_t index, start = 0
    cdef Head *one
    cdef Head *other
    cdef list stretches = []
    if not run.count:
        return stretches
    one = head_of(run.block, run.first)
    for index in range(1, run.count):
        other = head_of(run.block, run.first + index * run.step)
        if not _alike(one, other, in_size):
            stretches.append((start, index))
            start = index
            one = other
    stretches.append((start, run.count))
    return stretches


def header_stretches(records):
    """Return (start, stop) of each stretch of messages with equal content headers."""
    return _stretches(run_of(records), True)


def alike_stretches(records):
    """Return (start, stop) of each stretch of messages alike in all but their bodies."""
    return _stretches(run_of(records), False)


def readdressed(records, bytes route, bytes header, int flags):
    """Return the same bodies under another route and header; see ``persistence.record``."""
    cdef Run run = run_of(records)
    cdef Block block = Block.__new__(Block)
    cdef Py_ssize_t route_bytes = PyBytes_GET_SIZE(route)
    cdef Py_ssize_t header_bytes = PyBytes_GET_SIZE(header)
    cdef Py_ssize_t index, total = 0
    cdef Head *source
    cdef Head *made
    for index in range(run.count):
        source = head_of(run.block, run.first + index * run.step)
        total += (sizeof(Head) + route_bytes + header_bytes + source.body_bytes + 7) & ~7
    block.reserve(total)
    for index in range(run.count):
        source = head_of(run.block, run.first + index * run.step)
        made = block.add(
            PyBytes_AS_STRING(route),
            route_bytes,
            PyBytes_AS_STRING(header),
            header_bytes,
            octets_of(source) + source.route_bytes + source.header_bytes,
            source.body_bytes,
        )
        memcpy(
            <char *> made + sizeof(Head) + route_bytes,
            octets_of(source) + source.route_bytes,
            BODY_SIZE_STOP,
        )
        made.flags = flags
        made.priority = source.priority
        made.ttl_ms = -1
    return made_run(block)


def detached(records):
    """Return the same messages in memory of their own."""
    cdef Run run = run_of(records)
    cdef Block block = Block.__new__(Block)
    cdef Py_ssize_t index
    block.reserve(run_octets(run))
    for index in range(run.count):
        block.add_copy(run.block, run.first + index * run.step)
    return made_run(block)


def parted(records, bytes order, parts_of, Py_ssize_t part_count):
    """Return copies of a run's messages in parts; see ``persistence.record.parted``."""
    cdef Run run = run_of(records)
    cdef list blocks = [Block.__new__(Block) for _ in range(part_count)]
    cdef list flat = []
    cdef list edges = [0]
    cdef Py_ssize_t index, number, count, source
    cdef Py_ssize_t[::1] edge
    cdef Py_ssize_t[::1] part
    for parts in parts_of:
        flat.extend(parts)
        edges.append(len(flat))
    cdef Py_ssize_t row_count = len(edges) - 1
    if len(order) != run.count:
        raise ValueError("there is a number for each message")
    if flat and not 0 <= min(flat) <= max(flat) < part_count:
        raise ValueError("each part is one of those asked for")
    edge = array("q", edges)
    part = array("q", flat or [0])
    for block in blocks:
        # This is about the size of a part, if all parts are alike.
        (<Block> block).reserve(run.block.used_bytes // (part_count * 2))
    for index in range(run.count):
        number = <unsigned char> PyBytes_AS_STRING(order)[index]
        if number >= row_count:
            raise IndexError("there is a row of parts for each number")
        source = run.first + index * run.step
        for count in range(edge[number], edge[number + 1]):
            (<Block> PyList_GET_ITEM(blocks, part[count])).add_copy(run.block, source)
    return [made_run(block) for block in blocks]


cdef object made_run(Block block):
    block.trim()
    return make_run(block, 0, 1, block.count)
