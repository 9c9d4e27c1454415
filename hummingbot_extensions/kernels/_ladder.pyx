# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Compiled twin of ``_ladder_py``, which holds the contract."""

from libc.stdint cimport int64_t


cpdef Py_ssize_t aggregate_down(
    const int64_t[::1] ticks, const int64_t[::1] lots, int64_t grid, int64_t[::1] out_ticks, int64_t[::1] out_lots
) noexcept nogil:
    """Compiled twin of ``_ladder_py.aggregate_down``."""
    cdef Py_ssize_t i, count = 0, room = out_ticks.shape[0]
    cdef int64_t price, rest, bucket
    for i in range(ticks.shape[0]):
        price = ticks[i]
        # C's remainder has the sign of the dividend; the contract truncates towards minus infinity.
        rest = price % grid
        if rest < 0:
            rest += grid
        bucket = price - rest
        if count and out_ticks[count - 1] == bucket:
            out_lots[count - 1] += lots[i]
            continue
        if count == room:
            break
        out_ticks[count] = bucket
        out_lots[count] = lots[i]
        count += 1
    return count


cpdef void shown_lots(
    const int64_t[::1] ticks, const int64_t[::1] lots, const int64_t[::1] wanted, int64_t[::1] out
) noexcept nogil:
    """Compiled twin of ``_ladder_py.shown_lots``."""
    cdef Py_ssize_t i, j
    cdef int64_t price
    for i in range(wanted.shape[0]):
        price = wanted[i]
        out[i] = -1
        for j in range(ticks.shape[0]):
            if ticks[j] == price:
                out[i] = lots[j]
                break
