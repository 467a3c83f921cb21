# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
# cython: cdivision=True
"""AMQP 1.0 messages as AMQP 0-9-1 in raw memory: the kernel behind ``queues.stream.told``.

No length, count or depth of a message is believed. The octets of a message stay where they are; what
the content header has of them is copied.
"""

from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.stdio cimport snprintf
from libc.string cimport memcmp, memset, strlen

from queues.stream._amqp10 cimport (
    APP_ID, CONTENT_ENCODING, CONTENT_TYPE, CORRELATION_ID, DELIVERY_MODE, EXPIRATION, HEADERS,
    MESSAGE_ID, OCTET_MAX, PRIORITY, PROPERTY_COUNT, REPLY_TO, TIMESTAMP, TYPE, USER_ID, Out,
    basic_name, content_of, end_of_field, end_of_value, equals, inner_end, is_text, put,
    put_octet, put_u32, put_u64, set_u32, u32_at, u64_at,
)
from queues.stream._fields cimport (
    BINARIES,
    TEXTS,
    Items,
    items_of,
    key_at,
    put_field,
    put_urn,
    seconds_of,
    string_at,
)

from queues.stream.amqp10 import SECTION_CODES

cdef enum:
    # queues.stream.amqp10
    HEADER = 0x70
    MESSAGE_ANNOTATIONS = 0x72
    PROPERTIES = 0x73
    APPLICATION_PROPERTIES = 0x74
    SEQUENCE = 0x76
    VALUE = 0x77
    FOOTER = 0x78


cdef int code_of(const uint8_t **at, const uint8_t *end) except -2:
    """Step over the descriptor of a section; return its code, -1 if it is none."""
    cdef uint8_t constructor
    cdef Py_ssize_t size = 0
    cdef uint64_t code = 0
    cdef const uint8_t *content
    if at[0][0] or end - at[0] < 2:
        return -1
    constructor = at[0][1]
    content = content_of(constructor, at[0] + 2, end, &size)
    if content == NULL:
        return -1
    at[0] = content + size
    if constructor == 0x53:
        code = content[0]
    elif constructor == 0x80:
        code = u64_at(content)
    elif constructor == 0xA3 or constructor == 0xB3:
        code = SECTION_CODES.get(PyBytes_FromStringAndSize(<const char *> content, size), 0)
    return <int> code if HEADER <= code <= FOOTER else -1


cdef bint is_of(int code, uint8_t constructor) noexcept:
    """Whether a section may be a value of a constructor."""
    if code == HEADER or code == PROPERTIES or code == SEQUENCE:
        return constructor == 0x45 or constructor == 0xC0 or constructor == 0xD0
    if code == MESSAGE_ANNOTATIONS or code == APPLICATION_PROPERTIES:
        return constructor == 0xC1 or constructor == 0xD1
    return code != DATA or constructor == 0xA0 or constructor == 0xB0


cdef int find_sections(Message *message) except -2:
    """Find the sections, of equal ones the last: 0, or -1 if octets are no message."""
    cdef const uint8_t *at = message.octets
    cdef const uint8_t *start
    cdef const uint8_t *stop
    cdef int code
    if at == message.end:
        return -1
    while at < message.end:
        start = at
        code = code_of(&at, message.end)
        if code < 0 or at >= message.end or not is_of(code, at[0]):
            return -1
        stop = end_of_value(at, message.end)
        if stop == NULL:
            return -1
        if code == HEADER:
            message.header = at
        elif code == MESSAGE_ANNOTATIONS:
            message.annotations = at
        elif code == PROPERTIES:
            message.properties = at
        elif code == APPLICATION_PROPERTIES:
            message.application_properties = at
        elif DATA <= code <= VALUE:
            if message.body_count and (code != message.body_code or code == VALUE):
                return -1
            if not message.body_count:
                message.body = start
            message.body_code = code
            message.body_count += 1
            message.body_end = stop
        at = stop
    return 0


cdef int find_items(
    const uint8_t *section, const uint8_t *end, const uint8_t **fields, Py_ssize_t most
) noexcept:
    """Find the items of a list: 0, or -1 if they are too many or not as many as it says."""
    cdef Items items
    cdef Py_ssize_t index
    if section == NULL:
        return 0
    if not items_of(section, end, &items) or items.count > most:
        return -1
    for index in range(items.count):
        fields[index] = items.at
        items.at = end_of_value(items.at, items.end)
        if items.at == NULL:
            return -1
    return 0 if items.at == items.end else -1


