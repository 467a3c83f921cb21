# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
# cython: cdivision=True
"""AMQP 0-9-1 messages as AMQP 1.0 in raw memory: the kernel behind ``queues.stream.to_amqp10``.

A message is its head, all sections before the body, and the body. Messages of a run that are alike
in all but their bodies share a head, which is made once. Every length of the property list and of
its tables is compared with what is there.
"""

from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_GET_SIZE, PyByteArray_Resize
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport int64_t, uint8_t, uint32_t
from libc.string cimport memcmp, memset, strlen

from persistence._record cimport Head, Run, head_of, octets_of, run_of
from queues.stream._amqp10 cimport (
    APP_ID, BINARY, CLUSTER_ID, CONTENT_ENCODING, CONTENT_TYPE, CORRELATION_ID, DELIVERY_MODE,
    EXPIRATION, HEADERS, LIST, MAP, MESSAGE_ID, NULL_VALUE, OCTET_MAX, PRIORITY, PROPERTY_COUNT,
    REPLY_TO, SYMBOL, TIMESTAMP, TIMESTAMP_S_MAX, TYPE, USER_ID, UTF8, Out, basic_name,
    end_of_field, equals, is_ascii, is_body, is_text, put, put_creation_time, put_id, put_octet,
    put_section, put_sized, put_text, put_u32, put_uint, put_value, room, set_u32, trim, ttl_of,
    u32_at, u64_at,
)

cdef enum:
    # persistence.record
    BODY_SIZE_STOP = 12
    # queues.stream.amqp10
    HEADER = 0x70
    MESSAGE_ANNOTATIONS = 0x72
    PROPERTIES = 0x73
    APPLICATION_PROPERTIES = 0x74
    DATA = 0x75
    DATA_HEAD_BYTES_MAX = 8
    # By how much a message is likely to grow.
    LIKELY_BYTES = 48


cdef struct Given:
    # Where each property stands, a length of its own left out; NULL if it is absent.
    const uint8_t *at[PROPERTY_COUNT]
    Py_ssize_t size[PROPERTY_COUNT]


cdef Out message_out
cdef Out head_out
cdef Out annotations_out
cdef Out application_properties_out
cdef Out items_out
cdef Out kept_of_annotations_out
cdef Out kept_of_application_properties_out
cdef Out kept_alone_out


cdef struct Counts:
    Py_ssize_t annotations
    Py_ssize_t application_properties
    const uint8_t *filter_at
    Py_ssize_t filter_size
    const uint8_t *publisher_at
    Py_ssize_t publisher_size
    const uint8_t *publishing_id_at
    Py_ssize_t publishing_id_size
    bint is_dead


cdef void read_properties(const uint8_t *octets, Py_ssize_t size, Given *given) noexcept:
    cdef int index, flags = octets[0] << 8 | octets[1] if size > 1 else 0
    cdef const uint8_t *at = octets + 2
    cdef const uint8_t *end = octets + size
    cdef Py_ssize_t own
    for index in range(PROPERTY_COUNT):
        given.at[index] = NULL
        given.size[index] = 0
        if not flags & 0x8000 >> index:
            continue
        if index == DELIVERY_MODE or index == PRIORITY:
            own = 1
        elif index == TIMESTAMP:
            own = 8
        elif index == HEADERS:
            if end - at < 4:
                flags = 0
                continue
            own = u32_at(at)
            at += 4
        else:
            if at >= end:
                flags = 0
                continue
            own = at[0]
            at += 1
        if own > end - at:
            flags = 0
            continue
        given.at[index] = at
        given.size[index] = own
        at += own


cdef bint is_ours(const uint8_t *key, Py_ssize_t size) noexcept:
    """Whether a header of this name would be taken for an annotation of ours."""
    if size >= 8 and not memcmp(key, b"x-basic-", 8):
        return True
    return (
        equals(key, size, b"x-exchange", 10)
        or equals(key, size, b"x-routing-key", 13)
        or equals(key, size, b"x-cc", 4)
        or equals(key, size, b"x-amqp-0.9.1-headers", 20)
    )


