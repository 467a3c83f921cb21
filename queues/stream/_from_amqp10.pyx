# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
# cython: cdivision=True
"""The messages of a chunk as AMQP 0-9-1: the kernel behind ``queues.stream.from_amqp10``.

What stands before a body is told once for all messages in which it has the same octets: their
bodies and offsets are put behind and into copies of it.
"""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcmp, memset

from persistence._record cimport Block, Head, make_run, octets_of
from queues.stream._amqp10 cimport (
    OCTET_MAX,
    Out,
    content_of,
    end_of_value,
    put,
    put_octet,
    put_u32,
    put_u64,
    set_u64,
    trim,
    u32_at,
)
from queues.stream._fields cimport BINARIES, TEXTS, string_at
from queues.stream._told cimport DATA, HEAD_BYTES, OFFSET_FIELD_BYTES, Message, code_of, start_header, tell

from queues.stream.amqp10 import MalformedMessageError
from queues.stream.from_amqp10 import ReadMessages

cdef enum:
    # persistence.record
    PERSISTENT = 1
    NO_TTL = -1
    SUB_BATCH = 0x80
    SUB_BATCH_HEAD_BYTES = 11
    COMPRESSION = 0x70
    DATA_HEAD_BYTES = 3
    LIKELY_GROWTH_BYTES = 32
    HAS_CONTENT_TYPE = 0x8000
    HAS_CONTENT_ENCODING = 0x4000
    HAS_DELIVERY_MODE = 0x1000
    HAS_PRIORITY = 0x0800

cdef Out header_out
cdef Out route_out
cdef Out body_out


cdef class Reader:
    """Reads messages into a block of records."""

    cdef Block block
    cdef object filter_values
    cdef bytes queue_name
    cdef list offsets
    cdef int64_t first_offset
    cdef int64_t next_offset
    cdef int64_t from_offset
    cdef Py_ssize_t read_bytes
    # The last message whose head may be that of others: where it stands, and how long its head is.
    cdef const uint8_t *known
    cdef Py_ssize_t known_bytes
    cdef Py_ssize_t offset_at
    cdef int flags
    cdef int priority
    cdef bint is_wanted

    cdef int read(self, const uint8_t *octets, Py_ssize_t size, int64_t offset) except -2:
        """Read one message."""
        cdef Message message
        cdef const uint8_t *body = NULL
        cdef Py_ssize_t body_bytes = 0
        if offset < self.from_offset:
            return 0
        if (
            self.known != NULL
            and size > self.known_bytes
            and not memcmp(octets, self.known, self.known_bytes)
        ):
            body = whole_data(octets + self.known_bytes, octets + size, &body_bytes)
        if body == NULL:
            self.known = NULL
            if tell(octets, size, offset, &message, &header_out) < 0:
                memset(&message, 0, sizeof(Message))
                body = octets
                body_bytes = size
                start_header(&header_out)
                header_out.data[HEAD_BYTES] = 0x20
                put_u32(&header_out, OFFSET_FIELD_BYTES)
                put_octet(&header_out, 15)
                put(&header_out, b"x-stream-offsetl", 16)
                put_u64(&header_out, <uint64_t> offset)
            else:
                body = body_of(&message, &body_bytes)
                if message.body_code == DATA and message.body_count == 1 and message.body_end == octets + size:
                    self.known = octets
                    self.known_bytes = message.body - octets
            self.note(&message)
        if self.is_wanted:
            self.add(body, body_bytes, offset)
        return 0

    cdef int note(self, Message *message) except -2:
        """Note what the messages of one head have in common."""
        cdef const uint8_t *header = <const uint8_t *> header_out.data + HEAD_BYTES
        cdef Py_ssize_t at = HEAD_BYTES + 2, size = 0
        cdef const uint8_t *octets
        cdef int flags = header[0] << 8 | header[1]
        if flags & HAS_CONTENT_TYPE:
            at += 1 + <uint8_t> header_out.data[at]
        if flags & HAS_CONTENT_ENCODING:
            at += 1 + <uint8_t> header_out.data[at]
        self.offset_at = at + 4 + 17
        at += 4 + u32_at(<const uint8_t *> header_out.data + at)
        if flags & HAS_DELIVERY_MODE:
            if header_out.data[at] == 2:
                flags |= PERSISTENT
            at += 1
        self.priority = <uint8_t> header_out.data[at] if flags & HAS_PRIORITY else 0
        self.flags = flags
        route_out.used = 0
        octets = text_of(message.exchange, message.end, &size)
        put_octet(&route_out, <uint8_t> size)
        put(&route_out, octets, size)
        octets = text_of(message.routing_key, message.end, &size)
        if octets == NULL:
            octets = <const uint8_t *> PyBytes_AS_STRING(self.queue_name)
            size = PyBytes_GET_SIZE(self.queue_name)
        put_octet(&route_out, <uint8_t> size)
        put(&route_out, octets, size)
        self.is_wanted = True
        if self.filter_values is not None:
            octets = text_of(message.filter, message.end, &size)
            self.is_wanted = PyBytes_FromStringAndSize(<const char *> octets, size) in self.filter_values
        return 0

    cdef int add(self, const uint8_t *body, Py_ssize_t body_bytes, int64_t offset) except -2:
        """Add a record with the head that is at hand."""
        cdef Head *head = self.block.add(
            route_out.data, route_out.used, header_out.data, header_out.used, <const char *> body, body_bytes
        )
        cdef char *header = <char *> octets_of(head) + route_out.used
        set_u64(header + 4, <uint64_t> body_bytes)
        set_u64(header + self.offset_at, <uint64_t> offset)
        head.flags = self.flags
        head.priority = self.priority
        head.ttl_ms = NO_TTL
        self.read_bytes += header_out.used + body_bytes
        if self.block.count == 1:
            self.first_offset = offset
        elif self.offsets is None and offset != self.next_offset:
            self.offsets = list(range(self.first_offset, self.next_offset))
        if self.offsets is not None:
            self.offsets.append(offset)
        self.next_offset = offset + 1
        return 0

    cdef object read_offsets(self):
        if self.offsets is not None:
            return self.offsets
        return range(self.first_offset, self.first_offset + self.block.count)


