"""From the quotes a side wants and the orders it has to the fewest actions that make them agree."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from operator import attrgetter

from hummingbot_extensions.core.assignment import Ranked, assigned, ranked
from hummingbot_extensions.core.decision import Action, Cancel, CancelReason, DecisionState, Place
from hummingbot_extensions.core.ladder import Ladder
from hummingbot_extensions.core.params import QuoteParams
from hummingbot_extensions.core.quote import POINTS_LAYER, Quote
from hummingbot_extensions.core.quoting import behind_queue
from hummingbot_extensions.core.risk import NOTHING, is_adding, room
from hummingbot_extensions.core.rounding import round_size_down
from hummingbot_extensions.core.silence import Silence
from hummingbot_extensions.core.types import Side
from hummingbot_extensions.core.view import AccountView, MarketView, OrderState, OwnOrder

ORDERS_A_LAYER = 2
"""The order that rests and its replacement; orders being cancelled are not counted."""
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


@dataclass(frozen=True, slots=True)
class _Standing:
    """How the orders of a side stand to what it wants."""

    kept: dict[str, int]
    """Position in the wanted quotes of every order that serves one."""
    risks: dict[str, CancelReason]
    outdated: list[OwnOrder]
    """Orders that serve no quote and are no danger, the one farthest from any quote first."""


def reconcile_side(
    side: Side,
    wanted: Ladder | Silence,
    view: MarketView,
    account: AccountView,
    params: QuoteParams,
    state: DecisionState,
) -> SidePlan:
    """Actions that bring the orders of ``side`` to what is ``wanted``, nearest layer first.

    An order stays while it serves a quote of its own: one order, one quote. Nearer than the quotes allow is a risk:
    cancelled at once. Farther is not: its replacement is placed first and it is cancelled when that one is live, so
    that no layer is ever empty, unless both would not fit under the worst case. Unknown orders are never assumed gone;
    each holds a layer until the venue has answered.
    """
    orders = [order for order in account.orders if order.side is side]
    if isinstance(wanted, Silence):
        return _silenced(orders, wanted, view.now_ns, params, state)
    free = room(side, account.worst_position(side), (), params.worst_case_cap_base)
    ladder = wanted.within(free, view.rules)
    if not ladder:
        # What rests has to shrink to nothing; a reducing side is never cut to this.
        return _silenced(orders, Silence.WORST_CASE, view.now_ns, params, state)
    standing = _standing(orders, ladder, free, view, account, params, state)

    if len(standing.kept) == len(orders) == len(ladder):
        return SidePlan((), None, _coalesced(side, False, view.now_ns, params, state)[0])

    now_ns = view.now_ns
    actions: list[Action] = []
    gone: set[str] = set()
    served = set(standing.kept.values())
    holes = [index for index in range(len(ladder)) if index not in served]
    is_outdated = any(order.state is OrderState.LIVE for order in standing.outdated)
    state, is_waiting = _coalesced(side, is_outdated, view.now_ns, params, state)
    spare = _spare(ladder, holes, orders, standing) if is_outdated and not is_waiting else []
    for order in orders:
        risk = standing.risks.get(order.client_order_id)
        if risk is not None or _is_cancel_under_way(order):
            is_risk = order.is_risk_cancel if _is_cancel_under_way(order) else True
            cancel = _cancel(order, risk or CancelReason.REPLACED, is_risk, now_ns, params)
            if cancel is not None:
                actions.append(cancel)
                gone.add(order.client_order_id)
    for order in spare:
        if _may_cancel(order, now_ns, params, state):
            actions.append(_outdated_cancel(order, ladder))
            gone.add(order.client_order_id)
            state = _with_cancel(state, now_ns)
    if not holes:
        return SidePlan(tuple(actions), None, state)
    covers = [order for order in standing.outdated if order.client_order_id not in gone]
    if is_waiting:
        # What is covered waits for the others; layers without an order do not.
        for cover in covers:
            covered = next((index for index in holes if _is_for(cover, ladder, index)), None)
            if covered is not None:
                holes.remove(covered)
        covers = []
    plan = _fill_holes(ladder, holes, orders, gone, covers, standing, view, account, params, state)
    rests = any(order.state in (OrderState.LIVE, OrderState.PLACING) for order in orders)
    silence = None if rests or any(isinstance(action, Place) for action in plan.actions) else plan.silence
    return SidePlan((*actions, *plan.actions), silence, plan.state)


def _spare(
    ladder: Ladder, holes: Sequence[int], orders: Sequence[OwnOrder], standing: _Standing
) -> list[OwnOrder]:
    """Outdated orders that rest and cover nothing any more: all but one for each layer that no order rests for."""
    found: list[OwnOrder] = []
    for is_points in (False, True):
        resting = [
            order for order in standing.outdated if order.state is OrderState.LIVE and order.is_points is is_points
        ]
        unready = sum(1 for index in holes if (ladder.layers[index] == POINTS_LAYER) is is_points) + sum(
            1 for order in orders
            if order.client_order_id in standing.kept and order.state is not OrderState.LIVE
            and order.is_points is is_points
        )  # fmt: skip
        found += resting[: max(0, len(resting) - unready)]
    return found


def _is_for(order: OwnOrder, ladder: Ladder, index: int) -> bool:
    """Whether an order is of the kind that may serve a layer: for points, or the mode's own."""
    return order.is_points is (ladder.layers[index] == POINTS_LAYER)