cdef int add_pair(
    const uint8_t *field, const uint8_t *key, Py_ssize_t key_size, const uint8_t *at, const uint8_t *stop, bint is_annotation, Counts *counts
) except -2:
    cdef Out *out = &annotations_out if is_annotation else &application_properties_out
    cdef Py_ssize_t start = out.used
    cdef int is_same
    put_sized(out, SYMBOL if is_annotation else UTF8, key, key_size)
    is_same = put_value(out, at, stop)
    if is_same < 0:
        out.used = start
        return put(&kept_alone_out, field, stop - field)
    if is_annotation:
        counts.annotations += 2
    else:
        counts.application_properties += 2
    if not is_same:
        out = &kept_of_annotations_out if is_annotation else &kept_of_application_properties_out
        put(out, field, stop - field)
    return 0


cdef int add_headers(const uint8_t *at, const uint8_t *end, Counts *counts) except -2:
    """Sort the fields of a headers table by where they go, up to the first that is none."""
    cdef const uint8_t *field
    cdef const uint8_t *key
    cdef const uint8_t *stop
    cdef Py_ssize_t size
    while at < end:
        field = at
        key = at + 1
        size = at[0]
        if size >= end - at:
            return 0
        at = key + size
        stop = end_of_field(at, end, 0)
        if stop == NULL:
            return 0
        if equals(key, size, b"x-stream-offset", 15):
            pass
        elif equals(key, size, b"CC", 2) and at[0] == c"A":
            add_pair(field, <const uint8_t *> <const char *> b"x-cc", 4, at, stop, True, counts)
        elif size >= 2 and key[0] == c"x" and key[1] == c"-":
            if not is_ascii(key, size) or is_ours(key, size):
                put(&kept_alone_out, field, stop - field)
            else:
                if equals(key, size, b"x-stream-filter-value", 21) and at[0] == c"S":
                    counts.filter_at = at + 5
                    counts.filter_size = stop - at - 5
                elif equals(key, size, b"x-stream-publisher", 18) and at[0] == c"S":
                    counts.publisher_at = at + 5
                    counts.publisher_size = stop - at - 5
                elif equals(key, size, b"x-stream-publishing-id", 22):
                    counts.publishing_id_at = at
                    counts.publishing_id_size = stop - at
                elif equals(key, size, b"x-death", 7):
                    counts.is_dead = True
                add_pair(field, key, size, at, stop, True, counts)
        elif at[0] == c"F" or at[0] == c"A" or not is_text(key, size, True):
            put(&kept_alone_out, field, stop - field)
        else:
            add_pair(field, key, size, at, stop, False, counts)
        at = stop
    return 0


cdef int put_header_section(Out *out, Given *given) except -2:
    cdef uint8_t mode = given.at[DELIVERY_MODE][0] if given.at[DELIVERY_MODE] != NULL else 0
    cdef int64_t ttl_ms = ttl_of(given.at[EXPIRATION], given.size[EXPIRATION])
    cdef int count = 3 if ttl_ms >= 0 else 2 if given.at[PRIORITY] != NULL else 1 if mode in (1, 2) else 0
    if not count:
        return 0
    items_out.used = 0
    put_octet(&items_out, 0x41 if mode == 2 else 0x42 if mode == 1 else NULL_VALUE)
    if given.at[PRIORITY] != NULL:
        put_octet(&items_out, 0x50)
        put_octet(&items_out, given.at[PRIORITY][0])
    elif count > 1:
        put_octet(&items_out, NULL_VALUE)
    if ttl_ms >= 0:
        put_uint(&items_out, <uint32_t> ttl_ms)
    return put_section(out, HEADER, LIST, &items_out, count)


cdef bint fits(Given *given, int index) noexcept:
    """Whether a property is a value of the properties section."""
    cdef const uint8_t *octets = given.at[index]
    if octets == NULL:
        return False
    if index == CONTENT_TYPE or index == CONTENT_ENCODING:
        return is_ascii(octets, given.size[index])
    return is_text(octets, given.size[index], index != USER_ID)


