"""What the scanner reads of raw bytes by itself: integers, and what properties ask for."""

from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.string cimport memchr, memcmp


cdef enum:
    HEADER_FIXED_BYTES = 14
    REPLY_TO_BYTES = 21
    EXPIRATION_DIGITS_MAX = 11
    # persistence.record
    PERSISTENT = 1
    NEEDS_LOOK = 2


cdef inline uint32_t u32(const unsigned char *at) noexcept nogil:
    return (<uint32_t> at[0] << 24) | (<uint32_t> at[1] << 16) | (<uint32_t> at[2] << 8) | at[3]


cdef inline uint64_t u64(const unsigned char *at) noexcept nogil:
    return (<uint64_t> u32(at) << 32) | u32(at + 4)


cdef struct Traits:
    int flags
    int priority
    int64_t ttl_ms


cdef inline bint _has_cc(const unsigned char *at, Py_ssize_t size) noexcept nogil:
    """Whether "CC" occurs anywhere; the keys CC and BCC both contain it."""
    cdef const unsigned char *end = at + size
    cdef const unsigned char *found
    while at + 1 < end:
        found = <const unsigned char *> memchr(at, c"C", end - at - 1)
        if found == NULL:
            return False
        if found[1] == c"C":
            return True
        at = found + 1
    return False


cdef inline bint traits_of(const unsigned char *header, Py_ssize_t size, Traits *traits) noexcept nogil:
    """Check a property list; False if it does not fit its flags."""
    cdef int flags = header[12] << 8 | header[13]
    cdef int bit
    cdef Py_ssize_t at = HEADER_FIXED_BYTES
    cdef Py_ssize_t item, index
    cdef bint persistent = False
    cdef int64_t number
    traits.priority = 0
    traits.ttl_ms = -1
    if flags & 1:
        return False
    traits.flags = flags & ~3
    for bit in range(15, 1, -1):
        if not flags >> bit & 1:
            continue
        if bit == 13:
            if at + 4 > size:
                return False
            item = 4 + <Py_ssize_t> u32(header + at)
        elif bit == 12 or bit == 11:
            item = 1
        elif bit == 6:
            item = 8
        else:
            if at >= size:
                return False
            item = 1 + header[at]
        if at + item > size:
            return False
        if bit == 12:
            persistent = header[at] == 2
        elif bit == 11:
            traits.priority = header[at]
        elif bit == 13:
            if _has_cc(header + at, item):
                traits.flags |= NEEDS_LOOK
        elif bit == 9:
            if item == REPLY_TO_BYTES + 1 and not memcmp(header + at + 1, "amq.rabbitmq.reply-to", REPLY_TO_BYTES):
                traits.flags |= NEEDS_LOOK
        elif bit == 8:
            if item < 2 or item - 1 > EXPIRATION_DIGITS_MAX:
                traits.flags |= NEEDS_LOOK
            else:
                number = 0
                for index in range(1, item):
                    if not c"0" <= header[at + index] <= c"9":
                        number = -1
                        break
                    number = number * 10 + (header[at + index] - c"0")
                if number < 0:
                    traits.flags |= NEEDS_LOOK
                else:
                    traits.ttl_ms = number
        elif bit == 4:
            traits.flags |= NEEDS_LOOK
        at += item
    if persistent:
        traits.flags |= PERSISTENT
    return at == size
