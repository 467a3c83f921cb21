# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""CRC32 by multiplication without carries: the kernel behind ``persistence.crc32``.

    | 64 octets | 64 octets | ... | 64 octets | rest
      four lanes of 16 octets, each folded over the next four; then the lanes over each other;
      16 octets are left that have the same remainder as all before them, and the rest

The remainder of these few is found octet by octet. A processor without the instruction, or another
compiler, has zlib do all of it.

Source: V. Gopal and others, Fast CRC Computation for Generic Polynomials Using PCLMULQDQ
Instruction, Intel 2009.
"""

import zlib

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from libc.stdint cimport uint8_t, uint32_t

cdef extern from *:
    """
    #include <stddef.h>
    #include <stdint.h>
    #if defined(__x86_64__) && defined(__GNUC__)
    #include <immintrin.h>

    static int can_fold(void) {
        __builtin_cpu_init();
        return __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1");
    }

    #define FOLDS __attribute__((target("pclmul,sse4.1")))

    FOLDS static inline __m128i at(const uint8_t *octets) {
        return _mm_loadu_si128((const __m128i *)octets);
    }

    FOLDS static inline __m128i folded(__m128i lane, __m128i by, __m128i over) {
        __m128i low = _mm_clmulepi64_si128(lane, by, 0x00);
        __m128i high = _mm_clmulepi64_si128(lane, by, 0x11);
        return _mm_xor_si128(_mm_xor_si128(low, high), over);
    }

    /* Returns how many octets, 64 at least, the 16 octets in `left` stand for. */
    FOLDS static size_t fold(const uint8_t *octets, size_t size, uint32_t state, uint8_t *left) {
        /* x^(512+32), x^(512-32); x^(128+32), x^(128-32): modulo the polynomial, reflected. */
        const __m128i by_64 = _mm_set_epi64x(0x1c6e41596, 0x154442bd4);
        const __m128i by_16 = _mm_set_epi64x(0x0ccaa009e, 0x1751997d0);
        __m128i a = _mm_xor_si128(at(octets), _mm_cvtsi32_si128((int)state));
        __m128i b = at(octets + 16), c = at(octets + 32), d = at(octets + 48);
        size_t done = 64;
        for (; size - done >= 64; done += 64) {
            a = folded(a, by_64, at(octets + done));
            b = folded(b, by_64, at(octets + done + 16));
            c = folded(c, by_64, at(octets + done + 32));
            d = folded(d, by_64, at(octets + done + 48));
        }
        b = folded(a, by_16, b);
        c = folded(b, by_16, c);
        d = folded(c, by_16, d);
        _mm_storeu_si128((__m128i *)left, d);
        return done;
    }
    #else
    static int can_fold(void) { return 0; }
    static size_t fold(const uint8_t *octets, size_t size, uint32_t state, uint8_t *left) {
        return 0;
    }
    #endif
    """
    bint can_fold() nogil
    size_t fold(const uint8_t *octets, size_t size, uint32_t state, uint8_t *left) nogil

cdef enum:
    POLYNOMIAL = 0xEDB88320
    FOLDED_BYTES_MIN = 128

cdef object _zlib_crc32 = zlib.crc32
cdef bint _folds = can_fold()
cdef uint32_t _TABLE[256]


cdef void _fill_table() noexcept:
    cdef uint32_t octet, value
    for octet in range(256):
        value = octet
        for _ in range(8):
            value = (value >> 1) ^ (<uint32_t>POLYNOMIAL if value & 1 else 0)
        _TABLE[octet] = value


_fill_table()


cdef uint32_t _octet_by_octet(uint32_t state, const uint8_t *octets, size_t size) noexcept nogil:
    cdef size_t index
    for index in range(size):
        state = _TABLE[(state ^ octets[index]) & 0xFF] ^ (state >> 8)
    return state


def crc32(octets, uint32_t before=0):
    """Return the CRC32 of octets; see the twin."""
    cdef Py_buffer view
    cdef uint8_t left[16]
    cdef size_t done
    cdef uint32_t state
    if not _folds:
        return _zlib_crc32(octets, before)
    PyObject_GetBuffer(octets, &view, PyBUF_SIMPLE)
    try:
        if view.len < FOLDED_BYTES_MIN:
            return _zlib_crc32(octets, before)
        done = fold(<const uint8_t *>view.buf, view.len, ~before, left)
        state = _octet_by_octet(0, left, sizeof(left))
        return ~_octet_by_octet(state, <const uint8_t *>view.buf + done, view.len - done)
    finally:
        PyBuffer_Release(&view)
