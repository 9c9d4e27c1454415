"""The venue: decides what happens to an order, and when. Accounts, margin, funding and triggers over markets.

Time is integer nanoseconds and always an argument; ids are sequential; nothing here reads a clock or draws a random
number. Between two calls of ``advance`` the venue stands still. Inside, it walks from one grid instant to the next
(``step_ns``), to each due command and each funding hour, so that the same commands at the same times give the same
events however the walk is cut into calls. At a grid instant, in this order: marks, shown book and prices, excess
reduce-only orders, triggers, liquidations.

Choices where the venue's rules are unknown (see also ``conditional_orders`` and ``liquidation``):
- Self-match: allowed by default, an account may trade with itself; ``VenueParams.self_match`` offers two preventions.
- A reduce-only order beyond the position is refused, or cut when ``reduce_only`` says so. Resting ones are cancelled,
  newest first, when the position shrinks under them, checked at every step: within one step of 50 ms two fills may
  overrun.
- A market order is checked and locked at the opposite touch, or the mark when there is none.
- The position limit counts the position plus everything resting on the adding side.
- Leverage may change with positions open: raised, an isolated position keeps its margin; lowered, it is topped up from
  the wallet to its new initial margin, and the change is refused when the money is missing.
- The margin mode changes only without position and orders. Margin can be taken out of an isolated position down to its
  initial margin, after unrealised losses.
- A halted market stands still, resting orders and all; orders are refused, cancels work, triggers and liquidations
  wait, funding is paid at the last mark. A coarser lattice cancels the accounts' orders that it leaves between steps.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from hummingbot_extensions.sim import account_views, margin_changes, venue_state
from hummingbot_extensions.sim.account import Account, Order, Position
from hummingbot_extensions.sim.conditional_orders import is_excess, is_triggered
from hummingbot_extensions.sim.funding import HOUR_NS, settle
from hummingbot_extensions.sim.gateway import Lattice, Prices, checked_order
from hummingbot_extensions.sim.house import House, new_house
from hummingbot_extensions.sim.liquidation import Liquidator
from hummingbot_extensions.sim.margin import MarginTier
from hummingbot_extensions.sim.mark import MarkRule
from hummingbot_extensions.sim.market import MarketSource, MarketSpec
from hummingbot_extensions.sim.order_log import AliveLog, MarkLog
from hummingbot_extensions.sim.venue_desk import Desk
from hummingbot_extensions.sim.venue_market import new_market
from hummingbot_extensions.sim.venue_state import Cancelling, Command, Placing
from hummingbot_extensions.sim.venue_values import (
    Accepted,
    BalanceView,
    BookUpdate,
    CancelOrders,
    MarginMode,
    NewOrder,
    OrderStatus,
    OrderView,
    PositionView,
    PriceUpdate,
    Reason,
    ReduceOnlyRule,
    Refusal,
    SelfMatch,
    Terminal,
    VenueEvent,
)

FIRST_POSITION_ID = 15
FIRST_FUNDING_ID = 530_060_001


@dataclass(frozen=True, slots=True)
class VenueParams:
    """Beats of the venue in nanoseconds of venue time, all multiples of ``step_ns``, counted from its start; rules."""

    step_ns: int = 50_000_000
    book_every_ns: int = 250_000_000
    """Beat of the shown book, sent if changed; 0 shows every frame that the market delivers (a tape)."""
    book_depth: int = 400
    """Levels a side taken from the market for one shown book."""
    price_every_ns: int = 3_000_000_000
    premium_every_ns: int = 5_000_000_000
    clock_offset_ns: int = 0
    """Added to venue time to find the hour at which funding is settled."""
    self_match: SelfMatch = SelfMatch.ALLOW
    reduce_only: ReduceOnlyRule = ReduceOnlyRule.REJECT
    margin_tiers: Mapping[str, tuple[MarginTier, ...]] = field(default_factory=dict)
    """Maintenance tiers by symbol; without any, one tier of half the rate that the highest leverage needs."""
    tranche_frac: Decimal = Decimal("0.25")
    """Share of a position that one liquidation in a tier above the first closes."""


DEFAULT_PARAMS = VenueParams()


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
        self.start_ns = starts.pop()
        rules = mark_rules or {}
        self._markets = {
            symbol: new_market(source, rules.get(symbol, MarkRule.MEDIAN)) for symbol, source in markets.items()
        }
        house = new_house([market.spec for market in self._markets.values()], self.start_ns)
        self._desk = Desk(self._markets, house, params.margin_tiers, params.self_match, self.start_ns)
        self._liquidator = Liquidator(self._desk, params.tranche_frac)
        self._commands: list[Command] = []
        self._command_count = 0
        self._next_position_id = FIRST_POSITION_ID
        self._next_funding_id = FIRST_FUNDING_ID
        for market in self._markets.values():
            market.update_mark(self.now_ns, self.next_funding_ns())

    @property
    def now_ns(self) -> int:
        return self._desk.now_ns

    @property
    def specs(self) -> dict[str, MarketSpec]:
        """Markets in the units of every tick and lot here; the lattice that orders must be on may be coarser."""
        return self._desk.specs

    @property
    def accounts(self) -> dict[str, Account]:
        return self._desk.accounts

    @property
    def house(self) -> House:
        """The venue's own books, with the vault."""
        return self._desk.house

    # Accounts

    def open_account(self, user: str, balance: Decimal) -> Account:
        """The account of ``user``, created with this balance if it does not exist."""
        if user not in self.accounts:
            account = Account(user, balance, self.now_ns, balance)
            for symbol, spec in self.specs.items():
                account.leverage[symbol] = spec.default_leverage
                account.margin_mode[symbol] = MarginMode.CROSS
                account.positions[symbol] = Position(self._next_position_id, symbol)
                self._next_position_id += 1
            self.accounts[user] = account
            self.house.deposits += balance
        return self.accounts[user]

    def balance(self, user: str) -> BalanceView:
        return account_views.balance_view(self.accounts[user], self._desk.terms(), self.now_ns)

    def position(self, user: str, symbol: str) -> PositionView:
        return account_views.position_view(self.accounts[user], symbol, self._desk.terms(), self.now_ns)

    def order_view(self, user: str, order: Order) -> OrderView:
        return account_views.order_view(self.accounts[user], self.specs[order.symbol], order)

    def find_order(self, user: str, order_id: int | None, client_id: str | None) -> Order | None:
        """An order of the account by venue id, else by client id (the newest that used it). Pending ones included."""
        account = self.accounts[user]
        if order_id is None and client_id is not None:
            order_id = account.by_client_id.get(client_id)
        return account.orders.get(order_id) if order_id is not None else None

    def set_leverage(self, user: str, symbol: str, leverage: int) -> Refusal | None:
        if symbol not in self.specs:
            return _unknown_symbol(symbol)
        self._desk.touched.add(user)
        return margin_changes.change_leverage(self.accounts[user], symbol, leverage, self._desk.terms(), self.now_ns)

    def set_margin_mode(self, user: str, symbol: str, mode: str) -> Refusal | None:
        if symbol not in self.specs:
            return _unknown_symbol(symbol)
        return margin_changes.change_margin_mode(self.accounts[user], symbol, mode)

    def transfer_margin(self, user: str, symbol: str, amount: Decimal) -> Refusal | None:
        """Move money from the wallet to an isolated position; negative takes it out."""
        if symbol not in self.specs:
            return _unknown_symbol(symbol)
        self._desk.touched.add(user)
        return margin_changes.transfer_margin(self.accounts[user], symbol, amount, self._desk.terms(), self.now_ns)

    def invariants(self) -> None:
        """Raise AssertionError when an account's books do not add up, or money or lots are not conserved."""
        for account in self.accounts.values():
            account.invariants(self.specs)
        self.house.check(self.accounts.values())

    # Markets

    def market(self, symbol: str) -> MarketSource:
        return self._markets[symbol].source

    def marks(self, symbol: str) -> MarkLog:
        return self._markets[symbol].marks

    def alive(self, symbol: str) -> AliveLog:
        return self._markets[symbol].alive

    def mark_ticks(self, symbol: str) -> int | None:
        return self._markets[symbol].mark_ticks

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
            self.now_ns, symbol, market.mark_ticks, market.index_ticks, market.source.last_ticks(), bid, ask
        )

    def book_update(self, symbol: str, ts_ns: int | None = None) -> BookUpdate:
        bids, asks = self._markets[symbol].source.book(self.params.book_depth)
        return BookUpdate(self.now_ns if ts_ns is None else ts_ns, symbol, tuple(bids), tuple(asks))

    @property
    def is_over(self) -> bool:
        """True when every market has ended."""
        return all(market.source.is_over for market in self._markets.values())

    # Operations of the venue itself

    def halt(self, symbol: str) -> None:
        """Stop trading in one market until ``resume``; a second call changes nothing."""
        self._markets[symbol].halt()

    def resume(self, symbol: str) -> None:
        """Go on trading where the halted market stood; without a halt nothing changes."""
        market = self._markets[symbol]
        if market.is_halted:
            market.resume(self.now_ns)

    def is_halted(self, symbol: str) -> bool:
        return self._markets[symbol].is_halted

    def lattice(self, symbol: str) -> Lattice:
        """Decimals in which prices and sizes are taken now: what the venue states of the market."""
        return self._markets[symbol].lattice

    def set_tick(self, symbol: str, price_decimals: int, size_decimals: int | None = None) -> None:
        """Take prices (and sizes) only in these decimals from now on, and cancel what rests between two steps.

        ValueError for a lattice finer than the market's own, on which nothing finer can be represented.
        """
        market, spec = self._markets[symbol], self.specs[symbol]
        lattice = Lattice(price_decimals, market.lattice.size_decimals if size_decimals is None else size_decimals)
        if not 0 <= price_decimals <= spec.price_decimals or not 0 <= lattice.size_decimals <= spec.size_decimals:
            raise ValueError(
                f"{symbol} can take 0 to {spec.price_decimals} price and 0 to {spec.size_decimals} size decimals, "
                f"not {lattice.price_decimals} and {lattice.size_decimals}"
            )
        market.lattice = lattice
        step_ticks, step_lots = lattice.price_step_ticks(spec), lattice.size_step_lots(spec)
        for account in self.accounts.values():
            for order in list(account.live.values()):
                is_off = order.price_ticks % step_ticks or order.left_lots % step_lots
                if is_off and order.symbol == symbol and order.status is OrderStatus.OPEN:
                    self._desk.remove(account, order)

    # Saved state

    def to_plain(self) -> dict[str, Any]:
        """Everything the venue knows, as JSON holds it; see ``venue_state`` for markets. Call between two advances.

        Events that no ``advance`` has handed over yet are not in it: what they told is.
        """
        return {
            "version": venue_state.VERSION,
            "start_ns": self.start_ns,
            "now_ns": self.now_ns,
            "markets": {symbol: venue_state.market_state(market) for symbol, market in self._markets.items()},
            "accounts": [venue_state.account_state(account) for account in self.accounts.values()],
            "house": venue_state.house_state(self.house),
            "commands": [venue_state.command_state(command) for command in sorted(self._commands, key=_due)],
            "touched": sorted(self._desk.touched),
            "next": [getattr(holder, name) for holder, name in self._counters()],
        }

    @classmethod
    def from_plain(
        cls,
        plain: dict[str, Any],
        markets: Mapping[str, MarketSource],
        params: VenueParams = DEFAULT_PARAMS,
        mark_rules: Mapping[str, MarkRule] | None = None,
    ) -> Venue:
        """The venue that ``to_plain`` described, over fresh markets of the same symbols; ValueError if not."""
        if plain.get("version") != venue_state.VERSION:
            raise ValueError(f"state of version {plain.get('version')}, expected {venue_state.VERSION}")
        if set(plain["markets"]) != set(markets):
            raise ValueError(f"state of the markets {sorted(plain['markets'])}, not of {sorted(markets)}")
        venue = cls(markets, params, mark_rules)
        venue.start_ns, venue._desk.now_ns = plain["start_ns"], plain["now_ns"]
        venue._desk.house = venue_state.house_of(plain["house"])
        for state in plain["accounts"]:
            account = venue_state.account_of(state)
            venue.accounts[account.user] = account
            venue._desk.owners.update(dict.fromkeys(account.orders, account.user))
        venue._commands = [venue_state.command_of(state) for state in plain["commands"]]
        venue._desk.touched = set(plain["touched"])
        for (holder, name), value in zip(venue._counters(), plain["next"], strict=True):
            setattr(holder, name, value)
        for symbol, market in venue._markets.items():
            if not venue_state.restore_market(market, plain["markets"][symbol], venue.now_ns):
                for account in venue.accounts.values():
                    venue_state.plant(market, account, venue.now_ns)
        try:
            venue.invariants()
        except AssertionError as error:
            raise ValueError(f"the state does not add up: {error}") from error
        return venue

    def _counters(self) -> list[tuple[object, str]]:
        """Every running number, in the order in which a state holds them."""
        return [
            (self._desk, "next_order_id"),
            (self._desk, "next_trade_id"),
            (self._liquidator, "next_id"),
            (self, "_next_position_id"),
            (self, "_next_funding_id"),
            (self, "_command_count"),
        ]

    # Requests

    def submit(self, user: str, request: NewOrder, delay_ns: int, tag: object = None) -> Accepted | Refusal:
        """Check an order at the gateway and queue it for ``now + delay_ns``; its outcome comes as ``Terminal``."""
        market, account = self._markets.get(request.symbol), self.accounts[user]
        if market is None:
            return _unknown_symbol(request.symbol)
        if market.is_halted:
            return Refusal(Reason.HALTED, f"symbol: {request.symbol} is halted")
        order = checked_order(
            account,
            market.spec,
            request,
            Prices(market.mark_ticks, *market.source.touch()),
            self.balance(user).available,
            self._desk.next_order_id,
            self.now_ns,
            market.lattice,
            self.params.reduce_only,
        )
        if isinstance(order, Refusal):
            return order
        self._desk.add(account, order)
        account.log.placed += 1
        due_ns = self.now_ns + delay_ns
        self._queue(due_ns, Placing(user, order.id, tag))
        return Accepted(due_ns, order.id)

    def cancel(self, user: str, request: CancelOrders, delay_ns: int, tag: object = None) -> Accepted:
        """Queue a cancel for ``now + delay_ns``; what became of it comes as ``Terminal``."""
        due_ns = self.now_ns + delay_ns
        self._queue(due_ns, Cancelling(user, request, tag))
        return Accepted(due_ns)

    def next_due_ns(self) -> int | None:
        """When the next queued command is carried out."""
        return self._commands[0][0] if self._commands else None

    def advance(self, to_ns: int) -> list[VenueEvent]:
        """Move time to ``to_ns`` and return everything that happened, in order. Going back raises ValueError."""
        if to_ns < self.now_ns:
            raise ValueError(f"venue time cannot go back from {self.now_ns} to {to_ns}")
        desk, step = self._desk, self.params.step_ns
        self._run_due()
        while self.now_ns < to_ns:
            grid_ns = self.start_ns + ((self.now_ns - self.start_ns) // step + 1) * step
            funding_ns = self.next_funding_ns()
            stop_ns = min(to_ns, grid_ns, funding_ns, self._commands[0][0] if self._commands else to_ns)
            desk.now_ns = stop_ns
            for symbol in self._markets:
                desk.drain(symbol)
            if stop_ns == funding_ns:
                self._settle_funding()
            if stop_ns == grid_ns:
                self._beat()
            self._run_due()
        events, desk.events = desk.events, []
        return events

    # Commands

    def _queue(self, due_ns: int, command: Placing | Cancelling) -> None:
        heapq.heappush(self._commands, (due_ns, self._command_count, command))
        self._command_count += 1

    def _run_due(self) -> None:
        while self._commands and self._commands[0][0] <= self.now_ns:
            _, _, command = heapq.heappop(self._commands)
            if isinstance(command, Placing):
                self._place(command)
            else:
                self._cancel(command)

    def _place(self, command: Placing) -> None:
        account = self.accounts[command.user]
        order = account.orders[command.order_id]
        if order.status is not OrderStatus.PENDING:
            self._say(command, Refusal(Reason.LIQUIDATED, "account was liquidated"))
            return
        if order.reduce_only and self.params.reduce_only is ReduceOnlyRule.CLIP:
            order.size_lots = min(order.size_lots, max(1, account.reducible_lots(order.symbol, order.side, order.id)))
        refusal = self._desk.refusal(account, order)
        if refusal is None:
            if self._desk.execute(account, order, Terminal(self.now_ns, command.user, command.tag, None)):
                return
            refusal = Refusal(Reason.POST_ONLY_CROSSED, "alo order rejected")
        account.close(order, OrderStatus.REJECTED, self.now_ns)
        self._say(command, refusal)

    def _cancel(self, command: Cancelling) -> None:
        account, request = self.accounts[command.user], command.request
        wanted = [self.find_order(command.user, order_id, None) for order_id in request.order_ids]
        wanted += [self.find_order(command.user, None, client_id) for client_id in request.client_ids]
        refusal: Refusal | None = None
        for order in wanted:
            if order is None or order.status in (OrderStatus.PENDING, OrderStatus.REJECTED):
                refusal = Refusal(Reason.NOT_RESTING, "order not found")
                continue
            is_resting = order.status is OrderStatus.OPEN
            if not self._desk.remove(account, order):
                refusal = Refusal(Reason.NOT_RESTING, "order already closed")
            elif is_resting:
                account.log.cancel_times_ns.append(self.now_ns)
        self._say(command, None if request.is_batch else refusal)

    def _say(self, command: Placing | Cancelling, refusal: Refusal | None) -> None:
        self._desk.events.append(Terminal(self.now_ns, command.user, command.tag, refusal))

    # Beats

    def _beat(self) -> None:
        since_ns = self.now_ns - self.start_ns
        every = self.params.book_every_ns
        moved = False
        for symbol, market in self._markets.items():
            moved |= market.update_mark(self.now_ns, self.next_funding_ns())
            if market.book_changed_ns is not None and (every == 0 or since_ns % every == 0):
                shown = self.book_update(symbol, market.book_changed_ns if every == 0 else self.now_ns)
                self._desk.events.append(shown)
                market.book_changed_ns = None
            if since_ns % self.params.price_every_ns == 0:
                self._desk.events.append(self.price_update(symbol))
            if since_ns % self.params.premium_every_ns == 0:
                market.sample_premium(self.params.book_depth)
        touched, self._desk.touched = self._desk.touched, set()
        for account in self.accounts.values():
            self._withdraw_excess(account)
            self._trigger(account)
        for account in self.accounts.values():
            if moved or account.user in touched:
                self._liquidator.check(account, self._desk.terms())

    def _settle_funding(self) -> None:
        for symbol, market in self._markets.items():
            rate, mark = market.funding.settle(), market.mark_price
            if mark is None:
                continue
            rows = settle(
                self.accounts.values(),
                self.house,
                self.specs[symbol],
                mark,
                rate,
                self._next_funding_id,
                self.now_ns,
            )
            self._next_funding_id += len(rows)
            for row in rows:
                if row.user in self.accounts:
                    self._desk.touched.add(row.user)
                    self._desk.tell_balance(self.accounts[row.user])

    def _withdraw_excess(self, account: Account) -> None:
        """Cancel resting reduce-only and untriggered orders, newest first, that the position no longer covers."""
        guarded = [order for order in account.live.values() if order.reduce_only]
        for order in reversed(guarded):
            if order.is_live and is_excess(account, order):
                self._desk.remove(account, order)

    def _trigger(self, account: Account) -> None:
        waiting = [order for order in account.live.values() if order.status is OrderStatus.UNTRIGGERED]
        for order in waiting:
            market = self._markets[order.symbol]
            mark_ticks = market.mark_ticks
            if mark_ticks is not None and not market.is_halted and is_triggered(order, mark_ticks):
                self._desk.trigger(account, order)


def _due(command: Command) -> tuple[int, int]:
    return command[:2]


def _unknown_symbol(symbol: str) -> Refusal:
    return Refusal(Reason.SYMBOL, f"symbol: unknown symbol {symbol}")
