"""The limits one by one: what each compares, and the words in which it refuses.

What each compares grows with every order, so that orders which fit together fit in any part. Where something that a
limit has to know is missing, ``unknown`` says so; the comparisons themselves pass over it.
"""

from __future__ import annotations

from decimal import Decimal
from math import isfinite

from hummingbot_extensions.core.gate_arithmetic import DOWN, ONE, UP, ZERO, is_amount
from hummingbot_extensions.core.gate_exposure import Exposure, margin_quote
from hummingbot_extensions.core.gate_params import GateParams
from hummingbot_extensions.core.gate_state import AccountTotals, GateReason, GateState, MarginView, Refusal
from hummingbot_extensions.core.quote import Quote
from hummingbot_extensions.core.types import Side
from hummingbot_extensions.core.view import AccountView, MarketView


def not_ready(view: MarketView, account: AccountView, exposure: Exposure) -> Refusal | None:
    """Why nothing at all may be added now."""
    if not view.is_connector_ready:
        return GateReason.CONNECTOR_NOT_READY, "the connector is not ready"
    if view.private_age_ms is None or not isfinite(view.private_age_ms):
        return GateReason.ACCOUNT_STREAM_DOWN, "the account stream is not connected"
    if account.hold is not None:
        return GateReason.START_NOT_DONE, f"the start is not done: {account.hold}"
    if not exposure.is_readable:
        return GateReason.ORDERS_UNREADABLE, "one of our own orders has no readable price or size"
    return None


def unknown(params: GateParams, today: GateState, others: AccountTotals | None) -> Refusal | None:
    """What a limit that is on has to know and cannot."""
    has_account_limit = params.max_open_orders_account is not None or params.max_net_account_quote is not None
    if has_account_limit and (others is None or not others.is_readable):
        return GateReason.ACCOUNT_TOTALS_UNKNOWN, f"other markets of the account: {others}"
    has_turnover, has_added = params.daily_turnover_quote is not None, params.daily_added_base is not None
    if params.daily_orders is not None or has_turnover or has_added:
        problems = today.problems()
        if problems:
            return GateReason.COUNTERS_UNREADABLE, "; ".join(problems)
    return None


def too_large(size: Decimal, params: GateParams) -> Refusal | None:
    limit = params.max_order_size_base
    if limit is None or size <= limit:
        return None
    return GateReason.MAX_ORDER_SIZE, f"size {size} is over max_order_size_base {limit}"


def over_cap(side: Side, worst: Decimal, params: GateParams) -> Refusal | None:
    """``worst``: how far the position may get in the direction of ``side``, base units."""
    if worst <= params.position_cap_base:
        return None
    return GateReason.POSITION_CAP, f"{side} to {worst} at worst, over position_cap_base {params.position_cap_base}"


def too_many(after: Exposure, params: GateParams, others: AccountTotals | None) -> Refusal | None:
    limit = params.max_open_orders
    if limit is not None and not after.count <= limit:
        return GateReason.MAX_OPEN_ORDERS, f"{after.count} orders, over max_open_orders {limit}"
    limit = params.max_open_orders_account
    if limit is None or others is None or after.count + others.open_orders <= limit:
        return None
    count = after.count + others.open_orders
    return GateReason.MAX_OPEN_ORDERS_ACCOUNT, f"{count} orders, over max_open_orders_account {limit}"


def over_limits(
    after: Exposure,
    side: Side,
    worst: Decimal,
    mark: Decimal | None,
    params: GateParams,
    today: GateState,
    others: AccountTotals | None,
) -> Refusal | None:
    """The first limit on values, budgets or counts that the orders of ``after`` break together."""
    return (
        _over_net(side, worst, mark, params, others)
        or _over_resting(after, side, params)
        or _over_budget(after, params, today)
        or too_many(after, params, others)
    )


def _over_net(
    side: Side, worst: Decimal, mark: Decimal | None, params: GateParams, others: AccountTotals | None
) -> Refusal | None:
    market, everywhere = params.max_net_quote, params.max_net_account_quote
    if mark is None or (market is None and everywhere is None):
        return None
    net = UP.multiply(worst, mark)
    if market is not None and not net <= market:
        return GateReason.MAX_NET, f"{side} to {net} at worst, over max_net_quote {market}"
    if everywhere is None or others is None:
        return None
    net = UP.add(net, others.on(side))
    if net <= everywhere:
        return None
    return GateReason.MAX_NET_ACCOUNT, f"{side} to {net} over all markets, over max_net_account_quote {everywhere}"


def _over_resting(after: Exposure, side: Side, params: GateParams) -> Refusal | None:
    limit = params.max_resting_quote
    if limit is not None and not after.value_quote <= limit:
        return GateReason.MAX_RESTING, f"orders worth {after.value_quote}, over max_resting_quote {limit}"
    limit, value = params.max_side_resting_quote, after.on(side).value_quote
    if limit is None or value <= limit:
        return None
    return GateReason.MAX_SIDE_RESTING, f"{side} orders worth {value}, over max_side_resting_quote {limit}"


