"""Values that go into and come out of ``sim.venue``: order requests, refusals, events, snapshots. All frozen."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from hummingbot_extensions.core.types import Side, TimeInForce

ZERO = Decimal(0)


class OrderKind(StrEnum):
    LIMIT = "limit"
    MARKET = "market"


class OrderStatus(StrEnum):
    """Life of an order at the venue. PENDING and REJECTED are never shown to anyone."""

    PENDING = "pending"
    """Passed the gateway, waiting for its turn in the market."""
    OPEN = "open"
    FILLED = "filled"
    CANCELED = "canceled"
    REJECTED = "rejected"
    UNTRIGGERED = "untriggered"
    """A take-profit or stop-loss order that waits for the mark."""


class MarginMode(StrEnum):
    """Which money stands behind a position: the whole wallet, or only what was put aside for it."""

    CROSS = "cross"
    ISOLATED = "isolated"


class OrderSource(StrEnum):
    """Who made an order. The venue publishes only ``user``; the other names are ours."""

    USER = "user"
    TAKE_PROFIT = "take_profit"
    STOP_LOSS = "stop_loss"
    LIQUIDATION = "liquidation"


class SelfMatch(StrEnum):
    """What happens when an order could meet a resting one of its own account. The venue documents no prevention.

    Triggered closing orders are not refused under ``CANCEL_INCOMING``: they trade with whatever they meet.
    """

    ALLOW = "allow"
    """They trade like strangers."""
    CANCEL_RESTING = "cancel_resting"
    """Every own order that the new one's limit reaches is cancelled first."""
    CANCEL_INCOMING = "cancel_incoming"
    """The new order is refused."""


class ReduceOnlyRule(StrEnum):
    """What happens to a reduce-only order that is larger than what is left to reduce; undocumented."""

    REJECT = "reject"
    CLIP = "clip"
    """Cut to what is left; refused when nothing is."""


class Reason(StrEnum):
    """Why a request was refused: stable names for counters and tests."""

    SYMBOL = "symbol"
    SIZE_TICK = "size_tick"
    SIZE_LIMITS = "size_limits"
    PRICE_TICK = "price_tick"
    PRICE_BAND = "price_band"
    PRICE_MISSING = "price_missing"
    TIME_IN_FORCE = "time_in_force"
    DUPLICATE_CLIENT_ID = "duplicate_client_id"
    OPEN_ORDERS = "open_orders"
    POSITION_LIMIT = "position_limit"
    REDUCE_ONLY = "reduce_only"
    BALANCE = "balance"
    LEVERAGE = "leverage"
    MARGIN_MODE = "margin_mode"
    POST_ONLY_CROSSED = "post_only_crossed"
    NOT_RESTING = "not_resting"
    HALTED = "halted"
    TRIGGER_PRICE = "trigger_price"
    MARGIN = "margin"
    SELF_MATCH = "self_match"
    LIQUIDATED = "liquidated"


@dataclass(frozen=True, slots=True)
class NewOrder:
    """An order as asked for. ``price`` is None for a market order; ``client_id`` None lets the venue make one.

    ``tp_price`` and ``sl_price`` make closing orders, triggered by the mark, once this order has been filled.
    """

    symbol: str
    side: Side
    kind: OrderKind
    size: Decimal
    price: Decimal | None
    tif: TimeInForce
    reduce_only: bool
    client_id: str | None = None
    leverage: int | None = None
    margin_mode: str | None = None
    tp_price: Decimal | None = None
    sl_price: Decimal | None = None


@dataclass(frozen=True, slots=True)
class CancelOrders:
    """Orders to cancel, by venue id or client id."""

    order_ids: tuple[int, ...] = ()
    client_ids: tuple[str, ...] = ()
    is_batch: bool = False
    """A batch has no outcome per order and never fails."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The gateway took the request; it is carried out at ``due_ns``. ``order_id`` is 0 for a cancel."""

    due_ns: int
    order_id: int = 0


@dataclass(frozen=True, slots=True)
class Refusal:
    """The venue's definite no."""

    reason: Reason
    message: str
    code: int = 400


@dataclass(frozen=True, slots=True)
class OrderView:
    """An order as it stood at one instant. ``price`` of a market order is the reference at which margin was locked."""

    id: int
    user: str
    symbol: str
    client_id: str
    side: Side
    kind: OrderKind
    tif: TimeInForce
    price: Decimal
    size: Decimal
    filled: Decimal
    fill_avg_price: Decimal
    status: OrderStatus
    reduce_only: bool
    leverage: int
    margin: Decimal
    avail_locked: Decimal
    position_id: int
    created_ns: int
    updated_ns: int
    source: OrderSource = OrderSource.USER
    liq_id: int = 0
    """Number of the liquidation that made this order, 0 for none."""
    trigger_price: Decimal | None = None
    parent_id: int = 0
    """Order to whose fill a take-profit or stop-loss order belongs, 0 for none."""


