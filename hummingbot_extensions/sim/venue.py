"""The venue: decides what happens to an order. Accounts, margin, fees, post-only, reduce-only, funding, over markets.

Time is integer nanoseconds and always an argument; ids are sequential; nothing here reads a clock or draws a random
number. Between two calls of ``advance`` the venue stands still. Inside, it walks from one grid instant to the next
(``step_ns``), to each due command and each funding hour, so that the same commands at the same times give the same
events however the walk is cut into calls.

Choices where the venue's rules are unknown:
- No self-trade prevention: an account may trade with itself; it pays both fees and its position stays.
- A reduce-only order beyond the position is refused. Resting ones are cancelled, newest first, when the position
  shrinks under them, checked at every step: within one step of 50 ms two fills may overrun.
- A market order is checked and locked at the opposite touch, or the mark when there is none.
- The position limit counts the position plus everything resting on the adding side.
- A changed leverage is taken with positions open when the margin suffices. Only cross margin is offered.
- Liquidation is not modelled yet: equity may go below maintenance and nothing closes.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from hummingbot_extensions.core.rounding import from_units
from hummingbot_extensions.core.types import Side, TimeInForce
from hummingbot_extensions.sim import margin
from hummingbot_extensions.sim.account import Account, Order, Position
from hummingbot_extensions.sim.gateway import Prices, checked_order
from hummingbot_extensions.sim.mark import (
    FundingModel,
    MarkModel,
    MarkRule,
    impact_price,
    premium_frac,
)
from hummingbot_extensions.sim.market import (
    BookChanged,
    Fill,
    MarketSource,
    MarketSpec,
    Print,
)
from hummingbot_extensions.sim.order_log import AliveLog, MarkLog
from hummingbot_extensions.sim.venue_values import (
    Accepted,
    BalanceUpdate,
    BalanceView,
    BookUpdate,
    CancelOrders,
    FillUpdate,
    FundingRow,
    NewOrder,
    OrderKind,
    OrderStatus,
    OrderUpdate,
    OrderView,
    PositionUpdate,
    PositionView,
    PriceUpdate,
    PrintUpdate,
    Reason,
    Refusal,
    Terminal,
    VenueEvent,
)

HOUR_NS = 3_600_000_000_000
FIRST_ORDER_ID = 11_545_800_001
FIRST_TRADE_ID = 88_000_001
FIRST_POSITION_ID = 15
FIRST_FUNDING_ID = 530_060_001


@dataclass(frozen=True, slots=True)
class VenueParams:
    """Beats of the venue in nanoseconds of venue time, all multiples of ``step_ns``, counted from its start."""

    step_ns: int = 50_000_000
    book_every_ns: int = 250_000_000
    """Beat of the shown book, sent if changed; 0 shows every frame that the market delivers (a tape)."""
    book_depth: int = 400
    """Levels a side taken from the market for one shown book."""
    price_every_ns: int = 3_000_000_000
    premium_every_ns: int = 5_000_000_000
    clock_offset_ns: int = 0
    """Added to venue time to find the hour at which funding is settled."""


DEFAULT_PARAMS = VenueParams()


@dataclass(slots=True)
class _Market:
    source: MarketSource
    mark: MarkModel
    funding: FundingModel
    marks: MarkLog
    alive: AliveLog
    book_changed_ns: int | None = None


@dataclass(frozen=True, slots=True)
class _Placing:
    user: str
    order_id: int
    tag: object


@dataclass(frozen=True, slots=True)
class _Cancelling:
    user: str
    request: CancelOrders
    tag: object


class Venue:
    """Accounts laid over one or more markets. See the module for the rules."""

    def __init__(
        self,
        markets: Mapping[str, MarketSource],
        params: VenueParams = DEFAULT_PARAMS,
        mark_rules: Mapping[str, MarkRule] | None = None,
    ) -> None:
        """``mark_rules`` names the symbols whose mark is not the median of three (tapes: MID)."""
        starts = {market.now_ns for market in markets.values()}
        if len(starts) != 1:
            raise ValueError(f"markets must start at the same time, not at {sorted(starts)}")
        self.params = params
        self.start_ns = self.now_ns = starts.pop()
        self.specs: dict[str, MarketSpec] = {symbol: market.spec for symbol, market in markets.items()}
        self.accounts: dict[str, Account] = {}
        rules = mark_rules or {}
        self._markets = {
            symbol: _Market(
                source, MarkModel(rules.get(symbol, MarkRule.MEDIAN)), FundingModel(), MarkLog(), AliveLog()
            )
            for symbol, source in markets.items()
        }
        self._commands: list[tuple[int, int, _Placing | _Cancelling]] = []
        self._command_count = 0
        self._next_order_id = FIRST_ORDER_ID
        self._next_trade_id = FIRST_TRADE_ID
        self._next_position_id = FIRST_POSITION_ID
        self._next_funding_id = FIRST_FUNDING_ID
        self._owners: dict[int, str] = {}
        self._events: list[VenueEvent] = []
        for symbol in self._markets:
            self._update_mark(symbol, self.now_ns)

    # Accounts

    def open_account(self, user: str, balance: Decimal) -> Account:
        """The account of ``user``, created with this balance if it does not exist."""
        if user not in self.accounts:
            account = Account(user, balance, self.now_ns, balance)
            for symbol, spec in self.specs.items():
                account.leverage[symbol] = spec.default_leverage
                account.positions[symbol] = Position(self._next_position_id, symbol)
                self._next_position_id += 1
            self.accounts[user] = account
        return self.accounts[user]

    def balance(self, user: str) -> BalanceView:
        return self.accounts[user].balance_view(self.specs, self._mark_prices(), self.now_ns)

    def position(self, user: str, symbol: str) -> PositionView:
        return self.accounts[user].position_view(symbol, self.specs, self._mark_prices(), self.now_ns)

    def order_view(self, user: str, order: Order) -> OrderView:
        return self.accounts[user].order_view(self.specs[order.symbol], order)

    def find_order(self, user: str, order_id: int | None, client_id: str | None) -> Order | None:
        """An order of the account by venue id, else by client id (the newest that used it). Pending ones included."""
        account = self.accounts[user]
        if order_id is None and client_id is not None:
            order_id = account.by_client_id.get(client_id)
        return account.orders.get(order_id) if order_id is not None else None

    def set_leverage(self, user: str, symbol: str, leverage: int) -> Refusal | None:
        spec = self.specs.get(symbol)
        if spec is None:
            return _unknown_symbol(symbol)
        if not 1 <= leverage <= spec.max_leverage:
            return Refusal(Reason.LEVERAGE, f"leverage: must be 1 to {spec.max_leverage}")
        account = self.accounts[user]
        before = account.leverage[symbol]
        account.leverage[symbol] = leverage
        if leverage < before and self.balance(user).available < 0:
            account.leverage[symbol] = before
            return Refusal(Reason.BALANCE, "balance not enough")
        return None

    def set_margin_mode(self, user: str, symbol: str, mode: str) -> Refusal | None:
        if symbol not in self.specs:
            return _unknown_symbol(symbol)
        if mode != "cross":
            return Refusal(Reason.MARGIN_MODE, "margin_mode: only cross is offered here")
        return None

    def invariants(self) -> None:
        """Raise AssertionError when an account's books do not add up."""
        for account in self.accounts.values():
            account.invariants(self.specs)

    # Markets

    def market(self, symbol: str) -> MarketSource:
        return self._markets[symbol].source

    def marks(self, symbol: str) -> MarkLog:
        return self._markets[symbol].marks

    def alive(self, symbol: str) -> AliveLog:
        return self._markets[symbol].alive

    def mark_ticks(self, symbol: str) -> int | None:
        ticks = self._markets[symbol].marks.ticks
        return ticks[-1] if ticks else None

    def funding_rate(self, symbol: str) -> Decimal:
        """Rate per hour that the running hour would settle at."""
        return self._markets[symbol].funding.rate()

    def next_funding_ns(self) -> int:
        """Venue time of the next settlement, later than now."""
        shifted = self.now_ns + self.params.clock_offset_ns
        return (shifted // HOUR_NS + 1) * HOUR_NS - self.params.clock_offset_ns

    def price_update(self, symbol: str) -> PriceUpdate:
        market = self._markets[symbol]
        bid, ask = market.source.touch()
        return PriceUpdate(
            self.now_ns,
            symbol,
            self.mark_ticks(symbol),
            self._index_ticks(symbol),
            market.source.last_ticks(),
            bid,
            ask,
        )

    def book_update(self, symbol: str, ts_ns: int | None = None) -> BookUpdate:
        bids, asks = self._markets[symbol].source.book(self.params.book_depth)
        return BookUpdate(self.now_ns if ts_ns is None else ts_ns, symbol, tuple(bids), tuple(asks))

    @property
    def is_over(self) -> bool:
        """True when every market has ended."""
        return all(market.source.is_over for market in self._markets.values())

    # Requests

    def submit(self, user: str, request: NewOrder, delay_ns: int, tag: object = None) -> Accepted | Refusal:
        """Check an order at the gateway and queue it for ``now + delay_ns``; its outcome comes as ``Terminal``."""
        spec, account = self.specs.get(request.symbol), self.accounts[user]
        if spec is None:
            return _unknown_symbol(request.symbol)
        bid, ask = self._markets[spec.symbol].source.touch()
        prices = Prices(self.mark_ticks(spec.symbol), bid, ask)
        available = self.balance(user).available
        order = checked_order(account, spec, request, prices, available, self._next_order_id, self.now_ns)
        if isinstance(order, Refusal):
            return order
        self._next_order_id += 1
        account.orders[order.id] = account.live[order.id] = order
        account.by_client_id[order.client_id] = order.id
        account.log.placed += 1
        self._owners[order.id] = user
        due_ns = self.now_ns + delay_ns
        self._queue(due_ns, _Placing(user, order.id, tag))
        return Accepted(due_ns, order.id)

    def cancel(self, user: str, request: CancelOrders, delay_ns: int, tag: object = None) -> Accepted:
        """Queue a cancel for ``now + delay_ns``; what became of it comes as ``Terminal``."""
        due_ns = self.now_ns + delay_ns
        self._queue(due_ns, _Cancelling(user, request, tag))
        return Accepted(due_ns)

    def next_due_ns(self) -> int | None:
        """When the next queued command is carried out."""
        return self._commands[0][0] if self._commands else None

    def advance(self, to_ns: int) -> list[VenueEvent]:
        """Move time to ``to_ns`` and return everything that happened, in order. Going back raises ValueError."""
        if to_ns < self.now_ns:
            raise ValueError(f"venue time cannot go back from {self.now_ns} to {to_ns}")
        self._run_due()
        while self.now_ns < to_ns:
            step = self.params.step_ns
            grid_ns = self.start_ns + ((self.now_ns - self.start_ns) // step + 1) * step
            funding_ns = self.next_funding_ns()
            stop_ns = min(to_ns, grid_ns, funding_ns, self._commands[0][0] if self._commands else to_ns)
            self.now_ns = stop_ns
            for symbol in self._markets:
                self._drain(symbol)
            if stop_ns == funding_ns:
                self._settle_funding()
            if stop_ns == grid_ns:
                self._beat()
            self._run_due()
        events, self._events = self._events, []
        return events

    # Commands

    def _queue(self, due_ns: int, command: _Placing | _Cancelling) -> None:
        heapq.heappush(self._commands, (due_ns, self._command_count, command))
        self._command_count += 1

    def _run_due(self) -> None:
        while self._commands and self._commands[0][0] <= self.now_ns:
            _, _, command = heapq.heappop(self._commands)
            if isinstance(command, _Placing):
                self._place(command)
            else:
                self._cancel(command)

    def _place(self, command: _Placing) -> None:
        account = self.accounts[command.user]
        order = account.orders[command.order_id]
        if order.reduce_only and order.left_lots > account.reducible_lots(order.symbol, order.side, order.id):
            self._reject(account, order, command, Refusal(Reason.REDUCE_ONLY, "reduce_only: position has shrunk"))
            return
        is_market = order.kind is OrderKind.MARKET
        placement = self._markets[order.symbol].source.place(
            order.id,
            order.side,
            None if is_market else order.price_ticks,
            order.size_lots,
            TimeInForce.IOC if is_market else order.tif,
        )
        if placement.would_cross:
            self._reject(account, order, command, Refusal(Reason.POST_ONLY_CROSSED, "alo order rejected"))
            return
        order.status = OrderStatus.OPEN
        order.shown_ns = order.updated_ns = self.now_ns
        self._events.append(Terminal(self.now_ns, command.user, command.tag, None))
        for fill in placement.fills:
            self._fill(order.symbol, fill)
        if placement.resting_lots:
            is_bid = order.side is Side.BUY
            account.log.rested(order.id, order.symbol, is_bid, order.price_ticks, placement.resting_lots, self.now_ns)
        if placement.resting_lots and not placement.fills:
            self._tell_order(account, order)
            self._tell_balance(account)
        elif not placement.resting_lots and order.is_live:
            self._close(account, order, OrderStatus.CANCELED, self.now_ns)
            self._tell_order(account, order)
            self._tell_balance(account)
        self._drain(order.symbol)

    def _reject(self, account: Account, order: Order, command: _Placing, refusal: Refusal) -> None:
        self._close(account, order, OrderStatus.REJECTED, self.now_ns)
        self._events.append(Terminal(self.now_ns, command.user, command.tag, refusal))

    def _cancel(self, command: _Cancelling) -> None:
        account, request = self.accounts[command.user], command.request
        wanted = [self.find_order(command.user, order_id, None) for order_id in request.order_ids]
        wanted += [self.find_order(command.user, None, client_id) for client_id in request.client_ids]
        refusal: Refusal | None = None
        for order in wanted:
            if order is None or order.status in (OrderStatus.PENDING, OrderStatus.REJECTED):
                refusal = Refusal(Reason.NOT_RESTING, "order not found")
            elif not self._remove(account, order):
                refusal = Refusal(Reason.NOT_RESTING, "order already closed")
            else:
                account.log.cancel_times_ns.append(self.now_ns)
        self._events.append(Terminal(self.now_ns, command.user, command.tag, None if request.is_batch else refusal))

    def _remove(self, account: Account, order: Order) -> bool:
        """Take a resting order out of its market; False when it does not rest any more."""
        if not order.is_live or self._markets[order.symbol].source.cancel(order.id) is None:
            return False
        self._close(account, order, OrderStatus.CANCELED, self.now_ns)
        self._tell_order(account, order)
        self._tell_balance(account)
        self._drain(order.symbol)
        return True

    def _close(self, account: Account, order: Order, status: OrderStatus, ts_ns: int) -> None:
        order.status = status
        order.updated_ns = order.closed_ns = ts_ns
        del account.live[order.id]
        account.log.left(order.id, ts_ns)

    # What markets report

    def _drain(self, symbol: str) -> None:
        """Bring a market to now and book what it reports."""
        market = self._markets[symbol]
        for event in market.source.advance(self.now_ns):
            if isinstance(event, Print):
                self._events.append(
                    PrintUpdate(event.ts_ns, symbol, event.price_ticks, event.size_lots, event.is_buyer_taker)
                )
            elif isinstance(event, BookChanged):
                market.book_changed_ns = event.ts_ns
                market.alive.frame(event.ts_ns)
            else:
                self._fill(symbol, event)

    def _fill(self, symbol: str, fill: Fill) -> None:
        account = self.accounts[self._owners[fill.order_id]]
        order = account.orders[fill.order_id]
        spec = self.specs[symbol]
        trade = account.apply_fill(
            spec, order, fill.price_ticks, fill.size_lots, fill.is_maker, self._next_trade_id, fill.ts_ns
        )
        self._next_trade_id += 1
        if order.left_lots == 0:
            self._close(account, order, OrderStatus.FILLED, fill.ts_ns)
        elif fill.is_maker:
            is_bid = order.side is Side.BUY
            account.log.rested(order.id, symbol, is_bid, order.price_ticks, order.left_lots, fill.ts_ns)
        self._events.append(OrderUpdate(fill.ts_ns, account.order_view(spec, order)))
        self._events.append(FillUpdate(fill.ts_ns, trade))
        marks = self._mark_prices()
        position = account.position_view(symbol, self.specs, marks, fill.ts_ns)
        self._events.append(PositionUpdate(fill.ts_ns, position))
        self._events.append(BalanceUpdate(fill.ts_ns, account.balance_view(self.specs, marks, fill.ts_ns)))

    def _tell_order(self, account: Account, order: Order) -> None:
        self._events.append(OrderUpdate(self.now_ns, account.order_view(self.specs[order.symbol], order)))

    def _tell_balance(self, account: Account) -> None:
        self._events.append(BalanceUpdate(self.now_ns, self.balance(account.user)))

    # Beats

    def _beat(self) -> None:
        since_ns = self.now_ns - self.start_ns
        every = self.params.book_every_ns
        for symbol, market in self._markets.items():
            self._update_mark(symbol, market.book_changed_ns if self._is_mid(symbol) else self.now_ns)
            if market.book_changed_ns is not None and (every == 0 or since_ns % every == 0):
                self._events.append(self.book_update(symbol, market.book_changed_ns if every == 0 else self.now_ns))
                market.book_changed_ns = None
            if since_ns % self.params.price_every_ns == 0:
                self._events.append(self.price_update(symbol))
            if since_ns % self.params.premium_every_ns == 0:
                self._sample_premium(symbol)
        for account in self.accounts.values():
            self._withdraw_excess(account)

    def _is_mid(self, symbol: str) -> bool:
        return self._markets[symbol].mark.rule is MarkRule.MID

    def _update_mark(self, symbol: str, at_ns: int | None) -> None:
        """Note a new mark. A mid changes only with a book frame and takes the frame's own time."""
        if at_ns is None:
            return
        market = self._markets[symbol]
        hour_left = (self.next_funding_ns() - self.now_ns) / HOUR_NS
        ticks = market.mark.mark_ticks(
            self.now_ns,
            market.source.touch(),
            market.source.last_ticks(),
            self._index_ticks(symbol),
            float(market.funding.rate()),
            hour_left,
        )
        if ticks is not None:
            market.marks.add(at_ns, ticks)

    def _index_ticks(self, symbol: str) -> float | None:
        index = self._markets[symbol].source.index()
        return index * 10 ** self.specs[symbol].price_decimals if index is not None else None

    def _mark_prices(self) -> dict[str, Decimal | None]:
        prices: dict[str, Decimal | None] = {}
        for symbol, spec in self.specs.items():
            ticks = self.mark_ticks(symbol)
            if ticks is None:
                ticks = self._markets[symbol].source.last_ticks()
            prices[symbol] = from_units(ticks, spec.price_decimals) if ticks is not None else None
        return prices

    def _sample_premium(self, symbol: str) -> None:
        market, spec = self._markets[symbol], self.specs[symbol]
        index = self._index_ticks(symbol)
        if index is None:
            return
        bids, asks = market.source.book(self.params.book_depth)
        units = (10.0**-spec.price_decimals, 10.0**-spec.size_decimals)
        notional = market.funding.impact_notional
        bid, ask = impact_price(bids, notional, *units), impact_price(asks, notional, *units)
        market.funding.sample(premium_frac(bid, ask, index))

    def _settle_funding(self) -> None:
        marks = self._mark_prices()
        for symbol, market in self._markets.items():
            rate = market.funding.settle()
            mark = marks[symbol]
            if mark is None:
                continue
            for account in self.accounts.values():
                lots = account.position_lots(symbol)
                if not lots:
                    continue
                amount = -(from_units(lots, self.specs[symbol].size_decimals) * mark * rate)
                amount = amount.quantize(margin.MONEY_STEP)
                row = FundingRow(self._next_funding_id, account.user, symbol, amount, rate, self.now_ns)
                self._next_funding_id += 1
                account.pay_funding(row)
                self._tell_balance(account)

    def _withdraw_excess(self, account: Account) -> None:
        """Cancel resting reduce-only orders, newest first, that the position no longer covers."""
        guarded = [order for order in account.live.values() if order.reduce_only and order.status is OrderStatus.OPEN]
        for order in reversed(guarded):
            if order.left_lots > account.reducible_lots(order.symbol, order.side, order.id):
                self._remove(account, order)


def _unknown_symbol(symbol: str) -> Refusal:
    return Refusal(Reason.SYMBOL, f"symbol: unknown symbol {symbol}")
