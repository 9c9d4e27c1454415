"""One frozen view of market and account, read from a connector at one instant."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from hummingbot.core.data_type.common import OrderType, PositionAction, PositionSide, TradeType

from hummingbot_extensions.core.breaker_state import Health
from hummingbot_extensions.core.gate_state import MarginView
from hummingbot_extensions.core.others import others_book
from hummingbot_extensions.core.pricers.joining import best_of_others
from hummingbot_extensions.core.silence import Silence
from hummingbot_extensions.core.types import Side
from hummingbot_extensions.core.view import AccountView, MarketRules, MarketView, OrderState, OwnOrder, SideHistory
from hummingbot_extensions.execution.foreign.orders import SuspectOrder

REQUIRED = (
    "add_book_listener", "book_state", "price_state", "private_stream_age_ms", "order_outcome", "rejection_reason",
    "last_order_wire_ns", "last_cancel_wire_ns", "rejection_kind", "throttled_count",
    "add_fill_listener", "add_fee_listener", "own_fills_since", "leftover_orders", "market_standing",
    "venue_time_ns", "account_figures",
)
"""What a connector must offer beyond Hummingbot's own interface to be quoted."""
MAX_LOTS = 2**53
"""Sizes are counted in lots up to here."""


def missing_members(connector: Any) -> list[str]:
    """Names of the members that quoting needs and ``connector`` lacks; empty for one of this bundle, and for one that
    ``foreign.fitting`` has given them to.
    """
    return [name for name in REQUIRED if not hasattr(connector, name)]


def market_view(
    connector: Any, trading_pair: str, now_ns: int, queue_levels: int = 0, flow_frac: float | None = None,
    leader: tuple[float | None, float | None] = (None, None),
) -> MarketView | None:
    """Prices, ages and readiness at monotonic ``now_ns``; None until the venue's trading rules are known and usable.

    ``queue_levels``: how many book levels count as near (0: none). ``flow_frac``: signed flow of trades.
    ``leader``: another venue's mid and its age in ms.
    """
    rule = connector.trading_rules.get(trading_pair)
    if rule is None or rule.min_price_increment <= 0 or rule.min_base_amount_increment <= 0:
        return None
    book = connector.book_state(trading_pair)
    price = connector.price_state(trading_pair)
    return MarketView(
        now_ns=now_ns,
        bid=book.bid if book is not None else None,
        ask=book.ask if book is not None else None,
        grid=book.grid if book is not None else rule.min_price_increment,
        mark=price.mark if price is not None else None,
        price_frame_ns=price.received_mono_ns if price is not None else None,
        book_age_ms=(now_ns - book.received_mono_ns) / 1e6 if book is not None else None,
        price_age_ms=(now_ns - price.received_mono_ns) / 1e6 if price is not None else None,
        private_age_ms=connector.private_stream_age_ms(),
        is_connector_ready=connector.ready,
        rules=MarketRules(
            tick=rule.min_price_increment,
            step=rule.min_base_amount_increment,
            min_size=rule.min_order_size,
            max_size=_max_size(rule),
            min_notional=rule.min_notional_size,
        ),
        standing=connector.market_standing(trading_pair),
        touch_bid=price.touch_bid if price is not None else None,
        touch_ask=price.touch_ask if price is not None else None,
        bid_size=book.bids[0][1] if book is not None and book.bids else None,
        ask_size=book.asks[0][1] if book is not None and book.asks else None,
        bid_queue=_queue_price(book.bids, queue_levels) if book is not None else None,
        ask_queue=_queue_price(book.asks, queue_levels) if book is not None else None,
        flow_frac=flow_frac,
        leader=leader[0],
        leader_age_ms=leader[1],
        funding_rate_frac=_funding_rate_frac(connector, trading_pair),
    )


def _queue_price(levels: tuple[tuple[Decimal, Decimal], ...], count: int) -> Decimal | None:
    """Price of the last of the ``count`` best levels; None when none counts or the book shows fewer."""
    return levels[count - 1][0] if 0 < count <= len(levels) else None


def _funding_rate_frac(connector: Any, trading_pair: str) -> float | None:
    try:
        rate = connector.get_funding_info(trading_pair).rate
    except KeyError:
        return None  # Hummingbot has not been told yet
    return float(rate) if rate is not None and rate.is_finite() else None


