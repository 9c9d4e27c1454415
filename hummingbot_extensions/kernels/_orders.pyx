# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Compiled twin of ``_orders_py``, which holds the contract."""

from libc.math cimport rint
from libc.stdint cimport int64_t

cdef double LIMIT = 9007199254740992.0  # 2**53


cdef int64_t count(str name, object value, double unit) except? -1:
    cdef double units = float(value)
    units = units / unit
    if not -LIMIT < units < LIMIT:
        raise ValueError(f"{name} must lie within {<int64_t>LIMIT} units of zero")
    return <int64_t>rint(units)


def ranked(sign, prices, sizes, placed_ns, double tick, double step):
    """Compiled twin of ``_orders_py.ranked``."""
    if sign != 1 and sign != -1:
        raise ValueError(f"sign must be +1 for bids or -1 for asks, got {sign}")
    cdef list of_price = list(prices), of_size = list(sizes), of_time = list(placed_ns), rows = []
    cdef Py_ssize_t at, many = len(of_price)
    cdef int side = 1 if sign == 1 else -1
    cdef int64_t ticks, lots
    cdef tuple row
    if not many == len(of_size) == len(of_time):
        raise ValueError("prices, sizes and times of unequal lengths")
    if not (0.0 < tick < float("inf") and 0.0 < step < float("inf")):
        raise ValueError(f"tick and step must be positive and finite, got {tick} and {step}")
    for at in range(many):
        ticks = count("prices", of_price[at], tick)
        lots = count("sizes", of_size[at], step)
        rows.append((-ticks * side, of_time[at], at, ticks, lots))
    rows.sort()
    return [row[2] for row in rows], [row[3] for row in rows], [row[4] for row in rows]
