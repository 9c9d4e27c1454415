"""What one decision sees: the market, the account and our own orders, frozen at one instant.

All ``*_ns`` stamps are monotonic nanoseconds of the process that decides, never wall-clock time. Missing input is None.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from hummingbot_extensions.core.breaker_state import Health
from hummingbot_extensions.core.frozen import quick
from hummingbot_extensions.core.gate_state import MarginView
from hummingbot_extensions.core.silence import Silence
from hummingbot_extensions.core.types import MarketStanding, Side


@dataclass(frozen=True, slots=True)
class MarketRules:
    """The lattice and limits an order must obey; sizes in base units, notional in quote units."""

    tick: Decimal
    step: Decimal
    min_size: Decimal
    max_size: Decimal | None
    min_notional: Decimal


@quick
@dataclass(frozen=True, slots=True)
class OthersBook:
    """The shown book without our own orders. A price is None where nobody else stands on its side.

    Prices are as far apart as the levels of the shown book allow; depths are what is held near their mid, quote units.
    """

    bid: Decimal | None
    ask: Decimal | None
    bid_depth_quote: Decimal = Decimal(0)
    ask_depth_quote: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class MarketView:
    """Prices and their ages. ``bid`` and ``ask`` are as shown, on a display ``grid`` that truncates both sides down.

    ``price_frame_ns`` stamps the frame that ``mark`` came in, so that a repeated mark is not taken for a new one.
    ``private_age_ms`` is the time since the account stream last showed life; None means it is not connected.
    """

    now_ns: int
    bid: Decimal | None
    ask: Decimal | None
    grid: Decimal
    mark: Decimal | None
    price_frame_ns: int | None
    book_age_ms: float | None
    price_age_ms: float | None
    private_age_ms: float | None
    is_connector_ready: bool
    rules: MarketRules
    standing: MarketStanding = MarketStanding.TRADING
    touch_bid: Decimal | None = None
    touch_ask: Decimal | None = None
    """Best prices at full tick precision where the venue states them; the book may be shown coarser."""
    bid_size: Decimal | None = None
    ask_size: Decimal | None = None
    """Size shown at the best bid and ask, base units."""
    bid_queue: Decimal | None = None
    ask_queue: Decimal | None = None
    """Price of the book level that is counted as the last near one on each side (``queue_position_limit``)."""
    funding_rate_frac: float | None = None
    """Funding rate of the present period; positive: longs pay."""
    others_bid: Decimal | None = None
    others_ask: Decimal | None = None
    """Best price on each side at which somebody else is known to stand, at full precision."""
    others_book: OthersBook | None = None
    """What others hold in the book that is shown; None while nobody asks."""
    flow_frac: float | None = None
    """Signed flow of trades, -1 (takers only sold) to 1 (only bought)."""
    leader: float | None = None
    """Middle of another venue's book, as it stands there."""
    leader_age_ms: float | None = None

    @property
    def mid(self) -> float | None:
        """Middle of the shown book, None while a side is empty."""
        if self.bid is None or self.ask is None:
            return None
        return (float(self.bid) + float(self.ask)) / 2.0


class OrderState(StrEnum):
    """Life of one of our orders as far as we know it; an order that ended is not in the view."""

    PLACING = "placing"
    LIVE = "live"
    CANCELLING = "cancelling"
    UNKNOWN = "unknown"
    """May rest at the venue; counts as exposure, is never assumed gone."""


@quick
@dataclass(frozen=True, slots=True)
class OwnOrder:
    """One of our orders that may still fill. ``size`` is what is left of it, unsigned, in base units."""

    client_order_id: str
    side: Side
    price: Decimal
    size: Decimal
    state: OrderState
    is_reduce_only: bool
    placed_ns: int
    has_rested: bool = True
    """Whether the venue has said that it rested; an order cancelled before that never earned anything."""
    cancel_sent_ns: int | None = None
    is_risk_cancel: bool = False
    """Whether the cancel that is under way was for risk: those may overdraw the cancel budget."""
    is_points: bool = False
    """Whether it was placed for a program's points, which ask for a longer rest."""


@dataclass(frozen=True, slots=True)
class SideHistory:
    """Definite rejections in a row on one side, and when the last came; an accepted order resets the count."""

    rejects_in_row: int = 0
    last_reject_ns: int = 0


@quick
@dataclass(frozen=True, slots=True)
class AccountView:
    """What the venue says we hold. ``position`` is signed, long positive; None means it could not be read.

    ``position_by_fills`` is what our own fills make of it. The two differ while a frame is on its way; limits then take
    the worse one.
    """

    position: Decimal | None
    position_by_fills: Decimal | None
    available_quote: Decimal | None
    leverage: int
    orders: tuple[OwnOrder, ...] = ()
    bid_history: SideHistory = SideHistory()
    ask_history: SideHistory = SideHistory()
    can_place_bid: bool = True
    """Whether somebody stands ready to carry out a placement on this side; cancels are always possible."""
    can_place_ask: bool = True
    health: Health = Health()
    """What went wrong lately on the way to the venue; the breakers act on it."""
    entry_price: Decimal | None = None
    """Average price at which the position was entered, None while flat or not known."""
    maker_fee_frac: float = 0.0
    """What a maker's fill costs, negative for a rebate."""
    last_fill_side: Side | None = None
    hold: Silence | None = None
    """Why the start is not done yet, so that nothing may be quoted; None once it is."""
    equity_quote: Decimal | None = None
    """Wallet with unrealised PnL; None while it is not known, or nobody asked for it."""
    margin: MarginView = MarginView()
    adding_frac: Decimal = Decimal(1)
    """Part of the cap, and of the sizes that add to the position, that nearness to liquidation leaves."""
    adding_reason: Silence | None = None
    """Why ``adding_frac`` is under 1. At 0 nothing may add to the position; what reduces it goes on."""

    @property
    def tier_position(self) -> Decimal | None:
        """Of the two positions the larger one in size, which the tiers act on; None until the venue has said one."""
        if self.position is None:
            return None
        by_fills = self.position_by_fills
        return self.position if by_fills is None or abs(by_fills) <= abs(self.position) else by_fills

    def worst_position(self, side: Side) -> Decimal:
        """Of the two positions the one that lies farther in the direction of ``side``; 0 while none is known."""
        position, by_fills = self.position, self.position_by_fills
        if position is None or by_fills is None:
            known = position if by_fills is None else by_fills
            return Decimal(0) if known is None else known
        is_worse = by_fills > position if side is Side.BUY else by_fills < position
        return by_fills if is_worse else position

    def can_place(self, side: Side) -> bool:
        return self.can_place_bid if side is Side.BUY else self.can_place_ask

    def history(self, side: Side) -> SideHistory:
        return self.bid_history if side is Side.BUY else self.ask_history
