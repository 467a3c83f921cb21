# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
# cython: cdivision=True
"""AMQP 1.0 values as AMQP 0-9-1 fields in raw memory: the kernel behind ``queues.stream.fields``."""

from libc.stdint cimport int8_t, int64_t, uint8_t, uint32_t, uint64_t

from queues.stream._amqp10 cimport (
    DEPTH_MAX,
    OCTET_MAX,
    Out,
    content_of,
    end_of_value,
    put,
    put_octet,
    put_u32,
    put_u64,
    set_u32,
    u32_at,
    u64_at,
    width_of,
)

cdef enum:
    SIZE_BYTES = 5
    URN_BYTES = 45

cdef const char *DIGITS = b"0123456789abcdef"


cdef bint items_of(const uint8_t *value, const uint8_t *end, Items *items) noexcept:
    """Find the items of the list, map or array at ``value``; False if it is cut short."""
    cdef uint8_t constructor = value[0]
    cdef Py_ssize_t size = 0
    cdef const uint8_t *at = content_of(constructor, value + 1, end, &size)
    if at == NULL:
        return False
    items.count = 0
    items.end = at + size
    if constructor & 0xF0 == 0xC0 or constructor & 0xF0 == 0xE0:
        if size < 1:
            return False
        items.count = at[0]
        at += 1
    elif constructor & 0xF0 == 0xD0 or constructor & 0xF0 == 0xF0:
        if size < 4:
            return False
        items.count = u32_at(at)
        at += 4
    items.at = at
    return True


cdef int key_at(
    const uint8_t **at, const uint8_t *end, const uint8_t **key, Py_ssize_t *size
) noexcept:
    """Step over a key: 1 if it is a text that a 0-9-1 key can be, 0 if not, -1 if it is no value."""
    cdef const uint8_t *stop = end_of_value(at[0], end)
    if stop == NULL:
        return -1
    key[0] = string_at(at[0], stop, TEXTS, size)
    at[0] = stop
    return key[0] != NULL and size[0] <= OCTET_MAX


cdef const uint8_t *string_at(
    const uint8_t *value, const uint8_t *end, int kinds, Py_ssize_t *size
) noexcept:
    """Return the content of a string, symbol or binary; NULL if the value is none."""
    cdef uint8_t constructor = value[0]
    if constructor & 0xF0 != 0xA0 and constructor & 0xF0 != 0xB0:
        return NULL
    if not (TEXTS if constructor & 0x0F else BINARIES) & kinds:
        return NULL
    return content_of(constructor, value + 1, end, size)


