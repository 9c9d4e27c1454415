"""The venue's desk: carries orders into markets, books fills, closes orders, and writes down what accounts are told.

It decides nothing about when: ``sim.venue`` walks through time and calls it, ``sim.liquidation`` uses it for orders
that nobody asked for. Markets report fills in batches: one is booked when reported and stamped when it happened.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from hummingbot_extensions.core.types import Side, TimeInForce
from hummingbot_extensions.sim import account_views
from hummingbot_extensions.sim.account import Account, Order
from hummingbot_extensions.sim.account_views import Terms
from hummingbot_extensions.sim.conditional_orders import attached_orders, siblings
from hummingbot_extensions.sim.house import House
from hummingbot_extensions.sim.margin import MarginTier
from hummingbot_extensions.sim.market import BookChanged, Fill, Placement, Print
from hummingbot_extensions.sim.venue_market import VenueMarket
from hummingbot_extensions.sim.venue_values import (
    BalanceUpdate,
    FillUpdate,
    OrderKind,
    OrderStatus,
    OrderUpdate,
    PositionUpdate,
    PrintUpdate,
    Reason,
    Refusal,
    SelfMatch,
    Terminal,
    VenueEvent,
)

FIRST_ORDER_ID = 11_545_800_001
FIRST_TRADE_ID = 88_000_001


class Desk:
    """Accounts, markets and the venue's own books, at ``now_ns``."""

    def __init__(
        self,
        markets: dict[str, VenueMarket],
        house: House,
        tiers: Mapping[str, tuple[MarginTier, ...]],
        self_match: SelfMatch,
        now_ns: int,
    ) -> None:
        self.markets = markets
        self.specs = {symbol: market.spec for symbol, market in markets.items()}
        self.house = house
        self.accounts: dict[str, Account] = {}
        self.owners: dict[int, str] = {}
        self.events: list[VenueEvent] = []
        self.touched: set[str] = set()
        """Users whose margin may have changed for another reason than a mark."""
        self.now_ns = now_ns
        self.next_order_id = FIRST_ORDER_ID
        self.next_trade_id = FIRST_TRADE_ID
        self._tiers = tiers
        self._self_match = self_match

    def terms(self) -> Terms:
        """Marks and rates as they stand now."""
        marks = {symbol: market.mark_price for symbol, market in self.markets.items()}
        return Terms(self.specs, marks, self._tiers)

    # Orders

    def add(self, account: Account, order: Order) -> None:
        """Take an order into the books; its id must be ``next_order_id``."""
        self.next_order_id += 1
        account.add(order)
        self.owners[order.id] = account.user

    def refusal(self, account: Account, order: Order) -> Refusal | None:
        """Why an order may not enter its market now, although the gateway let it pass before."""
        market = self.markets[order.symbol]
        if market.is_halted:
            return Refusal(Reason.HALTED, f"symbol: {order.symbol} is halted")
        if order.kind is OrderKind.LIMIT and order.price_ticks % market.lattice.price_step_ticks(market.spec):
            return Refusal(Reason.PRICE_TICK, "price: not follow price tick, which has changed")
        if order.size_lots % market.lattice.size_step_lots(market.spec):
            return Refusal(Reason.SIZE_TICK, "qty: not follow qty tick, which has changed")
        if order.reduce_only and order.left_lots > account.reducible_lots(order.symbol, order.side, order.id):
            return Refusal(Reason.REDUCE_ONLY, "reduce_only: position has shrunk")
        if self._self_match is SelfMatch.CANCEL_INCOMING and self._met_by(account, order):
            return Refusal(Reason.SELF_MATCH, "order would trade with one of the same account")
        return None

    def execute(
        self, account: Account, order: Order, terminal: Terminal | None = None, vault_takes_rest: bool = False
    ) -> bool:
        """Give an order to its market and book what it does there; False when post-only and crossing.

        ``terminal`` is told once the market has taken the order. What an order that cannot rest has left is cancelled,
        or taken over by the vault at the order's price.
        """
        if self._self_match is SelfMatch.CANCEL_RESTING and order.tif is not TimeInForce.ALO:
            for resting in self._met_by(account, order):
                self.remove(account, resting)
        placement = self._given_to_market(order)
        if placement.would_cross:
            return False
        order.status = OrderStatus.OPEN
        order.updated_ns = self.now_ns
        if order.shown_ns is None:
            order.shown_ns = self.now_ns
        if terminal is not None:
            self.events.append(terminal)
        for fill in placement.fills:
            self.fill(order.symbol, fill)
        if placement.resting_lots:
            is_bid = order.side is Side.BUY
            account.log.rested(order.id, order.symbol, is_bid, order.price_ticks, placement.resting_lots, self.now_ns)
        if placement.resting_lots and not placement.fills:
            self.tell(account, order)
        elif not placement.resting_lots and order.is_live and vault_takes_rest:
            self._take_over(account, order)
        elif not placement.resting_lots and order.is_live:
            self.cancelled(account, order)
        self.drain(order.symbol)
        return True

    def _given_to_market(self, order: Order) -> Placement:
        is_market = order.kind is OrderKind.MARKET
        return self.markets[order.symbol].place(
            order.id,
            order.side,
            None if is_market else order.price_ticks,
            order.left_lots,
            TimeInForce.IOC if is_market else order.tif,
        )

    def _met_by(self, account: Account, order: Order) -> list[Order]:
        """Resting orders of the account on the other side that this order's limit reaches."""
        return [
            other
            for other in account.live.values()
            if other.status is OrderStatus.OPEN
            and other.symbol == order.symbol
            and other.side is order.side.opposite
            and (order.kind is OrderKind.MARKET or (order.price_ticks - other.price_ticks) * order.side.sign >= 0)
        ]

    def remove(self, account: Account, order: Order) -> bool:
        """Take a resting or untriggered order back; False when there is nothing to take back any more."""
        if not order.is_live:
            return False
        if order.status is not OrderStatus.UNTRIGGERED and self.markets[order.symbol].source.cancel(order.id) is None:
            return False
        self.cancelled(account, order)
        self.drain(order.symbol)
        return True

    def cancelled(self, account: Account, order: Order) -> None:
        """End an order that is out of its market without being filled."""
        account.close(order, OrderStatus.CANCELED, self.now_ns)
        self.tell(account, order)
        self._attach(account, order)

    def tell(self, account: Account, order: Order) -> None:
        """Tell an account of an order, and of the balance that it changed."""
        view = account_views.order_view(account, self.specs[order.symbol], order)
        self.events.append(OrderUpdate(self.now_ns, view))
        self.tell_balance(account)

    def tell_balance(self, account: Account) -> None:
        self.events.append(BalanceUpdate(self.now_ns, account_views.balance_view(account, self.terms(), self.now_ns)))

    # What markets report

    def drain(self, symbol: str) -> None:
        """Bring a market to now and book what it reports."""
        market = self.markets[symbol]
        for event in market.advance(self.now_ns):
            if isinstance(event, Print):
                self.events.append(
                    PrintUpdate(event.ts_ns, symbol, event.price_ticks, event.size_lots, event.is_buyer_taker)
                )
            elif isinstance(event, BookChanged):
                market.book_changed_ns = event.ts_ns
                market.alive.frame(event.ts_ns)
            else:
                self.fill(symbol, event)

    def fill(self, symbol: str, fill: Fill) -> None:
        """Book a fill against the market."""
        account = self.accounts[self.owners[fill.order_id]]
        order = account.orders[fill.order_id]
        fee = self._book(account, order, fill)
        self.house.filled(self.specs[symbol], order.side, fill.price_ticks, fill.size_lots, fee)
        self._told_fill(account, order, fill)

    def _take_over(self, account: Account, order: Order) -> None:
        """Let the vault fill the rest of an account's closing order at the order's price, for the taker fee."""
        fill = Fill(self.now_ns, order.id, order.price_ticks, order.left_lots, is_maker=False)
        fee = self._book(account, order, fill)
        spec = self.specs[order.symbol]
        self.house.took_over(spec, order.side, fill.price_ticks, fill.size_lots, fee, self.now_ns)
        self._told_fill(account, order, fill)

    def _book(self, account: Account, order: Order, fill: Fill) -> Decimal:
        trade = account.apply_fill(
            self.specs[order.symbol],
            order,
            fill.price_ticks,
            fill.size_lots,
            fill.is_maker,
            self.next_trade_id,
            fill.ts_ns,
        )
        self.next_trade_id += 1
        self.touched.add(account.user)
        return trade.fee

    def _told_fill(self, account: Account, order: Order, fill: Fill) -> None:
        if order.left_lots == 0:
            account.close(order, OrderStatus.FILLED, fill.ts_ns)
        elif fill.is_maker:
            is_bid = order.side is Side.BUY
            account.log.rested(order.id, order.symbol, is_bid, order.price_ticks, order.left_lots, fill.ts_ns)
        terms = self.terms()
        view = account_views.order_view(account, self.specs[order.symbol], order)
        self.events.append(OrderUpdate(fill.ts_ns, view))
        self.events.append(FillUpdate(fill.ts_ns, account.trades[-1]))
        position = account_views.position_view(account, order.symbol, terms, fill.ts_ns)
        self.events.append(PositionUpdate(fill.ts_ns, position))
        self.events.append(BalanceUpdate(fill.ts_ns, account_views.balance_view(account, terms, fill.ts_ns)))
        if not order.is_live:
            self._attach(account, order)

    # Take profit and stop loss

    def _attach(self, account: Account, parent: Order) -> None:
        for order in attached_orders(account, parent, self.next_order_id, self.now_ns):
            self.add(account, order)
            self.tell(account, order)

    def trigger(self, account: Account, order: Order) -> None:
        """Send an untriggered order's closing order to the book, cut to the position, and cancel its sibling."""
        for sibling in siblings(account, order):
            self.remove(account, sibling)
        order.size_lots = min(order.size_lots, max(0, -account.position_lots(order.symbol) * order.side.sign))
        if order.size_lots:
            self.execute(account, order)
