"""AMQP 1.0 values in raw memory, and memory that grows."""

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport realloc
from libc.string cimport memcmp, memcpy


cdef enum:
    DEPTH_MAX = 64
    OCTET_MAX = 255
    SIZED_BY_ONE = 0xF1
    SIZED_BY_FOUR = 0xF4
    NO_SUCH_TYPE = 0xFF
    NULL_VALUE = 0x40
    UTF8 = 0xA1
    BINARY = 0xA0
    SYMBOL = 0xA3
    LIST = 0xC0
    MAP = 0xC1
    # Added to a constructor whose size is one octet, it makes that of a size of four.
    LARGER = 0x10
    TIMESTAMP_S_MAX = 9223372036854775
    # The properties, by place in the list.
    CONTENT_TYPE = 0
    CONTENT_ENCODING = 1
    HEADERS = 2
    DELIVERY_MODE = 3
    PRIORITY = 4
    CORRELATION_ID = 5
    REPLY_TO = 6
    EXPIRATION = 7
    MESSAGE_ID = 8
    TIMESTAMP = 9
    TYPE = 10
    USER_ID = 11
    APP_ID = 12
    CLUSTER_ID = 13
    PROPERTY_COUNT = 14


cdef struct Out:
    # Octets that are written behind each other.
    char *data
    Py_ssize_t used
    Py_ssize_t size


cdef inline int room(Out *out, Py_ssize_t more) except -2:
    """Have memory for so many octets more."""
    cdef Py_ssize_t size
    cdef void *moved
    if out.used + more > out.size:
        size = max(out.used + more, 2 * out.size, 512)
        moved = realloc(out.data, size)
        if moved == NULL:
            raise MemoryError("no memory for a message")
        out.data = <char *> moved
        out.size = size
    return 0


cdef inline int put(Out *out, const void *octets, Py_ssize_t size) except -2:
    room(out, size)
    if size:
        memcpy(out.data + out.used, octets, size)
    out.used += size
    return 0


cdef inline int put_octet(Out *out, uint8_t octet) except -2:
    room(out, 1)
    out.data[out.used] = <char> octet
    out.used += 1
    return 0


cdef inline void set_u32(char *at, uint32_t value) noexcept:
    at[0] = <char> (value >> 24)
    at[1] = <char> (value >> 16)
    at[2] = <char> (value >> 8)
    at[3] = <char> value


cdef inline void set_u64(char *at, uint64_t value) noexcept:
    set_u32(at, <uint32_t> (value >> 32))
    set_u32(at + 4, <uint32_t> value)


cdef inline int put_u32(Out *out, uint32_t value) except -2:
    room(out, 4)
    set_u32(out.data + out.used, value)
    out.used += 4
    return 0


cdef inline int put_u64(Out *out, uint64_t value) except -2:
    room(out, 8)
    set_u64(out.data + out.used, value)
    out.used += 8
    return 0


cdef inline uint32_t u32_at(const uint8_t *at) noexcept:
    return <uint32_t> at[0] << 24 | <uint32_t> at[1] << 16 | <uint32_t> at[2] << 8 | at[3]


cdef inline uint64_t u64_at(const uint8_t *at) noexcept:
    return <uint64_t> u32_at(at) << 32 | u32_at(at + 4)


cdef inline bint equals(
    const uint8_t *octets, Py_ssize_t size, const char *other, Py_ssize_t other_size
) noexcept:
    return size == other_size and not memcmp(octets, other, size)


cdef extern from *:
    """
    /* amqp10.WIDTHS by the high half of a constructor, and a bit for each low half that there is. */
    static const unsigned char haremq_widths[16] = {
        0xFF, 0xFF, 0xFF, 0xFF, 0, 1, 2, 4, 8, 16, 0xF1, 0xF4, 0xF1, 0xF4, 0xF1, 0xF4};
    static const unsigned short haremq_low_halves[16] = {
        0, 0, 0, 0, 0x3F, 0x7F, 0x03, 0x1F, 0x1F, 0x110, 0x0B, 0x0B, 0x03, 0x03, 0x01, 0x01};
    """
    const unsigned char *haremq_widths
    const unsigned short *haremq_low_halves


