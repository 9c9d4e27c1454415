"""From the quote a side wants and the orders it has to the fewest actions that make them agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from hummingbot_extensions.core.decision import Action, Cancel, CancelReason, DecisionState, Place, Quote, Silence
from hummingbot_extensions.core.params import QuoteParams
from hummingbot_extensions.core.quoting import distance_bps
from hummingbot_extensions.core.risk import is_adding, room
from hummingbot_extensions.core.rounding import round_size_down
from hummingbot_extensions.core.types import Side
from hummingbot_extensions.core.view import AccountView, MarketView, OrderState, OwnOrder

RISK_FAULTS = (CancelReason.TOO_NEAR, CancelReason.NOT_REDUCING, CancelReason.OVER_CAP)
MAX_ORDERS_A_SIDE = 2
"""The order that rests and its replacement; orders being cancelled are not counted."""
SIZE_KEPT_FRAC = Decimal("0.5")
"""An order that partial fills left under this part of the wanted size is replaced."""
FIRST_REJECT_BACKOFF_MS = 500.0
MAX_REJECT_BACKOFF_MS = 30_000.0
MAX_REJECT_DOUBLINGS = 10
"""More of them than the longest wait needs, few enough for a float after a night of rejections."""
CANCEL_WINDOW_NS = 60_000_000_000
MARGIN_SPARE_FRAC = Decimal("1.06")
"""Margin asked for over the bare figure: the venue locks 1.05 times margin and fee, and frees it late."""


@dataclass(frozen=True, slots=True)
class SidePlan:
    """Actions for one side, its silence while nothing rests and nothing is placed, and the state after them."""

    actions: tuple[Action, ...]
    silence: Silence | None
    state: DecisionState


def reconcile_side(
    side: Side,
    wanted: Quote | Silence,
    mark: float | None,
    view: MarketView,
    account: AccountView,
    params: QuoteParams,
    state: DecisionState,
) -> SidePlan:
    """Actions that bring the orders of ``side`` to what is ``wanted``.

    An order stays while its distance from the mark lies between the cancel and the rebalance distance. Too near is a
    risk: cancelled at once. Too far is not: its replacement is placed first and it is cancelled when that one is live,
    so that the side is never empty, unless both would not fit under the worst case. Unknown orders are never assumed
    gone; they hold their side's slot until the venue has answered.
    """
    orders = [order for order in account.orders if order.side is side]
    if isinstance(wanted, Silence) or mark is None:
        reason = wanted if isinstance(wanted, Silence) else Silence.NO_MARK
        cancels = [_cancel(order, reason, True, view.now_ns, params) for order in orders]
        return SidePlan(tuple(c for c in cancels if c is not None), reason, state)

    faults = {order.client_order_id: _fault(order, wanted, mark, account, params) for order in orders}
    sound = [
        order
        for order in orders
        if faults[order.client_order_id] is None and order.state in (OrderState.LIVE, OrderState.PLACING)
    ]
    keeper = min(
        sound, key=lambda order: (order.state is not OrderState.LIVE, abs(order.price - wanted.price)), default=None
    )

    actions: list[Action] = []
    after = state
    for order in orders:
        if order is keeper:
            continue
        fault = faults[order.client_order_id]
        is_risk = fault in RISK_FAULTS
        is_under_way = _is_cancel_under_way(order)
        if is_under_way:
            is_risk = order.is_risk_cancel
        elif not is_risk:
            if keeper is None or keeper.state is not OrderState.LIVE:
                continue
            if not _has_cancel_budget(after, view.now_ns, params) or not _has_dwelt(order, view.now_ns, params):
                continue
        cancel = _cancel(order, fault or CancelReason.REPLACED, is_risk, view.now_ns, params)
        if cancel is None:
            continue
        if not is_risk and not is_under_way:
            after = _with_cancel(after, view.now_ns)
        actions.append(cancel)

    if keeper is not None:
        return SidePlan(tuple(actions), None, after)
    plan = _place(side, wanted, orders, faults, view, account, params, after)
    rests = any(order.state in (OrderState.LIVE, OrderState.PLACING) for order in orders)
    silence = None if rests or any(isinstance(action, Place) for action in plan.actions) else plan.silence
    return SidePlan((*actions, *plan.actions), silence, plan.state)


def _place(
    side: Side,
    wanted: Quote,
    orders: Sequence[OwnOrder],
    faults: dict[str, CancelReason | None],
    view: MarketView,
    account: AccountView,
    params: QuoteParams,
    state: DecisionState,
) -> SidePlan:
    """Place ``wanted`` if it may be placed now; otherwise the reason, and what has to be cancelled first."""
    if not account.can_place(side):
        return SidePlan((), Silence.NO_EXECUTOR, state)
    if any(order.state is OrderState.UNKNOWN for order in orders):
        return SidePlan((), Silence.UNKNOWN_ORDER, state)
    history = account.history(side)
    if history.rejects_in_row and (view.now_ns - history.last_reject_ns) / 1e6 < reject_backoff_ms(
        history.rejects_in_row
    ):
        return SidePlan((), Silence.REJECT_BACKOFF, state)
    placed = state.placed_ns(side)
    is_refunded = placed is not None and history.rejects_in_row > 0 and history.last_reject_ns >= placed
    if placed is not None and not is_refunded and (view.now_ns - placed) / 1e6 < params.side_throttle_ms:
        return SidePlan((), Silence.THROTTLED, state)

    outdated = [
        order for order in orders if order.state is OrderState.LIVE and faults[order.client_order_id] not in RISK_FAULTS
    ]
    if sum(1 for order in orders if order.state is not OrderState.CANCELLING) >= MAX_ORDERS_A_SIDE:
        if len(outdated) < MAX_ORDERS_A_SIDE:
            return SidePlan((), Silence.THROTTLED, state)
        # The market ran away from an order and its replacement: the worse one makes room, the other holds the side.
        outdated = [max(outdated, key=lambda order: abs(order.price - wanted.price))]
        if not _may_cancel(outdated, view.now_ns, params, state):
            return SidePlan((), Silence.THROTTLED, state)
        return _cancelled_first(side, outdated, faults, Silence.CANCEL_FIRST, view.now_ns, state)
    if not all(_has_dwelt(order, view.now_ns, params) for order in outdated):
        return SidePlan((), Silence.THROTTLED, state)
    # A spent budget does not keep a replacement back, only the cancel that follows it, or one that must come first.
    may_cancel = _may_cancel(outdated, view.now_ns, params, state)

    position = account.position if account.position is not None else Decimal(0)
    size = _size_that_fits(side, wanted, position, account, view, params)
    if size < wanted.size and orders:
        # Both do not fit: what rests has to go first. Its room comes back when the venue confirms the cancel.
        if outdated and not may_cancel:
            return SidePlan((), Silence.THROTTLED, state)
        return _cancelled_first(side, outdated, faults, Silence.CANCEL_FIRST, view.now_ns, state)
    if size < view.rules.min_size or size * wanted.price < view.rules.min_notional or size <= 0:
        return SidePlan((), Silence.WORST_CASE, state)
    if not wanted.is_reduce_only and _is_short_of_margin(side, size, wanted.price, position, account):
        # So does its margin.
        if outdated and not may_cancel:
            return SidePlan((), Silence.THROTTLED, state)
        return _cancelled_first(side, outdated, faults, Silence.MARGIN, view.now_ns, state)
    after = replace(state, bid_placed_ns=view.now_ns) if side is Side.BUY else replace(state, ask_placed_ns=view.now_ns)
    return SidePlan((Place(replace(wanted, size=size)),), None, after)


def _cancelled_first(
    side: Side,
    outdated: Sequence[OwnOrder],
    faults: dict[str, CancelReason | None],
    silence: Silence,
    now_ns: int,
    state: DecisionState,
) -> SidePlan:
    """Plan that cancels what has to make room and places nothing yet."""
    cancels: list[Action] = []
    for order in outdated:
        fault = faults[order.client_order_id] or CancelReason.REPLACED
        cancels.append(Cancel(order.client_order_id, side, fault, False))
        state = _with_cancel(state, now_ns)
    return SidePlan(tuple(cancels), silence, state)


def reject_backoff_ms(rejects_in_row: int) -> float:
    """Wait after the n-th definite rejection in a row, doubling up to half a minute.

    >>> [reject_backoff_ms(n) for n in (1, 2, 3, 10)]
    [500.0, 1000.0, 2000.0, 30000.0]
    """
    doublings = min(rejects_in_row - 1, MAX_REJECT_DOUBLINGS)
    return float(min(FIRST_REJECT_BACKOFF_MS * 2.0**doublings, MAX_REJECT_BACKOFF_MS))


def _fault(
    order: OwnOrder, wanted: Quote, mark: float, account: AccountView, params: QuoteParams
) -> CancelReason | None:
    position = account.position if account.position is not None else Decimal(0)
    if wanted.is_reduce_only and not order.is_reduce_only and order.size > abs(position):
        return CancelReason.NOT_REDUCING
    if order.is_reduce_only and is_adding(order.side, position):
        return CancelReason.NOT_REDUCING
    others = [other for other in account.orders if other is not order]
    fits = room(order.side, account.worst_position(order.side), others, params.worst_case_cap_base)
    if order.size > fits and not order.is_reduce_only:
        return CancelReason.OVER_CAP
    away = distance_bps(order.side, float(order.price), mark)
    if away < params.cancel_distance_bps:
        return CancelReason.TOO_NEAR
    if away > _far_bps(wanted, mark, params):
        return CancelReason.TOO_FAR
    if order.size > wanted.size or order.size < min(wanted.size, fits) * SIZE_KEPT_FRAC:
        return CancelReason.SIZE_CHANGED
    return None


def _far_bps(wanted: Quote, mark: float, params: QuoteParams) -> float:
    """Distance beyond which an order is replaced.

    Where the book or a coarse tick holds the wanted quote itself beyond the rebalance distance, a replacement would be
    no better: an order then stays as long as it is inside the band.
    """
    if distance_bps(wanted.side, float(wanted.price), mark) <= params.rebalance_distance_bps:
        return params.rebalance_distance_bps
    return max(params.rebalance_distance_bps, params.band_bps - params.band_margin_bps)


def _cancel(
    order: OwnOrder, reason: CancelReason | Silence, is_risk: bool, now_ns: int, params: QuoteParams
) -> Cancel | None:
    """Cancel of ``order``, a retry when the last one went unanswered for too long, or None while one is under way."""
    if _is_cancel_under_way(order):
        sent = order.cancel_sent_ns if order.cancel_sent_ns is not None else now_ns
        if (now_ns - sent) / 1e6 < params.cancel_retry_ms:
            return None
        return Cancel(order.client_order_id, order.side, CancelReason.RETRY, order.is_risk_cancel)
    return Cancel(order.client_order_id, order.side, reason, is_risk)


def _is_cancel_under_way(order: OwnOrder) -> bool:
    """Whether a cancel was sent that has not been answered; an order may have become unknown since."""
    return order.state is OrderState.CANCELLING or (
        order.state is OrderState.UNKNOWN and order.cancel_sent_ns is not None
    )


def _has_cancel_budget(state: DecisionState, now_ns: int, params: QuoteParams) -> bool:
    recent = sum(1 for at in state.cancels_ns if now_ns - at < CANCEL_WINDOW_NS)
    return recent < params.cancel_budget_per_min


def _with_cancel(state: DecisionState, now_ns: int) -> DecisionState:
    kept = tuple(at for at in state.cancels_ns if now_ns - at < CANCEL_WINDOW_NS)
    return replace(state, cancels_ns=(*kept, now_ns))


def _may_cancel(orders: Sequence[OwnOrder], now_ns: int, params: QuoteParams, state: DecisionState) -> bool:
    """Whether the budget and the age of every one of ``orders`` allow cancels that are not for risk."""
    return _has_cancel_budget(state, now_ns, params) and all(_has_dwelt(order, now_ns, params) for order in orders)


def _has_dwelt(order: OwnOrder, now_ns: int, params: QuoteParams) -> bool:
    return (now_ns - order.placed_ns) / 1e6 >= params.min_dwell_ms


def _size_that_fits(
    side: Side, wanted: Quote, position: Decimal, account: AccountView, view: MarketView, params: QuoteParams
) -> Decimal:
    """Largest size up to the wanted one that keeps the worst case under the cap; reduce-only: within the position."""
    if wanted.is_reduce_only:
        resting = sum((order.size for order in account.orders if order.side is side), Decimal(0))
        limit = max(Decimal(0), abs(position) - resting)
    else:
        limit = room(side, account.worst_position(side), account.orders, params.worst_case_cap_base)
    return round_size_down(min(wanted.size, limit), view.rules.step)


def _is_short_of_margin(side: Side, size: Decimal, price: Decimal, position: Decimal, account: AccountView) -> bool:
    """Whether the part of the order that opens exposure needs more margin than is free; unknown margin is short."""
    needed = _margin_quote(side, size, price, position, account.leverage)
    return needed > 0 and (account.available_quote is None or needed > account.available_quote)


def _margin_quote(side: Side, size: Decimal, price: Decimal, position: Decimal, leverage: int) -> Decimal:
    opening = size if is_adding(side, position) else max(Decimal(0), size - abs(position))
    return opening * price / leverage * MARGIN_SPARE_FRAC


def after_placing(account: AccountView, actions: Sequence[Action]) -> AccountView:
    """``account`` with the margin taken that the placements among ``actions`` will need, for who decides after them."""
    if account.available_quote is None:
        return account
    position = account.position if account.position is not None else Decimal(0)
    taken = sum(
        (
            _margin_quote(action.quote.side, action.quote.size, action.quote.price, position, account.leverage)
            for action in actions
            if isinstance(action, Place) and not action.quote.is_reduce_only
        ),
        Decimal(0),
    )
    return replace(account, available_quote=account.available_quote - taken)
