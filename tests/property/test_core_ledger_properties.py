"""The ledger is the venue's account, to the last unit, and its split is the whole result, whatever happens."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st
from venue_commands import SPECS, START_NS, Command, Setup, carry_out, new_venue, spec

from hummingbot_extensions.core.account_book import AccountBook
from hummingbot_extensions.core.canonical import from_plain, to_plain
from hummingbot_extensions.core.ledger import Account as Books
from hummingbot_extensions.core.ledger import Ledger, LedgerFill, fee_entry
from hummingbot_extensions.core.rounding import from_units
from hummingbot_extensions.core.types import Side, TimeInForce
from hummingbot_extensions.sim.account import Account, Order, Position
from hummingbot_extensions.sim.account_views import Terms, balance_view
from hummingbot_extensions.sim.funding import funding_payment
from hummingbot_extensions.sim.venue_values import (
    FundingRow,
    MarginMode,
    OrderKind,
    ReduceOnlyRule,
    SelfMatch,
    Trade,
)

D = Decimal
S = 1_000_000_000
MARKETS = {
    "BTC-USD": spec("BTC-USD", 4),
    "ETH-USD": replace(spec("ETH-USD", 3), maker_fee=D("-0.0001"), price_decimals=1),
    "XRP-USD": replace(spec("XRP-USD", 1), maker_fee=D("-0.000037"), taker_fee=D("0.00045"), price_decimals=4),
}
SYMBOL = st.sampled_from(list(MARKETS))

EVENT = st.one_of(
    st.tuples(st.just("fill"), SYMBOL, st.sampled_from(Side), st.integers(1, 12_345_678), st.integers(1, 50_000),
              st.booleans()),
    st.tuples(st.just("fill"), SYMBOL, st.sampled_from(Side), st.integers(9_000, 9_100), st.integers(1, 3),
              st.just(True)),
    st.tuples(st.just("funding"), SYMBOL, st.integers(1, 12_345_678), st.integers(-400, 400)),
    st.tuples(st.just("liquidated"), SYMBOL, st.decimals(D(-50), D(500), places=9)),
    st.tuples(st.just("repeat"), SYMBOL),
    st.tuples(st.just("fee"), SYMBOL),
    st.tuples(st.just("restart")),
)  # fmt: skip


def new_account(is_isolated: bool) -> Account:
    account = Account("ann", D(5_000), 0, D(5_000))
    for symbol in MARKETS:
        account.positions[symbol] = Position(0, symbol)
        account.leverage[symbol] = 7
        account.margin_mode[symbol] = MarginMode.ISOLATED if is_isolated else MarginMode.CROSS
    return account


def new_order(symbol: str, side: Side, price_ticks: int, lots: int) -> Order:
    return Order(
        1, symbol, "c", side, OrderKind.LIMIT, TimeInForce.GTC, price_ticks, lots, reduce_only=False, leverage=7,
        margin=D(0), position_id=0, created_ns=START_NS, updated_ns=START_NS)


def told(trade: Trade, is_fee_known: bool = True) -> LedgerFill:
    """A fill as the venue's stream tells it."""
    return LedgerFill(
        str(trade.id), trade.side, trade.price, trade.size, trade.fee if is_fee_known else None, trade.is_maker,
        trade.ts_ns)