cdef inline int width_of(uint8_t constructor) noexcept:
    """Return what ``amqp10.WIDTHS`` has for a constructor."""
    if haremq_low_halves[constructor >> 4] >> (constructor & 15) & 1:
        return haremq_widths[constructor >> 4]
    return NO_SUCH_TYPE


cdef inline const uint8_t *content_of(
    uint8_t constructor, const uint8_t *at, const uint8_t *end, Py_ssize_t *size
) noexcept:
    """Return where content begins, and its size; NULL if it does not end before ``end``."""
    cdef Py_ssize_t width = width_of(constructor)
    if width == SIZED_BY_ONE:
        if end - at < 1:
            return NULL
        width = at[0]
        at += 1
    elif width == SIZED_BY_FOUR:
        if end - at < 4:
            return NULL
        width = u32_at(at)
        at += 4
    elif width == NO_SUCH_TYPE:
        return NULL
    if width > end - at:
        return NULL
    size[0] = width
    return at


cdef inline const uint8_t *end_of_value(const uint8_t *at, const uint8_t *end) noexcept:
    """Return where a value ends, its descriptors included; NULL if there is none."""
    cdef Py_ssize_t awaited = 1, size = 0
    cdef uint8_t constructor
    while awaited:
        if at >= end:
            return NULL
        constructor = at[0]
        at += 1
        if constructor == 0:
            awaited += 1
            continue
        at = content_of(constructor, at, end, &size)
        if at == NULL:
            return NULL
        at += size
        awaited -= 1
    return at


cdef inline int width_of_field(uint8_t kind) noexcept:
    """Return the octets of a 0-9-1 field value behind its type; -1 a size stands first, -2 none."""
    if kind in (c"S", c"x", c"F", c"A"):
        return -1
    if kind == c"V":
        return 0
    if kind in (c"t", c"b", c"B"):
        return 1
    if kind in (c"s", c"u"):
        return 2
    if kind in (c"I", c"i", c"f"):
        return 4
    if kind in (c"l", c"L", c"d", c"T"):
        return 8
    if kind == c"D":
        return 5
    return -2


cdef inline const uint8_t *inner_end(const uint8_t *at) noexcept:
    """Return where a field value ends that ``end_of_field`` has walked."""
    cdef int width = width_of_field(at[0])
    return at + 5 + u32_at(at + 1) if width < 0 else at + 1 + width


cdef const uint8_t *end_of_field(const uint8_t *at, const uint8_t *end, int depth) noexcept
cdef bint is_text(const uint8_t *octets, Py_ssize_t size, bint zero_is_one) noexcept
cdef const char *basic_name(int index) noexcept
cdef bint is_ascii(const uint8_t *octets, Py_ssize_t size) noexcept
cdef void trim(Out *out) noexcept
cdef int put_sized(Out *out, uint8_t constructor, const uint8_t *octets, Py_ssize_t size) except -2
cdef int put_text(Out *out, const uint8_t *octets, Py_ssize_t size) except -2
cdef int put_uint(Out *out, uint32_t value) except -2
cdef int put_section(Out *out, uint8_t code, uint8_t constructor, Out *items, Py_ssize_t count) except -2
cdef int put_creation_time(Out *out, const uint8_t *timestamp) except -2
cdef int put_value(Out *out, const uint8_t *at, const uint8_t *end) except -2
cdef int put_id(Out *out, const uint8_t *octets, Py_ssize_t size) except -2
cdef bint is_body(const uint8_t *octets, Py_ssize_t size) noexcept
cdef int64_t ttl_of(const uint8_t *digits, Py_ssize_t size) noexcept
