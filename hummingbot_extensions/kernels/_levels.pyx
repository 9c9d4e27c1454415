# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Compiled twin of ``_levels_py``, which holds the contract: one sorted array a side, the best level last."""

from libc.stdint cimport int64_t
from libc.stdlib cimport free, realloc
from libc.string cimport memmove


cdef struct Half:
    Py_ssize_t count
    int64_t* keys
    int64_t* lots


cdef void put(Half* half, int64_t key, int64_t lots) noexcept nogil:
    """Set one level; the array has room for one more."""
    cdef Py_ssize_t low = 0, high = half.count, middle, behind
    if high and half.keys[high - 1] < key:
        low = high
    while low < high:
        middle = (low + high) >> 1
        if half.keys[middle] < key:
            low = middle + 1
        else:
            high = middle
    behind = half.count - low
    if low < half.count and half.keys[low] == key:
        if lots:
            half.lots[low] = lots
            return
        behind -= 1
        memmove(half.keys + low, half.keys + low + 1, behind * sizeof(int64_t))
        memmove(half.lots + low, half.lots + low + 1, behind * sizeof(int64_t))
        half.count -= 1
    elif lots:
        memmove(half.keys + low + 1, half.keys + low, behind * sizeof(int64_t))
        memmove(half.lots + low + 1, half.lots + low, behind * sizeof(int64_t))
        half.keys[low] = key
        half.lots[low] = lots
        half.count += 1


cdef class Levels:
    """Compiled twin of ``_levels_py.Levels``."""

    cdef Half halves[2]
    cdef Py_ssize_t room

    def __cinit__(self):
        self.room = 0
        for side in range(2):
            self.halves[side].count = 0
            self.halves[side].keys = NULL
            self.halves[side].lots = NULL

    def __dealloc__(self):
        for side in range(2):
            free(self.halves[side].keys)
            free(self.halves[side].lots)

    cdef int reserve(self, Py_ssize_t room) except -1:
        cdef int64_t* block
        if room <= self.room:
            return 0
        room = 2 * room
        for side in range(2):
            block = <int64_t*>realloc(self.halves[side].keys, room * sizeof(int64_t))
            if block is NULL:
                raise MemoryError(f"no room for {room} levels")
            self.halves[side].keys = block
            block = <int64_t*>realloc(self.halves[side].lots, room * sizeof(int64_t))
            if block is NULL:
                raise MemoryError(f"no room for {room} levels")
            self.halves[side].lots = block
        self.room = room
        return 0

    def apply(self, const int64_t[::1] signs, const int64_t[::1] ticks, const int64_t[::1] lots):
        """Compiled twin of ``_levels_py.Levels.apply``."""
        cdef Py_ssize_t i, count = signs.shape[0]
        self.reserve(max(self.halves[0].count, self.halves[1].count) + count)
        with nogil:
            for i in range(count):
                put(&self.halves[0 if signs[i] > 0 else 1], signs[i] * ticks[i], lots[i])

    def count(self, int sign):
        """Compiled twin of ``_levels_py.Levels.count``."""
        return self.halves[0 if sign > 0 else 1].count

    def top(self, int sign, int64_t[::1] out_ticks, int64_t[::1] out_lots):
        """Compiled twin of ``_levels_py.Levels.top``."""
        cdef Half* half = &self.halves[0 if sign > 0 else 1]
        cdef Py_ssize_t i, count = min(out_ticks.shape[0], half.count)
        for i in range(count):
            out_ticks[i] = sign * half.keys[half.count - 1 - i]
            out_lots[i] = half.lots[half.count - 1 - i]
        return count