cdef int constructor_of_basic(Given *given, int index, bint is_amqp10) noexcept:
    """Return what an annotation keeps a property with: 0 for any text, -1 if a section has it."""
    cdef uint8_t mode
    if given.at[index] == NULL or index == HEADERS or index == PRIORITY:
        return -1
    if index == DELIVERY_MODE:
        mode = given.at[index][0]
        return -1 if mode == 1 or mode == 2 else 0x50
    if index == TIMESTAMP:
        return -1 if u64_at(given.at[index]) <= TIMESTAMP_S_MAX else 0x80
    if index == EXPIRATION:
        return -1 if ttl_of(given.at[EXPIRATION], given.size[EXPIRATION]) >= 0 else 0
    if index == TYPE:
        return -1 if is_amqp10 else 0
    if index == CLUSTER_ID:
        return 0
    return -1 if fits(given, index) else BINARY


cdef int put_basics(Given *given, bint is_amqp10, Counts *counts) except -2:
    """Write the annotation ``x-basic-<name>`` of each property that no section gives back."""
    cdef const char *name
    cdef int index, constructor
    for index in range(PROPERTY_COUNT):
        constructor = constructor_of_basic(given, index, is_amqp10)
        if constructor < 0:
            continue
        name = basic_name(index)
        put_sized(&annotations_out, SYMBOL, <const uint8_t *> name, strlen(name))
        if constructor == 0:
            put_text(&annotations_out, given.at[index], given.size[index])
        elif constructor == BINARY:
            put_sized(&annotations_out, BINARY, given.at[index], given.size[index])
        else:
            put_octet(&annotations_out, <uint8_t> constructor)
            put(&annotations_out, given.at[index], given.size[index])
        counts.annotations += 2
    return 0


cdef int put_fitting_id(Out *out, Given *given, int index) except -2:
    if fits(given, index):
        return put_id(out, given.at[index], given.size[index])
    return put_octet(out, NULL_VALUE)


cdef int put_fitting(Out *out, Given *given, int index, uint8_t constructor) except -2:
    if fits(given, index):
        return put_sized(out, constructor, given.at[index], given.size[index])
    return put_octet(out, NULL_VALUE)


cdef int put_properties_section(Out *out, Given *given) except -2:
    cdef Out *items = &items_out
    cdef int count = 0
    cdef int64_t is_timed = given.at[TIMESTAMP] != NULL and u64_at(given.at[TIMESTAMP]) <= TIMESTAMP_S_MAX
    if fits(given, APP_ID):
        count = 11
    elif is_timed:
        count = 10
    elif fits(given, CONTENT_ENCODING):
        count = 8
    elif fits(given, CONTENT_TYPE):
        count = 7
    elif fits(given, CORRELATION_ID):
        count = 6
    elif fits(given, REPLY_TO):
        count = 5
    elif fits(given, USER_ID):
        count = 2
    elif fits(given, MESSAGE_ID):
        count = 1
    else:
        return 0
    items.used = 0
    put_fitting_id(items, given, MESSAGE_ID)
    if count > 1:
        put_fitting(items, given, USER_ID, BINARY)
    if count > 2:
        put_octet(items, NULL_VALUE)
        put_octet(items, NULL_VALUE)
        put_fitting(items, given, REPLY_TO, UTF8)
    if count > 5:
        put_fitting_id(items, given, CORRELATION_ID)
    if count > 6:
        put_fitting(items, given, CONTENT_TYPE, SYMBOL)
    if count > 7:
        put_fitting(items, given, CONTENT_ENCODING, SYMBOL)
    if count > 8:
        put_octet(items, NULL_VALUE)
        if is_timed:
            put_creation_time(items, given.at[TIMESTAMP])
        else:
            put_octet(items, NULL_VALUE)
    if count > 10:
        put_fitting(items, given, APP_ID, UTF8)
    return put_section(out, PROPERTIES, LIST, items, count)


