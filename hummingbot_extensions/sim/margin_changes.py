"""What an account holder may change about margin: leverage, margin mode, and the money behind an isolated position.

Each function changes the account or refuses and leaves it as it was. Choices are listed in ``sim.venue``.
"""

from __future__ import annotations

from decimal import Decimal

from hummingbot_extensions.sim import margin
from hummingbot_extensions.sim.account import ZERO, Account
from hummingbot_extensions.sim.account_views import Terms, balance_view, margin_state
from hummingbot_extensions.sim.venue_values import MarginMode, Reason, Refusal

NOT_ENOUGH = Refusal(Reason.BALANCE, "balance not enough")


def change_leverage(account: Account, symbol: str, leverage: int, terms: Terms, now_ns: int) -> Refusal | None:
    """Set the leverage of one market for its position and orders."""
    highest = terms.specs[symbol].max_leverage
    if not 1 <= leverage <= highest:
        return Refusal(Reason.LEVERAGE, f"leverage: must be 1 to {highest}")
    before, position = account.leverage[symbol], account.positions[symbol]
    account.leverage[symbol] = leverage
    top_up = ZERO
    if account.is_isolated(symbol) and position.lots and leverage < before:
        top_up = max(ZERO, margin.initial_margin(position.entry_value, leverage) - position.margin)
    account.move_margin(symbol, top_up)
    if leverage < before and balance_view(account, terms, now_ns).available < 0:
        account.move_margin(symbol, -top_up)
        account.leverage[symbol] = before
        return NOT_ENOUGH
    return None


def change_margin_mode(account: Account, symbol: str, mode: str) -> Refusal | None:
    """Switch between cross and isolated; refused with a position or a live order in the market, unless it is no change.

    An unknown mode is refused by name.
    """
    if mode not in list(MarginMode):
        return Refusal(Reason.MARGIN_MODE, "margin_mode: must be one of cross, isolated")
    if mode == account.margin_mode[symbol]:
        return None
    if account.position_lots(symbol):
        return Refusal(Reason.MARGIN_MODE, "margin_mode: cannot change with an open position")
    if any(order.symbol == symbol for order in account.live.values()):
        return Refusal(Reason.MARGIN_MODE, "margin_mode: cannot change with open orders")
    account.margin_mode[symbol] = MarginMode(mode)
    return None


def transfer_margin(account: Account, symbol: str, amount: Decimal, terms: Terms, now_ns: int) -> Refusal | None:
    """Move money into an isolated position from what is available, or out of what it does not need (negative)."""
    if not amount.is_finite() or not amount or amount != amount.quantize(margin.MONEY_STEP):
        return Refusal(Reason.MARGIN, "amount_in: must be a multiple of 0.000000001 other than 0")
    position = account.positions[symbol]
    if not account.is_isolated(symbol) or not position.lots:
        return Refusal(Reason.MARGIN, "margin_mode: no isolated position")
    if amount > 0:
        if amount > balance_view(account, terms, now_ns).available:
            return NOT_ENOUGH
    else:
        state = margin_state(account, symbol, terms)
        needed = margin.initial_margin(position.entry_value, account.leverage[symbol])
        loss = min(ZERO, state.upnl) if state is not None else ZERO
        if position.margin + amount + loss < needed:
            return Refusal(Reason.MARGIN, "amount_in: exceeds the margin that the position can spare")
    account.move_margin(symbol, amount)
    return None
