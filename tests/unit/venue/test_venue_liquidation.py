"""Margin and liquidation worked by hand, to the last digit: long and short, isolated and cross."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from scripted_market import Outside
from steered import Steered, SteeredMarket
from venue_driver import USER

from hummingbot_extensions.core.types import Side, TimeInForce
from hummingbot_extensions.sim.margin import MarginTier
from hummingbot_extensions.sim.mark import MarkRule
from hummingbot_extensions.sim.venue import Venue, VenueParams
from hummingbot_extensions.sim.venue_values import (
    Accepted,
    NewOrder,
    OrderKind,
    OrderSource,
    OrderStatus,
    OrderUpdate,
    Reason,
    Terminal,
)
from tests.support.fifo_market import BTC

BUY, SELL = Side.BUY, Side.SELL
SAMPLES = Path(__file__).parents[2] / "wire" / "standx"
DOCS = replace(BTC, size_decimals=3, max_leverage=20)
"""The published sample's market: leverage 20 gives its maintenance rate of 2.5 %."""


def isolated(drive: Steered, leverage: int = 10) -> Steered:
    assert drive.venue.set_margin_mode(USER, "BTC-USD", "isolated") is None
    assert drive.venue.set_leverage(USER, "BTC-USD", leverage) is None
    return drive


def last_order(drive: Steered) -> OrderUpdate:
    return [event for event in drive.events if isinstance(event, OrderUpdate)][-1]


def test_published_position_to_the_last_digit() -> None:
    """Buying 0.940 at 121737.96, isolated at leverage 10, with the mark at 121715.05: the published row."""
    row = json.loads((SAMPLES / "rest_query_positions.json").read_text())["open_long"]["body"][0]
    drive = isolated(Steered([(SELL, row["entry_price"], 940)], "20000", 121_737.96, spec=DOCS))
    drive.place("buy", row["qty"], None, "ioc")
    drive.mark(row["mark_price"])
    view = drive.venue.position(USER, "BTC-USD")
    assert (str(view.size), str(view.entry_value), str(view.margin_mode)) == ("0.940", "114433.68240", "isolated")
    assert view.entry_price == Decimal(row["entry_price"])
    assert view.holding_margin == Decimal(row["holding_margin"])
    assert view.initial_margin == Decimal(row["initial_margin"])
    assert (str(view.upnl), str(view.position_value)) == (row["upnl"], row["position_value"])
    assert view.maint_margin == Decimal(row["maint_margin"])
    assert (str(view.liq_price), str(view.bankruptcy_price)) == (row["liq_price"], row["bankruptcy_price"])
    assert view.margin_ratio == Decimal(row["mmr"])


def test_published_position_mirrored() -> None:
    """The same position short: (121737.96 + 12173.796) over 1.025 and over 1.0004."""
    drive = isolated(Steered([(BUY, "121737.96", 940)], "20000", 121_737.96, spec=DOCS))
    drive.place("sell", "0.940", None, "ioc")
    view = drive.venue.position(USER, "BTC-USD")
    assert (str(view.liq_price), str(view.bankruptcy_price)) == ("130645.62", "133858.21")


def test_isolated_money() -> None:
    """Opening moves the initial margin and pays the fee from the wallet; closing half brings half of it and the PnL."""
    drive = isolated(Steered([(SELL, "100000", 10_000), (BUY, "99000", 10_000)], "20000"))
    drive.place("buy", "1", None, "ioc")
    balance = drive.venue.balance(USER)
    assert (balance.cross_balance, balance.isolated_balance) == (Decimal(9_960), Decimal(10_000))
    assert (balance.cross_margin, balance.available, balance.equity) == (0, Decimal(9_960), Decimal(19_960))
    drive.mark("101000")
    balance = drive.venue.balance(USER)
    assert (balance.isolated_upnl, balance.cross_upnl, balance.equity) == (Decimal(1_000), 0, Decimal(20_960))
    drive.place("sell", "0.5", None, "ioc")
    balance = drive.venue.balance(USER)
    assert balance.isolated_balance == 5_000
    assert balance.cross_balance == Decimal(9_960) + 5_000 - 500 - Decimal("19.80")
    drive.place("sell", "0.5", None, "ioc")
    assert drive.account.total_balance == drive.account.balance == Decimal("18920.40")
    drive.venue.invariants()


