"""What a person and a dashboard are told: quotes, inventory, time in band, and why a side is silent."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from hummingbot_extensions.core import activity
from hummingbot_extensions.core.attribution import PnlSplit
from hummingbot_extensions.core.breaker_state import Level
from hummingbot_extensions.core.decision import Decision
from hummingbot_extensions.core.leader import LeaderState
from hummingbot_extensions.core.margin_guard import GuardState
from hummingbot_extensions.core.markout import MeanMarkout
from hummingbot_extensions.core.types import Side
from hummingbot_extensions.core.view import OwnOrder
from hummingbot_extensions.execution.health import LOW_BALANCE, NORMAL
from hummingbot_extensions.execution.presence import DECISION_FAILED
from hummingbot_extensions.execution.program_standing import short_info, standing_info, standing_lines
from hummingbot_extensions.execution.quoter import Quoter

SPLIT = ("spread", "inventory", "exit_cost", "fees", "rebates", "funding")
"""Parts of the result that are shown; exit cost and fees are costs, the others gains."""


@dataclass(frozen=True, slots=True)
class SideStatus:
    """One side: the resting order nearest to the mark, or the reason for its silence."""

    price: float | None
    size: float | None
    state: str
    silence: str | None
    detail: str = ""
    """What the pricer said when it had no price."""


@dataclass(frozen=True, slots=True)
class Activity:
    """How the inventory is traded, over the life of the ledger; the fill rate over this run alone."""

    turnover_quote: float
    maker_frac: float | None
    fill_frac: float | None
    """Part of the orders that ended which traded at all."""
    holding_s: float | None
    """Mean time that a unit of inventory was held, what is held now included."""


@dataclass(frozen=True, slots=True)
class LeaderStatus:
    """The other market as last seen. ``basis_bps`` is how far we stand above it on average, ``ahead_bps`` how far it
    has moved beyond that; None is unknown, the last two also while nothing follows it.
    """

    name: str
    mid: float | None
    age_ms: float | None
    basis_bps: float | None
    ahead_bps: float | None


@dataclass(frozen=True, slots=True)
class Status:
    """Snapshot of one quoter. Fractions in [0, 1]; money in quote units; None is unknown, never 0."""

    mode: str
    mark: float | None
    bid: SideStatus
    ask: SideStatus
    inventory_base: float | None
    in_band_frac: float | None
    in_band_strict_frac: float | None
    silent_s: dict[str, dict[str, float]]
    cancels_per_min: float
    risk_cancels: int
    rejects: int
    fills: int
    net_pnl_quote: float | None
    decision_age_ms: float | None
    dropped_events: int
    config_hash: str
    activity: Activity
    split: PnlSplit
    """The net result by its sources, over the life of the ledger."""
    markouts: tuple[MeanMarkout, ...] = ()
    """What the last fills of this run were worth a while later."""
    margin: str = ""
    """What nearness to liquidation takes from the cap; empty while it takes nothing."""
    profile: str = "normal"
    """``low_balance`` while quotes are wider and smaller."""
    breaker: str = "normal"
    """Level and, unless normal, its cause, such as ``pause (rejects)``."""
    guard: str | None = None
    """Why the market guard widens or pulls quotes, such as ``thin_book``."""
    programs: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Each reward program of the venue by name, as ``program_standing.standing_info`` gives it."""
    leader: LeaderStatus | None = None
    """None where no leader is named."""


def status_of(quoter: Quoter, config_hash: str, dropped_events: int) -> Status:
    """Status of a quoter now."""
    now_ns = time.monotonic_ns()
    decision = quoter.decision
    in_band = quoter.presence.total(now_ns)
    position = quoter.position
    minutes = max(in_band.span_ns / 6e10, 1.0)
    mark = decision.mark_estimate if decision is not None else None
    orders = quoter.open_orders()
    return Status(
        mode="quoting" if quoter.settings.sends_orders else "disarmed",
        mark=mark,
        bid=_side(Side.BUY, quoter, orders),
        ask=_side(Side.SELL, quoter, orders),
        inventory_base=float(position) if position is not None else None,
        in_band_frac=in_band.two_sided_frac,
        in_band_strict_frac=in_band.strict_frac,
        silent_s={side.value: {what: round(spent, 1) for what, spent in quoter.presence.spent_s(now_ns, side).items()
                               if spent >= 0.05}
                  for side in Side},
        cancels_per_min=quoter.cancel_count / minutes,
        risk_cancels=quoter.risk_cancel_count,
        rejects=quoter.reject_count,
        fills=quoter.ledger.fills,
        net_pnl_quote=net_pnl_quote(quoter),
        decision_age_ms=(now_ns - quoter.last_turn_ns) / 1e6 if quoter.last_turn_ns is not None else None,
        dropped_events=dropped_events,
        config_hash=config_hash,
        activity=_activity(quoter),
        split=quoter.books.book.split(_valuation_mark(quoter)),
        markouts=quoter.books.mean_markouts(),
        margin=_margin_text(quoter.gate.guard),
        profile=LOW_BALANCE if decision is not None and decision.state.signals.money.is_low else NORMAL,
        breaker=_breaker_text(decision),
        guard=_guard_text(quoter),
        programs={standing.program: standing_info(standing) for standing in quoter.presence.programs(now_ns)},
        leader=_leader(quoter, now_ns),
    )


