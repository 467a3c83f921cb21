# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
# cython: cdivision=True
"""Messages in memory with their positions, first in, first out: the kernel of ``queues.tail``.

    slices   run | run | run on the tail's own block, still growing
             first position and one expiry, or an int64 for each message where they differ

A long run is kept as it is, even if others share its memory. Short ones are copied together, so
that deliveries come in long batches. There is no policy here.
"""

from array import array
from collections import deque

cimport cython
from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.stdint cimport int64_t, uint8_t
from libc.stdlib cimport free, realloc
from libc.string cimport memcpy

from persistence._record cimport Block, Run, head_of, make_run, run_octets, run_of
from persistence._record import body_bytes as _body_bytes
from queues.batch import Batch
from queues.tail import UNLIMITED_BYTES

cdef enum:
    SHARED_FROM_COUNT = 64
    # At most LARGE_BODY_BYTES: larger bodies are sent as views, and their block must not grow.
    SHARED_FROM_BYTES = 16384
    OWN_BLOCK_BYTES = 65536
    NUMBERS_AT_FIRST = 16

cdef object _Batch = Batch
cdef object _new = object.__new__


cdef class NodeMemory:
    """See ``queues.tail.NodeMemory``."""

    def __init__(self, Py_ssize_t limit_bytes=UNLIMITED_BYTES):
        self.used_bytes = 0
        self.limit_bytes = limit_bytes

    @property
    def is_short(self):
        return self.used_bytes > self.limit_bytes


cdef class QueueMemory:
    """See ``queues.tail.QueueMemory``."""

    def __init__(
        self,
        NodeMemory node not None,
        Py_ssize_t budget_bytes=UNLIMITED_BYTES,
        Py_ssize_t short_budget_bytes=UNLIMITED_BYTES,
    ):
        self.node = node
        self.used_bytes = 0
        self.budget_bytes = budget_bytes
        self.short_budget_bytes = short_budget_bytes

    @property
    def is_over(self):
        return self.over()

    def add(self, Py_ssize_t more_bytes):
        self.count(more_bytes)

    cdef bint over(self) noexcept:
        if self.used_bytes > self.budget_bytes:
            return True
        return (
            self.used_bytes > self.short_budget_bytes
            and self.node.used_bytes > self.node.limit_bytes
        )

    cdef int count(self, Py_ssize_t more_bytes) except -1:
        self.used_bytes += more_bytes
        self.node.used_bytes += more_bytes
        return 0


cdef inline bint is_due(int64_t expiry, int64_t now_ms) noexcept:
    return 0 < expiry <= now_ms


cdef int64_t *numbers_of(sequence, Py_ssize_t count) except NULL:
    """Return memory with a number for each message."""
    cdef const int64_t[::1] source = array("q", sequence)
    cdef int64_t *numbers = NULL
    cdef Py_ssize_t room = 0
    assert source.shape[0] == count > 0, "a number for each message"
    room_for(&numbers, &room, count - 1)
    memcpy(numbers, &source[0], count * sizeof(int64_t))
    return numbers


cdef object array_of(const int64_t *numbers, Py_ssize_t count):
    octets = PyBytes_FromStringAndSize(<const char *> numbers, count * sizeof(int64_t))
    return array("q", octets)