def test_isolated_long_is_liquidated() -> None:
    """At 91139.25 it stands, at 91139.24 it goes: 0.6 to the book, 0.4 to the vault at 90036.01, the rest forfeited."""
    levels = [(SELL, "100000", 10_000), (BUY, "91000", 6_000), (BUY, "90036.00", 9_000)]
    drive = isolated(Steered(levels, "20000"))
    drive.place("buy", "1", None, "ioc")
    resting = drive.place("buy", "0.01", "91000")
    view = drive.venue.position(USER, "BTC-USD")
    assert (str(view.liq_price), str(view.bankruptcy_price)) == ("91139.24", "90036.01")
    drive.mark("91139.25")
    assert drive.position == 1
    drive.mark("91139.24")
    assert drive.position == 0
    assert drive.status(resting) is OrderStatus.CANCELED
    order = last_order(drive).order
    assert (order.source, order.liq_id, order.status) == (OrderSource.LIQUIDATION, 1, OrderStatus.FILLED)
    assert (order.kind, order.tif, order.price) == (OrderKind.LIMIT, TimeInForce.IOC, Decimal("90036.01"))
    trades = drive.account.trades[1:]
    assert [(t.price, t.size, t.fee, t.pnl) for t in trades] == [
        (Decimal("91000.00"), Decimal("0.6000"), Decimal("21.84"), Decimal("-5400")),
        (Decimal("90036.01"), Decimal("0.4000"), Decimal("14.4057616"), Decimal("-3985.596")),
    ]
    assert drive.account.total_balance == drive.account.balance == Decimal(9_960)
    assert drive.account.forfeited == Decimal("578.1582384")
    vault = drive.venue.house.vault
    assert vault.balance == Decimal("578.1582384")
    assert (vault.position_lots("BTC-USD"), vault.positions["BTC-USD"].entry_value) == (4_000, Decimal("36014.404"))


def test_isolated_short_is_liquidated() -> None:
    """At 108641.97 it stands, at 108641.98 it goes, bought back at 109000: 10000 - 9000 - 43.60 are forfeited."""
    drive = isolated(Steered([(BUY, "100000", 10_000), (SELL, "109000", 10_000)], "20000"))
    drive.place("sell", "1", None, "ioc")
    view = drive.venue.position(USER, "BTC-USD")
    assert (str(view.liq_price), str(view.bankruptcy_price)) == ("108641.98", "109956.02")
    drive.mark("108641.97")
    assert drive.position == -1
    drive.mark("108641.98")
    assert drive.position == 0
    assert drive.account.trades[-1].price == 109_000
    assert drive.account.forfeited == Decimal("956.40") == drive.venue.house.vault.balance
    assert drive.account.balance == Decimal(9_960)


def test_cross_long_loses_the_wallet() -> None:
    """5000 behind one long at leverage 40: gone at 96243.03, sold at 96000, the remaining 921.60 forfeited."""
    drive = Steered([(SELL, "100000", 10_000), (BUY, "96000", 10_000)], "5000")
    drive.venue.set_leverage(USER, "BTC-USD", 40)
    drive.place("buy", "1", None, "ioc")
    view = drive.venue.position(USER, "BTC-USD")
    assert (str(view.liq_price), str(view.bankruptcy_price)) == ("96243.04", "95078.03")
    drive.mark("96243.04")
    assert drive.position == 1
    drive.mark("96243.03")
    assert drive.position == 0
    assert drive.account.forfeited == Decimal("921.60")
    assert drive.account.balance == 0


def test_cross_short_loses_the_wallet() -> None:
    """The mirror: gone at 103664.20, bought back at 104000, the remaining 918.40 forfeited."""
    drive = Steered([(BUY, "100000", 10_000), (SELL, "104000", 10_000)], "5000")
    drive.venue.set_leverage(USER, "BTC-USD", 40)
    drive.place("sell", "1", None, "ioc")
    assert str(drive.venue.position(USER, "BTC-USD").liq_price) == "103664.20"
    drive.mark("103664.19")
    assert drive.position == -1
    drive.mark("103664.20")
    assert drive.position == 0
    assert drive.account.forfeited == Decimal("918.40")
    assert drive.account.balance == 0


def test_vault_takes_what_nobody_buys() -> None:
    """Without bids the vault takes all at the bankruptcy price and covers its rounding; the wallet is untouched."""
    drive = isolated(Steered([(SELL, "100000", 10_000)], "20000"))
    drive.place("buy", "1", None, "ioc")
    drive.mark("80000")
    assert drive.position == 0
    assert drive.account.balance == Decimal(9_960)
    assert drive.account.forfeited == Decimal("-0.004404")
    assert drive.venue.house.vault.position_lots("BTC-USD") == 10_000


def test_liquidation_ends_orders_on_their_way() -> None:
    """An accepted order of a liquidated account that has not reached the market is refused when its turn comes."""
    drive = Steered([(SELL, "100000", 10_000), (BUY, "96000", 10_000)], "5000")
    drive.venue.set_leverage(USER, "BTC-USD", 40)
    drive.place("buy", "1", None, "ioc")
    late = NewOrder("BTC-USD", BUY, OrderKind.LIMIT, Decimal("0.01"), Decimal(90_000), TimeInForce.ALO, False)
    assert isinstance(drive.venue.submit(USER, late, 500_000_000, "late"), Accepted)
    drive.mark("96000")
    drive.wait(1.0)
    terminal = [event for event in drive.events if isinstance(event, Terminal)][-1]
    assert terminal.tag == "late"
    assert terminal.refusal is not None and terminal.refusal.reason is Reason.LIQUIDATED
    assert drive.account.locked(drive.venue.specs) == 0


