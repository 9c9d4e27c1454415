"""Judges every order of one controller a second time right before it is sent, and keeps the day's counters.

Controllers of one connector share an account: each tells the others what it may become, so that limits over all markets
hold. A market that cannot tell makes those limits refuse.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from decimal import Decimal

from hummingbot_extensions.core import gate, margin_guard
from hummingbot_extensions.core.decision import Cancel
from hummingbot_extensions.core.gate_exposure import Exposure, market_totals
from hummingbot_extensions.core.gate_params import GateParams
from hummingbot_extensions.core.gate_resting import problems_now
from hummingbot_extensions.core.gate_state import (
    AccountTotals,
    GateReason,
    GateState,
    after_fill,
    after_placed,
    combined,
    utc_day,
)
from hummingbot_extensions.core.ledger import LedgerFill
from hummingbot_extensions.core.margin_guard import GuardState
from hummingbot_extensions.core.quote import Quote
from hummingbot_extensions.core.types import Side
from hummingbot_extensions.core.view import AccountView, MarketView
from hummingbot_extensions.monitoring.event_log import EventLog

_TOTALS: dict[str, dict[str, AccountTotals | None]] = {}
"""By connector, what each controller's market may become."""


class Gatekeeper:
    """The gate of one controller. ``now_ns`` is the venue's time, Unix nanoseconds, by whose days budgets are kept."""

    def __init__(
        self, controller_id: str, connector_name: str, params: Callable[[], GateParams], state: GateState,
        log: EventLog, now_ns: Callable[[], int],
    ) -> None:
        self.state = state
        self.refused_count = 0
        self._id = controller_id
        self._connector_name = connector_name
        self._params = params
        self._log = log
        self._now_ns = now_ns
        self.guard = GuardState()
        """What nearness to liquidation leaves to add."""
        self._exposure: Exposure | None = None
        # Unknown until the first turn: limits over all markets refuse rather than count this one as nothing.
        _TOTALS.setdefault(connector_name, {})[controller_id] = None
        self._refused: dict[Side, GateReason] = {}
        self._said: dict[Side, GateReason] = {}

    def guarded(self, view: MarketView, account: AccountView) -> AccountView:
        """``account`` with what nearness to liquidation leaves to add, for the decision that comes next."""
        before = self.guard
        self.guard = after = margin_guard.after(before, view, account, self._params())
        if (after.left_frac, after.reason) != (before.left_frac, before.reason):
            self._tell_margin(before, account)
        if after.left_frac == 1:
            return account
        return replace(account, adding_frac=after.left_frac, adding_reason=after.reason)

    def _tell_margin(self, before: GuardState, account: AccountView) -> None:
        """Record and say how much may be added from now on."""
        guard, margin = self.guard, account.margin
        self._log.write(
            "margin", left_frac=guard.left_frac, was_frac=before.left_frac, reason=guard.reason, text=guard.text,
            liquidation_price=margin.liquidation_price, margin_ratio=margin.margin_ratio,
            equity_quote=account.equity_quote)
        level = logging.WARNING if guard.left_frac < before.left_frac else logging.INFO
        logging.getLogger(__name__).log(
            level, "margin controller=%s may add %s of its cap, was %s reason=%s %s", self._id, guard.left_frac,
            before.left_frac, guard.reason, guard.text)

    @property
    def needs_figures(self) -> bool:
        """Whether a limit is on that needs the venue's margin figures."""
        return self._params().has_margin_limit

    def begin(self, view: MarketView, account: AccountView) -> list[Cancel]:
        """Begin a turn with the account that is decided on: what rests beyond a limit has to be cancelled at once."""
        self._exposure = Exposure.of(account)
        self._refused = {}
        _TOTALS[self._connector_name][self._id] = market_totals(view, account, self._exposure)
        breaches = problems_now(
            view, account, self._params(), self.state, self._day(), self._others(), account.margin, self._exposure)
        for breach in breaches:
            logging.getLogger(__name__).warning(
                "order pulled by the gate id=%s reason=%s: %s", breach.client_order_id, breach.reason, breach.text)
        return [Cancel(breach.client_order_id, breach.side, breach.reason, True) for breach in breaches]

    def passes(self, quote: Quote, view: MarketView, account: AccountView) -> bool:
        """Whether ``quote`` may be sent beside everything that was let pass in this turn."""
        exposure = self._exposure if self._exposure is not None else Exposure.of(account)
        verdict = gate.check(
            quote, view, account, self._params(), self.state, self._day(), self._others(), account.margin, exposure)
        if verdict.reason is not None:
            self._refuse(quote, verdict.reason, verdict.text)
            return False
        self._exposure = exposure.after(quote, account)
        _TOTALS[self._connector_name][self._id] = market_totals(view, account, self._exposure)
        self.state = after_placed(self.state, self._day())
        self._said.pop(quote.side, None)
        return True

    def _refuse(self, quote: Quote, reason: GateReason, text: str) -> None:
        """Count a refusal, and tell of it once until the side's reason changes."""
        self.refused_count += 1
        self._refused.setdefault(quote.side, reason)
        if self._said.get(quote.side) is reason:
            return
        self._said[quote.side] = reason
        self._log.write("gate", quote=quote, reason=reason, text=text)
        logging.getLogger(__name__).warning("order refused by the gate side=%s reason=%s: %s", quote.side, reason, text)

    def refused(self, side: Side) -> GateReason | None:
        """Why an order of ``side`` was refused in this turn."""
        return self._refused.get(side)

    def on_fill(self, fill: LedgerFill, position_before: Decimal) -> None:
        """A fill of ours was booked; ``position_before`` is signed."""
        self.state = after_fill(self.state, fill.side, fill.price, fill.size, position_before, self._day())

    def stop(self) -> None:
        """The controller's market no longer counts for the others."""
        _TOTALS[self._connector_name].pop(self._id, None)

    def _others(self) -> AccountTotals | None:
        totals: Iterable[AccountTotals | None] = (
            part for name, part in _TOTALS.get(self._connector_name, {}).items() if name != self._id)
        return combined(tuple(totals))

    def _day(self) -> int:
        return utc_day(self._now_ns())
