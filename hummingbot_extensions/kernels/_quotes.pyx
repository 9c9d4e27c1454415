# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Compiled twin of ``_quotes_py``, which holds the contract."""

from cpython.long cimport PyLong_AsLongLongAndOverflow
from cpython.number cimport PyNumber_Index as index
from libc.math cimport ceil, fabs, floor, rint
from libc.stdint cimport int64_t

cdef enum:
    MAX_LAYERS = 256
    PAIR_WEIGHT = 131072  # 2 x MAX_LAYERS x MAX_LAYERS

cdef int64_t LIMIT = 9007199254740992  # 2**53
cdef double LIMIT_FLOAT = 9007199254740992.0
cdef double SNAP_TICKS = 1e-6
cdef int64_t MAX_DIFFERENCE = 8589934592  # 2**33
cdef int64_t DROPPED = 1152921504606846976  # 2**60


cdef struct Quotes:
    Py_ssize_t count
    int64_t ticks[MAX_LAYERS]
    int64_t near[MAX_LAYERS]
    int64_t far[MAX_LAYERS]
    int64_t least[MAX_LAYERS]
    int64_t most[MAX_LAYERS]


cdef struct Orders:
    Py_ssize_t count
    int64_t ticks[MAX_LAYERS]
    int64_t lots[MAX_LAYERS]


cdef int64_t bounded(str name, object value) except? -1:
    """An integer as it is, beyond 64 bits too an error that says which."""
    cdef int overflow = 0
    cdef int64_t found = PyLong_AsLongLongAndOverflow(index(value), &overflow)
    if overflow or not -LIMIT < found < LIMIT:
        raise ValueError(f"{name} must lie within {LIMIT} of zero")
    return found


cdef Py_ssize_t read_ints(str name, object values, int64_t* out) except -1:
    cdef list items = values if type(values) is list else list(values)
    cdef Py_ssize_t i, count = len(items)
    if count > MAX_LAYERS:
        raise ValueError(f"{count} {name}, at most {MAX_LAYERS}")
    for i in range(count):
        out[i] = bounded(name, items[i])
    return count


cdef Py_ssize_t read_lots(str name, object values, int64_t* out) except -1:
    cdef Py_ssize_t i, count = read_ints(name, values, out)
    for i in range(count):
        if out[i] <= 0:
            raise ValueError(f"{name} must be positive")
    return count


cdef Py_ssize_t read_distances(object values, double* out) except -1:
    cdef list items = values if type(values) is list else list(values)
    cdef Py_ssize_t i, count = len(items)
    if count > MAX_LAYERS:
        raise ValueError(f"{count} distances, at most {MAX_LAYERS}")
    for i in range(count):
        out[i] = items[i]
    return count


cdef int check_sign(object sign) except 0:
    if sign != 1 and sign != -1:
        raise ValueError(f"sign must be +1 for bids or -1 for asks, got {sign}")
    return 1 if sign == 1 else -1


cdef int check_market(double mark, double tick) except -1:
    if not 0.0 < mark < float("inf"):
        raise ValueError(f"mark must be positive and finite, got {mark}")
    if not 0.0 < tick < float("inf"):
        raise ValueError(f"tick must be positive and finite, got {tick}")
    return 0


cdef bint ticks_at(
    double mark, double tick, int sign, const double* distances, Py_ssize_t count, bint is_down, int64_t* out
) noexcept nogil:
    """Tick of every distance; False when one of them leads to no price."""
    cdef Py_ssize_t i
    cdef double steps, nearest
    for i in range(count):
        steps = mark * (1.0 - sign * distances[i] / 1e4) / tick
        if not -LIMIT_FLOAT < steps < LIMIT_FLOAT:
            return False
        nearest = rint(steps)
        if fabs(steps - nearest) > SNAP_TICKS:
            nearest = floor(steps) if is_down else ceil(steps)
        out[i] = <int64_t>nearest
    return True


def price_ticks(double mark, double tick, sign, distances_bps, bint is_passive):
    """Compiled twin of ``_quotes_py.price_ticks``."""
    cdef double distances[MAX_LAYERS]
    cdef int64_t ticks[MAX_LAYERS]
    cdef Py_ssize_t i, count
    check_market(mark, tick)
    cdef int side = check_sign(sign)
    count = read_distances(distances_bps, distances)
    if not ticks_at(mark, tick, side, distances, count, (side > 0) == is_passive, ticks):
        raise ValueError("a distance leads to no price")
    return [ticks[i] for i in range(count)]


