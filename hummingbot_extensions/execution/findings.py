"""What is wrong with a configuration, before it trades: rules that refuse it, and settings that are allowed but cost.

A finding that features.md lists as a trap bears its name. What depends on the market's price, its minimum sizes or the
free margin is judged once they are known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from hummingbot_extensions.core import layers, pricers
from hummingbot_extensions.core.exits import HardStopRecovery
from hummingbot_extensions.core.gate_params import GateParams, plan_problems
from hummingbot_extensions.core.layers import LayerSizes, SizeBy
from hummingbot_extensions.core.params import QuoteParams
from hummingbot_extensions.core.pricing import Mode
from hummingbot_extensions.core.quoting import CAP_USED_FRAC
from hummingbot_extensions.core.view import MarketRules

Problem = tuple[str, str]
"""(field, what is wrong and the fix)."""
VALUE_LIMITS = (
    "max_net_quote", "max_net_account_quote", "max_resting_quote", "max_side_resting_quote", "daily_turnover_quote",
)  # fmt: skip
ANY_SIZE = Decimal("1e30")
ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class Warned:
    """A setting that is allowed and costs something; ``trap`` is its name in features.md, or empty."""

    trap: str
    field: str
    text: str

    def __str__(self) -> str:
        return f"{self.field}: {self.text}" + (f" (trap {self.trap})" if self.trap else "")


def refusals(params: QuoteParams, gate: GateParams, leverage: int) -> list[Problem]:
    """Every broken rule that can be told without a market; empty when the configuration may be used."""
    found = [*params.problems(), *gate.problems()]
    if any(field in ("mode", "volatile_mode") for field, _ in found):
        return found
    found += [*pricers.load_problems(params.pricing), *_without_input(params)]
    return found or _plan_without_price(params, gate, leverage)


def unsimulated(gate: GateParams) -> list[Problem]:
    """Limits that a file of position mode cannot have, which Hummingbot's backtester runs too."""
    text = "needs execution: quote, since a backtest of position mode knows no margin. Leave it out"
    names = ("liquidation_distance_stop_frac", "margin_ratio_stop")
    return [(name, text) for name in names if getattr(gate, name) is not None]


def _without_input(params: QuoteParams) -> list[Problem]:
    """Settings that need what is switched off or does not exist, so that nothing would ever be quoted by them."""
    pricing, moved = params.pricing, params.volatility
    modes = {pricing.mode, pricing.volatile_mode}
    by_sigma = {Mode.ADAPTIVE.value} | ({Mode.AVELLANEDA.value} if pricing.avellaneda_per_sigma else set())
    needs_sigma = sorted(modes & by_sigma)
    rules = (
        (
            moved.sigma_on or not needs_sigma,
            "sigma_on",
            f"mode {', '.join(needs_sigma)} needs sigma, which is off, so nothing would be quoted. Set it to true",
        ),
        (
            moved.volatility_on or pricing.volatile_mode is None,
            "volatile_mode",
            "follows the range of the mid, which nothing measures. Set volatility_on to true",
        ),
        (
            moved.volatility_on or params.layers.shrink_from_bps is None,
            "shrink_from_bps",
            "follows the range of the mid, which nothing measures. Set volatility_on to true",
        ),
    )
    return [(field, text) for holds, field, text in rules if not holds]


def _plan_without_price(params: QuoteParams, gate: GateParams, leverage: int) -> list[Problem]:
    """Limits that a full set of quotes runs into whatever the price: sizes in base against limits in base, values
    against values.
    """
    weights = layers.geometry(params.layers).weights
    if params.layers.size_by is SizeBy.BASE:
        sizes = [params.order_size_base * weight for weight in weights]
        judged = replace(gate, **dict.fromkeys(VALUE_LIMITS))
    else:
        sizes = [(params.layers.layer_notional_quote or Decimal(0)) * weight for weight in weights]
        judged = replace(gate, position_cap_base=ANY_SIZE, max_order_size_base=None, daily_added_base=None)
    sizes += _points_size(params, sizes)
    return _named(plan_problems(judged, sizes, sizes, ONE, None, leverage))


def _points_size(params: QuoteParams, sizes: Sequence[Decimal]) -> list[Decimal]:
    """Size of the order for points beside layers of these ``sizes``, in their unit; none while that is off."""
    if params.pricing.points_distance_bps is None or not sizes:
        return []
    return [sizes[0] * Decimal(repr(params.pricing.points_size_frac))]


def _named(problems: list[Problem]) -> list[Problem]:
    return [(field, f"{text} (trap {'T26' if field == 'min_available_quote' else 'T21'})") for field, text in problems]


