"""From the first ready view to the first quote: missed fills are booked, the position explained or dealt with."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from hummingbot.core.data_type.common import OrderType, PositionAction

from hummingbot_extensions import compat
from hummingbot_extensions.connector.errors import ConnectorError
from hummingbot_extensions.core.decision import CancelReason
from hummingbot_extensions.core.exits import ExitHold, bounded_slice, closing_side
from hummingbot_extensions.core.quote import PriceBreakdown, Quote
from hummingbot_extensions.core.silence import Silence
from hummingbot_extensions.core.startup import StartupParams, StartupVerdict, startup_verdict
from hummingbot_extensions.core.types import OrderOutcome, Side
from hummingbot_extensions.execution import market_view
from hummingbot_extensions.execution.bookkeeping import Bookkeeper
from hummingbot_extensions.monitoring.event_log import EventLog

EXPLAIN_CHECKS = 6
"""Looks at a position that is not explained before the policy is applied, a second apart: the venue's lists trail."""
CHECK_S = 1.0
REASON = "startup_flatten"
"""Why its orders are placed and cancelled, in the event log."""
READ_RETRY_S = (0.5, 1.0, 2.0, 5.0)
ORDER_WAIT_S = 2.0
"""A closing order that still rests after this is cancelled: it crossed when it was sent, so the market has moved."""
SETTLE_WAIT_S = 10.0
FLATTEN_RETRY_S = 5.0
FAILED_RETRY_S = 5.0