def _coalesced(
    side: Side, is_outdated: bool, now_ns: int, params: QuoteParams, state: DecisionState
) -> tuple[DecisionState, bool]:
    """State that knows since when orders of the side are outdated, and whether they are left alone for now."""
    since_ns = state.outdated_ns(side)
    if not params.coalesce_ms or not is_outdated:
        return (state if since_ns is None else state.with_outdated(side, None)), False
    if since_ns is None:
        return state.with_outdated(side, now_ns), True
    return state, (now_ns - since_ns) / 1e6 < params.coalesce_ms


def _silenced(
    orders: Sequence[OwnOrder], reason: Silence, now_ns: int, params: QuoteParams, state: DecisionState
) -> SidePlan:
    """Plan of a side that may show nothing."""
    cancels = [_cancel(order, reason, True, now_ns, params) for order in orders]
    return SidePlan(tuple(cancel for cancel in cancels if cancel is not None), reason, state)


def _standing(
    orders: Sequence[OwnOrder], ladder: Ladder, free: Decimal, view: MarketView, account: AccountView,
    params: QuoteParams, state: DecisionState,
) -> _Standing:  # fmt: skip
    """``free`` is what may rest on the side in all before the cap. Orders from before a change of profile are aged.

    From the soft limit on a plain order within the position may stay: a fill only reduces. Through a hard stop none
    may: with slices and somebody's own closing orders beside it a fill could pass the position through zero.
    """
    found = ranked(orders, ladder)
    sign, risk_tick, now_ns = ladder.side.sign, ladder.risk_tick, view.now_ns
    is_hard_stopped, profile_ns = state.hard_stop_since_ns is not None, state.signals.money.switched_ns
    behind = behind_queue(ladder.side, ladder.stand, view)
    queue_tick = None if behind is None else math.ceil(behind / ladder.tick)
    left_over = free - sum([order.size for order in orders])
    risks: dict[str, CancelReason] = {}
    sure: Sequence[int] = range(len(orders))
    aged: list[int] = []
    if left_over < 0 or not _is_calm(found, ladder, queue_tick, now_ns, params, profile_ns):
        sure = []
        position = account.position if account.position is not None else NOTHING
        adds, reducible = is_adding(ladder.side, position), abs(position)
        for order in orders:
            if order.state in NOT_SURE:
                free -= order.size
        # Nearest to the market first: where not all fit under the cap, the deepest go.
        for place, (order, ticks) in enumerate(zip(found.orders, found.ticks, strict=True)):
            if _is_cancel_under_way(order):
                continue
            if (
                adds if order.is_reduce_only
                else ladder.is_reduce_only and (is_hard_stopped or order.size > reducible)
            ):  # fmt: skip
                risks[order.client_order_id] = CancelReason.NOT_REDUCING
            elif left_over < 0 and not order.is_reduce_only and order.size > free:
                risks[order.client_order_id] = CancelReason.OVER_CAP
            elif (ticks - risk_tick) * sign > 0:
                risks[order.client_order_id] = CancelReason.TOO_NEAR
            elif queue_tick is not None and (ticks - queue_tick) * sign > 0:
                risks[order.client_order_id] = CancelReason.QUEUE_POSITION
            elif order.is_points and not ladder.has_points:
                risks[order.client_order_id] = CancelReason.POINTS_GIVE_WAY
            elif order.state is not OrderState.UNKNOWN:
                (aged if _is_aged(order, now_ns, params, profile_ns) else sure).append(place)
            if left_over < 0 and order.state not in NOT_SURE:
                free -= order.size
    kept = assigned(found if len(sure) == len(orders) else found.only(sure), ladder)
    left = aged
    if len(kept) < len(sure):
        left = [*aged, *(place for place in sure if found.orders[place].client_order_id not in kept)]
    if len(left) > 1:
        left.sort(key=lambda place: _gap_ticks(found.ticks[place], ladder), reverse=True)
    return _Standing(kept, risks, [found.orders[place] for place in left])