def warnings(params: QuoteParams) -> list[Warned]:
    """What a configuration costs although it may be used, as far as it can be told without a market."""
    limit = params.queue_position_limit or None
    found = [Warned(*trap) for trap in params.pricing.traps(params.cancel_distance_bps, limit)]
    if params.hard_stop_recovery is HardStopRecovery.WAIT:
        text = "wait: after a hard stop nothing reduces the position until a person does. Set maker to let it reduce"
        found.append(Warned("T5", "hard_stop_recovery", text))
    if params.layers.size_by is SizeBy.BASE:
        side = sum((params.order_size_base * weight for weight in layers.geometry(params.layers).weights), Decimal(0))
        if side > params.worst_case_cap_base:
            text = (
                f"{params.layers.layer_count} layers add up to {side}, over worst_case_frac x net_max_base = "
                f"{params.worst_case_cap_base}, so the deepest never rest. Lower order_size_base or raise net_max_base"
            )
            found.append(Warned("T32", "layer_count", text))
        points = _points_size(params, [params.order_size_base])
        if points and side + params.order_size_base + points[0] > params.worst_case_cap_base:
            text = (
                f"the mode's orders of {side}, room to replace one and {points[0]} for points pass worst_case_frac x "
                f"net_max_base = {params.worst_case_cap_base}, so the order for points never rests. Raise net_max_base"
            )
            found.append(Warned("T32", "points_distance_bps", text))
    return found


def layer_sizes(
    params: QuoteParams, mark: Decimal, rules: MarketRules, equity_quote: Decimal | None = None
) -> LayerSizes | None:
    """Sizes that the venue would take of each side's layers at this mark; None where they cannot be told."""
    first = layers.first_size_base(params.layers, params.order_size_base, mark, equity_quote)
    if first is None:
        return None
    shape = layers.geometry(params.layers)
    return layers.sizes_base(params.layers, shape.weights, shape.behind_bps, first, float(mark), rules)


def _beyond_cap(params: QuoteParams, sizes: LayerSizes, mark: Decimal, rules: MarketRules) -> list[Warned]:
    """What a cap on a side's worth keeps from resting."""
    cap = params.layers.side_notional_cap_quote
    worth = sizes.total_base * mark
    if cap is None or worth <= cap * CAP_USED_FRAC:
        return []
    least = max(rules.min_size * mark, rules.min_notional)
    text = f"one side's orders would be worth {worth:.2f}, so the deepest never rest. Lower the sizes or raise it"
    if cap * CAP_USED_FRAC < least:
        text = f"the venue takes no order under {least:.2f}, so nothing is quoted. Raise it"
    return [Warned("T32", "side_notional_cap_quote", f"{cap}: {text}")]


def market_findings(
    params: QuoteParams, gate: GateParams, leverage: int, mark: Decimal, rules: MarketRules,
    available_quote: Decimal | None, equity_quote: Decimal | None = None,
) -> list[Warned]:  # fmt: skip
    """What the configuration runs into on this market: layers under its minimum, limits that its own quotes break."""
    sizes = layer_sizes(params, mark, rules, equity_quote)
    if sizes is None:
        return []
    found = _beyond_cap(params, sizes, mark, rules)
    if sizes.valid < sizes.asked:
        text = (
            f"{sizes.valid} of {sizes.asked} layers are as large as the venue asks (at least {rules.min_size}, worth "
            f"{rules.min_notional}); {len(sizes.lots)} orders rest. Raise order_size_base or lower layer_count"
        )
        found.append(Warned("T27", "layer_count", text))
    points = _points_size(params, sizes.sizes_base)
    if points and (points[0] < rules.min_size or points[0] * mark < rules.min_notional):
        text = (
            f"the order for points is {points[0]}, smaller than the venue takes (at least {rules.min_size}, worth "
            f"{rules.min_notional}), so it never rests. Raise it or order_size_base"
        )
        found.append(Warned("T27", "points_size_frac", text))
    each = [*sizes.sizes_base, *points]
    margin = sum(each, Decimal(0)) * mark / leverage
    for field, text in plan_problems(gate, each, each, mark, available_quote, leverage):
        found.append(Warned("T26" if field == "min_available_quote" else "T21", field, text))
    if available_quote is not None and margin > available_quote:
        text = (
            f"one side's orders need {margin:.2f} of margin and {available_quote:.2f} is free, so not all of them can "
            "rest. Lower order_size_base or layer_count"
        )
        found.append(Warned("T26", "order_size_base", text))
    return found