class StartUp:
    """Runs once per start of a quoter; ``hold`` says why nothing may be quoted yet, None once everything may."""

    def __init__(
        self, connector: Any, trading_pair: str, is_sending: bool, params: Callable[[], StartupParams],
        books: Bookkeeper, log: EventLog, wake: Callable[[], None], is_continued: bool,
        may_place: Callable[[], bool], tell: Callable[[str, str, Quote, str | None], None], is_closing: bool = False,
    ) -> None:
        """``may_place`` says whether the breakers let a closing order leave. ``tell`` is told what becomes of each:
        ``placed``, ``filled``, ``canceled`` or ``rejected``, its id, the order, and the reason.

        ``is_closing``: an earlier start was cut short while it closed the position.
        """
        self.hold: Silence | None = Silence.STARTUP_CHECK
        self.note = ""
        """What the start came to, in words and figures."""
        self._connector = connector
        self._pair = trading_pair
        self._is_sending = is_sending
        self._params = params
        self._books = books
        self._log = log
        self._wake = wake
        self._is_continued = is_continued
        self.is_closing = is_closing
        """Whether a position was taken over to be closed and is not closed yet; a restart goes on with that."""
        self._may_place = may_place
        self._tell = tell
        self._closing: tuple[str, Quote] | None = None
        """Id and content of the closing order that may still rest."""
        self._ending: asyncio.Task[None] | None = None
        self._task: asyncio.Task[None] | None = None

    def drive(self, is_ready: bool) -> None:
        """Begin as soon as the connector is ready and the mark is known; harmless afterwards."""
        if self._task is None and is_ready and self._books.mark() is not None:
            self._task = asyncio.get_running_loop().create_task(self._run())

    def stop(self) -> None:
        """End the check. A closing order that may rest is cancelled until it has ended: no level would do it."""
        if self._task is not None:
            self._task.cancel()
        if self._closing is not None and self._ending is None:
            self._ending = asyncio.get_running_loop().create_task(self._end(*self._closing))

    async def closed(self) -> None:
        """Let go of a closing order that has not ended: the process ends, and the venue has been asked about it."""
        if self._ending is not None:
            self._ending.cancel()
            await asyncio.gather(self._ending, return_exceptions=True)

    async def _run(self) -> None:
        is_said = False
        while True:
            try:
                if self._closing is not None:
                    await self._end(*self._closing)
                await self._settle()
                return
            except Exception as problem:
                # Nobody awaits this task: a reply that cannot be read must not leave the bot silent for good.
                self._hold(self.hold or Silence.STARTUP_CHECK, f"check failed, trying again: {problem!r}")
                if not is_said:
                    is_said = True
                    logging.getLogger(__name__).exception(
                        "start-up check failed pair=%s: nothing is quoted, trying again every %g s", self._pair,
                        FAILED_RETRY_S)
            await asyncio.sleep(FAILED_RETRY_S)

    async def _settle(self) -> None:
        if not self._is_continued:
            self._books.date_from_start()
        missed = 0
        for check in range(EXPLAIN_CHECKS):
            missed += await self._read()
            if self._books.venue_position() == self._books.ledger.position:
                break
            if check + 1 < EXPLAIN_CHECKS:
                await asyncio.sleep(CHECK_S)
        said = ""
        while True:
            venue, expected = self._books.venue_position(), self._books.ledger.position
            policy = self._params().startup_policy
            verdict = startup_verdict(venue, expected, policy, self._is_sending, self.is_closing)
            if verdict is not StartupVerdict.REFUSE:
                break
            text = (f"position {venue} at the venue, {expected} expected ({self._origin()}, {missed} missed fills "
                    "booked). Close the difference by hand, or set startup_policy to adopt (take it over) or flatten "
                    "(close it)")
            if text != said:
                said = text
                self._hold(Silence.STARTUP_REFUSED, text)
                self._row(verdict, venue, expected, missed, None)
                logging.getLogger(__name__).error("start refused pair=%s: %s", self._pair, text)
            await asyncio.sleep(CHECK_S)
            missed += await self._read()
        cost: Decimal | None = None
        mark = self._books.mark()
        if verdict is not StartupVerdict.CONTINUE:
            while mark is None:
                await asyncio.sleep(CHECK_S)
                mark = self._books.mark()
            logging.getLogger(__name__).warning(
                "position %s at the venue, %s expected (%s, %s missed fills booked): %s pair=%s mark=%s", venue,
                expected, self._origin(), missed,
                "closing it" if verdict is StartupVerdict.FLATTEN else "taken over, the limits hold for it",
                self._pair, mark)
            # Before the adoption, which is what makes a restart expect the position.
            self.is_closing = verdict is StartupVerdict.FLATTEN
            if venue != expected:
                self._books.adopt(venue, mark)
        if verdict is StartupVerdict.FLATTEN and mark is not None:
            self._hold(Silence.STARTUP_FLATTEN, f"closing {venue}")
            before = self._books.ledger.net_pnl_quote(mark)
            await self._flatten()
            after = self._books.ledger.net_pnl_quote(self._books.mark())
            cost = None if before is None or after is None else before - after
            logging.getLogger(__name__).warning(
                "position %s closed before quoting pair=%s cost=%s quote units", venue, self._pair,
                "unknown" if cost is None else cost)
        if self._is_sending:
            self.is_closing = False
        self._row(verdict, venue, expected, missed, cost)
        self._hold(None, f"{verdict.value}: venue {venue}, expected {expected}, missed fills {missed}")

    async def _read(self) -> int:
        """Read position and missed fills from the venue, as often as it takes; how many fills were missed."""
        attempt = 0
        while True:
            try:
                await compat.refresh_positions(self._connector)
                return await self._books.catch_up()
            except ConnectorError as problem:
                if attempt == 0:
                    logging.getLogger(__name__).warning(
                        "start-up check not answered pair=%s cause=%s: trying again", self._pair, problem)
            await asyncio.sleep(READ_RETRY_S[min(attempt, len(READ_RETRY_S) - 1)])
            attempt += 1

    # --- closing ---

    async def _flatten(self) -> None:
        """Close the position with reduce-only orders inside the slippage bound until the venue says zero."""
        is_said = False
        while (position := self._books.venue_position()) != 0:
            problem = await self._close(position)
            await self._read()
            left = self._books.venue_position()
            if left == 0:
                break
            if left == position:
                if not is_said:
                    is_said = True
                    text = (f"position {left} not closed: {problem}. Raise flatten_slippage_bps, or close it by hand; "
                            "nothing is quoted until it is zero")
                    self._hold(Silence.STARTUP_FLATTEN, text)
                    logging.getLogger(__name__).error("start-up flatten pair=%s: %s", self._pair, text)
                await asyncio.sleep(FLATTEN_RETRY_S)
        for _ in range(EXPLAIN_CHECKS):
            if self._books.ledger.position == 0:
                return
            await asyncio.sleep(CHECK_S)
            await self._read()

    async def _close(self, position: Decimal) -> str:
        """Send one closing order and see it end; what kept the whole from trading, in words."""
        if self._closing is not None:
            await self._end(*self._closing)
        if not self._may_place():
            return "the breaker level lets nothing be placed"
        mark, view = self._books.mark(), market_view.market_view(self._connector, self._pair, time.monotonic_ns())
        if mark is None or view is None or not view.is_connector_ready:
            return "the connector is not ready"
        size, rules = abs(position), view.rules
        whole = bounded_slice(
            closing_side(position), size, size, mark, rules, self._params().flatten_slippage_bps)
        if isinstance(whole, ExitHold):
            return f"it is smaller than the smallest order of {rules.min_size} or {rules.min_notional} quote units"
        send = self._connector.sell if whole.side is Side.SELL else self._connector.buy
        order_id = send(
            self._pair, whole.size, OrderType.LIMIT, whole.limit_price, position_action=PositionAction.CLOSE)
        quote = Quote(whole.side, whole.limit_price, whole.size, True, PriceBreakdown(float(mark), ()), 0)
        self._closing = order_id, quote
        self._tell("placed", order_id, quote, REASON)
        self._books.note_exit(order_id)
        if not await self._ended(order_id, ORDER_WAIT_S):
            self._cancel(order_id, quote, REASON)
            if not await self._ended(order_id, SETTLE_WAIT_S):
                return f"order {order_id} is not known to have ended"
        self._over(order_id, quote)
        return self._connector.rejection_reason(order_id) or f"nothing more trades at {whole.limit_price} or better"

    async def _end(self, order_id: str, quote: Quote) -> None:
        """Cancel an order again and again until it has ended."""
        reason: str = REASON
        while True:
            self._cancel(order_id, quote, reason)
            if await self._ended(order_id, ORDER_WAIT_S):
                self._over(order_id, quote)
                return
            reason = CancelReason.RETRY

    def _cancel(self, order_id: str, quote: Quote, reason: str) -> None:
        self._connector.cancel(self._pair, order_id)
        self._log.write("cancel_sent", client_order_id=order_id, side=quote.side, reason=str(reason), is_risk=True)

    def _over(self, order_id: str, quote: Quote) -> None:
        """The venue has ended a closing order."""
        self._closing = None
        order = compat.order_record(self._connector, order_id)
        if self._connector.order_outcome(order_id) is OrderOutcome.REJECTED:
            self._tell("rejected", order_id, quote, self._connector.rejection_reason(order_id))
        else:
            self._tell("filled" if order is not None and order.is_filled else "canceled", order_id, quote, None)

    async def _ended(self, order_id: str, within_s: float) -> bool:
        for _ in range(int(within_s / 0.05)):
            order = self._connector.in_flight_orders.get(order_id)
            # Hummingbot tracks an order a turn after it was asked for: until then it has no outcome.
            has_outcome = self._connector.order_outcome(order_id) in (OrderOutcome.ACCEPTED, OrderOutcome.REJECTED)
            if order.is_done if order is not None else has_outcome:
                return True
            await asyncio.sleep(0.05)
        return False

    # --- words ---

    def _origin(self) -> str:
        return "own record of the last run" if self._is_continued else "no record of an earlier run"

    def _hold(self, hold: Silence | None, note: str) -> None:
        self.hold, self.note = hold, note
        self._wake()

    def _row(
        self, verdict: StartupVerdict, venue: Decimal, expected: Decimal, missed: int, cost: Decimal | None
    ) -> None:
        params = self._params()
        self._log.write(
            "startup", policy=params.startup_policy, verdict=verdict, venue=venue, expected=expected,
            missed_fills=missed, is_continued=self._is_continued, mark=self._books.mark(), cost_quote=cost)