class Compared:
    """The simulated venue's account and our books of it, one a market, given the same events."""

    def __init__(self, is_isolated: bool) -> None:
        self.account = new_account(is_isolated)
        self.books = {symbol: AccountBook(0) for symbol in MARKETS}
        first = next(iter(MARKETS))
        self.books[first] = replace(self.books[first], ledger=Ledger().deposited(self.account.start_balance))
        self.posted = {account: D(0) for account in Books}
        self.marks: dict[str, Decimal | None] = dict.fromkeys(MARKETS)
        self.now_ns = START_NS
        self.unpaid: dict[str, list[Trade]] = {symbol: [] for symbol in MARKETS}
        """Fills of which we have not learnt the fee."""

    def give(self, number: int, event: tuple[object, ...]) -> None:
        self.now_ns += S
        match event:
            case ("fill", str(symbol), Side() as side, int(ticks), int(lots), bool(is_maker)):
                self._fill(number, symbol, side, ticks, lots, is_maker)
            case ("funding", str(symbol), int(ticks), int(rate)):
                self._fund(number, symbol, ticks, D(rate).scaleb(-7))
            case ("liquidated", str(symbol), Decimal() as amount):
                self.account.forfeit(amount)
                book = self.books[symbol]
                self.books[symbol] = replace(book, ledger=book.ledger.adjusted(-amount))
            case ("repeat", str(symbol)):
                trades = [trade for trade in self.account.trades if trade.symbol == symbol]
                for trade in trades[-3:]:
                    again = self.books[symbol].after(told(trade), self.now_ns, trade not in self.unpaid[symbol])
                    assert again.ledger.fills == len(trades)
                    self.unpaid[symbol] = [one for one in self.unpaid[symbol] if one is not trade]
                    self.books[symbol] = again
            case ("fee", str(symbol)):
                for trade in self.unpaid[symbol]:
                    self.books[symbol] = self.books[symbol].with_fee(str(trade.id), trade.fee)
                self.unpaid[symbol] = []
            case ("restart",):
                self.books = {key: from_plain(AccountBook, to_plain(book)) for key, book in self.books.items()}

    def _fill(self, number: int, symbol: str, side: Side, ticks: int, lots: int, is_maker: bool) -> None:
        market = MARKETS[symbol]
        order = new_order(symbol, side, ticks, lots)
        trade = self.account.apply_fill(market, order, ticks, lots, is_maker, number, self.now_ns)
        is_told = number % 5 != 0
        fill = told(trade, is_told)
        if not is_told:
            self.unpaid[symbol].append(trade)
        entries = [self.books[symbol].ledger.trade_entry(fill.size * side.sign, fill.price)]
        entries += [fee_entry(trade.fee)]
        for entry in entries:
            assert entry.imbalance_quote == 0
            for account, amount in entry.amounts:
                self.posted[account] += amount
        self.books[symbol] = self.books[symbol].after(fill, self.now_ns, is_told)
        self.marks[symbol] = from_units(max(1, ticks - 7), market.price_decimals)

    def _fund(self, number: int, symbol: str, ticks: int, rate: Decimal) -> None:
        market = MARKETS[symbol]
        size = from_units(self.account.position_lots(symbol), market.size_decimals)
        mark = from_units(ticks, market.price_decimals)
        if not size:
            return
        amount = funding_payment(size, mark, rate)
        self.account.pay_funding(FundingRow(number, "ann", symbol, amount, rate, self.now_ns))
        self.books[symbol] = self.books[symbol].funded(self.now_ns, amount)
        self.marks[symbol] = mark

    def check(self) -> None:
        """Wallet, positions, entry values and unrealised PnL are the venue's; every set of balances is zero in sum."""
        account, ledgers = self.account, {symbol: book.ledger for symbol, book in self.books.items()}
        unpaid = sum((trade.fee for trades in self.unpaid.values() for trade in trades), D(0))
        view = balance_view(account, Terms(MARKETS, self.marks, {}), self.now_ns)
        assert sum((one.wallet_quote for one in ledgers.values()), D(0)) == account.total_balance + unpaid
        assert sum(one.realized_quote for one in ledgers.values()) == account.realized_pnl
        upnl = D(0)
        for symbol, ledger in ledgers.items():
            position, mark = account.positions[symbol], self.marks[symbol]
            assert ledger.position == from_units(position.lots, MARKETS[symbol].size_decimals)
            assert abs(ledger.cost_quote) == position.entry_value
            assert sum(ledger.balances.values()) == 0
            assert ledger.missing_fees == len(self.unpaid[symbol])
            assert self.books[symbol].problems() == []
            upnl += ledger.unrealized_quote(mark) if mark is not None else 0
        assert upnl == view.cross_upnl + view.isolated_upnl
        if not unpaid:
            fees = sum((one.fees_quote or 0 for one in ledgers.values()), D(0))
            assert fees == account.fees_paid == self.posted[Books.FEES] + self.posted[Books.REBATES]
            assert sum(one.rebates_quote for one in ledgers.values()) == -self.posted[Books.REBATES]
        inventory = sum((one.cost_quote for one in ledgers.values()), D(0))
        assert inventory == self.posted[Books.INVENTORY]


@given(st.booleans(), st.lists(EVENT, min_size=1, max_size=40))
def test_q7_the_ledger_is_the_venues_account_to_the_last_unit(
    is_isolated: bool, events: list[tuple[object, ...]]
) -> None:
    """Fills of three markets, rebates, funding, collateral taken, fees that come late, repeats, restarts."""
    compared = Compared(is_isolated)
    for number, event in enumerate(events, 1):
        compared.give(number, event)
        compared.check()
    for symbol in MARKETS:
        compared.give(len(events) + 1, ("fee", symbol))
    compared.check()


COMMANDS = st.one_of(
    st.tuples(st.just("order"), st.just("ann"), st.sampled_from(list(SPECS)), st.sampled_from(["buy", "sell"]),
              st.integers(1, 14_000), st.one_of(st.none(), st.integers(-60, 120)), st.sampled_from(["gtc", "ioc"]),
              st.booleans(), st.just(0), st.sampled_from([0, 40]), st.just(0)),
    st.tuples(st.just("mode"), st.just("ann"), st.sampled_from(list(SPECS)), st.sampled_from(["cross", "isolated"])),
    st.tuples(st.just("wait"), st.sampled_from([50, 700, 3_000])),
)  # fmt: skip