def _is_calm(
    found: Ranked, ladder: Ladder, queue_tick: int | None, now_ns: int, params: QuoteParams, profile_ns: int | None
) -> bool:
    """Whether the layers alone decide what becomes of each order: none is a danger, old, going, reduce-only or for
    points that nobody wants.
    """
    if not found.orders:
        return True
    nearest, sign = found.ticks[0], ladder.side.sign
    return (
        not ladder.is_reduce_only
        and (
            params.max_live_age_s is None and profile_ns is None
            or not _is_aged(min(found.orders, key=_PLACED_NS), now_ns, params, profile_ns)
        )
        and (nearest - ladder.risk_tick) * sign <= 0
        and (queue_tick is None or (nearest - queue_tick) * sign <= 0)
        and not any(map(_IS_REDUCE_ONLY, found.orders))
        and (ladder.has_points or not any(map(_IS_POINTS, found.orders)))
        and _SURE.issuperset(map(_STATE, found.orders))
    )


_SURE = frozenset({OrderState.LIVE, OrderState.PLACING})
_STATE, _IS_REDUCE_ONLY, _IS_POINTS = attrgetter("state"), attrgetter("is_reduce_only"), attrgetter("is_points")
_PLACED_NS = attrgetter("placed_ns")
NOT_SURE = (OrderState.CANCELLING, OrderState.UNKNOWN)
"""Orders that are going, or may be there: they count against the cap before those that are sure to rest."""


def _is_aged(order: OwnOrder, now_ns: int, params: QuoteParams, profile_ns: int | None) -> bool:
    if profile_ns is not None and order.placed_ns < profile_ns:
        return True
    return params.max_live_age_s is not None and (now_ns - order.placed_ns) / 1e9 >= params.max_live_age_s


def _gap_ticks(ticks: int, ladder: Ladder) -> int:
    """Distance of a price from the nearest layer."""
    return min([abs(ticks - each) for each in ladder.ticks])


def _outdated_cancel(order: OwnOrder, ladder: Ladder) -> Cancel:
    """Cancel of an order that serves no layer, under the reason why the nearest one does not want it."""
    found = ranked((order,), ladder)
    (ticks,), (lots,), sign = found.ticks, found.lots, ladder.side.sign
    nearest = min(range(len(ladder)), key=lambda index: abs(ladder.ticks[index] - ticks))
    reason = CancelReason.REPLACED
    last = len(ladder) - (2 if ladder.has_points and not order.is_points else 1)
    if (ladder.far_ticks[last] - ticks) * sign > 0:
        reason = CancelReason.TOO_FAR
    elif order.price == ladder.price(nearest) and lots == ladder.lots[nearest]:
        reason = CancelReason.AGED
    elif not ladder.min_lots[nearest] <= lots <= ladder.lots[nearest]:
        reason = CancelReason.SIZE_CHANGED
    return Cancel(order.client_order_id, order.side, reason, False)


