"""One account at the venue: orders, net positions, money. Knows margin and fees, not markets, marks or time.

One net position per symbol. A cross position shares the account's wallet (``balance``); an isolated one has money of
its own (``Position.margin``), moved there when it opens and back, in proportion, when it closes. Fees and realised
PnL go through the wallet, funding of an isolated position through its margin. Nothing here prevents a negative wallet:
the gateway refuses orders beforehand and ``sim.liquidation`` closes positions afterwards.
Order locks: on each side orders first use up the opposing position in order of age, and only the rest opens.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from hummingbot_extensions.core.rounding import from_units
from hummingbot_extensions.core.types import Side, TimeInForce
from hummingbot_extensions.sim import margin
from hummingbot_extensions.sim.market import MarketSpec
from hummingbot_extensions.sim.order_log import OrderLog
from hummingbot_extensions.sim.venue_values import (
    FundingRow,
    MarginMode,
    OrderKind,
    OrderSource,
    OrderStatus,
    Trade,
)

ZERO = Decimal(0)
DAY_NS = 86_400_000_000_000


@dataclass(slots=True)
class Order:
    """An order at the venue, with what has become of it. Sizes in lots, prices in ticks."""

    id: int
    symbol: str
    client_id: str
    side: Side
    kind: OrderKind
    tif: TimeInForce
    price_ticks: int
    """Limit price; of a market order the reference price at which its lock was computed."""
    size_lots: int
    reduce_only: bool
    leverage: int
    margin: Decimal
    position_id: int
    created_ns: int
    updated_ns: int
    status: OrderStatus = OrderStatus.PENDING
    filled_lots: int = 0
    filled_tick_lots: int = 0
    """Sum of price_ticks x size_lots over its fills."""
    shown_ns: int | None = None
    """When it became known to the account; None for one that never did."""
    closed_ns: int | None = None
    source: OrderSource = OrderSource.USER
    liq_id: int = 0
    trigger_ticks: int | None = None
    """Mark at which a take-profit or stop-loss order is sent to the book."""
    parent_id: int = 0
    """Order to whose fill this one belongs; the two that share a parent exclude each other. 0 for none."""
    tp_ticks: int | None = None
    sl_ticks: int | None = None

    @property
    def left_lots(self) -> int:
        return self.size_lots - self.filled_lots

    @property
    def is_live(self) -> bool:
        return self.status in (OrderStatus.PENDING, OrderStatus.OPEN, OrderStatus.UNTRIGGERED)


@dataclass(slots=True)
class Position:
    """Net position in one symbol; ``lots`` is signed, ``entry_value`` unsigned, ``margin`` held if isolated."""

    id: int
    symbol: str
    lots: int = 0
    entry_value: Decimal = ZERO
    realized_pnl: Decimal = ZERO
    created_ns: int = 0
    updated_ns: int = 0
    margin: Decimal = ZERO


@dataclass(slots=True)
class Account:
    """State of one account. ``invariants()`` raises when its books do not add up."""

    user: str
    start_balance: Decimal
    created_ns: int
    balance: Decimal
    """The wallet, without what isolated positions hold."""
    orders: dict[int, Order] = field(default_factory=dict)
    live: dict[int, Order] = field(default_factory=dict)
    by_client_id: dict[str, int] = field(default_factory=dict)
    positions: dict[str, Position] = field(default_factory=dict)
    leverage: dict[str, int] = field(default_factory=dict)
    margin_mode: dict[str, MarginMode] = field(default_factory=dict)
    trades: list[Trade] = field(default_factory=list)
    funding: list[FundingRow] = field(default_factory=list)
    fees_paid: Decimal = ZERO
    realized_pnl: Decimal = ZERO
    forfeited: Decimal = ZERO
    """Collateral lost to the vault by liquidations; negative when the vault covered more than it took."""
    log: OrderLog = field(default_factory=OrderLog)
    day_from: int = 0
    """First of ``trades`` that is not older than a day, as far as anyone has asked."""
    day_pnl: Decimal = ZERO
    """PnL of the trades from there on."""

    @property
    def total_balance(self) -> Decimal:
        """Wallet and isolated margins together."""
        return self.balance + sum((position.margin for position in self.positions.values()), ZERO)

    def is_isolated(self, symbol: str) -> bool:
        return self.margin_mode[symbol] is MarginMode.ISOLATED

    def position_lots(self, symbol: str) -> int:
        position = self.positions.get(symbol)
        return position.lots if position is not None else 0

    # Orders

    def add(self, order: Order) -> None:
        """Take an order into the books as a live one."""
        self.orders[order.id] = self.live[order.id] = order
        self.by_client_id[order.client_id] = order.id

    def close(self, order: Order, status: OrderStatus, ts_ns: int) -> None:
        """End an order's life with this status."""
        order.status = status
        order.updated_ns = order.closed_ns = ts_ns
        del self.live[order.id]
        self.log.left(order.id, ts_ns)

    # Money

    def apply_fill(
        self, spec: MarketSpec, order: Order, price_ticks: int, lots: int, is_maker: bool, trade_id: int, ts_ns: int
    ) -> Trade:
        """Book a fill of ``order``: position, realised PnL, fee, wallet and the order's own progress."""
        price = from_units(price_ticks, spec.price_decimals)
        size = from_units(lots, spec.size_decimals)
        value = price * size
        fee = value * (spec.maker_fee if is_maker else spec.taker_fee)
        pnl = self.move_position(spec, order.side, price, lots, ts_ns)
        self.balance -= fee
        self.fees_paid += fee
        order.filled_lots += lots
        order.filled_tick_lots += price_ticks * lots
        order.updated_ns = ts_ns
        trade = Trade(
            trade_id, order.id, self.user, order.symbol, order.side, price, size, value, fee, pnl, is_maker, ts_ns
        )
        self.trades.append(trade)
        self.day_pnl += pnl
        return trade

    def pnl_24h(self, now_ns: int) -> Decimal:
        """Realised PnL of the day that ends now. Ask in time's order: what has left the day does not come back."""
        while self.day_from < len(self.trades) and self.trades[self.day_from].ts_ns <= now_ns - DAY_NS:
            self.day_pnl -= self.trades[self.day_from].pnl
            self.day_from += 1
        return self.day_pnl

    def move_position(self, spec: MarketSpec, side: Side, price: Decimal, lots: int, ts_ns: int) -> Decimal:
        """Trade ``lots`` at ``price``: first against the position, then opening. Settles and returns the PnL."""
        position = self.positions[spec.symbol]
        if position.lots == 0:
            position.created_ns = ts_ns
        held = abs(position.lots)
        closing = min(lots, held) if position.lots * side.sign < 0 else 0
        pnl = ZERO
        if closing:
            removed = margin.share(position.entry_value, closing, held)
            released = margin.share(position.margin, closing, held)
            closed_value = price * from_units(closing, spec.size_decimals)
            pnl = closed_value - removed if position.lots > 0 else removed - closed_value
            position.entry_value -= removed
            position.margin -= released
            position.lots += closing * side.sign
            self.balance += released
        opening = lots - closing
        if opening:
            opened_value = price * from_units(opening, spec.size_decimals)
            position.entry_value += opened_value
            position.lots += opening * side.sign
            if self.is_isolated(spec.symbol):
                self.move_margin(spec.symbol, margin.initial_margin(opened_value, self.leverage[spec.symbol]))
        position.realized_pnl += pnl
        position.updated_ns = ts_ns
        self.balance += pnl
        self.realized_pnl += pnl
        return pnl

    def move_margin(self, symbol: str, amount: Decimal) -> None:
        """Move money from the wallet to an isolated position; negative takes it back."""
        self.balance -= amount
        self.positions[symbol].margin += amount

    def pay_funding(self, row: FundingRow) -> None:
        self.funding.append(row)
        if self.is_isolated(row.symbol):
            self.positions[row.symbol].margin += row.amount
        else:
            self.balance += row.amount

    def forfeit(self, amount: Decimal) -> None:
        """Lose collateral from the wallet to the vault; negative when the vault covers a deficit."""
        self.balance -= amount
        self.forfeited += amount

    # Locks

    def opening_lots(self, symbol: str, side: Side) -> dict[int, int]:
        """For each working order on this side, oldest first, how much of what is left of it would open a position.

        Untriggered orders do not work yet and can only close: they have no part in this.
        """
        closable = max(0, -self.position_lots(symbol) * side.sign)
        opening: dict[int, int] = {}
        for order in self.live.values():
            if order.symbol != symbol or order.side is not side or order.status is OrderStatus.UNTRIGGERED:
                continue
            closes = min(closable, order.left_lots)
            closable -= closes
            opening[order.id] = order.left_lots - closes
        return opening

    def reducible_lots(self, symbol: str, side: Side, but_for: int | None = None) -> int:
        """Lots that an order on ``side`` may still reduce, beside the pending reduce-only ones except ``but_for``.

        Untriggered orders count, a pair that shares a parent once: only one of the two can be carried out.
        """
        held = max(0, -self.position_lots(symbol) * side.sign)
        own = self.live.get(but_for) if but_for is not None else None
        taken = 0
        pairs: dict[int, int] = {}
        for order in self.live.values():
            if not order.reduce_only or order.symbol != symbol or order.side is not side or order.id == but_for:
                continue
            if not order.parent_id:
                taken += order.left_lots
            elif own is None or order.parent_id != own.parent_id:
                pairs[order.parent_id] = max(pairs.get(order.parent_id, 0), order.left_lots)
        return held - taken - sum(pairs.values())

    def order_lock(self, spec: MarketSpec, order: Order, opening_lots: int) -> Decimal:
        """What this order locks while ``opening_lots`` of it would open."""
        price = from_units(order.price_ticks, spec.price_decimals)
        opening_value = price * from_units(opening_lots, spec.size_decimals)
        value = price * from_units(order.left_lots, spec.size_decimals)
        return margin.order_lock(opening_value, value, self.leverage[order.symbol], spec.taker_fee)

    def lock_of(self, spec: MarketSpec, order: Order) -> Decimal:
        """What one of the account's orders locks now; nothing when it is over or waits for its trigger."""
        opening = self.opening_lots(order.symbol, order.side).get(order.id) if order.is_live else None
        return ZERO if opening is None else self.order_lock(spec, order, opening)

    def locked(self, specs: Mapping[str, MarketSpec]) -> Decimal:
        """Sum of all order locks."""
        total = ZERO
        for symbol in {order.symbol for order in self.live.values()}:
            for side in Side:
                for order_id, opening in self.opening_lots(symbol, side).items():
                    total += self.order_lock(specs[symbol], self.live[order_id], opening)
        return total

    def invariants(self, specs: Mapping[str, MarketSpec]) -> None:
        """Money is start + realised - fees + funding - forfeited, positions are sums of trades, live orders live."""
        funding = sum((row.amount for row in self.funding), ZERO)
        expected = self.start_balance + self.realized_pnl - self.fees_paid + funding - self.forfeited
        if self.total_balance != expected:
            raise AssertionError(f"balance {self.total_balance} of {self.user} should be {expected}")
        for symbol, position in self.positions.items():
            traded = sum((t.size * t.side.sign for t in self.trades if t.symbol == symbol), ZERO)
            if traded != from_units(position.lots, specs[symbol].size_decimals):
                raise AssertionError(f"{symbol} position is {position.lots} lots but trades add up to {traded}")
            if (position.lots == 0) != (position.entry_value == 0) or position.entry_value < 0:
                raise AssertionError(f"{symbol} entry value {position.entry_value} does not fit {position.lots} lots")
            if position.margin and not (position.lots and self.is_isolated(symbol)):
                raise AssertionError(f"{symbol} holds a margin of {position.margin} without an isolated position")
        for order in self.orders.values():
            if order.is_live != (order.id in self.live):
                raise AssertionError(f"order {order.id} is {order.status} but its place among live orders disagrees")
            if not 0 <= order.filled_lots <= order.size_lots or order.size_lots <= 0:
                raise AssertionError(f"order {order.id} filled {order.filled_lots} of {order.size_lots} lots")