cdef const uint8_t *whole_data(
    const uint8_t *at, const uint8_t *end, Py_ssize_t *size
) noexcept:
    """Return the content of a data section that takes all octets; NULL if there is something else."""
    cdef const uint8_t *content
    if end - at <= DATA_HEAD_BYTES or at[0] or at[1] != 0x53 or at[2] != DATA:
        return NULL
    at += DATA_HEAD_BYTES
    if at[0] != 0xA0 and at[0] != 0xB0:
        return NULL
    content = content_of(at[0], at + 1, end, size)
    return content if content != NULL and content + size[0] == end else NULL


cdef const uint8_t *body_of(Message *message, Py_ssize_t *size) except? NULL:
    """Return the body of a message: content of data sections, or other sections as they stand."""
    cdef const uint8_t *at = message.body
    cdef const uint8_t *value
    cdef const uint8_t *stop
    cdef int code
    body_out.used = 0
    size[0] = 0
    while at < message.body_end:
        value = at
        code = code_of(&value, message.end)
        stop = end_of_value(value, message.end)
        if code == message.body_code:
            if code == DATA:
                at = content_of(value[0], value + 1, message.end, size)
            else:
                size[0] = stop - at
            if message.body_count == 1:
                return at
            put(&body_out, at, size[0])
        at = stop
    size[0] = body_out.used
    return <const uint8_t *> body_out.data


cdef const uint8_t *text_of(const uint8_t *value, const uint8_t *end, Py_ssize_t *size) noexcept:
    """Return a text that a shortstr can be; NULL and no size if the value is none."""
    cdef const uint8_t *octets = NULL
    if value != NULL:
        octets = string_at(value, end, TEXTS | BINARIES, size)
    if octets == NULL or size[0] > OCTET_MAX:
        size[0] = 0
        return NULL
    return octets


cdef void trim_all() noexcept:
    trim(&header_out)
    trim(&route_out)
    trim(&body_out)