@cython.freelist(64)
cdef class Slice:
    """See ``queues.tail.Slice``; its numbers begin at ``at``, behind those of taken messages."""

    def __cinit__(self):
        self.each_position = self.each_expiry = NULL
        self.at = self.position_room = self.expiry_room = 0

    def __dealloc__(self):
        free(self.each_position)
        free(self.each_expiry)

    @property
    def records(self):
        return self.run

    @property
    def positions(self):
        if self.each_position == NULL:
            return range(self.first_position, self.first_position + self.run.count)
        return array_of(self.each_position + self.at, self.run.count)

    @property
    def expires_at_ms(self):
        if self.each_expiry == NULL:
            return self.expiry
        return array_of(self.each_expiry + self.at, self.run.count)

    cdef int note(self, int64_t position, int64_t expiry) except -1:
        """Note position and expiry of the message that is added next."""
        cdef Py_ssize_t index, count = self.run.count
        if count == 0:
            self.first_position = position
            self.expiry = expiry
        elif self.each_position == NULL and position != self.first_position + count:
            room_for(&self.each_position, &self.position_room, self.at + count)
            for index in range(count):
                self.each_position[self.at + index] = self.first_position + index
        if count and self.each_expiry == NULL and expiry != self.expiry:
            room_for(&self.each_expiry, &self.expiry_room, self.at + count)
            for index in range(count):
                self.each_expiry[self.at + index] = self.expiry
        if self.each_position != NULL:
            room_for(&self.each_position, &self.position_room, self.at + count)
            self.each_position[self.at + count] = position
        if self.each_expiry != NULL:
            room_for(&self.each_expiry, &self.expiry_room, self.at + count)
            self.each_expiry[self.at + count] = expiry
        return 0

    cdef Slice front(self, Py_ssize_t count):
        """Return the first messages as another slice; they stay here too."""
        cdef Slice front = slice_of(make_run(self.run.block, self.run.first, self.run.step, count))
        front.first_position = self.first_position
        front.expiry = self.expiry
        if self.each_position != NULL:
            room_for(&front.each_position, &front.position_room, count)
            memcpy(front.each_position, self.each_position + self.at, count * sizeof(int64_t))
        if self.each_expiry != NULL:
            room_for(&front.each_expiry, &front.expiry_room, count)
            memcpy(front.each_expiry, self.each_expiry + self.at, count * sizeof(int64_t))
        return front

    cdef int skip(self, Py_ssize_t count) except -1:
        """Remove the first messages; at least one must be left."""
        self.run.first += count * self.run.step
        self.run.count -= count
        self.run._body_bytes = -1
        self.at += count
        self.first_position += count
        if self.each_position != NULL:
            self.first_position = self.each_position[self.at]
        return 0