def ladder_ticks(double mark, double tick, sign, distances_bps, lots, bound_tick, min_tick, max_lots):
    """Compiled twin of ``_quotes_py.ladder_ticks``."""
    cdef double distances[MAX_LAYERS]
    cdef int64_t sizes[MAX_LAYERS]
    cdef int64_t ticks[MAX_LAYERS]
    cdef int64_t at, lowest, bound = 0, most = 0
    cdef Py_ssize_t i, last, layers, count = read_lots("lots", lots, sizes)
    cdef bint is_bound = bound_tick is not None
    layers = read_distances(distances_bps, distances)
    if layers != count:
        raise ValueError(f"{layers} distances and {count} lots")
    if max_lots is not None:
        most = bounded("max_lots", max_lots)
        if most <= 0:
            raise ValueError("max_lots must be positive")
    if is_bound:
        bound = bounded("bound_tick", bound_tick)
    lowest = bounded("min_tick", min_tick)
    check_market(mark, tick)
    cdef int side = check_sign(sign)
    if not ticks_at(mark, tick, side, distances, count, side > 0, ticks):
        raise ValueError("a distance leads to no price")
    cdef int64_t out_ticks[MAX_LAYERS]
    cdef int64_t out_lots[MAX_LAYERS]
    cdef Py_ssize_t out_layers[MAX_LAYERS]
    last = -1
    for i in range(count):
        if i and not distances[i - 1] <= distances[i]:
            raise ValueError("distances must not come nearer from layer to layer")
        at = ticks[i]
        if is_bound and (at > bound if side > 0 else at < bound):
            at = bound
        if at < lowest:
            continue
        if last >= 0 and out_ticks[last] == at:
            out_lots[last] += sizes[i]
        else:
            last += 1
            out_ticks[last] = at
            out_lots[last] = sizes[i]
            out_layers[last] = i
        if most and out_lots[last] > most:
            out_lots[last] = most
    return (
        [out_ticks[i] for i in range(last + 1)],
        [out_lots[i] for i in range(last + 1)],
        [out_layers[i] for i in range(last + 1)],
    )


def side_ladder(
    double mark, double tick, sign, stand_bps, most_bps, offsets_bps, lots, bound_tick, max_lots, least_lots,
    least_value,
):
    """Compiled twin of ``_quotes_py.side_ladder``."""
    cdef double offsets[MAX_LAYERS]
    cdef double bps[MAX_LAYERS]
    cdef int64_t near[MAX_LAYERS]
    cdef int64_t far[MAX_LAYERS]
    cdef int64_t risk, last = 0, bound, least, value
    cdef Py_ssize_t i, at, layer, layers, kept = 0
    cdef double distance = stand_bps[0], near_bps = stand_bps[1], far_bps = stand_bps[2], most = 0.0
    cdef double one[1]
    cdef bint has_most = most_bps is not None
    if len(stand_bps) != 4:
        raise ValueError("too many values to unpack (expected 4)")
    one[0] = stand_bps[3]
    layers = read_distances(offsets_bps, offsets)
    least, value = bounded("least_lots", least_lots), bounded("least_value", least_value)
    ticks, sizes, firsts = ladder_ticks(
        mark, tick, sign, [distance + offsets[i] for i in range(layers)], lots, bound_tick, 1, max_lots
    )
    cdef int side = check_sign(sign)
    if not ticks_at(mark, tick, side, one, 1, side > 0, &risk):
        raise ValueError("a distance leads to no price")
    if has_most:
        most = most_bps
        one[0] = most
        if not ticks_at(mark, tick, side, one, 1, side < 0, &last):
            raise ValueError("a distance leads to no price")
        if ticks and (<int64_t>ticks[0] - last) * side < 0 and distance + offsets[0] <= most:
            bound = last if bound_tick is None else bounded("bound_tick", bound_tick)
            if (bound - last) * side >= 0:
                ticks[0] = last
    cdef list out_ticks = [], out_lots = [], out_layers = []
    for at in range(len(ticks)):
        if has_most and (<int64_t>ticks[at] - last) * side < 0:
            continue
        if sizes[at] < least or sizes[at] * ticks[at] < value:
            continue
        out_ticks.append(ticks[at])
        out_lots.append(sizes[at])
        out_layers.append(firsts[at])
        kept += 1
    for at in range(kept):
        layer = out_layers[at]
        bps[at] = near_bps + offsets[layer]
    if not ticks_at(mark, tick, side, bps, kept, side > 0, near):
        raise ValueError("a distance leads to no price")
    for at in range(kept):
        layer = out_layers[at]
        bps[at] = far_bps + offsets[layer]
    if not ticks_at(mark, tick, side, bps, kept, side < 0, far):
        raise ValueError("a distance leads to no price")
    for at in range(kept):
        if has_most and (far[at] - last) * side < 0:
            far[at] = last
        if (<int64_t>out_ticks[at] - far[at]) * side < 0:
            far[at] = last if has_most else <int64_t>out_ticks[at]
    return (
        out_ticks, out_lots, out_layers, [near[i] for i in range(kept)], [far[i] for i in range(kept)], risk
    )


