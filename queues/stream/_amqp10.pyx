# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
# cython: cdivision=True
"""AMQP 1.0 values and AMQP 0-9-1 fields walked in raw memory: behind ``queues.stream.amqp10``."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free
from libc.string cimport memcmp, memmove


cdef enum:
    SEQUENCE = 0x76
    VALUE = 0x77
    COMPOUND_HEAD_BYTES = 9
    U32_DIGITS_MAX = 10
    SCRATCH_BYTES_MAX = 65536


cdef const char *BASIC_NAMES[PROPERTY_COUNT]
BASIC_NAMES[CONTENT_TYPE] = b"x-basic-content-type"
BASIC_NAMES[CONTENT_ENCODING] = b"x-basic-content-encoding"
BASIC_NAMES[HEADERS] = b"x-basic-headers"
BASIC_NAMES[DELIVERY_MODE] = b"x-basic-delivery-mode"
BASIC_NAMES[PRIORITY] = b"x-basic-priority"
BASIC_NAMES[CORRELATION_ID] = b"x-basic-correlation-id"
BASIC_NAMES[REPLY_TO] = b"x-basic-reply-to"
BASIC_NAMES[EXPIRATION] = b"x-basic-expiration"
BASIC_NAMES[MESSAGE_ID] = b"x-basic-message-id"
BASIC_NAMES[TIMESTAMP] = b"x-basic-timestamp"
BASIC_NAMES[TYPE] = b"x-basic-type"
BASIC_NAMES[USER_ID] = b"x-basic-user-id"
BASIC_NAMES[APP_ID] = b"x-basic-app-id"
BASIC_NAMES[CLUSTER_ID] = b"x-basic-cluster-id"


cdef const char *basic_name(int index) noexcept:
    """Return the annotation that keeps a property as it was."""
    return BASIC_NAMES[index]


cdef void trim(Out *out) noexcept:
    """Forget the octets, and the memory too if it is much."""
    out.used = 0
    if out.size > SCRATCH_BYTES_MAX:
        free(out.data)
        out.data = NULL
        out.size = 0


cdef const uint8_t *end_of_field(const uint8_t *at, const uint8_t *end, int depth) noexcept:
    """Return where a 0-9-1 field value ends, its type octet at ``at``; NULL if it is none."""
    cdef int width
    cdef uint8_t kind
    cdef const uint8_t *stop
    if at >= end:
        return NULL
    kind = at[0]
    at += 1
    width = width_of_field(kind)
    if width >= 0:
        return at + width if width <= end - at else NULL
    if width == -2 or end - at < 4 or u32_at(at) > <uint64_t> (end - at - 4):
        return NULL
    stop = at + 4 + u32_at(at)
    at += 4
    if kind in (c"S", c"x"):
        return stop
    if depth == DEPTH_MAX:
        return NULL
    while at < stop:
        if kind == c"F":
            if at[0] >= stop - at:
                return NULL
            at += 1 + at[0]
        at = end_of_field(at, stop, depth + 1)
        if at == NULL:
            return NULL
    return stop


cdef bint is_text(const uint8_t *octets, Py_ssize_t size, bint zero_is_one) noexcept:
    """Return whether octets are UTF-8, and have no zero if that is none of a text."""
    cdef Py_ssize_t at = 0
    cdef uint32_t code_point
    cdef int more, index
    cdef uint8_t octet
    while at < size:
        octet = octets[at]
        at += 1
        if octet < 0x80:
            if not octet and not zero_is_one:
                return False
            continue
        if octet < 0xC2 or octet > 0xF4:
            return False
        more = 1 if octet < 0xE0 else 2 if octet < 0xF0 else 3
        if size - at < more:
            return False
        code_point = octet & (0x3F >> more)
        for index in range(more):
            if octets[at] & 0xC0 != 0x80:
                return False
            code_point = code_point << 6 | octets[at] & 0x3F
            at += 1
        if more == 2 and (code_point < 0x800 or 0xD800 <= code_point < 0xE000):
            return False
        if more == 3 and not 0x10000 <= code_point < 0x110000:
            return False
    return True


cdef bint is_ascii(const uint8_t *octets, Py_ssize_t size) noexcept:
    cdef Py_ssize_t index
    for index in range(size):
        if octets[index] & 0x80:
            return False
    return True


cdef int put_sized(Out *out, uint8_t constructor, const uint8_t *octets, Py_ssize_t size) except -2:
    """Write a string, symbol or binary."""
    room(out, size + 5)
    if size <= OCTET_MAX:
        put_octet(out, constructor)
        put_octet(out, <uint8_t> size)
    else:
        put_octet(out, constructor | LARGER)
        put_u32(out, <uint32_t> size)
    return put(out, octets, size)


cdef int put_text(Out *out, const uint8_t *octets, Py_ssize_t size) except -2:
    return put_sized(out, UTF8 if is_text(octets, size, True) else BINARY, octets, size)


cdef int put_uint(Out *out, uint32_t value) except -2:
    if value == 0:
        return put_octet(out, 0x43)
    if value <= OCTET_MAX:
        put_octet(out, 0x52)
        return put_octet(out, <uint8_t> value)
    put_octet(out, 0x70)
    return put_u32(out, value)


cdef int put_compound_head(Out *out, uint8_t constructor, Py_ssize_t size, Py_ssize_t count) except -2:
    if size < OCTET_MAX and count <= OCTET_MAX:
        put_octet(out, constructor)
        put_octet(out, <uint8_t> (size + 1))
        return put_octet(out, <uint8_t> count)
    put_octet(out, constructor | LARGER)
    put_u32(out, <uint32_t> (size + 4))
    return put_u32(out, <uint32_t> count)


cdef int put_section(Out *out, uint8_t code, uint8_t constructor, Out *items, Py_ssize_t count) except -2:
    put_octet(out, 0)
    put_octet(out, 0x53)
    put_octet(out, code)
    put_compound_head(out, constructor, items.used, count)
    return put(out, items.data, items.used)


cdef int put_creation_time(Out *out, const uint8_t *timestamp) except -2:
    """Write seconds as a timestamp and return 1; 0 and a null if they are too many."""
    cdef uint64_t seconds = u64_at(timestamp)
    if seconds > TIMESTAMP_S_MAX:
        put_octet(out, NULL_VALUE)
        return 0
    put_octet(out, 0x83)
    put_u64(out, 1000 * seconds)
    return 1


cdef int put_value(Out *out, const uint8_t *at, const uint8_t *end) except -2:
    """Write a field value that ``end_of_field`` has walked.

    Returns 1 if it comes back as it is, 0 if not, -1 if it is a null that stands for no value.
    """
    cdef uint8_t kind = at[0]
    cdef const uint8_t *content = at + 1
    cdef Py_ssize_t size = end - content
    cdef int64_t number
    if kind == c"S":
        content += 4
        size -= 4
        if size <= OCTET_MAX and is_text(content, size, False):
            put_sized(out, UTF8, content, size)
            return 1
        put_sized(out, BINARY, content, size)
        return 0
    if kind == c"I" or kind == c"l":
        number = <int32_t> u32_at(content) if kind == c"I" else <int64_t> u64_at(content)
        if -128 <= number < 128:
            put_octet(out, 0x54 if kind == c"I" else 0x55)
            put_octet(out, <uint8_t> number)
            return 1
        put_octet(out, 0x71 if kind == c"I" else 0x81)
    elif kind == c"i":
        put_uint(out, u32_at(content))
        return 1
    elif kind == c"t":
        put_octet(out, 0x41 if content[0] else 0x42)
        return 1
    elif kind == c"x":
        put_sized(out, BINARY, content + 4, size - 4)
        return 1
    elif kind == c"T":
        return 1 if put_creation_time(out, content) else -1
    elif kind == c"F" or kind == c"A":
        return put_nested(out, at, end)
    elif kind == c"V" or kind == c"D":
        put_octet(out, NULL_VALUE)
        return 1 if kind == c"V" else -1
    else:
        put_octet(
            out,
            0x51 if kind == c"b" else 0x50 if kind == c"B" else 0x61 if kind == c"s"
            else 0x60 if kind == c"u" else 0x72 if kind == c"f" else 0x82 if kind == c"d" else 0x81,
        )
    put(out, content, size)
    return kind != c"L"


cdef int put_nested(Out *out, const uint8_t *at, const uint8_t *end) except -2:
    """Write a table as a map or an array as a list; ``end_of_field`` has counted how deep it is."""
    cdef bint is_table = at[0] == c"F"
    cdef int is_same = 1
    cdef Py_ssize_t count = 0, start = out.used, size
    cdef const uint8_t *key
    cdef const uint8_t *stop
    # Room for the larger head; the smaller one moves what is behind it.
    room(out, COMPOUND_HEAD_BYTES)
    out.used += COMPOUND_HEAD_BYTES
    at += 5
    while at < end:
        key = at
        if is_table:
            at += 1 + at[0]
        stop = inner_end(at)
        if is_table and not is_ascii(key + 1, key[0]):
            is_same = 0
            at = stop
            continue
        if is_table:
            put_sized(out, SYMBOL, key + 1, key[0])
            count += 1
        if put_value(out, at, stop) != 1:
            is_same = 0
        count += 1
        at = stop
    size = out.used - start - COMPOUND_HEAD_BYTES
    out.used = start
    put_compound_head(out, MAP if is_table else LIST, size, count)
    if out.used != start + COMPOUND_HEAD_BYTES:
        memmove(out.data + out.used, out.data + start + COMPOUND_HEAD_BYTES, size)
    out.used += size
    return is_same


cdef int hex_of(uint8_t digit) noexcept:
    if c"0" <= digit <= c"9":
        return digit - c"0"
    return digit - c"a" + 10 if c"a" <= digit <= c"f" else -1


cdef int put_id(Out *out, const uint8_t *octets, Py_ssize_t size) except -2:
    """Write a message-id or correlation-id that is a text: a URN of a uuid as uuid."""
    cdef uint8_t uuid[16]
    cdef int at = 9, digit, found = 0
    if size == 45 and not memcmp(octets, b"urn:uuid:", 9):
        while at < 45:
            if at == 17 or at == 22 or at == 27 or at == 32:
                if octets[at] != c"-":
                    break
                at += 1
            digit = hex_of(octets[at])
            if digit < 0 or hex_of(octets[at + 1]) < 0:
                break
            uuid[found] = <uint8_t> (digit << 4 | hex_of(octets[at + 1]))
            found += 1
            at += 2
        if at == 45:
            put_octet(out, 0x98)
            return put(out, uuid, 16)
    return put_sized(out, UTF8, octets, size)


cdef int64_t ttl_of(const uint8_t *digits, Py_ssize_t size) noexcept:
    """Return an expiration as TTL, -1 if it would not give the same digits back."""
    cdef Py_ssize_t index
    cdef int64_t ttl_ms = 0
    if digits == NULL or not 0 < size <= U32_DIGITS_MAX or (digits[0] == c"0" and size > 1):
        return -1
    for index in range(size):
        if not c"0" <= digits[index] <= c"9":
            return -1
        ttl_ms = 10 * ttl_ms + digits[index] - c"0"
    return ttl_ms if ttl_ms <= <int64_t> 0xFFFFFFFF else -1


cdef bint is_body(const uint8_t *octets, Py_ssize_t size) noexcept:
    """Whether octets are sections that make a body, and no data: one value, or sequences."""
    cdef const uint8_t *at = octets
    cdef const uint8_t *end = octets + size
    cdef Py_ssize_t count = 0
    if size < 4 or octets[0] or octets[1] != 0x53 or octets[2] not in (SEQUENCE, VALUE):
        return False
    while at < end:
        if end - at < 4 or memcmp(at, octets, 3):
            return False
        if octets[2] == SEQUENCE and at[3] not in (0x45, LIST, LIST | LARGER):
            return False
        at = end_of_value(at + 3, end)
        if at == NULL:
            return False
        count += 1
    return count == 1 or octets[2] == SEQUENCE
