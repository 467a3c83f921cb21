# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
# cython: cdivision=True
"""Deliveries on raw memory: the kernel of ``wire.content.render_deliveries``.

The size of all frames is summed first, so that they are written into one bytes object of exactly
that size. If the caller takes pieces, large bodies are not copied into it.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy

from persistence._record cimport (
    LARGE_BODY_BYTES,
    Head,
    Run,
    head_of,
    octets_of,
    run_of,
    view_of,
)
from amqp_server.wire.content import HeaderTooLargeError

cdef enum:
    FRAME_METHOD = 1
    FRAME_HEADER = 2
    FRAME_BODY = 3
    FRAME_END = 0xCE
    HEAD_BYTES = 7
    OVERHEAD_BYTES = 8
    TAG_AND_REDELIVERED_BYTES = 9


cdef inline char *put_head(char *at, int kind, int channel, uint32_t size) noexcept nogil:
    at[0] = kind
    at[1] = channel >> 8
    at[2] = channel & 0xFF
    at[3] = size >> 24
    at[4] = size >> 16 & 0xFF
    at[5] = size >> 8 & 0xFF
    at[6] = size & 0xFF
    return at + HEAD_BYTES


cdef inline char *put_u64(char *at, uint64_t value) noexcept nogil:
    cdef int shift
    for shift in range(8):
        at[shift] = value >> (56 - 8 * shift) & 0xFF
    return at + 8


cdef inline char *put(char *at, const char *octets, Py_ssize_t size) noexcept nogil:
    memcpy(at, octets, size)
    return at + size


cdef inline Py_ssize_t body_frames_bytes(Py_ssize_t body_bytes, Py_ssize_t payload_max) noexcept nogil:
    if body_bytes <= payload_max:
        return body_bytes + OVERHEAD_BYTES if body_bytes else 0
    return body_bytes + (body_bytes + payload_max - 1) // payload_max * OVERHEAD_BYTES


cdef inline Py_ssize_t large_payloads_bytes(Py_ssize_t body_bytes, Py_ssize_t payload_max) noexcept nogil:
    """Return the octets of a body that are in frames that are not copied."""
    cdef Py_ssize_t last
    if body_bytes <= payload_max:
        return body_bytes if body_bytes >= LARGE_BODY_BYTES else 0
    last = body_bytes % payload_max
    return (body_bytes - last if payload_max >= LARGE_BODY_BYTES else 0) + (
        last if last >= LARGE_BODY_BYTES else 0
    )


cdef inline Py_ssize_t heads_fixed_bytes(bytes prefix) noexcept:
    """Return the octets of a delivery's method and header frame, without route and header."""
    return PyBytes_GET_SIZE(prefix) + TAG_AND_REDELIVERED_BYTES + 2 * OVERHEAD_BYTES


cdef inline char *put_heads(
    char *at, Head *head, int channel, bytes prefix, uint64_t tag, bint redelivered
) noexcept:
    """Write the method and the header frame of a delivery."""
    cdef const char *octets = octets_of(head)
    cdef Py_ssize_t prefix_bytes = PyBytes_GET_SIZE(prefix)
    cdef Py_ssize_t method_bytes = prefix_bytes + TAG_AND_REDELIVERED_BYTES + head.route_bytes
    at = put_head(at, FRAME_METHOD, channel, <uint32_t> method_bytes)
    at = put(at, PyBytes_AS_STRING(prefix), prefix_bytes)
    at = put_u64(at, tag)
    at[0] = redelivered
    at = put(at + 1, octets, head.route_bytes)
    at[0] = <char> FRAME_END
    at = put_head(at + 1, FRAME_HEADER, channel, head.header_bytes)
    at = put(at, octets + head.route_bytes, head.header_bytes)
    at[0] = <char> FRAME_END
    return at + 1


cdef inline char *put_body(
    char *at, Head *head, int channel, Py_ssize_t payload_max
) noexcept:
    """Write the body frames of a delivery."""
    cdef const char *octets = octets_of(head) + head.route_bytes + head.header_bytes
    cdef Py_ssize_t left = head.body_bytes
    cdef Py_ssize_t piece
    while left:
        piece = min(left, payload_max)
        at = put_head(at, FRAME_BODY, channel, <uint32_t> piece)
        at = put(at, octets, piece)
        at[0] = <char> FRAME_END
        at += 1
        octets += piece
        left -= piece
    return at


