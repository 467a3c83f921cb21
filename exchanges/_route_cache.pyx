# cython: language_level=3
"""Answers of the router by route: the kernel behind ``exchanges.route_cache``.

One comparison of numbers and one probe of a table, without a frame of Python around them.
"""

from types import GenericAlias

from libc.stdint cimport int64_t

from exchanges import route_cache as twin


cdef class RouteCache:
    """See ``exchanges.route_cache.RouteCache``."""

    cdef dict _recent
    cdef dict _older
    cdef int64_t _generation
    __class_getitem__ = classmethod(GenericAlias)

    def __cinit__(self):
        self._recent = {}
        self._older = {}
        self._generation = -1

    def __len__(self):
        return len(self._recent) + len(self._older)

    def get(self, bytes route not None, int64_t generation):
        if generation != self._generation:
            self._begin(generation)
        value = self._recent.get(route)
        if value is None and self._older:
            value = self._older.pop(route, None)
            if value is not None:
                self._keep(route, value)
        return value

    def put(self, bytes route not None, int64_t generation, value):
        if generation != self._generation:
            self._begin(generation)
        self._keep(route, value)

    cdef int _begin(self, int64_t generation) except -1:
        self._recent = {}
        self._older = {}
        self._generation = generation
        return 0

    cdef int _keep(self, bytes route, value) except -1:
        if len(self._recent) >= twin.CAPACITY // 2:
            self._older = self._recent
            self._recent = {}
        self._recent[route] = value
        return 0
