"""Values that the core's tests start from: BTC near 100,000, mark equal to mid, everything fresh, flat and funded."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from hummingbot_extensions.core import spec
from hummingbot_extensions.core.decide import DecisionInputs, decide
from hummingbot_extensions.core.decision import Cancel, Decision, DecisionState, Place
from hummingbot_extensions.core.params import QuoteParams
from hummingbot_extensions.core.pricing import PriceInputs
from hummingbot_extensions.core.quoting import Outlook
from hummingbot_extensions.core.skew import SkewInputs
from hummingbot_extensions.core.types import Side
from hummingbot_extensions.core.view import AccountView, MarketRules, MarketView, OrderState, OwnOrder

D = Decimal
SECOND = 1_000_000_000
NOW = 1_000 * SECOND
RULES = MarketRules(tick=D("0.01"), step=D("0.0001"), min_size=D("0.0001"), max_size=None, min_notional=D("10"))


def params(**changes: Any) -> QuoteParams:
    """Parameters of the shipped StandX preset, with changes."""
    return spec.replaced(QuoteParams(), **changes)


def view(**changes: Any) -> MarketView:
    """Book 99,999.99 / 100,000.01 and mark 100,000.00, all just received."""
    return replace(MarketView(
        now_ns=NOW, bid=D("99999.99"), ask=D("100000.01"), grid=D("0.01"), mark=D("100000.00"), price_frame_ns=NOW,
        book_age_ms=10.0, price_age_ms=10.0, private_age_ms=10.0, is_connector_ready=True, rules=RULES,
    ), **changes)


def account(*orders: OwnOrder, position: str | None = "0", **changes: Any) -> AccountView:
    """10,000 of free margin at leverage 1; both positions the same."""
    held = None if position is None else D(position)
    return replace(AccountView(
        position=held, position_by_fills=held, available_quote=D("10000"), leverage=1, orders=orders), **changes)


def order(side: Side, price: str, order_id: str | None = None, **changes: Any) -> OwnOrder:
    """An order of 0.002 that has rested for a minute."""
    return replace(OwnOrder(
        client_order_id=order_id or f"{side}-{price}", side=side, price=D(price), size=D("0.002"),
        state=OrderState.LIVE, is_reduce_only=False, placed_ns=NOW - 60 * SECOND), **changes)


BID_KEPT = order(Side.BUY, "99940.00")
ASK_KEPT = order(Side.SELL, "100060.00")
"""The two orders that the default parameters want on the default view."""


def inputs(
    market: MarketView | None = None, held: AccountView | None = None, config: QuoteParams | None = None,
    state: DecisionState | None = None,
) -> DecisionInputs:
    return DecisionInputs(market or view(), held or account(), config or params(), state or DecisionState())


def decided(
    market: MarketView | None = None, held: AccountView | None = None, config: QuoteParams | None = None,
    state: DecisionState | None = None,
) -> Decision:
    return decide(inputs(market, held, config, state))


def places(decision: Decision, side: Side | None = None) -> list[Place]:
    return [a for a in decision.actions if isinstance(a, Place) and (side is None or a.quote.side is side)]


def cancels(decision: Decision, side: Side | None = None) -> list[Cancel]:
    return [a for a in decision.actions if isinstance(a, Cancel) and (side is None or a.side is side)]


def prices_for(mark: float, position: str = "0") -> PriceInputs:
    """A calm market of which everything but the mark and the position is unknown."""
    return PriceInputs(
        mark=mark, mid=mark, touch_bid=None, touch_ask=None, micro=None, external=None, inventory_frac=0.0,
        inventory_base=float(position), entry_price=None, sigma_bps=None, range_bps=None, funding_rate_frac=None,
        maker_fee_frac=0.0, tick=0.01, last_fill_side=None)


def outlook(mark: float = 100_000.0, position: str = "0", is_hard_stopped: bool = False) -> Outlook:
    """Mode uptime without skew."""
    return Outlook(
        mark, D(position), is_hard_stopped, "uptime", prices_for(mark, position),
        SkewInputs(0.0, None, None, None, None))