def from_amqp10(bytes message):
    """Return one message; see ``from_amqp10.from_amqp10``."""
    cdef Message told
    cdef const uint8_t *octets = <const uint8_t *> PyBytes_AS_STRING(message)
    cdef Py_ssize_t exchange_bytes = 0, key_bytes = 0, body_bytes = 0
    cdef const uint8_t *exchange
    cdef const uint8_t *routing_key
    cdef const uint8_t *body
    try:
        if tell(octets, PyBytes_GET_SIZE(message), -1, &told, &header_out) < 0:
            raise MalformedMessageError("octets are no AMQP 1.0 message that can be told")
        exchange = text_of(told.exchange, told.end, &exchange_bytes)
        routing_key = text_of(told.routing_key, told.end, &key_bytes)
        body = body_of(&told, &body_bytes)
        return (
            None if exchange == NULL else PyBytes_FromStringAndSize(<const char *> exchange, exchange_bytes),
            None if routing_key == NULL else PyBytes_FromStringAndSize(<const char *> routing_key, key_bytes),
            PyBytes_FromStringAndSize(header_out.data + HEAD_BYTES, header_out.used - HEAD_BYTES),
            PyBytes_FromStringAndSize(<const char *> body, body_bytes),
        )
    finally:
        trim_all()


cdef int read_batch(Reader reader, const uint8_t *at, const uint8_t *end, int64_t offset, Py_ssize_t count) except -2:
    """Read at most so many messages; a client that lied about its sub-batch has fewer."""
    cdef Py_ssize_t index, size
    for index in range(count):
        if end - at < 4 or at[0] >= SUB_BATCH:
            return 0
        size = u32_at(at)
        at += 4
        if size > end - at:
            return 0
        reader.read(at, size, offset + index)
        at += size
    return 0


cdef Py_ssize_t likely_bytes(const uint8_t *at, const uint8_t *end, Py_ssize_t count_max) noexcept:
    """Return about what so many messages take as records; a block that is too small grows.

    One that is much too large would be a new mapping each time, whose pages are expensive.
    """
    cdef const uint8_t *start = at
    cdef Py_ssize_t count = 0, size
    while end - at >= SUB_BATCH_HEAD_BYTES and count < count_max:
        if at[0] < SUB_BATCH:
            size = 4 + <Py_ssize_t> u32_at(at)
            count += 1
        else:
            size = SUB_BATCH_HEAD_BYTES + <Py_ssize_t> u32_at(at + 7)
            count += at[1] << 8 | at[2]
        if size > end - at:
            break
        at += size
    # Each count is that of messages which stand there, or of what is too short to be many.
    return at - start + min(count, (at - start) // 4) * LIKELY_GROWTH_BYTES


def read_messages(data, Py_ssize_t position, int64_t offset, bytes queue_name, wanted):
    """Read the messages of a chunk's data section; see ``from_amqp10.read_messages``."""
    cdef Py_buffer view
    cdef Reader reader = Reader.__new__(Reader)
    cdef const uint8_t *at
    cdef const uint8_t *end
    cdef Py_ssize_t count, size, count_max = wanted.count_max, bytes_max = wanted.bytes_max
    reader.block = Block.__new__(Block)
    reader.filter_values = wanted.filter_values
    reader.from_offset = wanted.from_offset
    reader.queue_name = queue_name
    PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
    try:
        at = <const uint8_t *> view.buf + min(max(position, 0), view.len)
        end = <const uint8_t *> view.buf + view.len
        reader.block.reserve(likely_bytes(at, end, count_max))
        while at < end and reader.block.count < count_max and reader.read_bytes < bytes_max:
            if at[0] < SUB_BATCH:
                if end - at < 4 or u32_at(at) > <uint64_t> (end - at - 4):
                    raise MalformedMessageError("an entry is longer than its chunk")
                size = u32_at(at)
                reader.read(at + 4, size, offset)
                at += 4 + size
                offset += 1
                continue
            if end - at < SUB_BATCH_HEAD_BYTES or u32_at(at + 7) > <uint64_t> (end - at - SUB_BATCH_HEAD_BYTES):
                raise MalformedMessageError("a sub-batch is longer than its chunk")
            count = at[1] << 8 | at[2]
            size = u32_at(at + 7)
            if not at[0] & COMPRESSION:
                read_batch(reader, at + SUB_BATCH_HEAD_BYTES, at + SUB_BATCH_HEAD_BYTES + size, offset, count)
            at += SUB_BATCH_HEAD_BYTES + size
            offset += count
        position = at - <const uint8_t *> view.buf
    finally:
        PyBuffer_Release(&view)
        trim_all()
    reader.block.trim()
    return ReadMessages(
        make_run(reader.block, 0, 1, reader.block.count), reader.read_offsets(), position, offset
    )