@settings(max_examples=settings().max_examples if settings().max_examples >= 10_000 else 20)
@given(st.integers(0, 10_000), st.lists(COMMANDS, min_size=3, max_size=25))
def test_a_ledger_fed_with_what_the_venue_tells_has_its_balance(seed: int, commands: list[Command]) -> None:
    """The venue itself decides who trades, when funding is paid and who is liquidated; twelve seconds over an hour."""
    venue = new_venue(Setup(seed, SelfMatch.ALLOW, ReduceOnlyRule.REJECT))
    for command in [*commands, ("wait", 12_000)]:
        carry_out(venue, command)
    account = venue.accounts["ann"]
    ledger = {symbol: Ledger() for symbol in SPECS}
    for trade in account.trades:
        ledger[trade.symbol] = ledger[trade.symbol].after(told(trade))
    for row in account.funding:
        ledger[row.symbol] = ledger[row.symbol].funded(row.amount)
    first = next(iter(SPECS))
    ledger[first] = ledger[first].deposited(account.start_balance).adjusted(-account.forfeited)
    wallet = sum((one.wallet_quote for one in ledger.values()), D(0))
    view = venue.balance("ann")
    assert wallet == account.total_balance == view.balance
    for symbol, one in ledger.items():
        shown = venue.position("ann", symbol)
        assert one.position == shown.size and abs(one.cost_quote) == shown.entry_value
        assert one.entry_price == shown.entry_price
        if shown.mark is not None:
            assert one.unrealized_quote(shown.mark) == shown.upnl


prices = st.decimals(D("0.01"), D("120000"), places=2)
sizes = st.decimals(D("0.0001"), D("50"), places=4)
STEP = st.one_of(
    st.tuples(st.just("fill"), st.sampled_from(Side), prices, sizes, st.none() | prices,
              st.none() | st.decimals(D(-5), D(5), places=6), st.booleans()),
    st.tuples(st.just("adopt"), st.decimals(D(-5), D(5), places=4).filter(bool), prices),
    st.tuples(st.just("funding"), st.decimals(D(-5), D(5), places=9)),
    st.tuples(st.just("adjust"), st.decimals(D(-5), D(5), places=9)),
    st.tuples(st.just("fees")),
)  # fmt: skip


@given(st.lists(STEP, max_size=30), prices, st.booleans())
def test_q5_the_parts_sum_to_the_change_of_equity(
    steps: list[tuple[object, ...]], mark: Decimal, has_marks: bool
) -> None:
    """By cash in hand and position at mark, counted apart: exact, with the edge of each fill counted once (T30)."""
    book, cash, position, missing = AccountBook(0), D(0), D(0), dict[str, Decimal]()
    spread, exit_cost, unmarked = D(0), D(0), 0
    for number, step in enumerate(steps, 1):
        match step:
            case ("fill", Side() as side, Decimal() as price, Decimal() as size, at_fill, fee, bool(is_exit)):
                at = at_fill if isinstance(at_fill, Decimal) else price + 1 if has_marks else None
                fill = LedgerFill(
                    str(number), side, price, size, fee if isinstance(fee, Decimal) else None, True, number * 100 * S,
                    at, is_exit)
                book = book.after(fill, 0, True)
                cash -= price * size * side.sign
                if isinstance(fee, Decimal):
                    cash -= fee
                else:
                    missing[str(number)] = D(number).scaleb(-3)
                if at is None:
                    unmarked += 1
                else:
                    edge = (at - price) * size * side.sign
                    spread, exit_cost = spread + (0 if is_exit else edge), exit_cost - (edge if is_exit else 0)
                position += size * side.sign
            case ("adopt", Decimal() as change, Decimal() as price):
                # Later than any fill may be taken for: no fill is booked against it.
                book = replace(book.adopted(change, price, 0), adoptions=())
                cash, position = cash - change * price, position + change
            case ("funding", Decimal() as amount):
                book, cash = book.funded(number * 100 * S, amount), cash + amount
            case ("adjust", Decimal() as amount):
                book, cash = replace(book, ledger=book.ledger.adjusted(amount)), cash + amount
            case ("fees",):
                for trade_id, late in missing.items():
                    book, cash = book.with_fee(trade_id, late), cash - late
                missing = {}
    split = book.split(mark)
    assert book.ledger.position == position
    if missing:
        assert split.net_quote is None and split.fees_quote is None and split.rebates_quote is None
    else:
        assert split.net_quote == cash + position * mark == book.ledger.net_pnl_quote(mark)
    assert split.net_complete == (not missing and not unmarked) and split.unmarked_fills == unmarked
    if unmarked:
        assert split.spread_quote is None and split.inventory_quote is None
        return
    assert (split.spread_quote, split.exit_cost_quote) == (spread, exit_cost)
    assert split.inventory_quote is not None and split.trading_quote == spread + split.inventory_quote - exit_cost
    if not missing:
        assert split.fees_quote is not None and split.rebates_quote is not None
        whole = split.trading_quote - split.fees_quote + split.rebates_quote + split.funding_quote
        assert whole + split.adjustments_quote == split.net_quote
