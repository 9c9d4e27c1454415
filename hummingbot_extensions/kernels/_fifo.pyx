# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Compiled twin of ``_fifo_py``, which holds the contract.

Orders and levels live in pools linked by index; ids are found through an open hash table, prices by bisection of a
sorted array per side. Room for everything that a batch can need is taken before it, so that the loop cannot fail.
"""

from libc.stdint cimport int64_t, uint64_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memmove

cdef enum:
    CANCEL = 0
    GTC = 1
    IOC = 2
    ALO = 3
    MARKET = 4
    NOT_RESTING = -1
    WOULD_CROSS = -2
    ID_RESTS = -3
    NOWHERE = -1
    ROOM_AT_FIRST = 64


cdef struct Order:
    int64_t order_id
    int64_t lots
    Py_ssize_t level
    Py_ssize_t older
    Py_ssize_t younger  # of a free one: the next free one


cdef struct Level:
    int64_t key
    int64_t total
    Py_ssize_t oldest  # of a free one: the next free one
    Py_ssize_t youngest
    int side


cdef struct Match:
    int64_t index
    int64_t maker_id
    int64_t price
    int64_t lots
    int64_t left


cdef struct Half:
    Py_ssize_t count
    int64_t* keys
    Py_ssize_t* levels


cdef inline uint64_t mixed(int64_t order_id) noexcept nogil:
    cdef uint64_t x = <uint64_t>order_id
    x = (x ^ (x >> 30)) * <uint64_t>0xBF58476D1CE4E5B9
    x = (x ^ (x >> 27)) * <uint64_t>0x94D049BB133111EB
    return x ^ (x >> 31)


cdef void* grown(void* old, size_t count, size_t size) except NULL:
    cdef void* block = realloc(old, count * size)
    if block is NULL:
        raise MemoryError(f"no room for {count} entries of {size} bytes")
    return block


cdef class Engine:
    """Compiled twin of ``_fifo_py.Engine``."""

    cdef readonly int64_t version
    cdef Order* orders
    cdef Level* pool
    cdef Match* matched
    cdef Half halves[2]
    cdef Py_ssize_t* table
    cdef uint64_t mask
    cdef Py_ssize_t live, order_room, level_room, match_room, match_count, free_order, free_level, live_levels

    def __cinit__(self):
        self.version = 0
        self.live = self.live_levels = self.match_count = 0
        self.order_room = self.level_room = self.match_room = 0
        self.free_order = self.free_level = NOWHERE
        self.mask = 0
        self.orders = NULL
        self.pool = NULL
        self.matched = NULL
        self.table = NULL
        for side in range(2):
            self.halves[side].count = 0
            self.halves[side].keys = NULL
            self.halves[side].levels = NULL
        self.reserve(1)

    def __dealloc__(self):
        free(self.orders)
        free(self.pool)
        free(self.matched)
        free(self.table)
        for side in range(2):
            free(self.halves[side].keys)
            free(self.halves[side].levels)

    def __len__(self):
        return self.live

    # Room

    cdef int reserve(self, Py_ssize_t more) except -1:
        """Room for ``more`` further commands: each rests one order on one level at most.

        Each match ends an order or a command, hence the bound on matches.
        """
        if self.live + more > self.order_room:
            self.grow_orders(max(ROOM_AT_FIRST, 2 * (self.live + more)))
        if self.live_levels + more > self.level_room:
            self.grow_levels(max(ROOM_AT_FIRST, 2 * (self.live_levels + more)))
        if self.live + 2 * more > self.match_room:
            room = max(ROOM_AT_FIRST, 2 * (self.live + 2 * more))
            self.matched = <Match*>grown(self.matched, room, sizeof(Match))
            self.match_room = room
        return 0

    cdef int grow_orders(self, Py_ssize_t room) except -1:
        cdef Py_ssize_t i, size = 16, was = self.order_room
        cdef Py_ssize_t* table
        self.orders = <Order*>grown(self.orders, room, sizeof(Order))
        while size < 2 * room:
            size *= 2
        table = <Py_ssize_t*>malloc(size * sizeof(Py_ssize_t))
        if table is NULL:
            raise MemoryError(f"no room for {room} orders")
        for i in range(size):
            table[i] = NOWHERE
        for i in range(was, room):
            self.orders[i].level = NOWHERE
            self.orders[i].younger = self.free_order
            self.free_order = i
        self.order_room = room
        free(self.table)
        self.table = table
        self.mask = <uint64_t>(size - 1)
        for i in range(was):
            if self.orders[i].level != NOWHERE:
                self.index(i)
        return 0

    cdef int grow_levels(self, Py_ssize_t room) except -1:
        cdef Py_ssize_t i
        for side in range(2):
            self.halves[side].keys = <int64_t*>grown(self.halves[side].keys, room, sizeof(int64_t))
            self.halves[side].levels = <Py_ssize_t*>grown(self.halves[side].levels, room, sizeof(Py_ssize_t))
        self.pool = <Level*>grown(self.pool, room, sizeof(Level))
        for i in range(self.level_room, room):
            self.pool[i].oldest = self.free_level
            self.free_level = i
        self.level_room = room
        return 0

    # Index of ids

    cdef void index(self, Py_ssize_t at) noexcept nogil:
        cdef uint64_t spot = mixed(self.orders[at].order_id) & self.mask
        while self.table[spot] != NOWHERE:
            spot = (spot + 1) & self.mask
        self.table[spot] = at

    cdef Py_ssize_t found(self, int64_t order_id) noexcept nogil:
        cdef uint64_t spot = mixed(order_id) & self.mask
        while self.table[spot] != NOWHERE:
            if self.orders[self.table[spot]].order_id == order_id:
                return self.table[spot]
            spot = (spot + 1) & self.mask
        return NOWHERE

    cdef void forget(self, int64_t order_id) noexcept nogil:
        """Take an id that is there out of the table, closing the gap so that no search stops at it."""
        cdef uint64_t gap = mixed(order_id) & self.mask, spot, home
        while self.orders[self.table[gap]].order_id != order_id:
            gap = (gap + 1) & self.mask
        spot = gap
        while True:
            spot = (spot + 1) & self.mask
            if self.table[spot] == NOWHERE:
                break
            home = mixed(self.orders[self.table[spot]].order_id) & self.mask
            if ((spot - home) & self.mask) >= ((spot - gap) & self.mask):
                self.table[gap] = self.table[spot]
                gap = spot
        self.table[gap] = NOWHERE

    # Levels

    cdef Py_ssize_t bisected(self, int side, int64_t key) noexcept nogil:
        """Position of the first key that is not below ``key``; most commands lie near the best, which is last."""
        cdef int64_t* keys = self.halves[side].keys
        cdef Py_ssize_t high = self.halves[side].count, low = 0, middle
        if high and keys[high - 1] < key:
            return high
        while low < high:
            middle = (low + high) >> 1
            if keys[middle] < key:
                low = middle + 1
            else:
                high = middle
        return low

    cdef Py_ssize_t level_at(self, int side, int64_t key) noexcept nogil:
        """The level of ``key``, made when there is none."""
        cdef Half* half = &self.halves[side]
        cdef Py_ssize_t at = self.bisected(side, key), level, behind
        if at < half.count and half.keys[at] == key:
            return half.levels[at]
        level = self.free_level
        self.free_level = self.pool[level].oldest
        self.pool[level].key = key
        self.pool[level].total = 0
        self.pool[level].oldest = self.pool[level].youngest = NOWHERE
        self.pool[level].side = side
        behind = half.count - at
        memmove(half.keys + at + 1, half.keys + at, behind * sizeof(int64_t))
        memmove(half.levels + at + 1, half.levels + at, behind * sizeof(Py_ssize_t))
        half.keys[at] = key
        half.levels[at] = level
        half.count += 1
        self.live_levels += 1
        return level

    cdef void drop_level(self, Py_ssize_t level) noexcept nogil:
        cdef int side = self.pool[level].side
        cdef Half* half = &self.halves[side]
        cdef Py_ssize_t at = self.bisected(side, self.pool[level].key), behind = half.count - at - 1
        memmove(half.keys + at, half.keys + at + 1, behind * sizeof(int64_t))
        memmove(half.levels + at, half.levels + at + 1, behind * sizeof(Py_ssize_t))
        half.count -= 1
        self.pool[level].oldest = self.free_level
        self.free_level = level
        self.live_levels -= 1

    cdef void remove(self, Py_ssize_t at) noexcept nogil:
        """Take an order out of its queue and free it; its level stays, empty or not."""
        cdef Order* order = &self.orders[at]
        cdef Level* level = &self.pool[order.level]
        self.forget(order.order_id)
        level.total -= order.lots
        if order.older == NOWHERE:
            level.oldest = order.younger
        else:
            self.orders[order.older].younger = order.younger
        if order.younger == NOWHERE:
            level.youngest = order.older
        else:
            self.orders[order.younger].older = order.older
        order.level = NOWHERE
        order.younger = self.free_order
        self.free_order = at
        self.live -= 1

    # Commands

    cdef int64_t command(
        self, int64_t index, int64_t kind, int64_t order_id, int64_t sign, int64_t price, int64_t lots
    ) noexcept nogil:
        cdef int own = 0 if sign > 0 else 1
        cdef int64_t limit_key = -sign * price
        cdef Half* other = &self.halves[1 - own]
        cdef Py_ssize_t at
        cdef Level* level
        cdef Order* order
        if kind == CANCEL:
            return self.cancel(order_id)
        if self.found(order_id) != NOWHERE:
            return ID_RESTS
        if other.count and (kind == MARKET or other.keys[other.count - 1] >= limit_key):
            if kind == ALO:
                return WOULD_CROSS
            lots = self.take(other, -sign, index, kind == MARKET, limit_key, lots)
        if kind == IOC or kind == MARKET or lots == 0:
            return 0
        at = self.free_order
        order = &self.orders[at]
        self.free_order = order.younger
        order.order_id = order_id
        order.lots = lots
        order.level = self.level_at(own, sign * price)
        level = &self.pool[order.level]
        order.younger = NOWHERE
        order.older = level.youngest
        if level.youngest == NOWHERE:
            level.oldest = at
        else:
            self.orders[level.youngest].younger = at
        level.youngest = at
        level.total += lots
        self.index(at)
        self.live += 1
        self.version += 1
        return lots

    cdef int64_t take(
        self, Half* other, int64_t other_sign, int64_t index, bint is_market, int64_t limit_key, int64_t lots
    ) noexcept nogil:
        cdef int64_t size
        cdef Py_ssize_t at
        cdef Level* level
        cdef Order* maker
        cdef Match* match
        while lots and other.count and (is_market or other.keys[other.count - 1] >= limit_key):
            level = &self.pool[other.levels[other.count - 1]]
            while lots and level.oldest != NOWHERE:
                at = level.oldest
                maker = &self.orders[at]
                size = lots if lots < maker.lots else maker.lots
                lots -= size
                maker.lots -= size
                level.total -= size
                match = &self.matched[self.match_count]
                self.match_count += 1
                match.index = index
                match.maker_id = maker.order_id
                match.price = other_sign * level.key
                match.lots = size
                match.left = maker.lots
                if maker.lots == 0:
                    self.remove(at)
            if level.oldest == NOWHERE:
                self.drop_level(other.levels[other.count - 1])
        self.version += 1
        return lots

    cdef int64_t cancel(self, int64_t order_id) noexcept nogil:
        cdef Py_ssize_t at = self.found(order_id), level
        cdef int64_t lots
        if at == NOWHERE:
            return NOT_RESTING
        lots = self.orders[at].lots
        level = self.orders[at].level
        self.remove(at)
        if self.pool[level].oldest == NOWHERE:
            self.drop_level(level)
        self.version += 1
        return lots

    def step(self, int64_t kind, int64_t order_id, int64_t sign, int64_t price_ticks, int64_t lots):
        """Compiled twin of ``_fifo_py.Engine.step``."""
        cdef int64_t outcome
        cdef Py_ssize_t i
        self.reserve(1)
        self.match_count = 0
        outcome = self.command(0, kind, order_id, sign, price_ticks, lots)
        rows = []
        for i in range(self.match_count):
            rows.append(self.row(i))
        return outcome, rows

    cdef tuple row(self, Py_ssize_t i):
        cdef Match* match = &self.matched[i]
        return match.index, match.maker_id, match.price, match.lots, match.left

    def run(
        self,
        const int64_t[::1] kinds,
        const int64_t[::1] order_ids,
        const int64_t[::1] signs,
        const int64_t[::1] prices_ticks,
        const int64_t[::1] lots,
        int64_t[::1] outcomes,
    ):
        """Compiled twin of ``_fifo_py.Engine.run``."""
        cdef Py_ssize_t i, count = kinds.shape[0]
        self.reserve(count)
        self.match_count = 0
        with nogil:
            for i in range(count):
                outcomes[i] = self.command(i, kinds[i], order_ids[i], signs[i], prices_ticks[i], lots[i])
        return self.match_count

    def matches_into(self, int64_t[:, ::1] out):
        """Compiled twin of ``_fifo_py.Engine.matches_into``."""
        cdef Py_ssize_t i
        for i in range(self.match_count):
            out[i, 0] = self.matched[i].index
            out[i, 1] = self.matched[i].maker_id
            out[i, 2] = self.matched[i].price
            out[i, 3] = self.matched[i].lots
            out[i, 4] = self.matched[i].left

    # Views

    def resting(self, int64_t order_id):
        """Compiled twin of ``_fifo_py.Engine.resting``."""
        cdef Py_ssize_t at = self.found(order_id)
        if at == NOWHERE:
            return None
        cdef Level* level = &self.pool[self.orders[at].level]
        sign = 1 if level.side == 0 else -1
        return sign, sign * level.key, self.orders[at].lots

    def ahead_lots(self, int64_t order_id):
        """Compiled twin of ``_fifo_py.Engine.ahead_lots``."""
        cdef Py_ssize_t at = self.found(order_id)
        cdef int64_t ahead = 0
        if at == NOWHERE:
            raise KeyError(order_id)
        at = self.orders[at].older
        while at != NOWHERE:
            ahead += self.orders[at].lots
            at = self.orders[at].older
        return ahead

    def best_ticks(self, int sign):
        """Compiled twin of ``_fifo_py.Engine.best_ticks``."""
        cdef Half* half = &self.halves[0 if sign > 0 else 1]
        return sign * half.keys[half.count - 1] if half.count else None

    def levels(self, int sign, Py_ssize_t depth):
        """Compiled twin of ``_fifo_py.Engine.levels``."""
        cdef Half* half = &self.halves[0 if sign > 0 else 1]
        cdef Py_ssize_t i, last = half.count - 1
        found = []
        for i in range(min(depth, half.count)):
            found.append((sign * half.keys[last - i], self.pool[half.levels[last - i]].total))
        return found

    def shown(self, int sign, int64_t grid, int64_t[::1] out_ticks, int64_t[::1] out_lots):
        """Compiled twin of ``_fifo_py.Engine.shown``."""
        cdef Half* half = &self.halves[0 if sign > 0 else 1]
        cdef Py_ssize_t i, count = 0, room = out_ticks.shape[0]
        cdef int64_t price, rest, bucket, total
        for i in range(half.count - 1, -1, -1):
            price = sign * half.keys[i]
            rest = price % grid
            if rest < 0:  # C's remainder has the sign of the dividend
                rest += grid
            bucket = price - rest
            total = self.pool[half.levels[i]].total
            if count and out_ticks[count - 1] == bucket:
                out_lots[count - 1] += total
                continue
            if count == room:
                break
            out_ticks[count] = bucket
            out_lots[count] = total
            count += 1
        return count

    def queues(self, int sign):
        """Compiled twin of ``_fifo_py.Engine.queues``."""
        cdef Half* half = &self.halves[0 if sign > 0 else 1]
        cdef Py_ssize_t i, at
        found = []
        for i in range(half.count - 1, -1, -1):
            orders = []
            at = self.pool[half.levels[i]].oldest
            while at != NOWHERE:
                orders.append((self.orders[at].order_id, self.orders[at].lots))
                at = self.orders[at].younger
            found.append((sign * half.keys[i], self.pool[half.levels[i]].total, orders))
        return found