def test_higher_tier_sells_in_tranches() -> None:
    """Above tier 1 a quarter goes at a time, nothing is forfeited, and it ends when margin has recovered."""
    tiers = {"BTC-USD": (MarginTier(Decimal(30_000), Decimal("0.01")), MarginTier(None, Decimal("0.025")))}
    levels = [(SELL, "100000", 10_000), (BUY, "97000", 10_000)]
    drive = Steered(levels, "5000", params=VenueParams(margin_tiers=tiers))
    drive.venue.set_leverage(USER, "BTC-USD", 40)
    drive.place("buy", "1", None, "ioc")
    drive.mark("97400")
    # 4960 - 2600 = 2360 of 2435 needed; a quarter sold at 97000 leaves 2221.20 of 1826.25.
    assert drive.position == Decimal("0.75")
    assert drive.account.forfeited == 0
    assert drive.account.balance == Decimal(4_960) - 750 - Decimal("9.70")
    drive.wait(1.0)
    assert drive.position == Decimal("0.75")


class TwoMarkets:
    """1 BTC bought at 100000 and 10 ETH at 2000, cross at leverage 40, with 6000 deposited and 48 of fees paid."""

    def __init__(self) -> None:
        eth = replace(BTC, symbol="ETH-USD", base="ETH")
        btc_book = [Outside(0, SELL, 10_000_000, 10_000), Outside(0, BUY, 9_540_000, 10_000)]
        eth_book = [Outside(0, SELL, 200_000, 100_000), Outside(0, BUY, 150_000, 100_000)]
        self.btc, self.eth = SteeredMarket(btc_book, 100_000.0), SteeredMarket(eth_book, 2_000.0, spec=eth)
        rules = {"BTC-USD": MarkRule.MID, "ETH-USD": MarkRule.MID}
        self.venue = Venue({"BTC-USD": self.btc, "ETH-USD": self.eth}, mark_rules=rules)
        self.account = self.venue.open_account(USER, Decimal(6_000))
        for symbol, size in (("BTC-USD", "1"), ("ETH-USD", "10")):
            self.venue.set_leverage(USER, symbol, 40)
            order = NewOrder(symbol, BUY, OrderKind.MARKET, Decimal(size), None, TimeInForce.IOC, False)
            self.venue.submit(USER, order, 0)
            self.venue.advance(self.venue.now_ns)

    def mark(self, btc: float, eth: float) -> None:
        self.btc.price, self.eth.price = btc, eth
        self.venue.advance(self.venue.now_ns + 50_000_000)
        self.venue.invariants()


def test_largest_cross_position_goes_first() -> None:
    """Of two cross positions the one that needs more goes; the wallet keeps exactly what the other one needs."""
    both = TwoMarkets()
    assert both.account.balance == Decimal(6_000) - 40 - 8
    both.mark(95_500.0, 1_990.0)
    # 5952 - 4500 - 100 = 1352 of 1193.75 + 248.75 needed; BTC sold at 95400 leaves 1313.84 - 38.16 of fee.
    assert both.account.position_lots("BTC-USD") == 0
    assert both.account.position_lots("ETH-USD") == 100_000
    assert both.venue.balance(USER).cross_equity == Decimal("248.75")
    assert both.account.forfeited == Decimal(5_952) - 4_600 - Decimal("38.16") - 100 - Decimal("248.75")


def test_gap_leaves_the_other_position_what_is_there() -> None:
    """With less equity than the other position needs, nothing is forfeited beyond it, and the vault adds no more."""
    both = TwoMarkets()
    both.mark(95_300.0, 1_890.0)
    # 5952 - 4700 - 1100 = 152 is less than the 236.25 of ETH: BTC goes for its value, at 95338.14 with the fee.
    assert both.account.position_lots("BTC-USD") == 0
    assert both.account.trades[-1].price == 95_400
    assert both.venue.balance(USER).cross_equity == 152
    both.mark(95_300.0, 1_889.0)
    assert both.account.position_lots("ETH-USD") == 0
    assert both.account.balance == 0


@pytest.mark.parametrize("mode", ["cross", "isolated"])
def test_halt_postpones_liquidation(mode: str) -> None:
    """While a market is halted its mark stands still and nothing is closed; after it the position goes."""
    drive = Steered([(SELL, "100000", 10_000), (BUY, "80000", 10_000)], "12000")
    drive.venue.set_margin_mode(USER, "BTC-USD", mode)
    drive.place("buy", "1", None, "ioc")
    drive.venue.halt("BTC-USD")
    drive.mark("85000")
    drive.wait(5.0)
    assert drive.position == 1
    drive.venue.resume("BTC-USD")
    drive.wait(0.2)
    assert drive.position == 0
