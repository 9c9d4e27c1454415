"""What the market guards keep for every path: no flapping, no stop for one wrong price, no book that is ours alone."""

from __future__ import annotations

from decimal import Decimal

from core_builders import NOW, SECOND, order, view
from hypothesis import given
from hypothesis import strategies as st

from hummingbot_extensions.core.market_guard import (
    AT_EASE,
    GuardAction,
    MarketGuardParams,
    after_view,
    unseen,
)
from hummingbot_extensions.core.others import others_book
from hummingbot_extensions.core.rounding import round_passive
from hummingbot_extensions.core.shock import UNSHAKEN, ShockParams
from hummingbot_extensions.core.shock import after_view as after_prices
from hummingbot_extensions.core.types import BookState, Side
from hummingbot_extensions.core.view import OrderState, OthersBook

D = Decimal
GUARD = MarketGuardParams(GuardAction.WIDEN, guard_depth_quote=D(2000), guard_resume_s=2.0)
BOOKS = {
    "normal": OthersBook(D(99_999), D(100_001), D(2000), D(2000)),
    "wide": OthersBook(D(99_900), D(100_001), D(2000), D(2000)),
    "thin": OthersBook(D(99_999), D(100_001), D(2000), D(1999)),
    "alone": OthersBook(None, D(100_001)),
}
LOOKS = st.lists(
    st.tuples(st.integers(1, 900), st.sampled_from(["normal"] * 6 + ["wide", "thin", "alone", "unseen"])), max_size=60)
"""(milliseconds since the last look, what was seen)"""


@given(LOOKS)
def test_k6_the_guard_begins_at_once_and_ends_after_unbroken_calm_alone(looks: list[tuple[int, str]]) -> None:
    """It stays for ``guard_resume_s`` at least, whatever the book does: no book makes it flap."""
    state, now_ns, began_ns, calm_ns = AT_EASE, NOW, NOW, None
    for wait_ms, seen in looks:
        now_ns += wait_ms * 1_000_000
        was = state
        if seen == "unseen":
            state = unseen(state)
        else:
            state = after_view(state, view(now_ns=now_ns, others_book=BOOKS[seen]), GUARD)
        calm_ns = None if seen != "normal" else now_ns if calm_ns is None else calm_ns
        if seen in ("wide", "thin", "alone"):
            assert state.cause is not None
            began_ns = now_ns if was.cause is None else began_ns
        elif was.cause is None:
            assert state == AT_EASE
        else:
            is_over = calm_ns is not None and now_ns - calm_ns >= GUARD.guard_resume_s * SECOND
            assert (state.cause is None) is is_over
            assert not is_over or now_ns - began_ns >= GUARD.guard_resume_s * SECOND


LEVELS = st.lists(st.tuples(st.integers(0, 40), st.integers(1, 50)), max_size=12, unique_by=lambda level: level[0])
OWN = st.lists(
    st.tuples(st.sampled_from(list(Side)), st.integers(0, 400), st.integers(1, 80), st.sampled_from(list(OrderState))),
    max_size=8)
"""(side, ticks behind the touch, lots, how it stands with it)"""
GRID, TICK = D("0.1"), D("0.01")
FIRST = {Side.BUY: D(100), Side.SELL: D("100.1")}


@given(LEVELS, LEVELS, OWN)
def test_k6_our_own_orders_are_neither_depth_nor_a_best_price(
    bids: list[tuple[int, int]], asks: list[tuple[int, int]], own: list[tuple[Side, int, int, OrderState]]
) -> None:
    """The book with our orders in it tells what it tells without them, however many and wherever they are."""
    others = {side: {FIRST[side] - side.sign * away * GRID: D(size) for away, size in levels}
              for side, levels in ((Side.BUY, bids), (Side.SELL, asks))}  # fmt: skip
    shown = {side: dict(levels) for side, levels in others.items()}
    orders = []
    for side, away, size, state in own:
        price = FIRST[side] - side.sign * away * TICK
        orders.append(order(side, str(price), size=D(size), state=state))
        level = round_passive(price, GRID, is_bid=True)
        shown[side][level] = shown[side].get(level, D(0)) + size

    def book(of: dict[Side, dict[Decimal, Decimal]]) -> BookState:
        bids, asks = tuple(sorted(of[Side.BUY].items(), reverse=True)), tuple(sorted(of[Side.SELL].items()))
        return BookState(bids[0][0] if bids else None, asks[0][0] if asks else None, GRID, None, NOW, bids, asks)

    for within_bps in (1.0, 25.0, 500.0):
        assert others_book(book(shown), orders, TICK, within_bps) == others_book(book(others), (), TICK, within_bps)


SHOCK = ShockParams(shock_on=True, shock_frac=0.1, shock_window_s=10.0)
MOVES = st.lists(st.tuples(st.integers(1, 6000), st.integers(-600, 600)), max_size=40)
"""(milliseconds since the last frame, bps of the first price that it moved by)"""
WILD = st.lists(st.tuples(st.integers(1, 6000), st.none() | st.integers(-9000, 50_000)), max_size=40)


def frame(now_ns: int, mid: float | None, mark: float | None) -> object:
    price = None if mid is None else D(repr(mid))
    return view(now_ns=now_ns, bid=price, ask=price, mark=None if mark is None else D(repr(mark)))


@given(MOVES)
def test_k3_a_shock_is_exactly_a_move_of_the_fraction_between_two_prices_of_the_window(
    moves: list[tuple[int, int]],
) -> None:
    """Against a plain list of every price since the last shock, each with the time until which it stood."""
    state, now_ns, price = UNSHAKEN, NOW, 100_000.0
    stood: list[tuple[int, float]] = []
    for wait_ms, bps in moves:
        now_ns += wait_ms * 1_000_000
        price = max(1000.0, price + bps * 10.0)
        if stood:
            stood[-1] = (now_ns, stood[-1][1])
        within = [each for until_ns, each in stood if until_ns >= now_ns - 10 * SECOND]
        expected = any(abs(price / each - 1.0) >= 0.1 - 1e-9 for each in within)
        state, is_shocked = after_prices(state, frame(now_ns, price, price), SHOCK)  # type: ignore[arg-type]
        assert is_shocked is expected and not state.is_suspected
        stood = [(now_ns, price)] if expected else [*stood, (now_ns, price)]
        assert len(state.mid.highs) <= len(stood)


@given(WILD, st.booleans(), st.lists(st.integers(-200, 200), min_size=1, max_size=5))
def test_k3_no_path_of_one_price_stops_a_market_of_which_the_other_stands(
    path: list[tuple[int, int | None]], is_mark: bool, still: list[int]
) -> None:
    """Missing, halved or sixfold, for as long as it likes: suspected while it is away, forgotten once it is back."""
    state, now_ns = UNSHAKEN, NOW
    for number, (wait_ms, bps) in enumerate([(1, 0), *path]):
        now_ns += wait_ms * 1_000_000
        wild = None if bps is None else 100_000.0 + bps * 10.0
        calm = 100_000.0 + still[number % len(still)] * 5.0
        prices = (calm, wild) if is_mark else (wild, calm)
        state, is_shocked = after_prices(state, frame(now_ns, *prices), SHOCK)  # type: ignore[arg-type]
        assert not is_shocked
    back_ns = now_ns + SECOND
    first = state.mark.lows[0] if is_mark and state.mark.lows else state.mid.lows[0] if state.mid.lows else 100_000.0
    state, _ = after_prices(state, frame(back_ns, 100_000.0 if is_mark else first, first if is_mark else 100_000.0),
                            SHOCK)  # type: ignore[arg-type]
    assert not state.is_suspected
