"""Limits of the gate, and what is wrong with them: alone, between each other, and against a set of orders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from hummingbot_extensions.core.spec import param

ZERO = Decimal(0)
ONE = Decimal(1)
MAX_ORDER_SIZE_TEXT = "Largest size of one order, base units; left out: no limit."
"""Stated once for the gate, which holds orders to it, and the layers, which keep within it."""


@dataclass(frozen=True, slots=True)
class GateParams:
    """Limits in the units their names say: base, quote, fractions of the mark, plain counts. None turns a limit off.

    What reduces the position is held to the price checks alone. ``problems`` lists every rule that is broken.
    """

    position_cap_base: Decimal
    """Largest absolute position that may result if every order filled, in whatever order."""
    max_price_deviation_frac: Decimal = param(
        Decimal("0.15"),
        "No order stands farther from mark than this fraction of it; 0.15 is 15 %.",
        "limits",
        gt=0,
        lt=1,
    )
    max_order_size_base: Decimal | None = param(None, MAX_ORDER_SIZE_TEXT, "limits", gt=0)
    max_open_orders: int | None = param(
        None, "Most orders of this market, as a count; left out: no limit.", "limits", ge=1, le=10_000
    )
    max_open_orders_account: int | None = param(
        None, "Most orders of all markets together, as a count; left out: no limit.", "limits", ge=1, le=10_000
    )
    max_net_quote: Decimal | None = param(
        None,
        "Most that the position may be worth if every order of a side filled, quote units; left out: no limit.",
        "limits",
        gt=0,
    )
    max_net_account_quote: Decimal | None = param(
        None,
        "The same over all markets, longs and shorts apart, quote units; left out: no limit.",
        "limits",
        gt=0,
    )
    max_resting_quote: Decimal | None = param(
        None, "Most that all orders of this market are worth, quote units; left out: no limit.", "limits", gt=0
    )
    max_side_resting_quote: Decimal | None = param(
        None, "Most that the orders of one side are worth, quote units; left out: no limit.", "limits", gt=0
    )
    min_available_quote: Decimal | None = param(
        None,
        "Free margin that is left once an order has taken its own, quote units; 0 asks for the order's margin alone; "
        "left out: not asked.",
        "limits",
        ge=0,
    )
    liquidation_distance_stop_frac: Decimal | None = param(
        None,
        "From this distance between mark and liquidation price on, as a fraction of mark, nothing adds; left out: off.",
        "limits",
        gt=0,
        lt=1,
    )
    liquidation_distance_shrink_frac: Decimal | None = param(
        None,
        "From this distance on, as a fraction of mark, the cap shrinks, to nothing at the stop; left out: off.",
        "limits",
        gt=0,
    )
    margin_ratio_stop: Decimal | None = param(
        None,
        "From this margin over maintenance margin on, as a factor, nothing adds; the venue liquidates at 1; "
        "left out: off.",
        "limits",
        gt=1,
    )
    margin_ratio_shrink: Decimal | None = param(
        None,
        "From this margin over maintenance margin on, as a factor, the cap shrinks; left out: off.",
        "limits",
        gt=1,
    )
    daily_orders: int | None = param(
        None, "Most orders sent in a day of UTC, as a count; left out: no limit.", "limits", ge=1
    )
    daily_turnover_quote: Decimal | None = param(
        None,
        "Most that fills and resting orders of a day of UTC are worth, quote units; left out: no limit.",
        "limits",
        gt=0,
    )
    daily_added_base: Decimal | None = param(
        None, "Most that fills of a day of UTC add to positions, base units; left out: no limit.", "limits", gt=0
    )

    @property
    def has_margin_limit(self) -> bool:
        """Whether a limit is on that needs the venue's margin figures."""
        return self.liquidation_distance_stop_frac is not None or self.margin_ratio_stop is not None

    def problems(self) -> list[tuple[str, str]]:
        """(field, what is wrong and the fix) for every broken rule; empty when all hold."""
        found = [*self._unreadable()]
        if found:
            return found
        return [(field, text) for holds, field, text in self._rules() if not holds]

    def _unreadable(self) -> list[tuple[str, str]]:
        """Limits that are no positive number; between such there is nothing to compare."""
        amounts = (
            "position_cap_base", "max_order_size_base", "max_net_quote", "max_net_account_quote", "max_resting_quote",
            "max_side_resting_quote", "liquidation_distance_stop_frac", "liquidation_distance_shrink_frac",
            "margin_ratio_stop", "margin_ratio_shrink", "daily_turnover_quote", "daily_added_base",
            "max_price_deviation_frac", "max_open_orders", "max_open_orders_account", "daily_orders",
        )  # fmt: skip
        found = []
        for field in amounts:
            value = getattr(self, field)
            if value is not None and not (Decimal(value).is_finite() and value > 0):
                found.append((field, f"{value} is not a number above 0. Set one, or leave it out to turn it off"))
        floor = self.min_available_quote
        if floor is not None and not (floor.is_finite() and floor >= 0):
            found.append(("min_available_quote", f"{floor} is not a number from 0 on. Set one, or leave it out"))
        return found

    def _rules(self) -> tuple[tuple[bool, str, str], ...]:
        return (
            (
                self.max_price_deviation_frac < 1,
                "max_price_deviation_frac",
                f"{self.max_price_deviation_frac} would let any bid pass. Set less than 1; 0.15 is 15 %",
            ),
            (
                _at_most(self.max_order_size_base, self.position_cap_base),
                "max_order_size_base",
                f"{self.max_order_size_base} is above position_cap_base {self.position_cap_base}, so it could never be "
                "reached. Lower it or raise the cap",
            ),
            (
                _at_most(self.max_open_orders, self.max_open_orders_account),
                "max_open_orders",
                f"{self.max_open_orders} is above max_open_orders_account {self.max_open_orders_account}, so it could "
                "never be reached. Lower it or raise the account's",
            ),
            (
                _at_most(self.max_net_quote, self.max_net_account_quote),
                "max_net_quote",
                f"{self.max_net_quote} is above max_net_account_quote {self.max_net_account_quote}, so it could never "
                "be reached. Lower it or raise the account's",
            ),
            (
                _at_most(self.max_side_resting_quote, self.max_resting_quote),
                "max_side_resting_quote",
                f"{self.max_side_resting_quote} is above max_resting_quote {self.max_resting_quote}, so it could never "
                "be reached. Lower it or raise the total",
            ),
            (
                self.liquidation_distance_shrink_frac is None or self.liquidation_distance_stop_frac is not None,
                "liquidation_distance_shrink_frac",
                "there is nothing to shrink towards. Set liquidation_distance_stop_frac too",
            ),
            (
                _below(self.liquidation_distance_stop_frac, self.liquidation_distance_shrink_frac),
                "liquidation_distance_shrink_frac",
                f"{self.liquidation_distance_shrink_frac} is not above liquidation_distance_stop_frac "
                f"{self.liquidation_distance_stop_frac}, so the cap would never shrink. Raise it",
            ),
            (
                _below(self.liquidation_distance_stop_frac, ONE),
                "liquidation_distance_stop_frac",
                f"{self.liquidation_distance_stop_frac} is the whole price or more, so a long could never be added to. "
                "Set a fraction, 0.1 is 10 %",
            ),
            (
                self.margin_ratio_shrink is None or self.margin_ratio_stop is not None,
                "margin_ratio_shrink",
                "there is nothing to shrink towards. Set margin_ratio_stop too",
            ),
            (
                _below(self.margin_ratio_stop, self.margin_ratio_shrink),
                "margin_ratio_shrink",
                f"{self.margin_ratio_shrink} is not above margin_ratio_stop {self.margin_ratio_stop}, so the cap would "
                "never shrink. Raise it",
            ),
            (
                _below(ONE, self.margin_ratio_stop),
                "margin_ratio_stop",
                f"{self.margin_ratio_stop} is not above 1, where the venue liquidates, so it would come too late. "
                "Raise it",
            ),
        )


