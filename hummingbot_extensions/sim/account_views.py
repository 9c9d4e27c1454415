"""Figures of an account at given marks: orders, balance, positions with their margin, what is due to be liquidated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from hummingbot_extensions.core.rounding import from_units
from hummingbot_extensions.sim import margin
from hummingbot_extensions.sim.account import ZERO, Account, Order, Position
from hummingbot_extensions.sim.margin import MarginTier
from hummingbot_extensions.sim.market import MarketSpec
from hummingbot_extensions.sim.venue_values import BalanceView, OrderView, PositionView


@dataclass(frozen=True, slots=True)
class Terms:
    """What an account's figures depend on beside itself. A mark is None while a market has no price."""

    specs: Mapping[str, MarketSpec]
    marks: Mapping[str, Decimal | None]
    tiers: Mapping[str, tuple[MarginTier, ...]]
    """Maintenance tiers by symbol; a symbol without has one, of ``margin.maintenance_rate``."""

    def tier(self, symbol: str, value: Decimal) -> int:
        """Index of the maintenance tier for a position of this value, from 0."""
        return margin.tier_of(value, self.tiers[symbol]) if symbol in self.tiers else 0

    def rate(self, symbol: str, value: Decimal) -> Decimal:
        """Maintenance margin rate for a position of this value."""
        if symbol in self.tiers:
            return self.tiers[symbol][self.tier(symbol, value)].rate
        return margin.maintenance_rate(self.specs[symbol].max_leverage)


@dataclass(frozen=True, slots=True)
class MarginState:
    """What stands behind one position and what it needs. ``behind`` excludes the position's own unrealised PnL."""

    symbol: str
    size: Decimal
    mark: Decimal
    value: Decimal
    upnl: Decimal
    rate: Decimal
    maintenance: Decimal
    behind: Decimal

    @property
    def is_short_of_margin(self) -> bool:
        return self.behind + self.upnl < self.maintenance


def order_view(account: Account, spec: MarketSpec, order: Order) -> OrderView:
    average = ZERO
    if order.filled_lots:
        average = Decimal(order.filled_tick_lots).scaleb(-spec.price_decimals) / order.filled_lots
    trigger = order.trigger_ticks
    return OrderView(
        id=order.id,
        user=account.user,
        symbol=order.symbol,
        client_id=order.client_id,
        side=order.side,
        kind=order.kind,
        tif=order.tif,
        price=from_units(order.price_ticks, spec.price_decimals),
        size=from_units(order.size_lots, spec.size_decimals),
        filled=from_units(order.filled_lots, spec.size_decimals),
        fill_avg_price=average,
        status=order.status,
        reduce_only=order.reduce_only,
        leverage=order.leverage,
        margin=order.margin,
        avail_locked=account.lock_of(spec, order),
        position_id=order.position_id,
        created_ns=order.created_ns,
        updated_ns=order.updated_ns,
        source=order.source,
        liq_id=order.liq_id,
        trigger_price=from_units(trigger, spec.price_decimals) if trigger is not None else None,
        parent_id=order.parent_id,
    )


def balance_view(account: Account, terms: Terms, now_ns: int) -> BalanceView:
    cross_margin, cross_upnl, isolated_balance, isolated_upnl = ZERO, ZERO, ZERO, ZERO
    for symbol, position in account.positions.items():
        if not position.lots:
            continue
        upnl = _upnl(position, terms)
        if account.is_isolated(symbol):
            isolated_balance += position.margin
            isolated_upnl += upnl
        else:
            cross_margin += margin.initial_margin(position.entry_value, account.leverage[symbol])
            cross_upnl += upnl
    return BalanceView(
        account.user,
        account.balance,
        cross_margin,
        cross_upnl,
        account.locked(terms.specs),
        account.pnl_24h(now_ns),
        account.created_ns,
        now_ns,
        isolated_balance,
        isolated_upnl,
    )


def _upnl(position: Position, terms: Terms) -> Decimal:
    mark = terms.marks[position.symbol]
    if mark is None or not position.lots:
        return ZERO
    size = from_units(position.lots, terms.specs[position.symbol].size_decimals)
    return margin.unrealized_pnl(size, position.entry_value, mark)


def _maintenance(position: Position, terms: Terms) -> Decimal:
    mark = terms.marks[position.symbol]
    if mark is None or not position.lots:
        return ZERO
    size = from_units(position.lots, terms.specs[position.symbol].size_decimals)
    return margin.maintenance_margin(size, mark, terms.rate(position.symbol, abs(size) * mark))


def margin_state(account: Account, symbol: str, terms: Terms) -> MarginState | None:
    """Margin of one position; None without a position or a mark.

    Behind an isolated position stands its margin. Behind a cross one stands the wallet with the unrealised PnL of all
    other cross positions, less the maintenance margin that these need: orders' locks are not counted.
    """
    position, mark = account.positions[symbol], terms.marks[symbol]
    if not position.lots or mark is None:
        return None
    size = from_units(position.lots, terms.specs[symbol].size_decimals)
    value = abs(size) * mark
    rate = terms.rate(symbol, value)
    behind = position.margin
    if not account.is_isolated(symbol):
        behind = account.balance
        for other in account.positions.values():
            if other.symbol != symbol and other.lots and not account.is_isolated(other.symbol):
                behind += _upnl(other, terms) - _maintenance(other, terms)
    upnl = margin.unrealized_pnl(size, position.entry_value, mark)
    maintenance = margin.maintenance_margin(size, mark, rate)
    return MarginState(symbol, size, mark, value, upnl, rate, maintenance, behind)


def bankruptcy_price(account: Account, spec: MarketSpec, state: MarginState) -> Decimal | None:
    """Price at which closing the whole position as taker leaves nothing of what stands behind it."""
    entry_value = account.positions[state.symbol].entry_value
    return margin.bankruptcy_price(state.size, entry_value, state.behind, spec.taker_fee, spec.price_decimals)


def position_view(account: Account, symbol: str, terms: Terms, now_ns: int) -> PositionView:
    """The position with its margin figures; liquidation and bankruptcy prices hold with all else unmoved."""
    spec, position = terms.specs[symbol], account.positions[symbol]
    size = from_units(position.lots, spec.size_decimals)
    initial = margin.initial_margin(position.entry_value, account.leverage[symbol]) if position.lots else ZERO
    value = upnl = maint = ZERO
    ratio = liq = bankruptcy = None
    state = margin_state(account, symbol, terms)
    if state is not None:
        value, upnl, maint = state.value, state.upnl, state.maintenance
        ratio = margin.margin_ratio(state.behind, upnl, maint)
        liq = margin.liquidation_price(size, position.entry_value, state.behind, state.rate, spec.price_decimals)
        bankruptcy = bankruptcy_price(account, spec, state)
    return PositionView(
        id=position.id,
        user=account.user,
        symbol=symbol,
        size=size,
        entry_price=position.entry_value / abs(size) if position.lots else ZERO,
        entry_value=position.entry_value,
        leverage=account.leverage[symbol],
        margin_mode=account.margin_mode[symbol],
        initial_margin=initial,
        realized_pnl=position.realized_pnl,
        mark=terms.marks[symbol],
        position_value=value,
        upnl=upnl,
        maint_margin=maint,
        margin_ratio=ratio,
        liq_price=liq,
        bankruptcy_price=bankruptcy,
        created_ns=position.created_ns,
        updated_ns=position.updated_ns,
        now_ns=now_ns,
        holding_margin=position.margin if account.is_isolated(symbol) else initial,
    )
