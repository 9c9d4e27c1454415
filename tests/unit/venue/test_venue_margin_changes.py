"""Leverage, margin mode and transfers: what is taken, what is refused, and that a refusal changes nothing."""

from __future__ import annotations

from decimal import Decimal

import pytest
from steered import Steered
from venue_driver import USER

from hummingbot_extensions.core.types import Side
from hummingbot_extensions.sim.venue_values import MarginMode, Reason, Refusal

LEVELS = [(Side.BUY, "100000", 50_000), (Side.SELL, "100000.01", 50_000)]
BTC_USD = "BTC-USD"


def held(mode: str = "isolated", balance: str = "20000") -> Steered:
    """One BTC short from 100000 at leverage 10: 10000 of margin, 40 of fee."""
    drive = Steered(LEVELS, balance)
    drive.venue.set_margin_mode(USER, BTC_USD, mode)
    drive.place("sell", "1", None, "ioc")
    return drive


def test_mode_changes_only_when_flat() -> None:
    """With a position or an order the mode stays; the same mode again is no change; unknown ones are refused."""
    drive = Steered(LEVELS, "20000")
    order = drive.place("buy", "0.1", "99000")
    refused = drive.venue.set_margin_mode(USER, BTC_USD, "isolated")
    assert refused is not None and refused.message == "margin_mode: cannot change with open orders"
    drive.cancel(order)
    assert drive.venue.set_margin_mode(USER, BTC_USD, "isolated") is None
    drive.place("sell", "0.1", None, "ioc")
    refused = drive.venue.set_margin_mode(USER, BTC_USD, "cross")
    assert refused is not None and refused.message == "margin_mode: cannot change with an open position"
    assert drive.venue.set_margin_mode(USER, BTC_USD, "isolated") is None
    assert drive.account.margin_mode[BTC_USD] is MarginMode.ISOLATED
    assert drive.venue.set_margin_mode(USER, BTC_USD, "portfolio") is not None
    assert drive.venue.set_margin_mode(USER, "DOGE-USD", "cross") is not None


def test_orders_must_name_the_mode_that_is_set() -> None:
    """margin_mode on an order must equal the market's."""
    drive = Steered(LEVELS, "20000")
    drive.venue.set_margin_mode(USER, BTC_USD, "isolated")
    refused = drive.submit("buy", "0.1", "99000", margin_mode="cross")
    assert isinstance(refused, Refusal) and refused.reason is Reason.MARGIN_MODE
    assert not isinstance(drive.submit("buy", "0.1", "99000", margin_mode="isolated"), Refusal)


def test_transfer_in_moves_the_liquidation_price() -> None:
    """1000 more behind a short of 1: the price rises by 1000 / 1.0125, the wallet falls by 1000."""
    drive = held()
    assert str(drive.venue.position(USER, BTC_USD).liq_price) == "108641.98"
    assert drive.venue.transfer_margin(USER, BTC_USD, Decimal("1000.0")) is None
    assert str(drive.venue.position(USER, BTC_USD).liq_price) == "109629.63"
    assert drive.account.balance == Decimal(8_960)
    assert drive.venue.position(USER, BTC_USD).holding_margin == 11_000
    drive.venue.invariants()


@pytest.mark.parametrize(
    ("mode", "amount", "reason"),
    [
        ("isolated", "9960.000000001", Reason.BALANCE),
        ("isolated", "-0.000000001", Reason.MARGIN),
        ("isolated", "0", Reason.MARGIN),
        ("isolated", "0.0000000001", Reason.MARGIN),
        ("isolated", "NaN", Reason.MARGIN),
        ("cross", "1", Reason.MARGIN),
    ],
)
def test_transfers_that_are_refused(mode: str, amount: str, reason: Reason) -> None:
    """More than is available, below the initial margin, nothing, off nine decimals, without an isolated position."""
    drive = held(mode)
    before = (drive.account.balance, drive.account.positions[BTC_USD].margin)
    refused = drive.venue.transfer_margin(USER, BTC_USD, Decimal(amount))
    assert refused is not None and refused.reason is reason
    assert (drive.account.balance, drive.account.positions[BTC_USD].margin) == before


def test_transfer_out_leaves_initial_margin_after_losses() -> None:
    """With 500 lost at the mark, 1500 above the initial margin can spare 1000."""
    drive = held()
    drive.venue.transfer_margin(USER, BTC_USD, Decimal(1_500))
    drive.mark("100500")
    assert drive.venue.transfer_margin(USER, BTC_USD, Decimal("-1000.000000001")) is not None
    assert drive.venue.transfer_margin(USER, BTC_USD, Decimal(-1_000)) is None
    assert drive.venue.position(USER, BTC_USD).holding_margin == 10_500


def test_leverage_of_an_isolated_position() -> None:
    """Raised: the margin stays. Lowered: topped up from the wallet, or refused as a whole when that is too little."""
    drive = held()
    assert drive.venue.set_leverage(USER, BTC_USD, 20) is None
    assert drive.account.positions[BTC_USD].margin == 10_000
    assert drive.venue.position(USER, BTC_USD).initial_margin == 5_000
    assert drive.venue.set_leverage(USER, BTC_USD, 8) is None
    assert (drive.account.positions[BTC_USD].margin, drive.account.balance) == (12_500, 7_460)
    refused = drive.venue.set_leverage(USER, BTC_USD, 4)
    assert refused is not None and refused.reason is Reason.BALANCE
    assert (drive.account.positions[BTC_USD].margin, drive.account.leverage[BTC_USD]) == (12_500, 8)
    drive.venue.invariants()
