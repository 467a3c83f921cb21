# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
# cython: cdivision=True
"""The scanner on raw bytes: the kernel of ``wire.framing``; it returns the same events.

For errors it calls ``wire.broken_frames``, because a kernel has no texts.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy, memset

from persistence._record cimport LARGE_BODY_BYTES, Block, Head, head_of, make_run

from amqp_server.wire import broken_frames, events
from amqp_server.wire.errors import WireError

cdef object _AckRange = events.AckRange
cdef object _FrameEvent = events.FrameEvent
cdef object _PublishBurst = events.PublishBurst
cdef object _PublishRun = events.PublishRun
cdef object _Scan = events.Scan
cdef object _tuple_new = tuple.__new__
cdef object _bad_end = broken_frames.bad_end
cdef object _too_large = broken_frames.too_large
cdef object _check_heartbeat = broken_frames.check_heartbeat

cdef enum:
    FRAME_METHOD = 1
    FRAME_HEADER = 2
    FRAME_BODY = 3
    FRAME_HEARTBEAT = 8
    FRAME_END = 0xCE
    HEAD_BYTES = 7
    OVERHEAD_BYTES = 8
    ROUTE_AT = 6
    ACK_PAYLOAD_BYTES = 13
    ACK_FRAME_BYTES = 21
    ACK_TAG_AT = 11
    ACK_MULTIPLE_AT = 19
    FIRST_BLOCK_BYTES = 256
    # wire.framing
    METHODS_PER_BURST_MAX = 256
    STRETCH_ALONE_COUNT = 16
    SIZE_BOUNDS = 8
    # a power of two, large enough to keep chains short
    SLOTS = 4 * METHODS_PER_BURST_MAX
    # basic.publish without names, and a header without a body
    MESSAGE_BYTES_MIN = 39

cdef uint64_t *BOUNDS_BYTES = [
    100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 50_000_000, 100_000_000
]
cdef const char *BASIC_PUBLISH = b"\x00\x3c\x00\x28"
cdef const char *BASIC_ACK = b"\x00\x3c\x00\x50"
cdef const char *BASIC_CLASS = b"\x00\x3c\x00\x00"


cdef struct Content:
    const unsigned char *header
    Py_ssize_t header_bytes
    const unsigned char *body
    Py_ssize_t body_bytes
    const unsigned char *end


cdef enum Found:
    WAIT = 0
    ASSEMBLE = 1
    COMPLETE = 2


cdef Found _content(
    const unsigned char *at, const unsigned char *limit, int channel,
    Py_ssize_t payload_max_bytes, Content *content,
) noexcept nogil:
    """Find a content header and its only body frame."""
    cdef Py_ssize_t size
    cdef uint64_t body_bytes
    if at + OVERHEAD_BYTES > limit:
        return WAIT
    if at[0] != FRAME_HEADER or (at[1] << 8 | at[2]) != channel:
        return ASSEMBLE
    size = <Py_ssize_t> u32(at + 3)
    if size < HEADER_FIXED_BYTES or size > payload_max_bytes:
        return ASSEMBLE
    if at + OVERHEAD_BYTES + size > limit:
        return WAIT
    content.header = at + HEAD_BYTES
    content.header_bytes = size
    at += OVERHEAD_BYTES + size
    if at[-1] != FRAME_END or memcmp(content.header, BASIC_CLASS, 4):
        return ASSEMBLE
    body_bytes = u64(content.header + 4)
    content.body_bytes = 0
    content.body = content.end = at
    if body_bytes == 0:
        return COMPLETE
    if body_bytes > <uint64_t> payload_max_bytes:
        return ASSEMBLE
    if at + HEAD_BYTES > limit:
        return WAIT
    if at[0] != FRAME_BODY or (at[1] << 8 | at[2]) != channel or u32(at + 3) != body_bytes:
        return ASSEMBLE
    content.body = at + HEAD_BYTES
    content.body_bytes = <Py_ssize_t> body_bytes
    content.end = content.body + content.body_bytes + 1
    if content.end > limit:
        return WAIT
    return COMPLETE if content.end[-1] == FRAME_END else ASSEMBLE


cdef bint _is_route(const unsigned char *at, Py_ssize_t size) noexcept nogil:
    """Whether these octets are exactly two shortstrs."""
    if size < 2 or size < at[0] + 2:
        return False
    return size == at[0] + 2 + at[at[0] + 1]


cdef inline uint32_t _digest(const unsigned char *at, Py_ssize_t size) noexcept nogil:
    """Return a hash of the octets; two different frames may have the same one."""
    cdef uint64_t word, mixed = <uint64_t> size
    while size > 0:
        word = 0
        memcpy(&word, at, min(size, 8))
        mixed = (mixed ^ word) * <uint64_t> 0x9E3779B97F4A7C15
        mixed ^= mixed >> 32
        at += 8
        size -= 8
    return <uint32_t> mixed


@cython.final
cdef class _Burst:
    """The distinct publish frames of a burst, by number, and the number for each message.

    A hash table with linear probing. A peer that chooses frames with equal digests makes a search
    look at most at METHODS_PER_BURST_MAX digests.
    """

    cdef uint16_t slots[SLOTS]  # a number plus 1; 0 is free
    cdef const unsigned char *frames[METHODS_PER_BURST_MAX]
    cdef uint32_t digests[METHODS_PER_BURST_MAX]
    cdef int count
    cdef uint32_t digest, slot  # of the last frame that ``find`` looked for
    cdef bytes order  # has room to spare

    cdef int find(self, const unsigned char *frame, Py_ssize_t size) noexcept:
        """Return the number of a frame; -1 if it is not here; ``add`` can then add it."""
        cdef int number
        # All frames have the same ids, reserved octets and frame end.
        self.digest = _digest(frame + HEAD_BYTES + ROUTE_AT, size - OVERHEAD_BYTES - ROUTE_AT)
        self.slot = self.digest & (SLOTS - 1)
        while self.slots[self.slot]:
            number = self.slots[self.slot] - 1
            # The earlier frame has at least ``size`` octets behind it, because this one follows it.
            if self.digests[number] == self.digest:
                if not memcmp(self.frames[number], frame, size):
                    return number
            self.slot = (self.slot + 1) & (SLOTS - 1)
        return -1

    cdef int add(self, const unsigned char *frame) noexcept:
        """Add the frame that ``find`` did not find, and return its number; there must be room."""
        cdef int number = self.count
        self.slots[self.slot] = <uint16_t> (number + 1)
        self.frames[number] = frame
        self.digests[number] = self.digest
        self.count += 1
        return number

    cdef object event(self, int channel, Block block, int flags):
        cdef const unsigned char *frame
        methods = tuple(
            [
                PyBytes_FromStringAndSize(<char *> frame + HEAD_BYTES, u32(frame + 3))
                for frame in self.frames[: self.count]
            ]
        )
        records = make_run(block, 0, 1, block.count)
        order = self.order[: block.count]
        return _tuple_new(_PublishBurst, (channel, methods, order, records, flags))


@cython.final
cdef class MessageSizes:
    """See ``wire.framing.MessageSizes``."""

    cdef uint64_t _counts[SIZE_BOUNDS + 1]
    cdef readonly uint64_t total_bytes

    @property
    def counts(self):
        return tuple([count for count in self._counts])

    def note(self, uint64_t size_bytes):
        self.add(size_bytes, 1)

    cdef void add(self, uint64_t size_bytes, uint64_t count) noexcept:
        cdef int place = 0
        while place < SIZE_BOUNDS and size_bytes > BOUNDS_BYTES[place]:
            place += 1
        self._counts[place] += count
        self.total_bytes += size_bytes * count


cdef bint _is_small(Block block) noexcept:
    """Whether messages may be copied once more, because they are few and small."""
    cdef Py_ssize_t index, body_bytes = 0
    for index in range(min(block.count, STRETCH_ALONE_COUNT)):
        body_bytes += head_of(block, index).body_bytes
    return block.count < STRETCH_ALONE_COUNT and body_bytes < LARGE_BODY_BYTES


@cython.final
cdef class _Scanner:
    """One scan."""

    cdef const unsigned char *at
    cdef const unsigned char *limit
    cdef Py_ssize_t payload_max_bytes
    cdef bint waits
    cdef MessageSizes sizes
    # State of the publishes that are gathered:
    cdef const unsigned char *last_header
    cdef Py_ssize_t last_header_bytes
    cdef Py_ssize_t last_body_bytes
    cdef Py_ssize_t sized_count
    cdef Traits traits
    cdef int flags

    cdef void note_sizes(self, Block block) noexcept:
        """Count the sizes of the messages that the last header announced."""
        if self.sizes is not None and block.count > self.sized_count:
            self.sizes.add(self.last_body_bytes, block.count - self.sized_count)
        self.sized_count = block.count

    cdef bint take_header(self, Block block, Content *content) noexcept:
        """Note what the next messages have in common; False if the properties are wrong."""
        # A header may differ only in the body size, but the traits depend on what follows it.
        if not traits_of(content.header, content.header_bytes, &self.traits):
            return False
        self.flags |= self.traits.flags
        self.note_sizes(block)
        self.last_body_bytes = content.body_bytes
        self.last_header = content.header
        self.last_header_bytes = content.header_bytes
        return True

    cdef inline int add(
        self, Block block, const unsigned char *publish, Py_ssize_t publish_bytes, Content *content
    ) except -1:
        """Add a message, and move behind it; 0 if its properties are wrong."""
        cdef Head *head
        cdef Py_ssize_t size = content.header_bytes
        if self.last_header_bytes != size or memcmp(self.last_header, content.header, size):
            if not self.take_header(block, content):
                return 0
        if block.count == 0:
            block.reserve(FIRST_BLOCK_BYTES + content.body_bytes)
        head = block.add(
            <const char *> publish + HEAD_BYTES + ROUTE_AT,
            publish_bytes - OVERHEAD_BYTES - ROUTE_AT - 1,
            <const char *> content.header, size, <const char *> content.body, content.body_bytes,
        )
        head.flags = self.traits.flags
        head.priority = self.traits.priority
        head.ttl_ms = self.traits.ttl_ms
        self.at = content.end
        return 1

    cdef object publishes(self, const unsigned char *method_end):
        """Collect publishes that go together; see the twin."""
        cdef const unsigned char *start = self.at
        cdef int channel = start[1] << 8 | start[2]
        cdef Py_ssize_t publish_bytes = method_end - start
        cdef Py_ssize_t method_bytes = publish_bytes - OVERHEAD_BYTES
        cdef Content content
        cdef Found found = ASSEMBLE
        cdef Block block
        cdef _Burst burst
        cdef bytes method = PyBytes_FromStringAndSize(<char *> start + HEAD_BYTES, method_bytes)
        if not _is_route(start + HEAD_BYTES + ROUTE_AT, method_bytes - ROUTE_AT - 1):
            self.at = method_end
            return _tuple_new(_FrameEvent, (channel, FRAME_METHOD, method))
        block = Block.__new__(Block)
        self.last_header_bytes = self.flags = self.sized_count = 0
        while self.at + publish_bytes <= self.limit and (
            self.at is start or not memcmp(self.at, start, publish_bytes)
        ):
            found = _content(
                self.at + publish_bytes, self.limit, channel, self.payload_max_bytes, &content
            )
            if found != COMPLETE:
                break
            if not self.add(block, start, publish_bytes, &content):
                found = ASSEMBLE
                break
        if not block.count:
            if found == WAIT:
                self.waits = True
                return None
            self.at = method_end
            return _tuple_new(_FrameEvent, (channel, FRAME_METHOD, method))
        if found == COMPLETE and self.publish_bytes(channel) and _is_small(block):
            burst = self.burst(block, start, publish_bytes)
            if burst.count > 1:
                self.note_sizes(block)
                block.trim()
                return burst.event(channel, block, self.flags)
        self.note_sizes(block)
        block.trim()
        records = make_run(block, 0, 1, block.count)
        return _tuple_new(_PublishRun, (channel, method, records, self.flags))

    cdef Py_ssize_t publish_bytes(self, int channel) noexcept:
        """Return the size of the next frame if it is a basic.publish; else 0."""
        cdef const unsigned char *at = self.at
        cdef Py_ssize_t size
        if at + OVERHEAD_BYTES > self.limit:
            return 0
        size = <Py_ssize_t> u32(at + 3)
        if (
            at[0] == FRAME_METHOD
            and (at[1] << 8 | at[2]) == channel
            and size <= self.payload_max_bytes
            and at + OVERHEAD_BYTES + size <= self.limit
            and at[HEAD_BYTES + size] == FRAME_END
            and size >= 4
            and not memcmp(at + HEAD_BYTES, BASIC_PUBLISH, 4)
            and _is_route(at + HEAD_BYTES + ROUTE_AT, size - ROUTE_AT - 1)
        ):
            return size + OVERHEAD_BYTES
        return 0

    cdef _Burst burst(self, Block block, const unsigned char *first, Py_ssize_t publish_bytes):
        """Continue a run with messages of other publish frames; see the twin."""
        cdef int channel = first[1] << 8 | first[2]
        cdef _Burst burst = _Burst.__new__(_Burst)
        cdef const unsigned char *at
        cdef Content content
        cdef int number
        cdef Py_ssize_t count_max = block.count + (self.limit - self.at) // MESSAGE_BYTES_MIN
        cdef bytes order = PyBytes_FromStringAndSize(NULL, count_max)
        cdef unsigned char *numbers = <unsigned char *> PyBytes_AS_STRING(order)
        burst.order = order
        burst.find(first, publish_bytes)
        memset(numbers, burst.add(first), block.count)
        while True:
            at = self.at
            publish_bytes = self.publish_bytes(channel)
            if not publish_bytes:
                break
            number = burst.find(at, publish_bytes)
            if number < 0 and burst.count == METHODS_PER_BURST_MAX:
                break
            if (
                _content(at + publish_bytes, self.limit, channel, self.payload_max_bytes, &content)
                != COMPLETE
                or content.body_bytes >= LARGE_BODY_BYTES
                or not self.add(block, at, publish_bytes, &content)
            ):
                break
            if number < 0:
                number = burst.add(at)
            numbers[block.count - 1] = number
        return burst

    cdef object ack_range(self):
        """Collect consecutive single acks whose tags count up by one."""
        cdef const unsigned char *start = self.at
        cdef const unsigned char *at = start
        cdef uint64_t first = u64(at + ACK_TAG_AT)
        cdef uint64_t last = first
        cdef bint multiple = at[ACK_MULTIPLE_AT] & 1
        at += ACK_FRAME_BYTES
        if not multiple:
            while (
                at + ACK_FRAME_BYTES <= self.limit
                and not memcmp(at, start, ACK_TAG_AT)
                and u64(at + ACK_TAG_AT) > last
                and u64(at + ACK_TAG_AT) - last == 1
                and at[ACK_MULTIPLE_AT] == 0
                and at[ACK_MULTIPLE_AT + 1] == FRAME_END
            ):
                last += 1
                at += ACK_FRAME_BYTES
        self.at = at
        return _tuple_new(_AckRange, (start[1] << 8 | start[2], first, last, multiple))

    cdef object event(self, const unsigned char *end):
        """Return the event of the frame at ``at``, which ends at ``end``; None to skip or wait."""
        cdef const unsigned char *at = self.at
        cdef Py_ssize_t payload_bytes = end - at - OVERHEAD_BYTES
        cdef int kind = at[0]
        cdef int channel = at[1] << 8 | at[2]
        cdef bytes payload
        if kind == FRAME_METHOD and payload_bytes >= 4:
            if not memcmp(at + HEAD_BYTES, BASIC_PUBLISH, 4):
                return self.publishes(end)
            if payload_bytes == ACK_PAYLOAD_BYTES and not memcmp(at + HEAD_BYTES, BASIC_ACK, 4):
                return self.ack_range()
        payload = PyBytes_FromStringAndSize(<char *> at + HEAD_BYTES, payload_bytes)
        if kind == FRAME_METHOD or kind == FRAME_HEADER or kind == FRAME_BODY:
            self.at = end
            return _tuple_new(_FrameEvent, (channel, kind, payload))
        _check_heartbeat(kind, channel, payload)
        self.at = end
        return None


cdef class Scanner:
    """See ``wire.framing.Scanner``."""

    cdef MessageSizes _sizes

    def __init__(self, MessageSizes sizes not None):
        self._sizes = sizes

    def scan(self, buffer, Py_ssize_t payload_max_bytes):
        return _scan(buffer, payload_max_bytes, self._sizes)


def scan(buffer, Py_ssize_t payload_max_bytes):
    """Take all complete events from the front of a buffer; see ``wire.framing.scan``."""
    return _scan(buffer, payload_max_bytes, None)


cdef object _scan(buffer, Py_ssize_t payload_max_bytes, MessageSizes sizes):
    cdef const unsigned char[::1] view = buffer
    cdef Py_ssize_t size_bytes = view.shape[0]
    cdef const unsigned char *start = &view[0] if size_bytes else NULL
    cdef const unsigned char *end
    cdef Py_ssize_t payload_bytes
    cdef list events = []
    cdef _Scanner scanner = _Scanner.__new__(_Scanner)
    scanner.at = start
    scanner.limit = start + size_bytes
    scanner.payload_max_bytes = payload_max_bytes
    scanner.waits = False
    scanner.sizes = sizes
    try:
        while scanner.limit - scanner.at >= HEAD_BYTES:
            payload_bytes = <Py_ssize_t> u32(scanner.at + 3)
            if payload_bytes > payload_max_bytes:
                raise _too_large(scanner.at[0], payload_bytes, payload_max_bytes)
            end = scanner.at + OVERHEAD_BYTES + payload_bytes
            if end > scanner.limit:
                break
            if end[-1] != FRAME_END:
                raise _bad_end(bytes(view[scanner.at - start : end - start]), 0, end - scanner.at)
            event = scanner.event(end)
            if event is not None:
                events.append(event)
            elif scanner.waits:
                break
    except WireError as error:
        return _tuple_new(_Scan, (events, scanner.at - start, error))
    return _tuple_new(_Scan, (events, scanner.at - start, None))