def _fill_holes(
    ladder: Ladder,
    holes: Sequence[int],
    orders: Sequence[OwnOrder],
    gone: set[str],
    covers: list[OwnOrder],
    standing: _Standing,
    view: MarketView,
    account: AccountView,
    params: QuoteParams,
    state: DecisionState,
) -> SidePlan:
    """Place the layers that no order serves, nearest first, as far as they may be placed now; the first reason why not.

    ``covers`` are the outdated orders that rest in the meantime; where both do not fit, the cover goes first and its
    room comes back when the venue confirms the cancel.
    """
    side, now_ns = ladder.side, view.now_ns
    if not account.can_place(side):
        return SidePlan((), Silence.NO_EXECUTOR, state)
    history = account.history(side)
    if history.rejects_in_row and (now_ns - history.last_reject_ns) / 1e6 < reject_backoff_ms(history.rejects_in_row):
        return SidePlan((), Silence.REJECT_BACKOFF, state)
    position = account.position if account.position is not None else NOTHING
    actions: list[Action] = []
    reasons: list[Silence] = []
    placed: list[OwnOrder] = []
    open_count = sum(
        1 for order in orders if order.state is not OrderState.CANCELLING and order.client_order_id not in gone
    )
    most = ORDERS_A_LAYER * (len(standing.kept) + len(holes))
    unknown = [order for order in orders if order.state is OrderState.UNKNOWN]
    margin = account
    is_alone = all(order.side is side for order in account.orders)
    for index in holes:
        held = next((order for order in unknown if _is_for(order, ladder, index)), None)
        if held is not None:
            unknown.remove(held)
            reasons.append(Silence.UNKNOWN_ORDER)
            continue
        layer = ladder.layers[index]
        last_ns = state.placed_ns(side, layer)
        is_refunded = last_ns is not None and history.rejects_in_row > 0 and history.last_reject_ns >= last_ns
        if last_ns is not None and not is_refunded and (now_ns - last_ns) / 1e6 < params.side_throttle_ms:
            reasons.append(Silence.THROTTLED)
            continue
        price = ladder.price(index)
        same = [order for order in covers if _is_for(order, ladder, index)]
        cover = min(same, key=lambda order: abs(order.price - price), default=None) if same else None
        if cover is not None:
            covers.remove(cover)
        if open_count >= most or cover is not None and not _has_dwelt(cover, now_ns, params):
            reasons.append(Silence.THROTTLED)
            continue
        quote = ladder.quote(index)
        spare = ladder.largest_size * (2 if is_alone else 1) if quote.layer == POINTS_LAYER else Decimal(0)
        lack = _lack(side, quote, position, [*orders, *placed], margin, view, params, spare)
        if isinstance(lack, Silence):
            reasons.append(lack)
            if cover is None:
                if lack is Silence.CANCEL_FIRST:
                    continue
                break  # the deepest layers go without
            if not _may_cancel(cover, now_ns, params, state):
                reasons[-1] = Silence.THROTTLED
                continue
            actions.append(_outdated_cancel(cover, ladder))
            state = _with_cancel(state, now_ns)
            continue
        placing = Place(replace(quote, size=lack))
        margin = _with_margin_taken(margin, (placing,), [*orders, *placed])
        placed.append(OwnOrder("", side, quote.price, lack, OrderState.PLACING, quote.is_reduce_only, now_ns))
        state = state.with_placed(side, layer, now_ns)
        open_count += 1
        actions.append(placing)
    return SidePlan(tuple(actions), reasons[0] if reasons else None, state)


def _lack(
    side: Side, quote: Quote, position: Decimal, orders: Sequence[OwnOrder], account: AccountView, view: MarketView,
    params: QuoteParams, spare_base: Decimal = Decimal(0),
) -> Decimal | Silence:
    """Size in which ``quote`` may be placed beside ``orders``, or what keeps it from being placed at all.

    ``spare_base`` more has to find its margin afterwards.
    """
    size = _size_that_fits(side, quote, position, orders, account, view, params)
    if size < quote.size and orders:
        return Silence.CANCEL_FIRST
    if size < view.rules.min_size or size * quote.price < view.rules.min_notional or size <= 0:
        return Silence.WORST_CASE
    if not quote.is_reduce_only:
        needed = _margin_quote(size + spare_base, quote.price, _closable(side, position, orders), account.leverage)
        # Margin that is not known is short.
        if needed > 0 and (account.available_quote is None or needed > account.available_quote):
            return Silence.MARGIN
    return size


