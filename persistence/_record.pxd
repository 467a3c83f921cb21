"""Contents of the record kernel: one block of memory that holds records, and views of it."""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t


cdef enum:
    # persistence.record: a body of this size is never copied into a block that still grows
    LARGE_BODY_BYTES = 32768


cdef struct Head:
    # Stands before route, header and body of each record; 24 octets, native order.
    int64_t ttl_ms
    uint32_t body_bytes
    uint32_t header_bytes
    uint16_t route_bytes
    uint16_t flags
    uint8_t priority


cdef class Block:
    cdef char *data
    cdef Py_ssize_t size_bytes
    cdef Py_ssize_t used_bytes
    cdef uint32_t *starts
    cdef Py_ssize_t starts_size
    cdef Py_ssize_t count
    cdef Py_ssize_t exports_count

    cdef int resize(self, Py_ssize_t size_bytes) except -1
    cdef int reserve(self, Py_ssize_t more_bytes) except -1
    cdef Head *add(
        self,
        const char *route,
        Py_ssize_t route_bytes,
        const char *header,
        Py_ssize_t header_bytes,
        const char *body,
        Py_ssize_t body_bytes,
    ) except NULL
    cdef int add_copy(self, Block source, Py_ssize_t index) except -1
    cdef int add_record(self, object record) except -1
    cdef int trim(self) except -1


cdef inline Head *head_of(Block block, Py_ssize_t index) noexcept:
    return <Head *> (block.data + block.starts[index])


cdef inline const char *octets_of(Head *head) noexcept:
    return <const char *> head + sizeof(Head)


cdef object view_of(Block block, const char *octets, Py_ssize_t size_bytes)


cdef class Run:
    cdef Block block
    cdef Py_ssize_t first
    cdef Py_ssize_t step
    cdef Py_ssize_t count
    cdef Py_ssize_t _body_bytes


cdef Run make_run(Block block, Py_ssize_t first, Py_ssize_t step, Py_ssize_t count)
cdef Run run_of(object records)
cdef Py_ssize_t run_octets(Run run) noexcept