cdef int put_text_of(const char *name, Py_ssize_t name_size, const uint8_t *octets, Counts *counts) except -2:
    put_sized(&annotations_out, SYMBOL, <const uint8_t *> name, name_size)
    put_text(&annotations_out, octets + 1, octets[0])
    counts.annotations += 2
    return 0


cdef int make_head(
    const uint8_t *route,
    const uint8_t *properties,
    Py_ssize_t properties_size,
    const uint8_t *body,
    Py_ssize_t body_size,
    Counts *counts,
) except -2:
    """Write all sections before the body to ``head_out``.

    Returns 0 if the body goes into a data section, 1 if it would if it were other octets, and 2 if
    it stands for itself.
    """
    cdef Given given
    cdef Out *out = &head_out
    cdef int kind
    memset(counts, 0, sizeof(Counts))
    head_out.used = annotations_out.used = application_properties_out.used = 0
    kept_of_annotations_out.used = kept_of_application_properties_out.used = 0
    kept_alone_out.used = 0
    read_properties(properties, properties_size, &given)
    kind = given.at[TYPE] != NULL and equals(given.at[TYPE], given.size[TYPE], b"amqp-1.0", 8)
    if kind and is_body(body, body_size):
        kind = 2
    put_text_of(b"x-exchange", 10, route, counts)
    put_text_of(b"x-routing-key", 13, route + 1 + route[0], counts)
    if given.at[HEADERS] != NULL:
        add_headers(given.at[HEADERS], given.at[HEADERS] + given.size[HEADERS], counts)
    put_basics(&given, kind == 2, counts)
    put(&kept_of_annotations_out, kept_of_application_properties_out.data, kept_of_application_properties_out.used)
    put(&kept_of_annotations_out, kept_alone_out.data, kept_alone_out.used)
    if kept_of_annotations_out.used:
        put_sized(&annotations_out, SYMBOL, <const uint8_t *> <const char *> b"x-amqp-0.9.1-headers", 20)
        put_sized(&annotations_out, BINARY, <const uint8_t *> kept_of_annotations_out.data, kept_of_annotations_out.used)
        counts.annotations += 2
    put_header_section(out, &given)
    put_section(out, MESSAGE_ANNOTATIONS, MAP, &annotations_out, counts.annotations)
    put_properties_section(out, &given)
    if counts.application_properties:
        put_section(out, APPLICATION_PROPERTIES, MAP, &application_properties_out, counts.application_properties)
    return kind


cdef Py_ssize_t message_bytes(Py_ssize_t body_bytes) noexcept:
    """Return the most octets that the head and a body take."""
    return head_out.used + DATA_HEAD_BYTES_MAX + body_bytes


cdef int put_message(Out *out, int kind, const uint8_t *body, Py_ssize_t size) except -2:
    """Write the head, and the body behind it."""
    room(out, message_bytes(size))
    put(out, head_out.data, head_out.used)
    if kind != 2:
        put_octet(out, 0)
        put_octet(out, 0x53)
        put_octet(out, DATA)
        return put_sized(out, BINARY, body, size)
    return put(out, body, size)


cdef void trim_all() noexcept:
    trim(&message_out)
    trim(&head_out)
    trim(&annotations_out)
    trim(&application_properties_out)
    trim(&items_out)
    trim(&kept_of_annotations_out)
    trim(&kept_of_application_properties_out)
    trim(&kept_alone_out)