def _leader(quoter: Quoter, now_ns: int) -> LeaderStatus | None:
    if quoter.leader is None:
        return None
    mid, age_ms = quoter.leader.read(now_ns)
    learnt = quoter.decision.state.signals.leader if quoter.decision is not None else LeaderState()
    own = quoter.mid
    basis = learnt.basis_frac * 1e4 if learnt.sample_ns is not None else None
    ahead = None
    if basis is not None and mid is not None and own is not None:
        ahead = (mid * (1.0 + learnt.basis_frac) / own - 1.0) * 1e4
    return LeaderStatus(quoter.leader.name, mid, age_ms, basis, ahead)


def net_pnl_quote(quoter: Quoter) -> float | None:
    """Result after fees at the newest known mark, None while a fee or every mark is missing."""
    return _money(quoter.ledger.net_pnl_quote(_valuation_mark(quoter)))


def _valuation_mark(quoter: Quoter) -> Decimal | None:
    """Newest known mark, None before the first.

    A quoter that decides nothing has no newer mark than the venue's: what it holds goes on winning and losing.
    """
    mark = Decimal(repr(quoter.last_mark)) if quoter.last_mark is not None else None
    if mark is None or not quoter.is_running:
        stated = quoter.books.mark()
        mark = stated if stated is not None and stated > 0 else mark
    return mark


def custom_info(status: Status) -> dict[str, Any]:
    """Small JSON-able form for Hummingbot's performance message; no Decimal, no NaN."""
    return {
        "mode": status.mode,
        "mark": _rounded(status.mark, 4),
        "bid": _side_info(status.bid),
        "ask": _side_info(status.ask),
        "inventory_base": status.inventory_base,
        "in_band_frac": _rounded(status.in_band_frac, 4),
        "in_band_strict_frac": _rounded(status.in_band_strict_frac, 4),
        "cancels_per_min": round(status.cancels_per_min, 2),
        "risk_cancels": status.risk_cancels,
        "rejects": status.rejects,
        "fills": status.fills,
        "net_pnl_quote": status.net_pnl_quote,
        "net_complete": status.split.net_complete,
        "pnl": {name: _money(getattr(status.split, f"{name}_quote")) for name in SPLIT},
        "markout_bps": {str(mean.horizon_s): _rounded(mean.mean_bps, 2) for mean in status.markouts},
        "decision_age_ms": _rounded(status.decision_age_ms, 1),
        "dropped_events": status.dropped_events,
        "config_hash": status.config_hash,
        "breaker": status.breaker,
        "guard": status.guard,
        "margin": status.margin,
        "profile": status.profile,
        "activity": {
            "turnover_quote": _rounded(status.activity.turnover_quote, 2),
            "maker_frac": _rounded(status.activity.maker_frac, 4),
            "fill_frac": _rounded(status.activity.fill_frac, 4),
            "holding_s": _rounded(status.activity.holding_s, 1),
        },
        "programs": {name: short_info(row) for name, row in status.programs.items()},
        **({} if status.leader is None else {"leader": {
            "mid": _rounded(status.leader.mid, 4), "age_ms": _rounded(status.leader.age_ms, 1),
            "basis_bps": _rounded(status.leader.basis_bps, 2), "ahead_bps": _rounded(status.leader.ahead_bps, 2)}}),
    }


