"""Corners of the ledger, its book and its split that only a wrong line of code would show."""

from __future__ import annotations

from core_builders import D

from hummingbot_extensions.core.attribution import of_unsplit
from hummingbot_extensions.core.ledger import Ledger, LedgerFill, LedgerSpan
from hummingbot_extensions.core.types import Side

S = 1_000_000_000


def test_a_span_holds_what_came_after_its_start_and_nothing_from_before() -> None:
    """An account that has seen everything once sees other amounts of it: the span has these alone."""
    start = (
        Ledger()
        .after(LedgerFill("1", Side.BUY, D("100"), D("2"), D("0.3"), True))
        .after(LedgerFill("2", Side.SELL, D("107"), D("1"), D("-0.2"), False))
        .after(LedgerFill("3", Side.BUY, D("100"), D("1"), D("0"), None))
        .funded(D("5"))
    )
    assert start.realized_quote == 7
    end = (
        start.after(LedgerFill("4", Side.SELL, D("111"), D("1"), D("0.04"), True))
        .after(LedgerFill("5", Side.SELL, D("90"), D("0.5"), D("-0.01"), False))
        .after(LedgerFill("6", Side.BUY, D("80"), D("0.25"), D("0"), None))
        .funded(D("-2"))
    )
    assert end.since(start) == LedgerSpan(
        realized_quote=D("6"), fees_quote=D("0.03"), rebates_quote=D("0.01"), funding_quote=D("-2"), fills=3,
        maker_volume_quote=D("111"), taker_volume_quote=D("45"), unknown_volume_quote=D("20"))


def test_a_fee_that_is_missing_leaves_a_spans_fees_unknown_whenever_it_traded() -> None:
    """Before the span or in it: fees and rebates are None until it comes, the rest is known."""
    unpaid = Ledger().after(LedgerFill("1", Side.BUY, D("100"), D("2"), None, True))
    paid = LedgerFill("2", Side.SELL, D("101"), D("1"), D("0.1"), True)
    for span in (unpaid.since(Ledger()), unpaid.after(paid).since(unpaid)):
        assert (span.fees_quote, span.rebates_quote, span.fills) == (None, None, 1)
    told = unpaid.fee_corrected(None, D("0.2"))
    assert told.after(paid).since(told).fees_quote == D("0.1")


def test_a_record_without_a_split_says_how_many_fills_it_cannot_split() -> None:
    """Each of them may have been an exit: neither spread nor exit cost is known, whatever is told later."""
    ledger = Ledger()
    for number, side in enumerate((Side.BUY, Side.SELL, Side.SELL)):
        ledger = ledger.after(LedgerFill(str(number), side, D("100"), D("1"), D("0"), True))
    split = of_unsplit(ledger).split(ledger, D("90"))
    assert (split.unmarked_fills, split.spread_quote, split.exit_cost_quote) == (3, None, None)
    assert (split.trading_quote, split.net_quote, split.net_complete) == (10, 10, False)
