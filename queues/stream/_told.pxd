"""An AMQP 1.0 message as it is told in AMQP 0-9-1, in raw memory."""

from libc.stdint cimport int64_t, uint8_t

from queues.stream._amqp10 cimport PROPERTY_COUNT, Out


cdef enum:
    HEADER_FIELDS_MAX = 5
    PROPERTIES_MAX = 13
    DATA = 0x75
    # A content header before its flags.
    HEAD_BYTES = 12
    OFFSET_FIELD_BYTES = 25


cdef struct Message:
    # One message as it is told; pointers are into its octets, NULL is absent.
    const uint8_t *octets
    # Where its content header is written.
    Out *out
    const uint8_t *end
    const uint8_t *header
    const uint8_t *annotations
    const uint8_t *properties
    const uint8_t *application_properties
    const uint8_t *exchange
    const uint8_t *routing_key
    const uint8_t *filter
    const uint8_t *kept
    const uint8_t *basic[PROPERTY_COUNT]
    const uint8_t *header_fields[HEADER_FIELDS_MAX]
    const uint8_t *property_fields[PROPERTIES_MAX]
    # The first section of the body, the end of its last, and how many there are.
    const uint8_t *body
    const uint8_t *body_end
    Py_ssize_t body_count
    int body_code
    # What is left of the kept headers.
    const uint8_t *kept_at
    const uint8_t *kept_end


cdef int code_of(const uint8_t **at, const uint8_t *end) except -2
cdef int start_header(Out *out) except -2
cdef int tell(
    const uint8_t *octets, Py_ssize_t size, int64_t offset, Message *message, Out *out
) except -2