def to_amqp10(bytes exchange, bytes routing_key, bytes properties, bytes body):
    """Return one message as AMQP 1.0; see ``to_amqp10.to_amqp10``."""
    cdef bytes route = bytes((len(exchange),)) + exchange + bytes((len(routing_key),)) + routing_key
    cdef const uint8_t *octets = <const uint8_t *> PyBytes_AS_STRING(body)
    cdef Counts counts
    cdef int kind
    try:
        kind = make_head(
            <const uint8_t *> PyBytes_AS_STRING(route),
            <const uint8_t *> PyBytes_AS_STRING(properties),
            PyBytes_GET_SIZE(properties),
            octets,
            PyBytes_GET_SIZE(body),
            &counts,
        )
        message_out.used = 0
        put_message(&message_out, kind, octets, PyBytes_GET_SIZE(body))
        return PyBytes_FromStringAndSize(message_out.data, message_out.used)
    finally:
        trim_all()


cdef inline Py_ssize_t properties_bytes(Head *head) noexcept:
    return <Py_ssize_t> head.header_bytes - BODY_SIZE_STOP if head.header_bytes > BODY_SIZE_STOP else 0


cdef inline bint is_alike(Head *one, Head *other) noexcept:
    """Whether two records differ in nothing but their bodies."""
    cdef Py_ssize_t properties = properties_bytes(one)
    return (
        one.header_bytes == other.header_bytes
        and one.route_bytes == other.route_bytes
        and not memcmp(octets_of(one), octets_of(other), one.route_bytes)
        and not memcmp(
            octets_of(one) + one.route_bytes + BODY_SIZE_STOP,
            octets_of(other) + other.route_bytes + BODY_SIZE_STOP,
            properties,
        )
    )


cdef int grow(bytearray data, Out *out, Py_ssize_t more) except -2:
    """Have room for so many octets more in a bytearray, which ``out`` then writes to."""
    cdef Py_ssize_t wanted = out.used + more
    if wanted > out.size:
        out.size = max(wanted, out.size + out.size // 2)
        PyByteArray_Resize(data, out.size)
        out.data = PyByteArray_AS_STRING(data)
    return 0


def append_messages(bytearray data, records):
    """Append a run to the data section of a chunk; see ``to_amqp10.append_messages``."""
    cdef Run run = run_of(records)
    cdef Head *head
    cdef Head *last = NULL
    cdef Counts counts
    cdef Out out
    cdef Py_ssize_t index, start, likely = 0, given_bytes = PyByteArray_GET_SIZE(data)
    cdef const uint8_t *body
    cdef int kind = 0
    cdef set filter_values = set()
    cdef list numbered = []
    out.size = out.used = given_bytes
    out.data = PyByteArray_AS_STRING(data)
    for index in range(run.count):
        head = head_of(run.block, run.first + index * run.step)
        likely += <Py_ssize_t> head.header_bytes + head.route_bytes + head.body_bytes + LIKELY_BYTES
    try:
        grow(data, &out, likely)
        for index in range(run.count):
            head = head_of(run.block, run.first + index * run.step)
            body = <const uint8_t *> octets_of(head) + head.route_bytes + head.header_bytes
            if last == NULL or kind or not is_alike(head, last):
                kind = make_head(
                    <const uint8_t *> octets_of(head),
                    <const uint8_t *> octets_of(head) + head.route_bytes + BODY_SIZE_STOP,
                    properties_bytes(head),
                    body,
                    head.body_bytes,
                    &counts,
                )
                last = head
                filter_values.add(
                    PyBytes_FromStringAndSize(<const char *> counts.filter_at, counts.filter_size)
                )
            if counts.publisher_size and counts.publishing_id_size and not counts.is_dead:
                numbered.append((
                    index,
                    PyBytes_FromStringAndSize(<const char *> counts.publisher_at, counts.publisher_size),
                    PyBytes_FromStringAndSize(<const char *> counts.publishing_id_at, counts.publishing_id_size),
                ))
            start = out.used
            grow(data, &out, message_bytes(head.body_bytes) + 4)
            put_u32(&out, 0)
            put_message(&out, kind, body, head.body_bytes)
            set_u32(out.data + start, <uint32_t> (out.used - start - 4))
        given_bytes = out.used
    finally:
        # Nothing was appended, if there was no memory for all of it.
        PyByteArray_Resize(data, given_bytes)
        trim_all()
    return filter_values, numbered
