"""The second gate, right before an order is sent. It shares no code with what priced the order.

Whatever pricing, skewing and sizing made of their input, no order passes here that is illegal at the venue, could take
another's, lies far from the mark or could take the account past a limit. Cancels do not come here: they always pass.

Every order has to be sane: positive, on tick and step, no smaller than the venue takes, near the mark, not crossing.
An order that only reduces has to be no more than that. It is reduce-only and, with the other reduce-only orders of its
side, within the position; or all orders of its side together are. Every other order adds, must fit all limits that are
on, and is refused when anything that a limit has to know is missing or cannot be true.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from hummingbot_extensions.core import gate_limits as limits
from hummingbot_extensions.core.gate_arithmetic import UP
from hummingbot_extensions.core.gate_exposure import Exposure, position_ahead
from hummingbot_extensions.core.gate_params import GateParams
from hummingbot_extensions.core.gate_sanity import unsound
from hummingbot_extensions.core.gate_state import (
    AccountTotals,
    GateReason,
    GateState,
    MarginView,
    Refusal,
    Verdict,
    after_placed,
)
from hummingbot_extensions.core.quote import Quote
from hummingbot_extensions.core.view import AccountView, MarketView

PASSED = Verdict(True)


def check(
    quote: Quote,
    view: MarketView,
    account: AccountView,
    params: GateParams,
    state: GateState,
    wall_day: int,
    others: AccountTotals | None = None,
    margin: MarginView | None = None,
    exposure: Exposure | None = None,
) -> Verdict:
    """Whether ``quote`` may be sent now. Never raises on account of a value: what cannot be compared is refused.

    ``others`` are the totals of the account's other markets, this one left out. ``exposure`` saves counting
    ``account.orders`` again; of several orders in one turn each must be judged with those before it, see ``check_all``.
    """
    try:
        refusal = unsound(quote, view, params) or _beyond(
            quote, view, account, params, state.on(wall_day), others, margin, exposure or Exposure.of(account))
    except (ArithmeticError, TypeError) as error:
        refusal = (GateReason.NOT_A_NUMBER, f"cannot be compared with its limits: {type(error).__name__}")
    return PASSED if refusal is None else Verdict(False, *refusal)


def check_all(
    quotes: Iterable[Quote],
    view: MarketView,
    account: AccountView,
    params: GateParams,
    state: GateState,
    wall_day: int,
    others: AccountTotals | None = None,
    margin: MarginView | None = None,
) -> tuple[Verdict, ...]:
    """Verdicts on the orders of one turn, in the order they are sent: each knows those before it that passed."""
    exposure, verdicts = Exposure.of(account), []
    for quote in quotes:
        verdict = check(quote, view, account, params, state, wall_day, others, margin, exposure)
        verdicts.append(verdict)
        if verdict.allowed:
            exposure, state = exposure.after(quote, account), after_placed(state, wall_day)
    return tuple(verdicts)


def _beyond(
    quote: Quote,
    view: MarketView,
    account: AccountView,
    params: GateParams,
    today: GateState,
    others: AccountTotals | None,
    margin: MarginView | None,
    exposure: Exposure,
) -> Refusal | None:
    """Why a sane order may not be sent: the position, the limits, or what is not known of them."""
    side, size = quote.side, quote.size
    ahead = position_ahead(side, account)
    if ahead is None:
        by_fills = account.position_by_fills
        return GateReason.POSITION_UNKNOWN, f"position {account.position}, by our fills {by_fills}"
    forward, closable = ahead
    if quote.is_reduce_only:
        return _no_reduction(quote, closable, exposure, params)
    after = exposure.plus(side, quote.price, size, False)
    load = after.on(side)
    worst = load.worst_base(forward)
    if exposure.is_readable and load.total_base <= closable:
        return limits.over_cap(side, worst, params) or limits.too_many(after, params, others)
    return (
        limits.not_ready(view, account, exposure)
        or limits.unknown(params, today, others)
        or limits.too_large(size, params)
        or limits.over_cap(side, worst, params)
        or limits.over_shrunk_cap(side, worst, view.mark, account, params, margin)
        or limits.over_limits(after, side, worst, view.mark, params, today, others)
        or limits.short_of_margin(quote, closable, exposure, account, params)
        or limits.day_is_full(today, params)
    )


def _no_reduction(quote: Quote, closable: Decimal, exposure: Exposure, params: GateParams) -> Refusal | None:
    """Why a reduce-only order does not just reduce. Their number is bounded too, whatever else rests."""
    if not closable > 0:
        return GateReason.NOT_REDUCING, f"a reduce-only {quote.side} would not reduce the position"
    total = UP.add(exposure.on(quote.side).reduce_only_base, quote.size)
    if not total <= closable:
        return GateReason.REDUCES_TOO_MUCH, f"reduce-only orders of {total} for a position of {closable}"
    most = [limit for limit in (params.max_open_orders, params.max_open_orders_account) if limit is not None]
    if most and not exposure.reduce_only_count < min(most):
        return GateReason.MAX_OPEN_ORDERS, f"{exposure.reduce_only_count} reduce-only orders rest already"
    return None