cdef uint64_t seconds_of(const uint8_t *milliseconds) noexcept:
    """Return a timestamp of 0-9-1; the division is C's, towards zero."""
    return <uint64_t> (<int64_t> u64_at(milliseconds) // 1000)


cdef int put_urn(Out *out, const uint8_t *uuid) except -2:
    """Write the sixteen octets of a uuid as a URN."""
    cdef int index
    put(out, b"urn:uuid:", 9)
    for index in range(16):
        if index == 4 or index == 6 or index == 8 or index == 10:
            put_octet(out, c"-")
        put_octet(out, DIGITS[uuid[index] >> 4])
        put_octet(out, DIGITS[uuid[index] & 0x0F])
    return 0


cdef int put_long(Out *out, uint8_t kind, const void *content, Py_ssize_t size) except -2:
    """Write a field value whose size stands first."""
    put_octet(out, kind)
    put_u32(out, <uint32_t> size)
    put(out, content, size)
    return 1


cdef int put_number(Out *out, uint8_t kind, int64_t number) except -2:
    put_octet(out, kind)
    if kind == c"l":
        put_u64(out, <uint64_t> number)
    else:
        put_u32(out, <uint32_t> number)
    return 1


cdef int put_char(Out *out, uint32_t code_point) except -2:
    cdef uint8_t octets[4]
    cdef int size
    if code_point >= 0x110000 or 0xD800 <= code_point < 0xE000:
        return 0
    if code_point < 0x80:
        size = 1
        octets[0] = <uint8_t> code_point
    elif code_point < 0x800:
        size = 2
        octets[0] = <uint8_t> (0xC0 | code_point >> 6)
    elif code_point < 0x10000:
        size = 3
        octets[0] = <uint8_t> (0xE0 | code_point >> 12)
        octets[1] = <uint8_t> (0x80 | code_point >> 6 & 0x3F)
    else:
        size = 4
        octets[0] = <uint8_t> (0xF0 | code_point >> 18)
        octets[1] = <uint8_t> (0x80 | code_point >> 12 & 0x3F)
        octets[2] = <uint8_t> (0x80 | code_point >> 6 & 0x3F)
    if size > 1:
        octets[size - 1] = <uint8_t> (0x80 | code_point & 0x3F)
    return put_long(out, c"S", octets, size)


cdef uint8_t kind_of(uint8_t constructor) noexcept:
    """Return the type of a field whose value has the same octets; 0 if there is none."""
    if constructor == 0x50:
        return c"B"
    if constructor == 0x51:
        return c"b"
    if constructor == 0x60:
        return c"u"
    if constructor == 0x61:
        return c"s"
    if constructor == 0x70:
        return c"i"
    if constructor == 0x71:
        return c"I"
    if constructor == 0x72:
        return c"f"
    if constructor == 0x80 or constructor == 0x81:
        return c"l"
    return c"d" if constructor == 0x82 else 0


cdef int put_content(
    Out *out, uint8_t constructor, const uint8_t **at, const uint8_t *end, int depth
) except -2:
    """Write the value of a constructor as a field value: 1, 0 if it has none, -1 if it is malformed."""
    cdef Py_ssize_t size = 0
    cdef const uint8_t *content = content_of(constructor, at[0], end, &size)
    cdef uint8_t kind
    if content == NULL:
        return -1
    at[0] = content + size
    kind = kind_of(constructor)
    if kind:
        put_octet(out, kind)
        put(out, content, size)
        return 1
    if constructor & 0xF0 == 0xA0 or constructor & 0xF0 == 0xB0:
        return put_long(out, c"S" if constructor & 0x0F else c"x", content, size)
    if constructor == 0x40:
        put_octet(out, c"V")
        return 1
    if constructor == 0x41 or constructor == 0x42 or constructor == 0x56:
        put_octet(out, c"t")
        put_octet(out, content[0] != 0 if constructor == 0x56 else constructor == 0x41)
        return 1
    if constructor == 0x43 or constructor == 0x52:
        return put_number(out, c"i", content[0] if size else 0)
    if constructor == 0x44 or constructor == 0x53:
        return put_number(out, c"l", content[0] if size else 0)
    if constructor == 0x54 or constructor == 0x55:
        return put_number(out, c"I" if constructor == 0x54 else c"l", <int8_t> content[0])
    if constructor == 0x45:
        return put_long(out, c"A", content, 0)
    if constructor == 0x73:
        return put_char(out, u32_at(content))
    if constructor == 0x83:
        return put_number_of(out, seconds_of(content))
    if constructor == 0x98:
        put_octet(out, c"S")
        put_u32(out, URN_BYTES)
        put_urn(out, content)
        return 1
    if constructor >= 0xC0:
        return put_items(out, constructor, content, content + size, depth)
    return 0


cdef int put_number_of(Out *out, uint64_t seconds) except -2:
    put_octet(out, c"T")
    put_u64(out, seconds)
    return 1


cdef int put_items(
    Out *out, uint8_t constructor, const uint8_t *at, const uint8_t *end, int depth
) except -2:
    """Write a list or an array as an array, or a map as a table."""
    cdef Py_ssize_t start = out.used, count, index, item, key_size = 0
    cdef bint is_map = constructor & 0x0F == 1
    cdef bint is_array = constructor >= 0xE0
    cdef const uint8_t *key = NULL
    cdef int found, is_key = 1
    cdef uint8_t of_items = 0
    if depth == DEPTH_MAX:
        return -1
    if constructor & 0x10:
        if end - at < 4:
            return -1
        count = u32_at(at)
        at += 4
    else:
        if end - at < 1:
            return -1
        count = at[0]
        at += 1
    if is_array:
        while at < end and at[0] == 0:
            at = end_of_value(at + 1, end)
            if at == NULL:
                return -1
        if at >= end:
            return -1
        of_items = at[0]
        at += 1
        if width_of(of_items) == 0:
            # Its count would be believed: no octets stand for its items.
            return 0
    put_long(out, c"F" if is_map else c"A", NULL, 0)
    for index in range(count // 2 if is_map else count):
        item = out.used
        if is_map:
            is_key = key_at(&at, end, &key, &key_size)
            if is_key < 0:
                return -1
            if is_key:
                put_octet(out, <uint8_t> key_size)
                put(out, key, key_size)
        if is_array:
            found = put_content(out, of_items, &at, end, depth + 1)
        else:
            found = put_field(out, &at, end, depth + 1)
        if found < 0:
            return -1
        if is_map and not (found and is_key):
            out.used = item
        elif not found:
            put_octet(out, c"V")
    if at != end or (is_map and count & 1):
        return -1
    set_u32(out.data + start + 1, <uint32_t> (out.used - start - SIZE_BYTES))
    return 1


cdef int put_field(Out *out, const uint8_t **at, const uint8_t *end, int depth) except -2:
    """Write a value as a field value: 1, 0 if it has none, -1 if it is malformed."""
    cdef uint8_t constructor
    while at[0] < end and at[0][0] == 0:
        at[0] = end_of_value(at[0] + 1, end)
        if at[0] == NULL:
            return -1
    if at[0] >= end:
        return -1
    constructor = at[0][0]
    at[0] += 1
    return put_content(out, constructor, at, end, depth)