def lines(status: Status, title: str) -> list[str]:
    """Status for Hummingbot's ``status`` screen."""
    head = f"  {title}  {status.mode}"
    if status.mode == "disarmed":
        head += "  (armed: false in the controller yml: nothing is sent to the venue)"
    if status.breaker != "normal":
        head += f"  breaker {status.breaker}"
    if status.guard is not None:
        head += f"  guard {status.guard}"
    if status.profile != NORMAL:
        head += f"  profile {status.profile}"
    return [
        head,
        (f"    mark {_text(status.mark, 2)}   inventory {_text(status.inventory_base, 6)}"
        f"   net PnL {_text(status.net_pnl_quote, 4)} after fees and funding   fills {status.fills}"),
        "    from " + "   ".join(
            f"{name.replace('_', ' ')} {_text(_money(getattr(status.split, f'{name}_quote')), 4)}" for name in SPLIT)
        + _unmarked_text(status.split),
        *([f"    margin: {status.margin}"] if status.margin else []),
        f"    markout bps  {_markout_text(status.markouts)}",
        f"    bid  {_side_text(status.bid)}",
        f"    ask  {_side_text(status.ask)}",
        (f"    time in band {_percent(status.in_band_frac)} of live feed, {_percent(status.in_band_strict_frac)} strict"
        f"   cancels {status.cancels_per_min:.1f}/min + {status.risk_cancels} for risk   rejects {status.rejects}"),
        (f"    turnover {_text(status.activity.turnover_quote, 2)}   maker {_percent(status.activity.maker_frac)}"
        f"   orders that traded {_percent(status.activity.fill_frac)}"
        f"   held for {_text(status.activity.holding_s, 0)} s"),
        *(f"    {'bid ' if side == 'buy' else 'ask '} seconds: "
          + ", ".join(f"{what} {spent:.0f}" for what, spent in sorted(spents.items(), key=lambda item: -item[1]))
          for side, spents in status.silent_s.items()),
        *([] if status.leader is None else [_leader_line(status.leader)]),
        *standing_lines(status.programs),
    ]


def _leader_line(leader: LeaderStatus) -> str:
    return (f"    leader {leader.name}  mid {_text(leader.mid, 4)}   age ms {_text(leader.age_ms, 0)}"
            f"   basis bps {_text(leader.basis_bps, 2)}   ahead bps {_text(leader.ahead_bps, 2)}")


def _breaker_text(decision: Decision | None) -> str:
    if decision is None or decision.state.breaker.level is Level.NORMAL:
        return Level.NORMAL.value
    return f"{decision.state.breaker.level} ({decision.state.breaker.cause})"


def _guard_text(quoter: Quoter) -> str | None:
    cause = quoter.decision.state.guard.cause if quoter.decision is not None else None
    return None if cause is None else cause.value


def _margin_text(guard: GuardState) -> str:
    return "" if guard.left_frac == 1 else f"{guard.left_frac:%} of the cap left ({guard.reason}: {guard.text})"


def _activity(quoter: Quoter) -> Activity:
    ledger = quoter.ledger
    return Activity(
        turnover_quote=float(activity.turnover_quote(ledger)),
        maker_frac=_float(activity.maker_ratio(ledger)),
        fill_frac=_float(activity.fill_rate(quoter.traded_count, quoter.ended_count)),
        holding_s=_float(activity.mean_holding_s(ledger, quoter.books.venue_now_ns())),
    )


def _float(value: Decimal | None) -> float | None:
    return None if value is None else float(value)


def _side(side: Side, quoter: Quoter, orders: list[OwnOrder]) -> SideStatus:
    mine = [order for order in orders if order.side is side]
    best = max(mine, key=lambda order: order.price * side.sign, default=None)
    silence = quoter.decision.silence(side) if quoter.decision is not None else None
    reason = DECISION_FAILED if quoter.is_failing else silence.value if silence is not None else None
    detail = quoter.decision.detail(side) if quoter.decision is not None and not quoter.is_failing else ""
    if best is None:
        return SideStatus(None, None, "silent", reason or "starting", detail)
    return SideStatus(float(best.price), float(best.size), best.state.value, reason, detail)


def _side_info(side: SideStatus) -> dict[str, Any]:
    detail = {"detail": side.detail} if side.detail else {}
    return {"price": side.price, "size": side.size, "state": side.state, "silence": side.silence, **detail}


def _side_text(side: SideStatus) -> str:
    detail = f": {side.detail}" if side.detail else ""
    reason = f"  ({side.silence}{detail})" if side.silence else ""
    if side.price is None:
        return f"silent{reason}"
    return f"{side.size:g} @ {side.price:.2f}  {side.state}{reason}"


def _unmarked_text(split: PnlSplit) -> str:
    """Why spread and inventory are unknown, and what they come to together."""
    if not split.unmarked_fills:
        return ""
    together = _text(_money(split.trading_quote), 4)
    return f"   ({split.unmarked_fills} fills without a mark; spread and inventory less exit cost together {together})"


def _markout_text(markouts: tuple[MeanMarkout, ...]) -> str:
    means = [f"{mean.horizon_s} s " + ("unknown" if mean.mean_bps is None else f"{mean.mean_bps:+.2f}")
             for mean in markouts]
    return f"{'   '.join(means)}   over the last {max((mean.fills for mean in markouts), default=0)} fills"


def _money(value: Decimal | None) -> float | None:
    return None if value is None else round(float(value), 6)


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _text(value: float | None, digits: int) -> str:
    return "unknown" if value is None else f"{value:.{digits}f}"


def _percent(value: float | None) -> str:
    return "unknown" if value is None else f"{value * 100:.1f} %"
