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
    cdef list of_price = list(prices), of_size = list(sizes), of_time = list(placed_ns)
    cdef list rows = [], ticks = [], lots = [], order
    cdef Py_ssize_t at, many = len(of_price)
    cdef int side = 1 if sign == 1 else -1
    cdef int64_t here, last = 0
    cdef bint is_ranked = True
    cdef tuple row
    if not many == len(of_size) == len(of_time):
        raise ValueError("prices, sizes and times of unequal lengths")
    if not (0.0 < tick < float("inf") and 0.0 < step < float("inf")):
        raise ValueError(f"tick and step must be positive and finite, got {tick} and {step}")
    for at in range(many):
        here = count("prices", of_price[at], tick)
        ticks.append(here)
        lots.append(count("sizes", of_size[at], step))
        rows.append((-here * side, of_time[at], at))
        is_ranked = is_ranked and (at == 0 or here * side < last)
        last = here * side
    if is_ranked:
        return list(range(many)), ticks, lots
    rows.sort()
    order = [row[2] for row in rows]
    return order, [ticks[at] for at in order], [lots[at] for at in order]
