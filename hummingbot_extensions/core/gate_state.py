"""What the gate says and remembers: verdicts with their reasons, the day's counters, and totals of other markets."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from hummingbot_extensions.core.types import Side

DAY_NS = 86_400_000_000_000
ZERO = Decimal(0)


class GateReason(StrEnum):
    """Why an order is not sent, or why one that rests has to go."""

    MALFORMED = "gate_malformed"
    """Not an order at all: a member has the wrong type or is NaN or infinite."""
    NOT_POSITIVE = "gate_not_positive"
    LIMITS_UNREADABLE = "gate_limits_unreadable"
    """A limit that must always hold is not a number."""
    NOT_A_NUMBER = "gate_not_a_number"
    """Something that has to be compared cannot be."""
    RULES_UNREADABLE = "gate_rules_unreadable"
    MARKET_NOT_TRADING = "gate_market_not_trading"
    OFF_TICK = "gate_off_tick"
    OFF_STEP = "gate_off_step"
    MIN_SIZE = "gate_min_size"
    VENUE_MAX_SIZE = "gate_venue_max_size"
    MIN_NOTIONAL = "gate_min_notional"
    NO_MARK = "gate_no_mark"
    NO_BOOK = "gate_no_book"
    CROSSED_BOOK = "gate_crossed_book"
    PRICE_DEVIATION = "gate_price_deviation"
    CROSSES = "gate_crosses"
    POSITION_UNKNOWN = "gate_position_unknown"
    NOT_REDUCING = "gate_not_reducing"
    REDUCES_TOO_MUCH = "gate_reduces_too_much"
    CONNECTOR_NOT_READY = "gate_connector_not_ready"
    ACCOUNT_STREAM_DOWN = "gate_account_stream_down"
    START_NOT_DONE = "gate_start_not_done"
    ORDERS_UNREADABLE = "gate_orders_unreadable"
    POSITION_CAP = "gate_position_cap"
    MAX_ORDER_SIZE = "gate_max_order_size"
    MAX_OPEN_ORDERS = "gate_max_open_orders"
    MAX_OPEN_ORDERS_ACCOUNT = "gate_max_open_orders_account"
    ACCOUNT_TOTALS_UNKNOWN = "gate_account_totals_unknown"
    MAX_NET = "gate_max_net"
    MAX_NET_ACCOUNT = "gate_max_net_account"
    MAX_RESTING = "gate_max_resting"
    MAX_SIDE_RESTING = "gate_max_side_resting"
    BALANCE_UNKNOWN = "gate_balance_unknown"
    MIN_AVAILABLE = "gate_min_available"
    MARGIN_UNKNOWN = "gate_margin_unknown"
    LIQUIDATION_NEAR = "gate_liquidation_near"
    MARGIN_RATIO_LOW = "gate_margin_ratio_low"
    COUNTERS_UNREADABLE = "gate_counters_unreadable"
    DAILY_ORDERS = "gate_daily_orders"
    DAILY_TURNOVER = "gate_daily_turnover"
    DAILY_ADDED = "gate_daily_added"


Refusal = tuple[GateReason, str]
"""Why, and the numbers behind it."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an order may be sent; a refusal has a reason, and a text with the numbers behind it."""

    allowed: bool
    reason: GateReason | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Breach:
    """A resting order that breaks a limit and has to be cancelled at once."""

    client_order_id: str
    side: Side
    reason: GateReason
    text: str


@dataclass(frozen=True, slots=True)
class MarginView:
    """How far the account is from liquidation; None where the venue did not say.

    ``liquidation_price`` of this market's position, 0 when no price liquidates it. ``margin_ratio`` is margin with
    unrealised PnL over maintenance margin: the venue liquidates below 1.
    """

    liquidation_price: Decimal | None = None
    margin_ratio: Decimal | None = None


@dataclass(frozen=True, slots=True)
class AccountTotals:
    """Sums over markets of an account: open orders, and how long and short they may become, in quote units, unsigned.

    Longs and shorts are kept apart: a short that makes room for a long elsewhere could be closed at any time, and what
    closes a position is never refused.
    """

    open_orders: int
    long_quote: Decimal
    short_quote: Decimal

    @property
    def is_readable(self) -> bool:
        long, short = self.long_quote, self.short_quote
        return self.open_orders >= 0 and long.is_finite() and short.is_finite() and long >= 0 and short >= 0

    def on(self, side: Side) -> Decimal:
        """Worst case in the direction of a fill on ``side``, quote units, never negative."""
        return self.long_quote if side is Side.BUY else self.short_quote


@dataclass(frozen=True, slots=True)
class GateState:
    """What was used of a day's budgets. ``utc_day`` counts days since the Unix epoch.

    ``turnover_quote`` is the value of all fills, ``added_base`` the part of their size that opened position.
    """

    utc_day: int = 0
    orders: int = 0
    turnover_quote: Decimal = ZERO
    added_base: Decimal = ZERO

    def on(self, wall_day: int) -> GateState:
        """Counters as they stand on ``wall_day``: from zero on a later day.

        An earlier day keeps them: a clock that was set back must not give a budget twice.

        >>> GateState(20000, orders=7).on(20001)
        GateState(utc_day=20001, orders=0, turnover_quote=Decimal('0'), added_base=Decimal('0'))
        >>> GateState(20000, orders=7).on(19999).orders
        7
        """
        if wall_day > self.utc_day:
            return GateState(wall_day)
        if wall_day < self.utc_day:
            return GateState(wall_day, self.orders, self.turnover_quote, self.added_base)
        return self

    def problems(self) -> list[str]:
        """What cannot be true of counters, for a state that was read from disk; empty when all is well."""
        turnover, added = self.turnover_quote, self.added_base
        rows = (
            (self.orders >= 0, "orders", self.orders),
            (turnover.is_finite() and turnover >= 0, "turnover_quote", turnover),
            (added.is_finite() and added >= 0, "added_base", added),
        )
        return [f"{name} {value} is not a number from 0 on" for holds, name, value in rows if not holds]


def utc_day(unix_ns: int) -> int:
    """Days since the Unix epoch of a wall-clock stamp.

    >>> utc_day(86_400_000_000_000 - 1), utc_day(86_400_000_000_000)
    (0, 1)
    """
    return unix_ns // DAY_NS


def after_placed(state: GateState, wall_day: int) -> GateState:
    """State once one more order has been sent on ``wall_day``."""
    today = state.on(wall_day)
    return GateState(wall_day, today.orders + 1, today.turnover_quote, today.added_base)


def after_fill(
    state: GateState, side: Side, price: Decimal, size: Decimal, position_before: Decimal, wall_day: int
) -> GateState:
    """State after a fill of unsigned ``size`` that met the signed ``position_before``.

    Only what opens counts as added: selling 3 out of a position of 2 adds 1.

    >>> after_fill(GateState(), Side.SELL, Decimal(100), Decimal(3), Decimal(2), 0)
    GateState(utc_day=0, orders=0, turnover_quote=Decimal('300'), added_base=Decimal('1'))
    """
    today = state.on(wall_day)
    closed = min(size, max(ZERO, -side.sign * position_before))
    return GateState(
        wall_day, today.orders, today.turnover_quote + price * size, today.added_base + size - closed)


def combined(parts: tuple[AccountTotals | None, ...]) -> AccountTotals | None:
    """Totals of several markets together, None when one of them is unknown."""
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    return AccountTotals(
        sum(part.open_orders for part in known),
        sum((part.long_quote for part in known), ZERO),
        sum((part.short_quote for part in known), ZERO),
    )
