"""What a decision knows beyond the view: volatility, drift and mode, and from them what quotes depend on."""

from __future__ import annotations

from decimal import Decimal

from hummingbot_extensions.core import drift, leader, mode_switch, skew, volatility
from hummingbot_extensions.core.decision import Signals
from hummingbot_extensions.core.layers import SizeBy
from hummingbot_extensions.core.market_guard import GuardState
from hummingbot_extensions.core.params import QuoteParams
from hummingbot_extensions.core.pricing import PriceInputs
from hummingbot_extensions.core.quoting import Outlook
from hummingbot_extensions.core.silence import Silence
from hummingbot_extensions.core.skew import SkewInputs
from hummingbot_extensions.core.view import AccountView, MarketView

ZERO = Decimal(0)


def after_frame(signals: Signals, view: MarketView, position: Decimal, params: QuoteParams) -> Signals:
    """Signals with the mid of a fresh book taken in; a book that was away for too long starts the windows anew."""
    mid = view.mid
    if mid is None:
        return signals
    now_ns, gap_ns = view.now_ns, params.stale_book_ms * 1e6
    moved, momentum, mode = signals.volatility, signals.momentum, signals.mode
    if params.volatility.volatility_on or params.volatility.sigma_on:
        last_ns = moved.high_ns[-1] if moved.high_ns else moved.sample_ns[-1] if moved.sample_ns else now_ns
        moved = volatility.after_mid(moved, now_ns, mid, now_ns - last_ns > gap_ns, params.volatility)
    if params.skew.skew_momentum_on:
        last_ns = momentum.mid_ns if momentum.mid_ns is not None else now_ns
        momentum = drift.after_mid(momentum, now_ns, mid, now_ns - last_ns > gap_ns, params.drift)
    if params.pricing.pinning_enter_frac is not None or params.pricing.volatile_mode is not None:
        inventory = inventory_frac(position, params)
        mode = mode_switch.after(mode, now_ns, inventory, volatility.range_bps(moved), params.pricing)
    led = signals.leader
    if params.needs_leader:
        led = leader.after_sample(led, now_ns, mid, view.leader, view.leader_age_ms, params.leader)
    return Signals(moved, momentum, mode, led, signals.money)


def inventory_frac(position: Decimal, params: QuoteParams) -> float:
    """Position over the soft limit, long positive, within [-1, 1]."""
    return min(1.0, max(-1.0, float(position) / float(params.soft_limit_base)))


def outlook(
    mark: float, position: Decimal, is_hard_stopped: bool, view: MarketView, account: AccountView, signals: Signals,
    guard: GuardState, params: QuoteParams,
) -> Outlook:  # fmt: skip
    """What quotes depend on now. Signals whose terms are off are not worked out."""
    moved = signals.volatility
    inventory = inventory_frac(position, params)
    sigma = volatility.sigma_bps(moved) if params.volatility.sigma_on else None
    range_bps = volatility.range_bps(moved)
    touch_bid, touch_ask = _number(view.touch_bid or view.bid), _number(view.touch_ask or view.ask)
    bid_size, ask_size = _number(view.bid_size), _number(view.ask_size)
    micro = imbalance = None
    if params.pricing.needs_micro and touch_bid is not None and touch_ask is not None:
        micro = drift.microprice(touch_bid, touch_ask, bid_size, ask_size)
    if params.skew.skew_imbalance_on:
        imbalance = drift.imbalance_frac(bid_size, ask_size)
    drifted = signals.momentum.drift_frac
    external = ahead = None
    if params.needs_leader:
        external = leader.external_price(signals.leader, view.leader, view.leader_age_ms, params.leader)
        if external is not None and view.mid:
            ahead = external / view.mid - 1.0
    prices = PriceInputs(
        mark=mark, mid=view.mid, touch_bid=touch_bid, touch_ask=touch_ask, micro=micro, external=external,
        inventory_frac=inventory, inventory_base=float(position), entry_price=_number(account.entry_price),
        sigma_bps=sigma, range_bps=range_bps, funding_rate_frac=view.funding_rate_frac,
        maker_fee_frac=account.maker_fee_frac, tick=float(view.rules.tick), last_fill_side=account.last_fill_side,
        others_bid=_number(view.others_bid), others_ask=_number(view.others_ask),
    )  # fmt: skip
    is_unsized = params.layers.size_by is SizeBy.EQUITY and account.equity_quote is None and account.adding_frac > 0
    skews = SkewInputs(inventory, view.funding_rate_frac, drifted, imbalance, view.flow_frac, sigma, ahead)
    return Outlook(
        mark=mark,
        position=position,
        is_hard_stopped=is_hard_stopped,
        mode=signals.mode.mode(params.pricing),
        prices=prices,
        skew=skews,
        widening_bps=volatility.widening_bps(moved, params.volatility),
        tolerance_scale=volatility.tolerance_scale(sigma, params.volatility),
        spacing_scale=skew.spacing_scale(drifted, params.skew),
        guard_bps=guard.widening_bps(params.market_guard),
        equity_quote=signals.money.equity_quote,
        is_balance_low=signals.money.is_low and params.layers.low_balance_quote is not None,
        adding_frac=ZERO if is_unsized else account.adding_frac,
        adding_reason=Silence.EQUITY_UNKNOWN if is_unsized else account.adding_reason,
    )


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)