def render_deliveries(
    int channel,
    bytes prefix,
    uint64_t first_tag,
    records,
    Py_ssize_t payload_max_bytes,
    *,
    bint redelivered,
):
    """Return the frames that deliver a run; see ``wire.content.render_deliveries``."""
    cdef Run run = run_of(records)
    cdef Py_ssize_t heads_fixed = heads_fixed_bytes(prefix)
    cdef Py_ssize_t index, header_bytes = 0, total = 0
    cdef Head *head
    cdef bytes out
    cdef char *at
    for index in range(run.count):
        head = head_of(run.block, run.first + index * run.step)
        header_bytes = max(header_bytes, <Py_ssize_t> head.header_bytes)
        total += heads_fixed + head.route_bytes + head.header_bytes
        total += body_frames_bytes(head.body_bytes, payload_max_bytes)
    if header_bytes > payload_max_bytes:
        raise HeaderTooLargeError
    out = PyBytes_FromStringAndSize(NULL, total)
    at = PyBytes_AS_STRING(out)
    for index in range(run.count):
        head = head_of(run.block, run.first + index * run.step)
        at = put_heads(at, head, channel, prefix, first_tag + <uint64_t> index, redelivered)
        at = put_body(at, head, channel, payload_max_bytes)
    assert at - PyBytes_AS_STRING(out) == total, "what was counted is what was written"
    return out


def render_dealt(
    int channel,
    list prefixes,
    uint64_t first_tag,
    records,
    Py_ssize_t payload_max_bytes,
    *,
    bint redelivered,
):
    """Return the same with a prefix for each message in turn; see ``wire.content.render_dealt``."""
    cdef Run run = run_of(records)
    cdef Py_ssize_t ways = len(prefixes)
    cdef bytes prefix
    cdef Py_ssize_t index, header_bytes = 0, total = 0
    cdef Head *head
    cdef bytes out
    cdef char *at
    for index in range(run.count):
        head = head_of(run.block, run.first + index * run.step)
        prefix = prefixes[index % ways]
        header_bytes = max(header_bytes, <Py_ssize_t> head.header_bytes)
        total += heads_fixed_bytes(prefix) + head.route_bytes + head.header_bytes
        total += body_frames_bytes(head.body_bytes, payload_max_bytes)
    if header_bytes > payload_max_bytes:
        raise HeaderTooLargeError
    out = PyBytes_FromStringAndSize(NULL, total)
    at = PyBytes_AS_STRING(out)
    for index in range(run.count):
        head = head_of(run.block, run.first + index * run.step)
        prefix = prefixes[index % ways]
        at = put_heads(at, head, channel, prefix, first_tag + <uint64_t> index, redelivered)
        at = put_body(at, head, channel, payload_max_bytes)
    assert at - PyBytes_AS_STRING(out) == total, "what was counted is what was written"
    return out


def render_large_deliveries(
    int channel,
    bytes prefix,
    uint64_t first_tag,
    records,
    Py_ssize_t payload_max_bytes,
    *,
    bint redelivered,
):
    """Return the same in pieces; see ``wire.content.render_large_deliveries``."""
    cdef Run run = run_of(records)
    cdef Py_ssize_t heads_fixed = heads_fixed_bytes(prefix)
    cdef Py_ssize_t index, left, piece, header_bytes = 0, total = 0
    cdef Head *head
    cdef const char *octets
    cdef char *small
    cdef char *at
    cdef char *from_here
    cdef list output = []
    for index in range(run.count):
        head = head_of(run.block, run.first + index * run.step)
        header_bytes = max(header_bytes, <Py_ssize_t> head.header_bytes)
        total += heads_fixed + head.route_bytes + head.header_bytes
        total += body_frames_bytes(head.body_bytes, payload_max_bytes)
        total -= large_payloads_bytes(head.body_bytes, payload_max_bytes)
    if header_bytes > payload_max_bytes:
        raise HeaderTooLargeError
    small = at = from_here = <char *> malloc(max(total, 1))
    if small == NULL:
        raise MemoryError("no memory for deliveries")
    try:
        for index in range(run.count):
            head = head_of(run.block, run.first + index * run.step)
            at = put_heads(at, head, channel, prefix, first_tag + <uint64_t> index, redelivered)
            octets = octets_of(head) + head.route_bytes + head.header_bytes
            left = head.body_bytes
            while left:
                piece = min(left, payload_max_bytes)
                at = put_head(at, FRAME_BODY, channel, <uint32_t> piece)
                if piece >= LARGE_BODY_BYTES:
                    output.append(PyBytes_FromStringAndSize(from_here, at - from_here))
                    output.append(view_of(run.block, octets, piece))
                    from_here = at
                else:
                    at = put(at, octets, piece)
                at[0] = <char> FRAME_END
                at += 1
                octets += piece
                left -= piece
        output.append(PyBytes_FromStringAndSize(from_here, at - from_here))
        assert at - small == total, "what was counted is what was written"
    finally:
        free(small)
    return output