cdef int room_for(int64_t **numbers, Py_ssize_t *room, Py_ssize_t index) except -1:
    """Make room for a number at an index, and those before it."""
    cdef Py_ssize_t wanted
    cdef void *moved
    if index < room[0]:
        return 0
    wanted = max(NUMBERS_AT_FIRST, index + index // 2 + 1)
    moved = realloc(numbers[0], wanted * sizeof(int64_t))
    if moved == NULL:
        raise MemoryError("no memory for positions")
    numbers[0] = <int64_t *> moved
    room[0] = wanted
    return 0


cdef Slice slice_of(Run run):
    cdef Slice made = Slice.__new__(Slice)
    made.run = run
    return made


cdef class Tail:
    """See ``queues.tail.Tail``."""

    def __init__(self, QueueMemory memory not None, int64_t redeliver_below=0):
        # Of many queues, most never hold a message.
        self._slices = None
        self._growing = None
        self._memory = memory
        self.count = self.body_bytes = self.memory_bytes = 0
        self.redeliver_below = redeliver_below

    def __iter__(self):
        for each in self.slices():
            yield from each.records

    @property
    def first_position(self):
        return (<Slice> self._slices[0]).first_position

    @property
    def head_expires_at_ms(self):
        return self.head_expiry()

    cdef int64_t head_expiry(self) except? -1:
        cdef Slice head
        if not self.count:
            return 0
        head = self._slices[0]
        return head.expiry if head.each_expiry == NULL else head.each_expiry[head.at]

    def slices(self):
        return list(self._slices or ())

    def append(self, run, int64_t first_position, expires_at_ms=0):
        self.add(run_of(run), first_position, None, expires_at_ms)

    def append_slice(self, run, positions, expires_at_ms):
        self.add(run_of(run), 0, positions, expires_at_ms)

    def append_band(
        self, records, int64_t first_position, expires_at_ms, const uint8_t[:] bands, int band
    ):
        cdef Run run = run_of(records)
        cdef Run one
        cdef Py_ssize_t index
        cdef bint each = type(expires_at_ms) is not int
        cdef int64_t expiry
        if self._slices is None:
            self._slices = deque()
        for index in range(run.count):
            if bands[index] != band:
                continue
            expiry = expires_at_ms[index] if each else expires_at_ms
            one = make_run(run.block, run.first + index * run.step, 1, 1)
            self.count_in(one, 1)
            if one._body_bytes >= SHARED_FROM_BYTES:
                self.share(one, first_position + index, None, expiry)
            else:
                self.copy(one, 0, first_position + index, expiry)

    cdef int add(self, Run run, int64_t first_position, positions, expires_at_ms) except -1:
        cdef Py_ssize_t index
        cdef bint each = type(expires_at_ms) is not int
        cdef int64_t expiry
        if type(positions) is range and positions.step == 1:
            first_position = positions.start
            positions = None
        if self._slices is None:
            self._slices = deque()
        self.count_in(run, 1)
        if (
            run.count >= SHARED_FROM_COUNT
            or run._body_bytes >= SHARED_FROM_BYTES
            or not self._slices
        ):
            self.share(run, first_position, positions, expires_at_ms)
            return 0
        for index in range(run.count):
            expiry = expires_at_ms[index] if each else expires_at_ms
            if positions is not None:
                first_position = <int64_t> positions[index] - index
            self.copy(run, index, first_position + index, expiry)
        return 0

    cdef int share(self, Run run, int64_t first_position, positions, expires_at_ms) except -1:
        """Keep a run as it is; it is counted already."""
        cdef Slice last = slice_of(make_run(run.block, run.first, run.step, run.count))
        last.run._body_bytes = run._body_bytes
        last.first_position = first_position
        last.expiry = 0
        if positions is not None:
            last.each_position = numbers_of(positions, run.count)
            last.first_position = last.each_position[0]
        if type(expires_at_ms) is int:
            last.expiry = expires_at_ms
        else:
            last.each_expiry = numbers_of(expires_at_ms, run.count)
        self._slices.append(last)
        self._growing = None
        return 0

    cdef int copy(self, Run run, Py_ssize_t index, int64_t position, int64_t expiry) except -1:
        """Copy a message into the tail's own block; it is counted already."""
        cdef Slice last = self._growing
        if last is None:
            last = self._growing = slice_of(make_run(Block.__new__(Block), 0, 1, 0))
            self._slices.append(last)
        last.note(position, expiry)
        last.run.block.add_copy(run.block, run.first + index * run.step)
        last.run.count += 1
        last.run._body_bytes = -1
        if last.run.block.used_bytes >= OWN_BLOCK_BYTES:
            self._growing = None
        return 0

    cdef int count_in(self, Run run, Py_ssize_t sign) except -1:
        """Add a run to the counts, or with the other sign subtract it."""
        cdef Py_ssize_t octets = sign * run_octets(run)
        self.count += sign * run.count
        if run._body_bytes < 0:
            _body_bytes(run)
        self.body_bytes += sign * run._body_bytes
        self.memory_bytes += octets
        self._memory.count(octets)
        return 0

    def take(self, Py_ssize_t max_count, Py_ssize_t max_bytes, int64_t now_ms):
        return self.taken(max_count, max_bytes, now_ms, False)

    def take_expired(self, Py_ssize_t max_count, Py_ssize_t max_bytes, int64_t now_ms):
        return self.taken(max_count, max_bytes, now_ms, True)

    cdef object taken(
        self, Py_ssize_t max_count, Py_ssize_t max_bytes, int64_t now_ms, bint expired
    ):
        cdef Slice head
        cdef Run run
        cdef Py_ssize_t count
        cdef int64_t first, step
        if not self.count or max_count <= 0:
            return None
        head = self._slices[0]
        count = due_count(head, min(max_count, head.run.count), now_ms, expired)
        if not count:
            return None
        first = head.first_position
        count = even_count(head, count, &step)
        if first < self.redeliver_below <= first + (count - 1) * step:
            count = (self.redeliver_below - first + step - 1) // step
        if self.body_bytes > max_bytes:
            count = count_within(head.run, count, max_bytes)
        batch = _new(_Batch)
        batch.positions = range(first, first + (count - 1) * step + 1, step)
        batch.expires_at_ms = expiries_of(head, count)
        batch.delivery_count = 0
        batch.redelivered = first < self.redeliver_below
        if count == head.run.count:
            run = head.run
            self._slices.popleft()
            if head is self._growing:
                self._growing = None
        else:
            run = make_run(head.run.block, head.run.first, head.run.step, count)
            head.skip(count)
        self.count_in(run, -1)
        batch.records = run
        batch._body_bytes = run._body_bytes
        return batch

    def take_slices(self, Py_ssize_t max_bytes):
        cdef Slice head, taken
        cdef Py_ssize_t count
        cdef list slices = []
        while self._slices:
            head = self._slices[0]
            count = octets_count(head.run, max_bytes)
            if count == 0 and slices:
                break
            if max(count, 1) == head.run.count:
                taken = self._slices.popleft()
                if taken is self._growing:
                    self._growing = None
            else:
                taken = head.front(max(count, 1))
                head.skip(max(count, 1))
            max_bytes -= run_octets(taken.run)
            self.count_in(taken.run, -1)
            slices.append(taken)
        return slices

    def replace(self, Py_ssize_t index, slices):
        cdef Slice each = self._slices[index]
        if each is self._growing:
            self._growing = None
        self.count_in(each.run, -1)
        self._slices.rotate(-index)
        self._slices.popleft()
        self.put_back(slices)
        self._slices.rotate(index)

    def put_back(self, slices):
        cdef Slice each
        if self._slices is None:
            self._slices = deque()
        for each in reversed(slices):
            self._slices.appendleft(each)
            self.count_in(each.run, 1)

    def absorb(self, Tail other not None):
        assert not self.count, "it goes before nothing"
        self._slices, self._growing = other._slices, other._growing
        self.count, other.count = other.count, 0
        self.body_bytes, other.body_bytes = other.body_bytes, 0
        self.memory_bytes, other.memory_bytes = other.memory_bytes, 0
        other._slices = other._growing = None

    def clear(self):
        self._memory.count(-self.memory_bytes)
        self._slices = self._growing = None
        self.count = self.body_bytes = self.memory_bytes = 0


cdef Py_ssize_t due_count(
    Slice head, Py_ssize_t max_count, int64_t now_ms, bint expired
) noexcept:
    """Return how many messages at the head are all expired, or all not expired."""
    cdef Py_ssize_t index
    if head.each_expiry == NULL:
        return max_count if is_due(head.expiry, now_ms) == expired else 0
    for index in range(max_count):
        if is_due(head.each_expiry[head.at + index], now_ms) != expired:
            return index
    return max_count


cdef Py_ssize_t even_count(Slice head, Py_ssize_t max_count, int64_t *step) noexcept:
    """Return how many positions at the head are evenly spaced, and their distance."""
    cdef int64_t *positions = head.each_position + head.at
    cdef Py_ssize_t index
    step[0] = 1
    if head.each_position == NULL or max_count < 2:
        return max_count
    step[0] = positions[1] - positions[0]
    for index in range(2, max_count):
        if positions[index] - positions[index - 1] != step[0]:
            return index
    return max_count


cdef Py_ssize_t count_within(Run run, Py_ssize_t max_count, Py_ssize_t max_bytes) noexcept:
    """Return how many messages bring the bodies to ``max_bytes``; ``max_count`` if all do not."""
    cdef Py_ssize_t index, total = 0
    for index in range(max_count):
        total += head_of(run.block, run.first + index * run.step).body_bytes
        if total >= max_bytes:
            return index + 1
    return max_count


cdef Py_ssize_t octets_count(Run run, Py_ssize_t max_bytes):
    """Return how many messages of a run fit into ``max_bytes`` of memory."""
    cdef Run part = make_run(run.block, run.first, run.step, run.count)
    cdef Py_ssize_t low = 0
    cdef Py_ssize_t high = run.count
    while low < high:
        part.count = (low + high + 1) // 2
        if run_octets(part) <= max_bytes:
            low = part.count
        else:
            high = part.count - 1
    return low


cdef object expiries_of(Slice head, Py_ssize_t count):
    """Return the expiries of the first messages, in the form of a batch; None if none expires."""
    cdef Py_ssize_t index
    if head.each_expiry == NULL:
        return [head.expiry] * count if head.expiry else None
    for index in range(count):
        if head.each_expiry[head.at + index]:
            return [head.each_expiry[head.at + each] for each in range(count)]
    return None


def bands_of(records, int max_priority):
    """Return the band of each message: its priority, or the queue's if that is lower."""
    cdef Run run = run_of(records)
    cdef Py_ssize_t index
    cdef bytes bands = PyBytes_FromStringAndSize(NULL, run.count)
    cdef char *place = bands
    for index in range(run.count):
        place[index] = <char> min(
            head_of(run.block, run.first + index * run.step).priority, max_priority
        )
    return bands