def _over_budget(after: Exposure, params: GateParams, today: GateState) -> Refusal | None:
    """What would be used of the day's budgets if all orders filled."""
    limit = params.daily_turnover_quote
    if limit is not None:
        turnover = UP.add(today.turnover_quote, after.value_quote)
        if not turnover <= limit:
            return GateReason.DAILY_TURNOVER, f"{turnover} if all filled, over daily_turnover_quote {limit}"
    limit = params.daily_added_base
    if limit is not None:
        added = UP.add(today.added_base, UP.add(after.buys.plain_base, after.sells.plain_base))
        if not added <= limit:
            return GateReason.DAILY_ADDED, f"{added} added if all filled, over daily_added_base {limit}"
    return None


def day_is_full(today: GateState, params: GateParams) -> Refusal | None:
    if params.daily_orders is None or today.orders < params.daily_orders:
        return None
    return GateReason.DAILY_ORDERS, f"{today.orders} orders sent today, daily_orders is {params.daily_orders}"


def short_of_margin(
    quote: Quote, closable: Decimal, exposure: Exposure, account: AccountView, params: GateParams
) -> Refusal | None:
    """Why the free margin does not bear one more order beside ``exposure``."""
    floor = params.min_available_quote
    if floor is None:
        return None
    available = account.available_quote
    if available is None or not is_amount(available) or not account.leverage >= 1:
        return GateReason.BALANCE_UNKNOWN, f"free margin {available}, leverage {account.leverage}"
    needed = margin_quote(exposure.on(quote.side), quote.price, quote.size, closable, account.leverage)
    left = DOWN.subtract(DOWN.subtract(available, exposure.margin_taken_quote), needed)
    if left >= floor:
        return None
    return GateReason.MIN_AVAILABLE, f"{left} of free margin would be left, under min_available_quote {floor}"


def over_shrunk_cap(
    side: Side,
    worst: Decimal,
    mark: Decimal | None,
    account: AccountView,
    params: GateParams,
    margin: MarginView | None,
) -> Refusal | None:
    """Why an order does not fit what is left of the cap as liquidation draws near; at the stop nothing fits."""
    room = margin_room(mark, account, params, margin or MarginView())
    if room is None:
        return None
    left_frac, reason, text = room
    if reason is GateReason.MARGIN_UNKNOWN:
        return reason, text
    cap = DOWN.multiply(params.position_cap_base, left_frac)
    if left_frac > 0 and worst <= cap:
        return None
    return reason, f"{text}: {side} to {worst} at worst, over the {cap} that is left of the cap"


def margin_room(
    mark: Decimal | None, account: AccountView, params: GateParams, margin: MarginView, spare: Decimal = ONE
) -> tuple[Decimal, GateReason, str] | None:
    """(part of the cap that is left, why, text), None while nothing is taken from it.

    Without a position nothing of ours can be liquidated, so that the venue's silence about it is no danger then.
    ``spare`` is a factor on the thresholds, for who wants more distance than they ask.
    """
    position = account.position or account.position_by_fills
    near, low = None, None
    stop, liquidation = params.liquidation_distance_stop_frac, margin.liquidation_price
    if stop is not None and position:
        if mark is None or not is_amount(mark) or not mark > 0:
            return ZERO, GateReason.MARGIN_UNKNOWN, "no mark to measure the liquidation price from"
        if liquidation is None or not is_amount(liquidation) or liquidation < 0:
            return ZERO, GateReason.MARGIN_UNKNOWN, f"liquidation price {liquidation}"
        if liquidation > 0:
            away = DOWN.subtract(mark, liquidation) if position > 0 else DOWN.subtract(liquidation, mark)
            left = _left_frac(DOWN.divide(away, mark), stop, params.liquidation_distance_shrink_frac, spare)
            if left < 1:
                near = (left, GateReason.LIQUIDATION_NEAR, f"liquidation at {liquidation}, mark {mark}")
    stop, ratio = params.margin_ratio_stop, margin.margin_ratio
    if stop is not None and (position or ratio is not None):
        if ratio is None or not is_amount(ratio):
            return ZERO, GateReason.MARGIN_UNKNOWN, f"margin ratio {ratio}"
        left = _left_frac(ratio, stop, params.margin_ratio_shrink, spare)
        if left < 1:
            low = (left, GateReason.MARGIN_RATIO_LOW, f"margin is {ratio} of maintenance")
    return min(near, low) if near is not None and low is not None else near or low


def _left_frac(value: Decimal, stop: Decimal, shrink: Decimal | None, spare: Decimal) -> Decimal:
    """Part of the cap that is left: all from ``shrink`` up, nothing from ``stop`` down, linear between."""
    stop, shrink = UP.multiply(stop, spare), None if shrink is None else UP.multiply(shrink, spare)
    if value <= stop:
        return ZERO
    if shrink is None or value >= shrink:
        return ONE
    return DOWN.divide(DOWN.subtract(value, stop), UP.subtract(shrink, stop))