@dataclass(frozen=True, slots=True)
class Trade:
    """A fill of an account. ``fee`` is positive when paid; ``pnl`` is realised by this fill, before the fee."""

    id: int
    order_id: int
    user: str
    symbol: str
    side: Side
    price: Decimal
    size: Decimal
    value: Decimal
    fee: Decimal
    pnl: Decimal
    is_maker: bool
    ts_ns: int


@dataclass(frozen=True, slots=True)
class PositionView:
    """A position at one instant; ``size`` is signed, long positive. Figures that need a mark are None without one."""

    id: int
    user: str
    symbol: str
    size: Decimal
    entry_price: Decimal
    entry_value: Decimal
    leverage: int
    margin_mode: str
    initial_margin: Decimal
    realized_pnl: Decimal
    mark: Decimal | None
    position_value: Decimal
    upnl: Decimal
    maint_margin: Decimal
    margin_ratio: Decimal | None
    liq_price: Decimal | None
    bankruptcy_price: Decimal | None
    created_ns: int
    updated_ns: int
    now_ns: int
    holding_margin: Decimal = ZERO
    """Money that stands behind the position alone when isolated; its initial margin when cross."""


@dataclass(frozen=True, slots=True)
class BalanceView:
    """An account's money at one instant, in the settlement asset. ``locked`` is taken from the cross wallet."""

    user: str
    cross_balance: Decimal
    cross_margin: Decimal
    cross_upnl: Decimal
    locked: Decimal
    pnl_24h: Decimal
    created_ns: int
    now_ns: int
    isolated_balance: Decimal = ZERO
    isolated_upnl: Decimal = ZERO

    @property
    def available(self) -> Decimal:
        """Free for new orders; may be negative."""
        return self.cross_balance - self.cross_margin - self.locked + self.cross_upnl

    @property
    def cross_equity(self) -> Decimal:
        """What stands behind all cross positions together."""
        return self.cross_balance + self.cross_upnl

    @property
    def balance(self) -> Decimal:
        return self.cross_balance + self.isolated_balance

    @property
    def upnl(self) -> Decimal:
        return self.cross_upnl + self.isolated_upnl

    @property
    def equity(self) -> Decimal:
        return self.balance + self.upnl


@dataclass(frozen=True, slots=True)
class FundingRow:
    """One funding payment; ``amount`` is signed, negative paid."""

    id: int
    user: str
    symbol: str
    amount: Decimal
    rate: Decimal
    ts_ns: int


@dataclass(frozen=True, slots=True)
class OrderUpdate:
    ts_ns: int
    order: OrderView


@dataclass(frozen=True, slots=True)
class FillUpdate:
    ts_ns: int
    trade: Trade


@dataclass(frozen=True, slots=True)
class PositionUpdate:
    ts_ns: int
    position: PositionView


@dataclass(frozen=True, slots=True)
class BalanceUpdate:
    ts_ns: int
    balance: BalanceView


@dataclass(frozen=True, slots=True)
class Terminal:
    """Final word on a request. ``refusal`` is None on success; ``tag`` is what the request was submitted with."""

    ts_ns: int
    user: str
    tag: object
    refusal: Refusal | None


@dataclass(frozen=True, slots=True)
class BookUpdate:
    """The book to be shown, best first, at full precision: (price_ticks, size_lots)."""

    ts_ns: int
    symbol: str
    bids: tuple[tuple[int, int], ...]
    asks: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class PrintUpdate:
    ts_ns: int
    symbol: str
    price_ticks: int
    size_lots: int
    is_buyer_taker: bool


@dataclass(frozen=True, slots=True)
class PriceUpdate:
    """Mark, index, last and the exact touch on the venue's beat. ``index`` is in ticks, not rounded."""

    ts_ns: int
    symbol: str
    mark_ticks: int | None
    index_ticks: float | None
    last_ticks: int | None
    bid_ticks: int | None
    ask_ticks: int | None


VenueEvent = (
    OrderUpdate | FillUpdate | PositionUpdate | BalanceUpdate | Terminal | BookUpdate | PrintUpdate | PriceUpdate
)
