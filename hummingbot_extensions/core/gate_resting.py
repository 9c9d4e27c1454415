"""Orders that rest although a limit does not allow them any more: lowered by a reload, or shrunk near liquidation."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from hummingbot_extensions.core import gate_limits as limits
from hummingbot_extensions.core.gate_arithmetic import ZERO, apart, is_amount
from hummingbot_extensions.core.gate_exposure import Exposure, position_ahead
from hummingbot_extensions.core.gate_params import GateParams
from hummingbot_extensions.core.gate_sanity import far_off, price_bounds, readable_mark
from hummingbot_extensions.core.gate_state import (
    AccountTotals,
    Breach,
    GateReason,
    GateState,
    MarginView,
    Refusal,
)
from hummingbot_extensions.core.types import Side
from hummingbot_extensions.core.view import AccountView, MarketView, OrderState, OwnOrder


def problems_now(
    view: MarketView,
    account: AccountView,
    params: GateParams,
    state: GateState,
    wall_day: int,
    others: AccountTotals | None = None,
    margin: MarginView | None = None,
    exposure: Exposure | None = None,
) -> tuple[Breach, ...]:
    """Resting orders that break a limit, to be cancelled at once; of several that could go those farthest from mark.

    What is being cancelled already counts and is not named. Reduce-only orders stay, and the free margin is not asked:
    orders that rest hold theirs. Input that is missing breaks no limit here: nothing is added on it, and pulling what
    rests is the decision's part. Limits that cannot be read hold nothing, so everything goes that is not reduce-only.
    """
    try:
        resting = _Resting(
            readable_mark(view), account, params, state.on(wall_day),
            others if others is not None and others.is_readable else None, margin)
        return () if resting.is_within(exposure or Exposure.of(account)) else resting.breaches()
    except (ArithmeticError, TypeError) as error:
        refusal = (GateReason.NOT_A_NUMBER, f"limits cannot be compared: {type(error).__name__}")
        return tuple(_breach(order, refusal) for order in account.orders if _may_go(order))


def _may_go(order: OwnOrder) -> bool:
    """Whether a plain order has no cancel under way; one of unknown outcome may have been sent one."""
    is_going = order.state is OrderState.CANCELLING or (
        order.state is OrderState.UNKNOWN and order.cancel_sent_ns is not None
    )
    return not (order.is_reduce_only or is_going)


def _breach(order: OwnOrder, refusal: Refusal) -> Breach:
    return Breach(order.client_order_id, order.side, *refusal)


@dataclass(frozen=True, slots=True)
class _Resting:
    """The orders of an account against its limits."""

    mark: Decimal | None
    account: AccountView
    params: GateParams
    today: GateState
    others: AccountTotals | None
    margin: MarginView | None

    def is_within(self, exposure: Exposure) -> bool:
        """Whether surely nothing has to go: every order fits, and all together, and so then does any part of them."""
        if not exposure.is_readable or any(self._together(exposure, side) is not None for side in Side):
            return False
        low, high = price_bounds(self.mark, self.params) if self.mark is not None else (None, None)
        largest = self.params.max_order_size_base
        for order in self.account.orders:
            if low is not None and high is not None and not low <= order.price <= high:
                return False
            if largest is not None and not order.size <= largest:
                return False
        return True

    def breaches(self) -> tuple[Breach, ...]:
        """Orders to cancel. Those that stay anyway count first, then the nearest to the mark, while they fit."""
        kept, found = Exposure(), []
        for order in self.account.orders:
            if not _may_go(order) and is_amount(order.price) and is_amount(order.size):
                kept = kept.plus(order.side, order.price, order.size, order.is_reduce_only)
        for order in sorted((order for order in self.account.orders if _may_go(order)), key=self._farness):
            refusal = self._alone(order)
            if refusal is None:
                after = kept.plus(order.side, order.price, order.size, False)
                refusal = self._together(after, order.side)
                kept = after if refusal is None else kept
            if refusal is not None:
                found.append(_breach(order, refusal))
        return tuple(found)

    def _farness(self, order: OwnOrder) -> Decimal:
        return ZERO if self.mark is None or not is_amount(order.price) else apart(order.price, self.mark)

    def _alone(self, order: OwnOrder) -> Refusal | None:
        """What an order breaks by itself. One that is within the position may be of any size."""
        if not (is_amount(order.price) and is_amount(order.size)):
            return GateReason.ORDERS_UNREADABLE, f"price {order.price}, size {order.size}"
        deviation = None if self.mark is None else far_off(order.price, self.mark, self.params)
        large = limits.too_large(order.size, self.params)
        ahead = position_ahead(order.side, self.account)
        return deviation or (None if ahead is not None and order.size <= ahead[1] else large)

    def _together(self, after: Exposure, side: Side) -> Refusal | None:
        """The limit that the orders of ``after`` break on ``side``."""
        ahead = position_ahead(side, self.account)
        if ahead is None:
            return None
        forward, closable = ahead
        worst = after.on(side).worst_base(forward)
        over = limits.over_cap(side, worst, self.params)
        if over is not None:
            return over
        if after.on(side).total_base <= closable:
            return limits.too_many(after, self.params, self.others)
        over = limits.over_shrunk_cap(side, worst, self.mark, self.account, self.params, self.margin)
        if over is not None and over[0] is not GateReason.MARGIN_UNKNOWN:
            return over
        return limits.over_limits(after, side, worst, self.mark, self.params, self.today, self.others)
