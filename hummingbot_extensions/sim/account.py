"""One account at the venue: orders, net positions, money. Knows margin and fees, not markets or time.

One net position per symbol, cross margin: every position shares the account's balance. Isolated margin and
liquidation are not modelled; an account under water keeps its positions and simply has nothing available.
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
    BalanceView,
    FundingRow,
    OrderKind,
    OrderStatus,
    OrderView,
    PositionView,
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

    @property
    def left_lots(self) -> int:
        return self.size_lots - self.filled_lots

    @property
    def is_live(self) -> bool:
        return self.status in (OrderStatus.PENDING, OrderStatus.OPEN)


@dataclass(slots=True)
class Position:
    """Net position in one symbol; ``lots`` is signed, ``entry_value`` unsigned and kept at full precision."""

    id: int
    symbol: str
    lots: int = 0
    entry_value: Decimal = ZERO
    realized_pnl: Decimal = ZERO
    created_ns: int = 0
    updated_ns: int = 0


@dataclass(slots=True)
class Account:
    """State of one account. ``invariants()`` raises when its books do not add up."""

    user: str
    start_balance: Decimal
    created_ns: int
    balance: Decimal
    orders: dict[int, Order] = field(default_factory=dict)
    live: dict[int, Order] = field(default_factory=dict)
    by_client_id: dict[str, int] = field(default_factory=dict)
    positions: dict[str, Position] = field(default_factory=dict)
    leverage: dict[str, int] = field(default_factory=dict)
    trades: list[Trade] = field(default_factory=list)
    funding: list[FundingRow] = field(default_factory=list)
    fees_paid: Decimal = ZERO
    realized_pnl: Decimal = ZERO
    log: OrderLog = field(default_factory=OrderLog)

    def position_lots(self, symbol: str) -> int:
        position = self.positions.get(symbol)
        return position.lots if position is not None else 0

    def apply_fill(
        self, spec: MarketSpec, order: Order, price_ticks: int, lots: int, is_maker: bool, trade_id: int, ts_ns: int
    ) -> Trade:
        """Book a fill of ``order``: position, realised PnL, fee, balance and the order's own progress."""
        price = from_units(price_ticks, spec.price_decimals)
        size = from_units(lots, spec.size_decimals)
        value = price * size
        fee = value * (spec.maker_fee if is_maker else spec.taker_fee)
        pnl = self._move_position(spec, order, price, lots, ts_ns)
        self.balance += pnl - fee
        self.fees_paid += fee
        self.realized_pnl += pnl
        order.filled_lots += lots
        order.filled_tick_lots += price_ticks * lots
        order.updated_ns = ts_ns
        trade = Trade(
            trade_id, order.id, self.user, order.symbol, order.side, price, size, value, fee, pnl, is_maker, ts_ns
        )
        self.trades.append(trade)
        return trade

    def _move_position(self, spec: MarketSpec, order: Order, price: Decimal, lots: int, ts_ns: int) -> Decimal:
        position = self.positions[order.symbol]
        if position.lots == 0:
            position.created_ns = ts_ns
        closing = min(lots, abs(position.lots)) if position.lots * order.side.sign < 0 else 0
        pnl = ZERO
        if closing:
            held = abs(position.lots)
            kept_value = position.entry_value * (held - closing) / held
            removed = position.entry_value - kept_value
            closed_value = price * from_units(closing, spec.size_decimals)
            pnl = closed_value - removed if position.lots > 0 else removed - closed_value
            position.entry_value = kept_value
            position.lots += closing * order.side.sign
        opening = lots - closing
        if opening:
            position.entry_value += price * from_units(opening, spec.size_decimals)
            position.lots += opening * order.side.sign
        position.realized_pnl += pnl
        position.updated_ns = ts_ns
        return pnl

    def pay_funding(self, row: FundingRow) -> None:
        self.funding.append(row)
        self.balance += row.amount

    def opening_lots(self, symbol: str, side: Side) -> dict[int, int]:
        """For each live order on this side, oldest first, how much of what is left of it would open a position."""
        closable = max(0, -self.position_lots(symbol) * side.sign)
        opening: dict[int, int] = {}
        for order in self.live.values():
            if order.symbol != symbol or order.side is not side:
                continue
            closes = min(closable, order.left_lots)
            closable -= closes
            opening[order.id] = order.left_lots - closes
        return opening

    def reducible_lots(self, symbol: str, side: Side, but_for: int | None = None) -> int:
        """Lots that an order on ``side`` may still reduce, beside the pending reduce-only ones except ``but_for``."""
        held = max(0, -self.position_lots(symbol) * side.sign)
        taken = sum(
            order.left_lots
            for order in self.live.values()
            if order.reduce_only and order.symbol == symbol and order.side is side and order.id != but_for
        )
        return held - taken

    def order_lock(self, spec: MarketSpec, order: Order, opening_lots: int) -> Decimal:
        """What this order locks while ``opening_lots`` of it would open."""
        price = from_units(order.price_ticks, spec.price_decimals)
        opening_value = price * from_units(opening_lots, spec.size_decimals)
        value = price * from_units(order.left_lots, spec.size_decimals)
        return margin.order_lock(opening_value, value, self.leverage[order.symbol], spec.taker_fee)

    def locked(self, specs: Mapping[str, MarketSpec]) -> Decimal:
        """Sum of all order locks."""
        total = ZERO
        for symbol in {order.symbol for order in self.live.values()}:
            for side in Side:
                for order_id, opening in self.opening_lots(symbol, side).items():
                    total += self.order_lock(specs[symbol], self.live[order_id], opening)
        return total

    def order_view(self, spec: MarketSpec, order: Order) -> OrderView:
        locked = ZERO
        if order.is_live:
            locked = self.order_lock(spec, order, self.opening_lots(order.symbol, order.side)[order.id])
        filled = from_units(order.filled_lots, spec.size_decimals)
        average = ZERO
        if order.filled_lots:
            average = Decimal(order.filled_tick_lots).scaleb(-spec.price_decimals) / order.filled_lots
        return OrderView(
            id=order.id,
            user=self.user,
            symbol=order.symbol,
            client_id=order.client_id,
            side=order.side,
            kind=order.kind,
            tif=order.tif,
            price=from_units(order.price_ticks, spec.price_decimals),
            size=from_units(order.size_lots, spec.size_decimals),
            filled=filled,
            fill_avg_price=average,
            status=order.status,
            reduce_only=order.reduce_only,
            leverage=order.leverage,
            margin=order.margin,
            avail_locked=locked,
            position_id=order.position_id,
            created_ns=order.created_ns,
            updated_ns=order.updated_ns,
        )

    def balance_view(
        self, specs: Mapping[str, MarketSpec], marks: Mapping[str, Decimal | None], now_ns: int
    ) -> BalanceView:
        cross_margin, upnl = ZERO, ZERO
        for symbol, position in self.positions.items():
            if not position.lots:
                continue
            cross_margin += margin.initial_margin(position.entry_value, self.leverage[symbol])
            mark = marks[symbol]
            if mark is not None:
                size = from_units(position.lots, specs[symbol].size_decimals)
                upnl += margin.unrealized_pnl(size, position.entry_value, mark)
        day = ZERO
        for trade in reversed(self.trades):
            if trade.ts_ns <= now_ns - DAY_NS:
                break
            day += trade.pnl
        return BalanceView(
            self.user, self.balance, cross_margin, upnl, self.locked(specs), day, self.created_ns, now_ns
        )

    def position_view(
        self, symbol: str, specs: Mapping[str, MarketSpec], marks: Mapping[str, Decimal | None], now_ns: int
    ) -> PositionView:
        """The position with its margin figures; liquidation and bankruptcy prices hold with all else unmoved."""
        spec, position, mark = specs[symbol], self.positions[symbol], marks[symbol]
        size = from_units(position.lots, spec.size_decimals)
        entry_price = position.entry_value / abs(size) if position.lots else ZERO
        initial = margin.initial_margin(position.entry_value, self.leverage[symbol]) if position.lots else ZERO
        value = upnl = maint = ZERO
        ratio = liq = bankruptcy = None
        if mark is not None and position.lots:
            mmr = margin.maintenance_rate(spec.max_leverage)
            value = abs(size) * mark
            upnl = margin.unrealized_pnl(size, position.entry_value, mark)
            maint = margin.maintenance_margin(size, mark, mmr)
            equity = self.balance_view(specs, marks, now_ns).equity
            others = self._maintenance_elsewhere(symbol, specs, marks)
            behind = equity - upnl - others
            ratio = margin.margin_ratio(behind, upnl, maint)
            liq = margin.liquidation_price(size, position.entry_value, behind, mmr, spec.price_decimals)
            bankruptcy = margin.bankruptcy_price(
                size, position.entry_value, behind, spec.taker_fee, spec.price_decimals
            )
        return PositionView(
            id=position.id,
            user=self.user,
            symbol=symbol,
            size=size,
            entry_price=entry_price,
            entry_value=position.entry_value,
            leverage=self.leverage[symbol],
            margin_mode="cross",
            initial_margin=initial,
            realized_pnl=position.realized_pnl,
            mark=mark,
            position_value=value,
            upnl=upnl,
            maint_margin=maint,
            margin_ratio=ratio,
            liq_price=liq,
            bankruptcy_price=bankruptcy,
            created_ns=position.created_ns,
            updated_ns=position.updated_ns,
            now_ns=now_ns,
        )

    def _maintenance_elsewhere(
        self, symbol: str, specs: Mapping[str, MarketSpec], marks: Mapping[str, Decimal | None]
    ) -> Decimal:
        total = ZERO
        for other, position in self.positions.items():
            mark = marks[other]
            if other != symbol and position.lots and mark is not None:
                rate = margin.maintenance_rate(specs[other].max_leverage)
                total += margin.maintenance_margin(from_units(position.lots, specs[other].size_decimals), mark, rate)
        return total

    def invariants(self, specs: Mapping[str, MarketSpec]) -> None:
        """Balance is start + realised - fees + funding, positions are the sum of trades, live orders are live."""
        funding = sum((row.amount for row in self.funding), ZERO)
        expected = self.start_balance + self.realized_pnl - self.fees_paid + funding
        if abs(self.balance - expected) > Decimal("1e-12"):
            raise AssertionError(f"balance {self.balance} of {self.user} should be {expected}")
        for symbol, position in self.positions.items():
            traded = sum((t.size * t.side.sign for t in self.trades if t.symbol == symbol), ZERO)
            if traded != from_units(position.lots, specs[symbol].size_decimals):
                raise AssertionError(f"{symbol} position is {position.lots} lots but trades add up to {traded}")
            if (position.lots == 0) != (position.entry_value == 0):
                raise AssertionError(f"{symbol} entry value {position.entry_value} does not fit {position.lots} lots")
        for order in self.orders.values():
            if order.is_live != (order.id in self.live):
                raise AssertionError(f"order {order.id} is {order.status} but its place among live orders disagrees")
            if not 0 <= order.filled_lots <= order.size_lots:
                raise AssertionError(f"order {order.id} filled {order.filled_lots} of {order.size_lots} lots")
