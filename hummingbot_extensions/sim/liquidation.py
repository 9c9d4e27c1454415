"""Liquidation: closing positions whose margin, at the mark, has fallen below maintenance.

Documented: tier 1 sends the whole position as an IOC order at its bankruptcy price; what then is left of the collateral
is forfeited, what the book did not take goes to the vault. Higher tiers sell tranche by tranche until margin recovers.

Choices where nothing is documented:
- Checked at each beat of the venue on the mark, halted markets left out. At most one position an account and beat.
- The account's orders that share the collateral are cancelled first: the symbol's own when isolated, all when cross.
- Of several cross positions the one with the largest maintenance margin goes. Its collateral is the account's cross
  equity less the maintenance margin of the others, at least nothing (or the deficit, if equity is negative already);
  with no others the whole wallet is forfeited.
- The vault pays the bankruptcy price and has no limit, so there is no auto-deleveraging; it keeps what it took. The
  take-over costs the account a taker fee, as the bankruptcy price supposes; there is no clearance fee. A deficit (a gap
  beyond bankruptcy, rounding of the price) is covered by the vault.
- A tranche is a share of the position (``tranche_frac``), forfeits nothing, and goes to the vault where nobody buys.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, Decimal

from hummingbot_extensions.core.rounding import to_units
from hummingbot_extensions.core.types import Side, TimeInForce
from hummingbot_extensions.sim import margin
from hummingbot_extensions.sim.account import Account, Order
from hummingbot_extensions.sim.account_views import MarginState, Terms, balance_view, bankruptcy_price, margin_state
from hummingbot_extensions.sim.gateway import made_client_id
from hummingbot_extensions.sim.venue_desk import Desk
from hummingbot_extensions.sim.venue_values import OrderKind, OrderSource, OrderStatus

FIRST_LIQUIDATION_ID = 1


def due_position(account: Account, terms: Terms, halted: frozenset[str] = frozenset()) -> MarginState | None:
    """The position that must be liquidated now: an isolated one first, else the largest cross one; None if none."""
    states = [margin_state(account, symbol, terms) for symbol in account.positions]
    short = [state for state in states if state is not None and state.is_short_of_margin]
    tradable = [state for state in short if state.symbol not in halted]
    isolated = [state for state in tradable if account.is_isolated(state.symbol)]
    if isolated:
        return isolated[0]
    return max(tradable, key=lambda state: state.maintenance, default=None)


def _collateral(account: Account, state: MarginState, terms: Terms) -> Decimal:
    """What a cross position may lose from here on, its unrealised PnL booked."""
    equity = balance_view(account, terms, 0).cross_equity
    return max(state.behind + state.upnl, min(margin.ZERO, equity))


@dataclass(slots=True)
class Liquidator:
    """Carries liquidations out on the desk; ``next_id`` numbers them."""

    desk: Desk
    tranche_frac: Decimal
    next_id: int = FIRST_LIQUIDATION_ID

    def check(self, account: Account, terms: Terms) -> bool:
        """Liquidate at most one position of the account; whether it did."""
        if not any(position.lots for position in account.positions.values()):
            return False
        halted = frozenset(symbol for symbol, market in self.desk.markets.items() if market.is_halted)
        state = due_position(account, terms, halted)
        if state is None:
            return False
        self._withdraw(account, state.symbol)
        # Cancelling may have drained a market and with it moved the position.
        state = margin_state(account, state.symbol, terms)
        if state is None or not state.is_short_of_margin:
            return True
        self._close(account, state, terms)
        return True

    def _withdraw(self, account: Account, symbol: str) -> None:
        is_isolated = account.is_isolated(symbol)
        for order in list(account.live.values()):
            if order.symbol != symbol if is_isolated else account.is_isolated(order.symbol):
                continue
            if order.status is OrderStatus.PENDING:
                account.close(order, OrderStatus.REJECTED, self.desk.now_ns)
            else:
                self.desk.remove(account, order)

    def _close(self, account: Account, state: MarginState, terms: Terms) -> None:
        spec = self.desk.specs[state.symbol]
        if not account.is_isolated(state.symbol):
            state = replace(state, behind=_collateral(account, state, terms) - state.upnl)
        price = bankruptcy_price(account, spec, state)
        price_ticks = to_units(price, spec.price_decimals) if price is not None else 1
        held = abs(account.position_lots(state.symbol))
        is_whole = terms.tier(state.symbol, state.value) == 0
        lots = held if is_whole else min(held, int((held * self.tranche_frac).to_integral_value(ROUND_CEILING)))
        order = self._order(account, state, max(1, price_ticks), lots)
        before = account.balance
        self.desk.add(account, order)
        self.desk.execute(account, order, vault_takes_rest=True)
        if is_whole:
            margin_left = account.balance - before
            if not account.is_isolated(state.symbol):
                margin_left += state.behind
            account.forfeit(margin_left)
            self.desk.house.vault.forfeit(-margin_left)
        self.next_id += 1
        self.desk.tell_balance(account)

    def _order(self, account: Account, state: MarginState, price_ticks: int, lots: int) -> Order:
        number, now_ns = self.desk.next_order_id, self.desk.now_ns
        return Order(
            id=number,
            symbol=state.symbol,
            client_id=made_client_id(number),
            side=Side.SELL if state.size > 0 else Side.BUY,
            kind=OrderKind.LIMIT,
            tif=TimeInForce.IOC,
            price_ticks=price_ticks,
            size_lots=lots,
            reduce_only=False,
            leverage=account.leverage[state.symbol],
            margin=margin.ZERO,
            position_id=account.positions[state.symbol].id,
            created_ns=now_ns,
            updated_ns=now_ns,
            source=OrderSource.LIQUIDATION,
            liq_id=self.next_id,
        )