cdef int find_annotations(Message *message) noexcept:
    """Look at the annotations, and remember what stands for more than a header: 0 or -1."""
    cdef Items items
    cdef Py_ssize_t index, size = 0
    cdef const uint8_t *key = NULL
    cdef const uint8_t *value
    cdef int found, basic
    if message.annotations == NULL:
        return 0
    if not items_of(message.annotations, message.end, &items):
        return -1
    for index in range(items.count // 2):
        found = key_at(&items.at, items.end, &key, &size)
        value = items.at
        if found >= 0:
            items.at = end_of_value(value, items.end)
        if found < 0 or items.at == NULL:
            return -1
        if not found:
            continue
        if equals(key, size, b"x-exchange", 10):
            message.exchange = value
        elif equals(key, size, b"x-routing-key", 13):
            message.routing_key = value
        elif equals(key, size, b"x-stream-filter-value", 21):
            message.filter = value
        elif equals(key, size, b"x-amqp-0.9.1-headers", 20):
            message.kept = value
        elif is_basic(key, size):
            for basic in range(PROPERTY_COUNT):
                if equals(key, size, basic_name(basic), strlen(basic_name(basic))):
                    message.basic[basic] = value
    return 0 if items.at == items.end and not items.count & 1 else -1


cdef inline bint is_basic(const uint8_t *key, Py_ssize_t size) noexcept:
    return size >= 8 and not memcmp(key, b"x-basic-", 8)


cdef void find_kept(Message *message) noexcept:
    """Have the kept headers at hand, if they are fields from end to end."""
    cdef Py_ssize_t size = 0
    cdef const uint8_t *start = NULL
    cdef const uint8_t *at
    message.kept_at = message.kept_end = NULL
    if message.kept != NULL:
        start = string_at(message.kept, message.end, BINARIES, &size)
    if start == NULL:
        return
    at = start
    while at < start + size:
        if at[0] >= start + size - at:
            return
        at = end_of_field(at + 1 + at[0], start + size, 0)
        if at == NULL:
            return
    message.kept_at = start
    message.kept_end = start + size


cdef int add_header(
    Message *message, const uint8_t *key, Py_ssize_t size, Py_ssize_t start, int found
) except -2:
    """Have a header that was written from ``start`` on, if it was found, or the kept one instead."""
    cdef const uint8_t *kept = message.kept_at
    cdef const uint8_t *stop
    if equals(key, size, b"x-stream-offset", 15):
        message.out.used = start
        return 0
    if kept < message.kept_end and kept[0] == size and not memcmp(kept + 1, key, size):
        message.out.used = start
        stop = inner_end(kept + 1 + size)
        put(message.out, kept, stop - kept)
        message.kept_at = stop
    elif not found:
        message.out.used = start
    return 0


cdef int add_value(
    Message *message, const uint8_t *key, Py_ssize_t size, const uint8_t *value
) except -2:
    """Add a header of a value: 0, or -1 if the value is malformed."""
    cdef Py_ssize_t start = message.out.used
    cdef int found
    put_octet(message.out, <uint8_t> size)
    put(message.out, key, size)
    found = put_field(message.out, &value, message.end, 0)
    if found < 0:
        return -1
    return add_header(message, key, size, start, found)


cdef int add_map(Message *message, const uint8_t *section, bint is_annotations) except -2:
    """Add the headers of a map: 0, or -1 if it is malformed."""
    cdef Items items
    cdef Py_ssize_t index, size = 0
    cdef const uint8_t *key = NULL
    cdef const uint8_t *value
    cdef int found
    if section == NULL:
        return 0
    if not items_of(section, message.end, &items):
        return -1
    for index in range(items.count // 2):
        found = key_at(&items.at, items.end, &key, &size)
        if found < 0:
            return -1
        value = items.at
        items.at = end_of_value(value, items.end)
        if items.at == NULL:
            return -1
        if not found or (is_annotations and is_told_elsewhere(message, value, key, size)):
            continue
        if is_annotations and equals(key, size, b"x-cc", 4):
            key = <const uint8_t *> <const char *> b"CC"
            size = 2
        if add_value(message, key, size, value) < 0:
            return -1
    return 0 if items.at == items.end and not items.count & 1 else -1


cdef bint is_told_elsewhere(
    Message *message, const uint8_t *value, const uint8_t *key, Py_ssize_t size
) noexcept:
    """Whether an annotation is no header."""
    if value == message.exchange or value == message.routing_key or value == message.kept:
        return True
    return (
        is_basic(key, size)
        or equals(key, size, b"x-exchange", 10)
        or equals(key, size, b"x-routing-key", 13)
        or equals(key, size, b"x-amqp-0.9.1-headers", 20)
    )


cdef int add_id(Message *message, int index, int field, const char *name) except -2:
    """Add a message-id or correlation-id that no shortstr can be as a header."""
    cdef const uint8_t *value = message.property_fields[field]
    cdef Py_ssize_t start = message.out.used, size = 0
    cdef const uint8_t *octets = NULL
    cdef bint is_found
    if message.basic[index] != NULL:
        return 0
    if value != NULL:
        octets = string_at(value, message.end, TEXTS | BINARIES, &size)
    is_found = octets != NULL and (value[0] & 0x0F == 0 or size > OCTET_MAX)
    if is_found:
        put_octet(message.out, <uint8_t> strlen(name))
        put(message.out, name, strlen(name))
        put_octet(message.out, c"S" if value[0] & 0x0F else c"x")
        put_u32(message.out, <uint32_t> size)
        put(message.out, octets, size)
    return add_header(message, <const uint8_t *> name, strlen(name), start, is_found)


cdef int put_headers(Message *message, int64_t offset) except -2:
    """Write the headers table: 1, 0 if there are none, -1 if a value is malformed."""
    cdef Py_ssize_t start = message.out.used
    cdef const uint8_t *stop
    put_u32(message.out, 0)
    if offset >= 0:
        put_octet(message.out, 15)
        put(message.out, b"x-stream-offsetl", 16)
        put_u64(message.out, <uint64_t> offset)
    find_kept(message)
    if add_map(message, message.annotations, True) < 0:
        return -1
    add_id(message, CORRELATION_ID, 5, b"x-correlation-id")
    add_id(message, MESSAGE_ID, 0, b"x-message-id")
    if add_map(message, message.application_properties, False) < 0:
        return -1
    while message.kept_at < message.kept_end:
        stop = inner_end(message.kept_at + 1 + message.kept_at[0])
        if not equals(message.kept_at + 1, message.kept_at[0], b"x-stream-offset", 15):
            put(message.out, message.kept_at, stop - message.kept_at)
        message.kept_at = stop
    set_u32(message.out.data + start, <uint32_t> (message.out.used - start - 4))
    if message.out.used - start == 4:
        message.out.used = start
        return 0
    return 1


cdef int put_shortstr(Out *out, const void *octets, Py_ssize_t size) except -2:
    put_octet(out, <uint8_t> size)
    put(out, octets, size)
    return 1


cdef int put_string(Out *out, const uint8_t *value, const uint8_t *end, int kinds, bint is_plain) except -2:
    """Write a value as a shortstr: 1, or 0 if it cannot be one."""
    cdef Py_ssize_t size = 0
    cdef const uint8_t *octets = NULL
    if value != NULL:
        octets = string_at(value, end, kinds, &size)
    if octets == NULL or size > OCTET_MAX or (is_plain and not is_text(octets, size, False)):
        return 0
    return put_shortstr(out, octets, size)


cdef int put_number(Out *out, const uint8_t *value, uint8_t zero, uint8_t small, uint8_t large) except -2:
    """Write a value of one of three constructors as digits."""
    cdef char digits[24]
    cdef uint64_t number = 0
    if value == NULL or value[0] not in (zero, small, large):
        return 0
    if value[0] == small:
        number = value[1]
    elif value[0] == large:
        number = u64_at(value + 1) if large == 0x80 else u32_at(value + 1)
    return put_shortstr(out, digits, snprintf(digits, 24, b"%llu", <unsigned long long> number))


cdef int put_id(Out *out, const uint8_t *value, const uint8_t *end) except -2:
    """Write a message-id or correlation-id that a shortstr can be."""
    if value == NULL:
        return 0
    if value[0] == 0x98:
        put_octet(out, 45)
        put_urn(out, value + 1)
        return 1
    if put_number(out, value, 0x44, 0x53, 0x80):
        return 1
    return put_string(out, value, end, TEXTS, False)


cdef int put_octet_of(Out *out, const uint8_t *value) except -2:
    if value == NULL or value[0] != 0x50:
        return 0
    put_octet(out, value[1])
    return 1


cdef int put_delivery_mode(Message *message) except -2:
    cdef const uint8_t *durable = message.header_fields[0]
    if durable != NULL and durable[0] in (0x41, 0x42, 0x56):
        put_octet(message.out, 2 if (durable[1] if durable[0] == 0x56 else durable[0] == 0x41) else 1)
        return 1
    return put_octet_of(message.out, message.basic[DELIVERY_MODE])


cdef int put_timestamp(Message *message) except -2:
    cdef const uint8_t *kept = message.basic[TIMESTAMP]
    cdef const uint8_t *value = message.property_fields[9]
    if kept != NULL and kept[0] == 0x80:
        put_u64(message.out, u64_at(kept + 1))
        return 1
    if value == NULL or value[0] != 0x83:
        return 0
    put_u64(message.out, seconds_of(value + 1))
    return 1


cdef int put_property(Message *message, int index, int64_t offset) except -2:
    """Write one property: 1, 0 if the message does not have it, -1 if it is malformed."""
    cdef const uint8_t *kept = message.basic[index]
    cdef const uint8_t *end = message.end
    if index == HEADERS:
        return put_headers(message, offset)
    if index == DELIVERY_MODE:
        return put_delivery_mode(message)
    if index == PRIORITY:
        return put_octet_of(message.out, message.header_fields[1]) or put_octet_of(message.out, kept)
    if index == TIMESTAMP:
        return put_timestamp(message)
    if index == EXPIRATION and put_number(message.out, message.header_fields[2], 0x43, 0x52, 0x70):
        return 1
    if index == TYPE and message.body_code != DATA:
        return put_shortstr(message.out, <const char *> b"amqp-1.0", 8)
    if kept != NULL:
        return put_string(message.out, kept, end, TEXTS | BINARIES, False)
    if index == CONTENT_TYPE:
        return put_string(message.out, message.property_fields[6], end, TEXTS | BINARIES, False)
    if index == CONTENT_ENCODING:
        return put_string(message.out, message.property_fields[7], end, TEXTS | BINARIES, False)
    if index == CORRELATION_ID:
        return put_id(message.out, message.property_fields[5], end)
    if index == REPLY_TO:
        return put_string(message.out, message.property_fields[4], end, TEXTS | BINARIES, False)
    if index == MESSAGE_ID:
        return put_id(message.out, message.property_fields[0], end)
    if index == USER_ID:
        return put_string(message.out, message.property_fields[1], end, TEXTS | BINARIES, True)
    if index == APP_ID:
        return put_string(message.out, message.property_fields[10], end, TEXTS | BINARIES, False)
    return 0


cdef int tell(
    const uint8_t *octets, Py_ssize_t size, int64_t offset, Message *message, Out *out
) except -2:
    """Write the content header of a message; return 0, or -1 if it is none that can be told.

    The header ``x-stream-offset`` stands first, unless the offset is negative.
    """
    cdef int index, flags = 0, found
    memset(message, 0, sizeof(Message))
    message.octets = octets
    message.out = out
    message.end = octets + size
    if find_sections(message) < 0:
        return -1
    if find_items(message.header, message.end, message.header_fields, HEADER_FIELDS_MAX) < 0:
        return -1
    if find_items(message.properties, message.end, message.property_fields, PROPERTIES_MAX) < 0:
        return -1
    if find_annotations(message) < 0:
        return -1
    start_header(out)
    for index in range(PROPERTY_COUNT):
        found = put_property(message, index, offset)
        if found < 0:
            return -1
        if found:
            flags |= 0x8000 >> index
    message.out.data[HEAD_BYTES] = <char> (flags >> 8)
    message.out.data[HEAD_BYTES + 1] = <char> (flags & 0xFF)
    return 0


cdef int start_header(Out *out) except -2:
    """Write class, weight, a body size to be set, and no flags yet."""
    out.used = 0
    return put(out, b"\x00\x3c\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", 14)
