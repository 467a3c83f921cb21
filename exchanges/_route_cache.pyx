# cython: language_level=3
"""Answers of the router by route: the kernel of ``exchanges.route_cache``.

A look-up is one probe of a table and one comparison of numbers, without a Python call.
"""

cimport cython

from types import GenericAlias

from libc.stdint cimport int64_t

from exchanges import route_cache as twin


@cython.final
cdef class _Answer:
    """See ``exchanges.route_cache._Answer``."""

    cdef int64_t generation
    cdef tuple visited
    cdef object value


cdef class RouteCache:
    """See ``exchanges.route_cache.RouteCache``."""

    cdef dict _recent
    cdef dict _older
    cdef object _holds
    __class_getitem__ = classmethod(GenericAlias)

    def __cinit__(self, holds):
        self._recent = {}
        self._older = {}
        self._holds = holds

    def __len__(self):
        return len(self._recent) + len(self._older)

    def get(self, bytes route not None, int64_t generation):
        cdef _Answer answer = self._recent.get(route)
        if answer is None:
            if not self._older:
                return None
            answer = self._older.pop(route, None)
            if answer is None:
                return None
            self._keep(route, answer)
        if answer.generation != generation:
            if not self._holds(answer.generation, answer.visited, route):
                del self._recent[route]
                return None
            answer.generation = generation
        return answer.value

    def put(self, bytes route not None, int64_t generation, tuple visited, value):
        cdef _Answer answer = _Answer.__new__(_Answer)
        answer.generation = generation
        answer.visited = visited
        answer.value = value
        self._keep(route, answer)

    cdef int _keep(self, bytes route, _Answer answer) except -1:
        if len(self._recent) >= twin.CAPACITY // 2:
            self._older = self._recent
            self._recent = {}
        self._recent[route] = answer
        return 0