def with_others(view: MarketView, connector: Any, trading_pair: str, orders: Iterable[OwnOrder]) -> MarketView:
    """``view`` with the best price on each side at which somebody else than ``orders`` stands."""
    book = connector.book_state(trading_pair)
    if book is None:
        return view
    mine = {side: [(order.price, order.size) for order in orders if order.side is side] for side in Side}
    tick = view.rules.tick
    return replace(
        view,
        others_bid=best_of_others(Side.BUY, book.bids, mine[Side.BUY], book.grid, tick, view.touch_bid),
        others_ask=best_of_others(Side.SELL, book.asks, mine[Side.SELL], book.grid, tick, view.touch_ask),
    )


def with_others_book(
    view: MarketView, connector: Any, trading_pair: str, orders: Iterable[OwnOrder], depth_bps: float
) -> MarketView:
    """``view`` with what the shown book holds beside ``orders``, its depth up to ``depth_bps`` from the mid."""
    book = connector.book_state(trading_pair)
    return view if book is None else replace(view, others_book=others_book(book, orders, view.rules.tick, depth_bps))


def maker_fee_frac(connector: Any, trading_pair: str) -> float:
    """What a maker's fill costs by the connector's fee schedule, negative for a rebate."""
    base, quote = trading_pair.split("-")
    fee = connector.get_fee(base, quote, OrderType.LIMIT_MAKER, TradeType.BUY, PositionAction.OPEN, Decimal(1),
                            Decimal(1), True)
    return float(fee.percent)


def _max_size(rule: Any) -> Decimal | None:
    """Largest order, None where there is no limit: Hummingbot says so with a number that no lots can be counted to."""
    size = rule.max_order_size
    if not size or not size.is_finite() or size / rule.min_base_amount_increment > MAX_LOTS:
        return None
    return Decimal(size)


def venue_position(connector: Any, trading_pair: str) -> Decimal:
    """Signed position the venue reports for a pair, long positive, 0 when it lists none.

    Some connectors of Hummingbot leave the sign to the side.
    """
    return sum(
        (-abs(position.amount) if position.position_side is PositionSide.SHORT else position.amount
         for position in connector.account_positions.values() if position.trading_pair == trading_pair),
        Decimal(0),
    )


def account_view(
    connector: Any, trading_pair: str, leverage: int, position_by_fills: Decimal | None, orders: Iterable[OwnOrder],
    histories: Mapping[Side, SideHistory], placeable: Collection[Side], health: Health, hold: Silence | None = None,
    entry_price: Decimal | None = None, maker_fee_frac: float = 0.0, needs_figures: bool = False,
    last_fill_side: Side | None = None,
) -> AccountView:
    """Position, free margin and our open orders as the connector knows them now; equity and margin where needed."""
    figures = connector.account_figures(trading_pair) if needs_figures else None
    collateral = connector.get_buy_collateral_token(trading_pair)
    return AccountView(
        position=venue_position(connector, trading_pair) if connector.ready else None,
        position_by_fills=position_by_fills,
        available_quote=connector.get_available_balance(collateral),
        leverage=leverage,
        orders=tuple(orders),
        bid_history=histories[Side.BUY],
        ask_history=histories[Side.SELL],
        can_place_bid=Side.BUY in placeable,
        can_place_ask=Side.SELL in placeable,
        health=health,
        entry_price=entry_price,
        maker_fee_frac=maker_fee_frac,
        last_fill_side=last_fill_side,
        hold=hold,
        equity_quote=figures.equity_quote if figures is not None else None,
        margin=figures.margin if figures is not None else MarginView(),
    )


def leftovers(connector: Any, trading_pair: str, now_ns: int) -> list[OwnOrder]:
    """Orders of ours that no level owns: the connector is cancelling them, until then they count as exposure.

    One whose outcome is unknown keeps its side from being quoted, as an unknown order of a level does.
    """
    mark = connector.price_state(trading_pair)
    orders = []
    for left in connector.leftover_orders(trading_pair):
        price = left.price if left.price is not None else mark.mark if mark is not None else None
        orders.append(OwnOrder(
            client_order_id=left.client_order_id, side=left.side, price=price if price is not None else Decimal(1),
            size=left.remaining,
            state=OrderState.UNKNOWN if isinstance(left, SuspectOrder) else OrderState.CANCELLING,
            is_reduce_only=left.is_reduce_only, placed_ns=now_ns, cancel_sent_ns=now_ns, is_risk_cancel=True))
    return orders