cdef inline int64_t difference(int64_t one, int64_t other) noexcept nogil:
    cdef int64_t found = one - other if one > other else other - one
    return found if found < MAX_DIFFERENCE else MAX_DIFFERENCE


cdef void assign(int sign, const Orders* orders, const Quotes* quotes, Py_ssize_t* owner) noexcept nogil:
    """Order of each quote, -1 where it has none: the loop of ``_quotes_py.match``."""
    cdef int64_t order_potential[MAX_LAYERS]
    cdef int64_t quote_potential[MAX_LAYERS]
    cdef int64_t cost[MAX_LAYERS]
    cdef Py_ssize_t way[MAX_LAYERS]
    cdef bint is_done[MAX_LAYERS]
    cdef Py_ssize_t entering, order, quote, through, exit_through, end, before
    cdef int64_t paid, leaving, exit_cost, total, reached, price, size
    for quote in range(quotes.count):
        quote_potential[quote] = 0
        owner[quote] = -1
    for entering in range(orders.count):
        order_potential[entering] = 0
        for quote in range(quotes.count):
            cost[quote] = 2 * DROPPED
            way[quote] = -1
            is_done[quote] = False
        order, through, paid = entering, -1, 0
        exit_cost, exit_through = 2 * DROPPED, -1
        while True:
            leaving = paid + DROPPED - order_potential[order]
            if leaving < exit_cost:
                exit_cost, exit_through = leaving, through
            total, end = exit_cost, -1
            price, size = orders.ticks[order], orders.lots[order]
            for quote in range(quotes.count):
                if is_done[quote]:
                    continue
                if (
                    (quotes.near[quote] - price) * sign >= 0
                    and (price - quotes.far[quote]) * sign >= 0
                    and quotes.least[quote] <= size <= quotes.most[quote]
                ):
                    reached = paid + difference(price, quotes.ticks[quote]) * PAIR_WEIGHT + order + quote
                    reached -= order_potential[order] + quote_potential[quote]
                    if reached < cost[quote]:
                        cost[quote], way[quote] = reached, through
                if cost[quote] < total:
                    total, end = cost[quote], quote
            if end < 0 or owner[end] < 0:
                break
            is_done[end] = True
            order, through, paid = owner[end], end, cost[end]
        order_potential[entering] += total
        for quote in range(quotes.count):
            if is_done[quote]:
                order_potential[owner[quote]] += total - cost[quote]
                quote_potential[quote] -= total - cost[quote]
        quote = exit_through if end < 0 else end
        while quote >= 0:
            before = way[quote]
            owner[quote] = entering if before < 0 else owner[before]
            quote = before


def match(sign, order_ticks, order_lots, quote_ticks, near_ticks, far_ticks, min_lots, max_lots):
    """Compiled twin of ``_quotes_py.match``."""
    cdef Orders orders
    cdef Quotes quotes
    cdef Py_ssize_t owner[MAX_LAYERS]
    cdef Py_ssize_t found[MAX_LAYERS]
    cdef Py_ssize_t i, lots, near, far, least, most
    cdef int side = check_sign(sign)
    orders.count = read_ints("orders", order_ticks, orders.ticks)
    lots = read_ints("order_lots", order_lots, orders.lots)
    quotes.count = read_ints("quotes", quote_ticks, quotes.ticks)
    near, far = read_ints("near_ticks", near_ticks, quotes.near), read_ints("far_ticks", far_ticks, quotes.far)
    least, most = read_ints("min_lots", min_lots, quotes.least), read_ints("max_lots", max_lots, quotes.most)
    if lots != orders.count or not near == far == least == most == quotes.count:
        raise ValueError("orders, or quotes, of unequal lengths")
    assign(side, &orders, &quotes, owner)
    for i in range(orders.count):
        found[i] = -1
    for i in range(quotes.count):
        if owner[i] >= 0:
            found[owner[i]] = i
    return [found[i] for i in range(orders.count)]


def room_prefix(lots, cap_lots):
    """Compiled twin of ``_quotes_py.room_prefix``."""
    cdef int64_t sizes[MAX_LAYERS]
    cdef int64_t total = 0, cap = bounded("cap_lots", cap_lots)
    cdef Py_ssize_t i, count = read_lots("lots", lots, sizes)
    for i in range(count):
        total += sizes[i]
        if total > cap:
            return i
    return count
