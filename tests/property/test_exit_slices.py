"""The way back from a hard stop over generated markets: no flip, every slice bounded, and an end under the limit."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from core_builders import NOW, RULES, SECOND, account, order, view
from hypothesis import event, given
from hypothesis import strategies as st

from hummingbot_extensions.core.exits import ExitHold, ExitParams, HardStopRecovery, Slice, excess, next_slice
from hummingbot_extensions.core.types import Side

D = Decimal
STEP, TICK = RULES.step, RULES.tick
steps = st.integers(2, 5000).map(lambda count: count * STEP)
few_steps = st.integers(2, 300).map(lambda count: count * STEP)
bps = st.floats(0.5, 200.0, allow_nan=False)


def params(resume: Decimal, largest: Decimal, slippage_bps: float) -> ExitParams:
    return ExitParams(resume, largest, HardStopRecovery.MAKER_THEN_TAKER, 60.0, slippage_bps)


@given(
    st.data(), steps, steps, steps, bps, st.sampled_from((1, -1)), st.integers(50_000, 200_000),
    st.integers(-30, 30), st.integers(0, 30),
)  # fmt: skip
def test_a_slice_never_flips_and_stays_in_its_bounds(
    data: st.DataObject, size: Decimal, resume: Decimal, largest: Decimal, slippage_bps: float, sign: int, whole: int,
    basis_bps: int, half_spread_bps: int,
) -> None:
    """With both positions and every resting order filled at their worst, the position never passes zero."""
    by_fills = data.draw(st.integers(0, 6000)) * STEP * sign
    resting = [
        order(data.draw(st.sampled_from(Side)), str(whole + data.draw(st.integers(-40, 40))), f"o{n}",
              size=data.draw(steps), is_reduce_only=data.draw(st.booleans()))
        for n in range(data.draw(st.integers(0, 3)))
    ]  # fmt: skip
    mid = D(whole) * (10_000 - basis_bps) / 10_000
    half = mid * half_spread_bps / 10_000
    market = view(
        mark=D(whole), bid=(mid - half).quantize(TICK), ask=(mid + half).quantize(TICK) + TICK,
        grid=data.draw(st.sampled_from((TICK, TICK * 10, TICK * 100))),
    )  # fmt: skip
    config = params(resume, largest, slippage_bps)
    held = replace(account(*resting, position=str(size * sign)), position_by_fills=by_fills)
    found = next_slice(market, held, NOW - 61 * SECOND, config)
    event(str(found) if isinstance(found, ExitHold) else "slice")
    if isinstance(found, ExitHold):
        return
    closing = Side.SELL if sign > 0 else Side.BUY
    waiting = sum((o.size for o in resting if o.side is closing), D(0))
    assert found.side is closing
    assert 0 < found.size <= largest and found.size % STEP == 0
    assert found.size + waiting <= min(size, abs(by_fills))
    away = (found.limit_price / D(whole) - 1) * 10_000 * found.side.sign
    assert away <= D(repr(slippage_bps)) and found.limit_price % TICK == 0
    assert found.size * found.limit_price >= RULES.min_notional
    assert all((o.price - found.limit_price) * found.side.sign > 0 for o in resting if o.side is not closing)


@given(st.data(), few_steps, few_steps, few_steps, st.sampled_from((1, -1)))
def test_slices_end_under_the_resume_limit(
    data: st.DataObject, size: Decimal, resume: Decimal, largest: Decimal, sign: int
) -> None:
    """Filled in parts or whole, slice after slice: the position gets under the limit, on its own side of zero."""
    config = params(resume, largest, 20.0)
    position = size * sign
    for _ in range(1000):
        found = next_slice(view(), account(position=str(position)), NOW - 61 * SECOND, config)
        if not isinstance(found, Slice):
            break
        filled = found.size if data.draw(st.booleans()) else max(STEP, (found.size / 2 // STEP) * STEP)
        after = position + filled * found.side.sign
        assert abs(after) < abs(position) and after * sign >= 0
        position = after
    assert found is ExitHold.UNDER_RESUME
    assert abs(position) < resume



@given(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(1, 10**6))
def test_the_excess_is_the_least_that_is_enough(size: int, resume: int, step: int) -> None:
    """On any lattice: one step less would not be under the limit."""
    found = excess(D(size), D(resume), D(step))
    if resume == 0:
        assert found <= size < found + step
    elif size < resume:
        assert found == 0
    else:
        assert size - found < resume <= size - found + step
