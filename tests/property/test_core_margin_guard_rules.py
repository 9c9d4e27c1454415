"""What the guard leaves and the gate allows: a decision near liquidation wants nothing that the gate would refuse."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from core_builders import NOW, SECOND, account, params, view
from hypothesis import given
from hypothesis import strategies as st

from hummingbot_extensions.core import gate, margin_guard
from hummingbot_extensions.core.decide import DecisionInputs, decide
from hummingbot_extensions.core.decision import DecisionState, Place
from hummingbot_extensions.core.gate_params import GateParams
from hummingbot_extensions.core.gate_state import GateReason, GateState, MarginView
from hummingbot_extensions.core.margin_guard import RETURN_S, GuardState
from hummingbot_extensions.core.risk import is_adding

D = Decimal
LIMITS = GateParams(
    D("0.05"), margin_ratio_stop=D(2), margin_ratio_shrink=D(4), liquidation_distance_stop_frac=D("0.1"),
    liquidation_distance_shrink_frac=D("0.2"),
)  # fmt: skip
CONFIG = params(layer_count=3, first_spacing_bps=0.5, order_size_base=D("0.003"))
POSITIONS = st.integers(-90, 90).map(lambda lots: D(lots) / 10_000)
RATIOS = st.none() | st.decimals("0.5", "6", places=3)
PRICES = st.none() | st.decimals("70000", "130000", places=0)
LOOKS = st.lists(st.tuples(st.integers(0, 15_000), RATIOS, PRICES), min_size=1, max_size=12)


@given(POSITIONS, LOOKS)
def test_nothing_is_wanted_that_the_gate_refuses_for_margin(
    position: Decimal, looks: list[tuple[int, Decimal | None, Decimal | None]]
) -> None:
    """From no orders, at every look of a path; unknown figures aside, at which the gate speaks first."""
    guard, now_ns = GuardState(), NOW
    for elapsed_ms, ratio, price in looks:
        now_ns += elapsed_ms * 1_000_000
        market = view(now_ns=now_ns)
        held = account(position=str(position), margin=MarginView(price, ratio), available_quote=D(100_000))
        guard = margin_guard.after(guard, market, held, LIMITS)
        held = replace(held, adding_frac=guard.left_frac, adding_reason=guard.reason)
        decision = decide(DecisionInputs(market, held, CONFIG, DecisionState()))
        wanted = [action.quote for action in decision.actions if isinstance(action, Place)]
        reasons = {verdict.reason for verdict in gate.check_all(
            wanted, market, held, LIMITS, GateState(), 0, margin=held.margin)}
        assert reasons <= {None, GateReason.MARGIN_UNKNOWN}
        if guard.left_frac == 0:
            assert all(quote.is_reduce_only and not is_adding(quote.side, position) for quote in wanted)


@given(POSITIONS, LOOKS)
def test_more_is_allowed_only_after_calm_and_less_at_once(
    position: Decimal, looks: list[tuple[int, Decimal | None, Decimal | None]]
) -> None:
    """Never more than the figures say, and no rise within the time that a calm has to last."""
    guard, now_ns, fallen_ns = GuardState(), NOW, None
    for elapsed_ms, ratio, price in looks:
        now_ns += elapsed_ms * 1_000_000
        held = account(position=str(position), margin=MarginView(price, ratio))
        before, guard = guard, margin_guard.after(guard, view(now_ns=now_ns), held, LIMITS)
        if guard.left_frac < before.left_frac:
            fallen_ns = now_ns
        if guard.left_frac > before.left_frac:
            assert fallen_ns is not None and now_ns - fallen_ns >= RETURN_S * SECOND
        assert (guard.reason is None) is (guard.left_frac == 1)
