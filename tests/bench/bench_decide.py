"""What one decision costs: one level a side and 18 layers a side with everything on, on a random walk of the mid.

python -m tests.bench.bench_decide [--decisions N]

Orders are taken, cancelled and shown to the next decision at once, so that every decision sees what a live one sees.
Compiled kernels stand beside their pure twins, run in a process of their own.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Sequence
from decimal import Decimal
from statistics import quantiles
from typing import Any

from hummingbot_extensions.core import spec
from hummingbot_extensions.core.decide import DecisionInputs, decide
from hummingbot_extensions.core.decision import DecisionState, Place
from hummingbot_extensions.core.params import QuoteParams
from hummingbot_extensions.core.view import AccountView, MarketRules, MarketView, OrderState, OwnOrder
from hummingbot_extensions.kernels import quotes as kernels

D = Decimal
RULES = MarketRules(D("0.01"), D("0.0001"), D("0.0001"), None, D("10"))
FRAME_NS = 250_000_000
BARS_US = {"one level a side": (60.0, 1000.0), "18 layers a side": (100.0, 1000.0)}
"""Most at p50 and at p99, as the design has them."""
EVERYTHING: dict[str, Any] = {
    "skew_linear_on": True, "volatility_on": True, "sigma_on": True, "tolerance_on": True, "skew_momentum_on": True,
    "skew_imbalance_on": True, "skew_funding_on": True, "skew_size_on": True, "skew_pressure_on": True,
    "breakeven": True, "fee_buffer_bps": 0.5, "cancel_distance_bps": 4.0, "volatility_pause_bps": 50.0,
}  # fmt: skip
LAYERED: dict[str, Any] = {
    **EVERYTHING, "mode": "geometric", "start_offset_bps": 4.0, "layer_count": 18, "first_spacing_bps": 4.0,
    "spacing_multiplier": 1.15, "max_spacing_bps": 80.0, "adding_cut_frac": 0.6, "order_size_base": D("0.001"),
    "soft_limit_base": D("0.02"), "hard_stop_base": D("0.03"), "net_max_base": D("0.08"),
    "resume_limit_base": D("0.01"),
    "cancel_distance_bps": 1.0, "cancel_budget_per_min": 600,
}  # fmt: skip
CASES = {"one level a side": EVERYTHING, "18 layers a side": LAYERED}


def timed(changes: dict[str, Any], decisions: int, seed: int = 1) -> list[float]:
    """Microseconds of every decision of one walk."""
    params = spec.replaced(QuoteParams(), **changes)
    rng = random.Random(seed)
    orders: dict[str, OwnOrder] = {}
    state, mid, took = DecisionState(), 100_000.0, []
    position = D(0)
    for step in range(decisions):
        now_ns = (step + 1) * FRAME_NS
        mid *= 1.0 + rng.gauss(0.0, 0.2) / 1e4
        if step % 400 == 0:
            position = D(rng.randrange(-80, 81)) / 10_000
        low = D(repr(round(mid, 1)))
        view = MarketView(
            now_ns=now_ns, bid=low, ask=low + D("0.1"), grid=D("0.1"), mark=low, price_frame_ns=now_ns, book_age_ms=5.0,
            price_age_ms=5.0, private_age_ms=5.0, is_connector_ready=True, rules=RULES, touch_bid=low,
            touch_ask=low + D("0.1"), bid_size=D("1.5"), ask_size=D("0.7"), funding_rate_frac=0.0001)
        account = AccountView(
            position, position, D(1_000_000), 1, tuple(orders.values()), entry_price=low if position else None,
            maker_fee_frac=0.0001)
        inputs = DecisionInputs(view, account, params, state)
        began = time.perf_counter_ns()
        decision = decide(inputs)
        took.append((time.perf_counter_ns() - began) / 1e3)
        state = decision.state
        for action in decision.actions:
            if isinstance(action, Place):
                quote, name = action.quote, f"o{step}-{len(orders)}-{action.quote.side}-{action.quote.layer}"
                orders[name] = OwnOrder(
                    name, quote.side, quote.price, quote.size, OrderState.LIVE, quote.is_reduce_only, now_ns)
            else:
                orders.pop(action.client_order_id, None)
    return took


def measured(decisions: int) -> dict[str, tuple[float, float, float]]:
    """(p50, p99, worst) in microseconds of each case, the first decisions left out."""
    found = {}
    for name, changes in CASES.items():
        took = sorted(timed(changes, decisions)[decisions // 20:])
        cuts = quantiles(took, n=100)
        found[name] = (cuts[49], cuts[98], took[-1])
    return found


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--decisions", type=int, default=8000)
    parser.add_argument("--raw", action="store_true", help="print the figures of this process as JSON")
    args = parser.parse_args(argv)
    mine = measured(args.decisions)
    if args.raw:
        print(json.dumps(mine))
        return 0
    twin = json.loads(subprocess.run(
        [sys.executable, "-m", "tests.bench.bench_decide", "--raw", "--decisions", str(args.decisions)],
        env={**os.environ, "HBX_PURE_PYTHON": "1"}, capture_output=True, text=True, check=True).stdout)
    missed = False
    print(f"decide, us a decision{'':<14}{'p50':>8}{'p99':>8}{'worst':>9}{'pure p50':>10}{'ratio':>7}")
    for name, (p50, p99, worst) in mine.items():
        most50, most99 = BARS_US[name]
        is_met = p50 <= most50 and p99 <= most99
        missed |= not is_met
        print(f"  {name:<33}{p50:8.1f}{p99:8.1f}{worst:9.1f}{twin[name][0]:10.1f}{twin[name][0] / p50:7.2f}"
              f"  {'met' if is_met else 'MISSED'}{'' if kernels.IS_COMPILED else ' (kernels are not compiled)'}")
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
