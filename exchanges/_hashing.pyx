# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""Hashes of keys, and the choice that they lead to: the kernel behind ``exchanges.hashing``."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.math cimport log
from libc.stdint cimport uint8_t, uint32_t, uint64_t


cdef inline uint32_t _rotated(uint32_t value, int count) noexcept nogil:
    return value << count | value >> (32 - count)


cdef inline uint32_t _scrambled(uint32_t block) noexcept nogil:
    return _rotated(block * <uint32_t>0xCC9E2D51, 15) * <uint32_t>0x1B873593


def murmur3_32(bytes octets not None, uint32_t seed):
    cdef const uint8_t* data = <const uint8_t*>PyBytes_AS_STRING(octets)
    cdef Py_ssize_t size = PyBytes_GET_SIZE(octets)
    cdef Py_ssize_t whole = size & ~<Py_ssize_t>3
    cdef Py_ssize_t at
    cdef uint32_t value = seed
    cdef uint32_t block = 0
    for at in range(0, whole, 4):
        block = (
            <uint32_t>data[at]
            | <uint32_t>data[at + 1] << 8
            | <uint32_t>data[at + 2] << 16
            | <uint32_t>data[at + 3] << 24
        )
        value = _rotated(value ^ _scrambled(block), 13) * 5 + <uint32_t>0xE6546B64
    if whole < size:
        block = 0
        for at in range(size - 1, whole - 1, -1):
            block = block << 8 | data[at]
        value ^= _scrambled(block)
    value ^= <uint32_t>size
    value = (value ^ value >> 16) * <uint32_t>0x85EBCA6B
    value = (value ^ value >> 13) * <uint32_t>0xC2B2AE35
    return value ^ value >> 16


cdef inline uint64_t _drawn(uint64_t salt, uint64_t spread) noexcept nogil:
    cdef uint64_t number = salt ^ spread
    number = (number ^ number >> 30) * <uint64_t>0xBF58476D1CE4E5B9
    number = (number ^ number >> 27) * <uint64_t>0x94D049BB133111EB
    return number ^ number >> 31


cdef inline uint64_t _spread(uint32_t key_hash) noexcept nogil:
    return <uint64_t>key_hash * <uint64_t>0x9E3779B97F4A7C15


cdef inline double _wait(uint64_t salt, double weight, uint64_t spread) noexcept nogil:
    cdef uint64_t number = _drawn(salt, spread) >> 12
    return -log((<double>number + 0.5) * (1.0 / 4503599627370496.0)) / weight


def winner(
    const uint64_t[::1] salts not None,
    const double[::1] weights,
    uint32_t key_hash,
    Py_ssize_t start,
    Py_ssize_t stop,
):
    cdef uint64_t spread = _spread(key_hash)
    cdef uint64_t number, greatest
    cdef double waiting, shortest
    cdef Py_ssize_t index
    cdef Py_ssize_t found = start
    if weights is None:
        greatest = _drawn(salts[start], spread)
        for index in range(start + 1, stop):
            number = _drawn(salts[index], spread)
            if number > greatest:
                greatest = number
                found = index
    else:
        shortest = _wait(salts[start], weights[start], spread)
        for index in range(start + 1, stop):
            waiting = _wait(salts[index], weights[index], spread)
            if waiting < shortest:
                shortest = waiting
                found = index
    return found


def wait(uint64_t salt, double weight, uint32_t key_hash):
    return _wait(salt, weight, _spread(key_hash))