def plan_problems(
    params: GateParams,
    buy_sizes: Sequence[Decimal],
    sell_sizes: Sequence[Decimal],
    price: Decimal,
    available_quote: Decimal | None,
    leverage: int,
) -> list[tuple[str, str]]:
    """(field, what is wrong and the fix) for every limit that a full set of quotes, from flat, would run into.

    Sizes in base units, all valued at ``price``. Free margin that is None is not judged.
    """
    sides = {"buy": sum(buy_sizes, ZERO), "sell": sum(sell_sizes, ZERO)}
    larger, total = max(sides.values()), sum(sides.values(), ZERO)
    largest, count = max((*buy_sizes, *sell_sizes), default=ZERO), len(buy_sizes) + len(sell_sizes)
    margin = largest * price / leverage
    floor = params.min_available_quote
    lower = "Lower the sizes or the number of layers, or raise the limit"
    rules = (
        (
            _at_most(larger, params.position_cap_base),
            "position_cap_base",
            f"one side's orders add up to {larger}, over {params.position_cap_base}. {lower}",
        ),
        (
            _at_most(largest, params.max_order_size_base),
            "max_order_size_base",
            f"the largest order is {largest}, over {params.max_order_size_base}. {lower}",
        ),
        (
            _at_most(count, params.max_open_orders),
            "max_open_orders",
            f"{count} orders are wanted, over {params.max_open_orders}. {lower}",
        ),
        (
            _at_most(count, params.max_open_orders_account),
            "max_open_orders_account",
            f"{count} orders are wanted, over {params.max_open_orders_account}. {lower}",
        ),
        (
            _at_most(larger * price, params.max_net_quote),
            "max_net_quote",
            f"one side's orders are worth {larger * price}, over {params.max_net_quote}. {lower}",
        ),
        (
            _at_most(larger * price, params.max_net_account_quote),
            "max_net_account_quote",
            f"one side's orders are worth {larger * price}, over {params.max_net_account_quote}. {lower}",
        ),
        (
            _at_most(total * price, params.max_resting_quote),
            "max_resting_quote",
            f"all orders are worth {total * price}, over {params.max_resting_quote}. {lower}",
        ),
        (
            _at_most(larger * price, params.max_side_resting_quote),
            "max_side_resting_quote",
            f"one side's orders are worth {larger * price}, over {params.max_side_resting_quote}. {lower}",
        ),
        (
            _at_most(margin, None if available_quote is None else available_quote - (floor or ZERO)),
            "min_available_quote",
            f"the largest order needs {margin} of margin at leverage {leverage}, {available_quote} is free and "
            f"{floor or ZERO} has to stay. Lower the sizes",
        ),
        (
            _at_most(count, params.daily_orders),
            "daily_orders",
            f"{count} orders are wanted at once, over {params.daily_orders} a day. {lower}",
        ),
        (
            _at_most(total * price, params.daily_turnover_quote),
            "daily_turnover_quote",
            f"all orders are worth {total * price}, over {params.daily_turnover_quote} a day. {lower}",
        ),
        (
            _at_most(total, params.daily_added_base),
            "daily_added_base",
            f"all orders add up to {total}, over {params.daily_added_base} a day. {lower}",
        ),
    )
    return [(field, text) for holds, field, text in rules if not holds]


def _at_most(value: Decimal | int | None, limit: Decimal | int | None) -> bool:
    """Whether ``value`` is within ``limit``, where both are set."""
    return value is None or limit is None or value <= limit


def _below(value: Decimal | None, limit: Decimal | None) -> bool:
    return value is None or limit is None or value < limit
