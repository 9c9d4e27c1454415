"""The one decision function: what it refuses and why, the order of its actions, and that it depends on nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import FrozenInstanceError, replace

import pytest
from core_builders import (
    ASK_KEPT,
    BID_KEPT,
    NOW,
    SECOND,
    D,
    account,
    cancels,
    decided,
    inputs,
    order,
    params,
    places,
    view,
)

from hummingbot_extensions.core.canonical import canonical_json, digest, from_plain, to_plain
from hummingbot_extensions.core.decide import DecisionInputs, decide, has_changed
from hummingbot_extensions.core.decision import Cancel, Decision, DecisionState, Place
from hummingbot_extensions.core.silence import Silence
from hummingbot_extensions.core.types import MarketStanding, Side
from hummingbot_extensions.core.view import AccountView, OrderState, SideHistory


def test_a_calm_flat_market_gets_one_quote_a_side() -> None:
    """Bid and ask at 6 bps, nothing cancelled, no silence, both placements stamped."""
    decision = decided()
    assert [(p.quote.side, p.quote.price, p.quote.size) for p in places(decision)] == [
        (Side.BUY, D("99940.00"), D("0.002")), (Side.SELL, D("100060.00"), D("0.002"))]
    assert (decision.bid_silence, decision.ask_silence) == (None, None)
    assert (decision.state.bids_placed_ns, decision.state.asks_placed_ns) == ((NOW,), (NOW,))
    assert decided(held=account(BID_KEPT, ASK_KEPT)).actions == ()


@pytest.mark.parametrize(("market", "held", "reason"), [
    ({"is_connector_ready": False}, {}, Silence.CONNECTOR_NOT_READY),
    ({"private_age_ms": None}, {}, Silence.STALE_PRIVATE_STREAM),
    ({"private_age_ms": 30_000.1}, {}, Silence.STALE_PRIVATE_STREAM),
    ({}, {"position": None}, Silence.POSITION_UNKNOWN),
    ({"standing": MarketStanding.HALTED, "book_age_ms": None}, {}, Silence.HALTED),
    ({"standing": MarketStanding.RULES_CHANGING}, {}, Silence.RULES_CHANGING),
    ({"standing": MarketStanding.UNKNOWN}, {}, Silence.STANDING_UNKNOWN),
    ({"book_age_ms": None}, {}, Silence.STALE_BOOK),
    ({"book_age_ms": 2000.1}, {}, Silence.STALE_BOOK),
    ({"bid": None}, {}, Silence.EMPTY_BOOK),
    ({"ask": None}, {}, Silence.EMPTY_BOOK),
    ({"bid": D("100000.02")}, {}, Silence.CROSSED_BOOK),
    ({"mark": None}, {}, Silence.NO_MARK),
    ({"price_age_ms": None}, {}, Silence.STALE_MARK),
    ({"price_age_ms": 10_000.1}, {}, Silence.STALE_MARK),
    ({"mark": D("100500.02")}, {}, Silence.MARK_MID_DIVERGENCE),
    ({"mark": D("99499.98")}, {}, Silence.MARK_MID_DIVERGENCE),
    ({"book_age_ms": 5000.0, "mark": None, "is_connector_ready": False}, {}, Silence.CONNECTOR_NOT_READY),
])
def test_k7_k4_refusals_silence_both_sides_and_pull_what_rests(
    market: dict[str, object], held: dict[str, object], reason: Silence
) -> None:
    """K7, K4: one reason for both sides, every order cancelled as a risk, nothing placed, budget untouched."""
    orders = account(BID_KEPT, replace(ASK_KEPT, state=OrderState.PLACING))
    decision = decided(view(**market), replace(orders, **held))
    assert (decision.bid_silence, decision.ask_silence) == (reason, reason)
    assert {(c.client_order_id, c.reason, c.is_risk) for c in cancels(decision)} == {
        (BID_KEPT.client_order_id, reason, True), (ASK_KEPT.client_order_id, reason, True)}
    assert places(decision) == [] and decision.quotes == () and decision.state.cancels_ns == ()


@pytest.mark.parametrize("market", [
    {"private_age_ms": 30_000.0}, {"book_age_ms": 2000.0}, {"price_age_ms": 10_000.0}, {"mark": D("100499.99")},
    {"bid": D("100000.01")},
])
def test_the_last_allowed_value_is_quoted(market: dict[str, object]) -> None:
    """At the limit, and with a locked book, which is how truncation shows a narrow one, quoting goes on."""
    known = DecisionState(basis_frac=0.0, basis_frame_ns=NOW)
    assert len(places(decided(view(**market), state=known))) == 2


def test_cancels_come_before_places_on_both_sides() -> None:
    """A venue that works in order frees margin first."""
    near_bid, near_ask = order(Side.BUY, "99990.00"), order(Side.SELL, "100010.00")
    decision = decided(held=account(near_bid, near_ask))
    assert [type(action) for action in decision.actions] == [Cancel, Cancel, Place, Place]


def test_g1_only_the_side_that_is_near_is_touched() -> None:
    """The market moves 4.9 bps towards the bid: with a cancel distance of 2 that bid alone goes, with its reason."""
    market = view(bid=D("99950.99"), ask=D("99951.01"), mark=D("99951.00"))
    decision = decided(market, account(BID_KEPT, replace(ASK_KEPT, price=D("100035.00"))))
    assert [(c.client_order_id, c.reason) for c in cancels(decision)] == [(BID_KEPT.client_order_id, "too_near")]


def test_the_basis_is_learnt_once_a_frame() -> None:
    """A repeated frame teaches nothing; the next one moves the average by its age; a stale book teaches nothing."""
    first = decided(view(mark=D("100040")))
    assert first.state.basis_frac == pytest.approx(4e-4) and first.mark_estimate == pytest.approx(100_040)
    again = decided(view(mark=D("100020")), state=first.state)
    assert again.state.basis_frac == first.state.basis_frac
    later = decided(view(mark=D("100000"), price_frame_ns=NOW + 15 * SECOND), state=first.state)
    assert later.state.basis_frac == pytest.approx(2e-4)
    stale = decided(view(mark=D("100000"), price_frame_ns=NOW + 15 * SECOND, book_age_ms=9e9), state=first.state)
    assert stale.state.basis_frac == first.state.basis_frac


def test_has_changed_tells_decisions_worth_a_record() -> None:
    """An action or another reason for silence is recorded; the same silence again is not."""
    quiet = decided(view(mark=None))
    assert has_changed(DecisionState(), quiet)
    assert not has_changed(quiet.state, decided(view(mark=None), state=quiet.state))
    assert has_changed(quiet.state, decided(state=quiet.state))
    assert not has_changed(DecisionState(), decided(held=account(BID_KEPT, ASK_KEPT)))


def test_a_pricers_own_words_stand_beside_the_silence() -> None:
    """The sample declines without a microprice: both sides say so in its words; a quoted side says nothing."""
    own = params(mode="tests.support.own_pricer:leaning")
    seen = view(bid_size=D("1"), ask_size=D("1"))
    declined = decided(replace(seen, bid_size=None), config=own)
    assert (declined.bid_silence, declined.ask_silence) == (Silence.NO_PRICE, Silence.NO_PRICE)
    assert [declined.detail(side) for side in Side] == ["pricer_declined: no microprice"] * 2
    assert from_plain(Decision, json.loads(canonical_json(declined))) == declined
    quoted = decided(seen, config=own)
    assert len(places(quoted)) == 2 and [quoted.detail(side) for side in Side] == ["", ""]
    refused = decided(replace(seen, bid_size=None, mark=None), config=own)
    assert refused.bid_silence is Silence.NO_MARK and refused.bid_detail == ""


def everything() -> DecisionInputs:
    """Inputs in which no optional member is missing."""
    held = account(
        order(Side.BUY, "99850.00", cancel_sent_ns=NOW, state=OrderState.CANCELLING), ASK_KEPT, position="0.0031")
    history = SideHistory(2, NOW - 9 * SECOND)
    state = DecisionState(
        basis_frac=1e-4, basis_frame_ns=NOW - SECOND, resume_checks=1, resume_checked_ns=NOW, bids_placed_ns=(1,),
        asks_placed_ns=(2,), cancels_ns=(NOW - 2, NOW - 1), bid_silence=Silence.THROTTLED)
    return inputs(view(mark=D("100010.50")), replace(held, bid_history=history), params(), state)


@pytest.mark.parametrize("given", [everything(), inputs(), inputs(view(bid=None, mark=None), account(position=None))])
def test_a_decision_is_pure_and_its_record_repeats_it(given: DecisionInputs) -> None:
    """Same inputs, same digest; inputs and decision survive JSON; what was decoded decides the same, hash for hash."""
    before = canonical_json(given)
    decision = decide(given)
    assert digest(decide(given)) == digest(decision) and canonical_json(given) == before
    decoded = from_plain(DecisionInputs, json.loads(json.dumps(to_plain(given))))
    assert decoded == given and digest(decode_and_decide(given)) == digest(decision)
    assert from_plain(Decision, json.loads(canonical_json(decision))) == decision


def decode_and_decide(given: DecisionInputs) -> Decision:
    return decide(from_plain(DecisionInputs, json.loads(canonical_json(given))))


def test_any_change_of_the_inputs_changes_their_digest() -> None:
    """The digest sees one satoshi and one nanosecond."""
    base = everything()
    assert digest(base) != digest(replace(base, view=replace(base.view, bid=D("99999.98"))))
    assert digest(base) != digest(replace(base, view=replace(base.view, now_ns=NOW + 1)))
    assert len(digest(base)) == 16


def test_values_are_frozen() -> None:
    """What a decision saw cannot be changed afterwards."""
    with pytest.raises(FrozenInstanceError):
        everything().view.now_ns = 1  # type: ignore[misc]
    assert isinstance(everything().account, AccountView)


def test_the_core_imports_neither_hummingbot_nor_numpy() -> None:
    """A fresh interpreter that decides has loaded the standard library and the core alone."""
    code = ("import sys, hummingbot_extensions.core.decide, hummingbot_extensions.core.ledger, "
            "hummingbot_extensions.core.uptime, hummingbot_extensions.core.canonical; "
            "print([m for m in sys.modules if m.split('.')[0] in ('hummingbot', 'numpy', 'pandas', 'pydantic')])")
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=240)
    assert result.stdout.strip() == "[]"
