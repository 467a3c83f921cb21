# cython: language_level=3
"""Answers of the router by route: the kernel behind ``exchanges.route_cache``.

One comparison of numbers and one probe of a table, without a frame of Python around them.
"""

from types import GenericAlias

from libc.stdint cimport int64_t

from exchanges import route_cache as twin


cdef class RouteCache:
    """See ``exchanges.route_cache.RouteCache``."""

    cdef dict _values
    cdef int64_t _generation
    __class_getitem__ = classmethod(GenericAlias)

    def __cinit__(self):
        self._values = {}
        self._generation = -1

    def __len__(self):
        return len(self._values)

    def get(self, bytes route not None, int64_t generation):
        if generation != self._generation:
            self._values.clear()
            self._generation = generation
        return self._values.get(route)

    def put(self, bytes route not None, int64_t generation, value):
        if generation != self._generation or len(self._values) >= twin.CAPACITY:
            self._values.clear()
            self._generation = generation
        self._values[route] = value