def reject_backoff_ms(rejects_in_row: int) -> float:
    """Wait after the n-th definite rejection in a row, doubling up to half a minute.

    >>> [reject_backoff_ms(n) for n in (1, 2, 3, 10)]
    [500.0, 1000.0, 2000.0, 30000.0]
    """
    doublings = min(rejects_in_row - 1, MAX_REJECT_DOUBLINGS)
    return float(min(FIRST_REJECT_BACKOFF_MS * 2.0**doublings, MAX_REJECT_BACKOFF_MS))


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


def _has_cancel_budget(order: OwnOrder, state: DecisionState, now_ns: int, params: QuoteParams) -> bool:
    """Whether the minute leaves a cancel for ``order``; orders for points may spend half of it and leave the rest."""
    # Oldest first: what is out of the window stands before the rest.
    recent = len(state.cancels_ns) - bisect_right(state.cancels_ns, now_ns - CANCEL_WINDOW_NS)
    return recent < (params.cancel_budget_per_min // 2 if order.is_points else params.cancel_budget_per_min)


def _with_cancel(state: DecisionState, now_ns: int) -> DecisionState:
    kept = state.cancels_ns[bisect_right(state.cancels_ns, now_ns - CANCEL_WINDOW_NS):]
    return replace(state, cancels_ns=(*kept, now_ns))


def _may_cancel(order: OwnOrder, now_ns: int, params: QuoteParams, state: DecisionState) -> bool:
    """Whether the budget and the order's age allow a cancel that is not for risk."""
    return _has_cancel_budget(order, state, now_ns, params) and _has_dwelt(order, now_ns, params)


def _has_dwelt(order: OwnOrder, now_ns: int, params: QuoteParams) -> bool:
    dwell_ms = params.min_dwell_ms
    if order.is_points:
        dwell_ms = max(dwell_ms, params.pricing.points_dwell_ms)
    return (now_ns - order.placed_ns) / 1e6 >= dwell_ms


def _size_that_fits(
    side: Side, wanted: Quote, position: Decimal, orders: Sequence[OwnOrder], account: AccountView, view: MarketView,
    params: QuoteParams,
) -> Decimal:
    """Largest size up to the wanted one that keeps the worst case under the cap, and what the side's orders are worth
    under theirs; reduce-only: within the position.
    """
    if wanted.is_reduce_only:
        resting = sum((order.size for order in orders), NOTHING)
        limit = max(NOTHING, abs(position) - resting)
    else:
        limit = room(side, account.worst_position(side), orders, params.worst_case_cap_base)
        cap_quote = params.layers.side_notional_cap_quote
        if cap_quote is not None:
            worth = sum((order.size * order.price for order in orders), NOTHING)
            limit = min(limit, max(NOTHING, cap_quote - worth) / wanted.price)
    return round_size_down(min(wanted.size, limit), view.rules.step)


def _closable(side: Side, position: Decimal, orders: Iterable[OwnOrder]) -> Decimal:
    """What of the position one more order of ``side`` could close beside ``orders`` of that side, unsigned."""
    if is_adding(side, position):
        return NOTHING
    return max(NOTHING, abs(position) - sum((order.size for order in orders), NOTHING))


def _margin_quote(size: Decimal, price: Decimal, closable: Decimal, leverage: int) -> Decimal:
    """Margin for the part of an order that opens exposure."""
    return max(NOTHING, size - closable) * price / leverage * MARGIN_SPARE_FRAC


def after_placing(account: AccountView, actions: Sequence[Action]) -> AccountView:
    """``account`` with the margin taken that the placements among ``actions``, all of one side, will need, for who
    decides after them.
    """
    places = [action for action in actions if isinstance(action, Place)]
    return _with_margin_taken(account, places, account.orders)


def _with_margin_taken(account: AccountView, places: Sequence[Place], orders: Iterable[OwnOrder]) -> AccountView:
    if account.available_quote is None or not places:
        return account
    side = places[0].quote.side
    position, available = account.position if account.position is not None else NOTHING, account.available_quote
    closable = _closable(side, position, (order for order in orders if order.side is side))
    for place in places:
        quote = place.quote
        if not quote.is_reduce_only:
            available -= _margin_quote(quote.size, quote.price, closable, account.leverage)
        closable = max(NOTHING, closable - quote.size)
    return replace(account, available_quote=available)
