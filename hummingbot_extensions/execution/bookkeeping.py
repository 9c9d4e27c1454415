"""The account of one controller while it runs: own fills, fees and funding go in once, their position comes out.

Fills come from the connector's fill listener, which tells each once per process whichever order it belongs to; what was
missed while nobody listened is asked for. Everything is written to the event log as it is booked, with the mark at that
moment, and later what each fill turned out to be worth. Times are the venue's: the local clock may be off.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from hummingbot.core.event.event_forwarder import SourceInfoEventForwarder
from hummingbot.core.event.events import MarketEvent

from hummingbot_extensions.connector.errors import ConnectorError
from hummingbot_extensions.connector.own_fills import OwnFill
from hummingbot_extensions.core.account_book import AccountBook
from hummingbot_extensions.core.ledger import VENUE_FEES, FeeOverride, Ledger, LedgerFill
from hummingbot_extensions.core.markout import CarriedMark, Markout, Markouts, MeanMarkout
from hummingbot_extensions.core.types import Side
from hummingbot_extensions.execution import market_view
from hummingbot_extensions.monitoring.event_log import EventLog

POSITION_SETTLE_NS = 5_000_000_000
"""How long the venue's position may differ from our fills before it is taken for someone else's trade."""
READ_MARGIN_S = 120.0
"""Fills are asked for from this much before the time from which all are known: clocks differ."""
PNL_ROW_EVERY_NS = 60_000_000_000
CLOCKS_APART_NS = 2_000_000_000
"""A frame that claims to come from further ahead than this is dated by its receipt."""
EXITS_KEPT = 1_000


class Bookkeeper:
    """Books what happens to the account. ``on_change`` is told of everything that a restart must know."""

    def __init__(
        self, connector: Any, trading_pair: str, log: EventLog, book: AccountBook, on_change: Callable[[str], None],
        fees: FeeOverride = VENUE_FEES, on_fill: Callable[[LedgerFill, Decimal], None] | None = None,
    ) -> None:
        """``fees`` win over what the venue charges; with them the ledger no longer equals the venue's books.

        ``on_fill`` is told of every new fill and of the signed position that it met.
        """
        self.book = book
        self.started_from = book.ledger
        """The ledger as this run found it."""
        self.last_fill_side: Side | None = None
        """Side of our newest fill; None until one is booked since the start, missed ones included."""
        self._last_fill_ns = 0
        self._connector = connector
        self._pair = trading_pair
        self._log = log
        self._on_change = on_change
        self._fees = fees
        self._tell_fill = on_fill
        self._markouts = Markouts()
        self._carried = CarriedMark()
        self._exits: OrderedDict[str, None] = OrderedDict()
        self._leftovers_seen: set[str] = set()
        self._began_mono_ns = time.monotonic_ns()
        self._pnl_row_ns = self._began_mono_ns
        self._mismatch_since_ns: int | None = None
        self._explaining: asyncio.Task[None] | None = None
        self._reading_funding: asyncio.Task[None] | None = None
        self._removers: list[Callable[[], None]] = []

    @property
    def ledger(self) -> Ledger:
        return self.book.ledger

    def start(self) -> None:
        """Listen to the connector, until ``stop``."""
        if self._removers:
            return
        forwarder = SourceInfoEventForwarder(self._on_funding)
        self._connector.add_listener(MarketEvent.FundingPaymentCompleted, forwarder)
        self._removers = [
            self._connector.add_book_listener(self._pair, self._on_frame),
            self._connector.add_fill_listener(self._pair, self._on_fill),
            self._connector.add_fee_listener(self._pair, self._on_fee),
            lambda: self._connector.remove_listener(MarketEvent.FundingPaymentCompleted, forwarder),
        ]

    def stop(self) -> None:
        if self._removers:
            self._write_markouts(self._markouts.given_up())
            self._write_pnl()
        for remove in self._removers:
            remove()
        self._removers = []
        for task in (self._explaining, self._reading_funding):
            if task is not None:
                task.cancel()
        self._explaining = None

    def date_from_start(self) -> None:
        """Let a new account begin at this start by the venue's clock, which nobody could ask when it was opened."""
        self.book = replace(self.book, began_ns=self._began_ns())

    def _began_ns(self) -> int:
        """Unix time of this start by the venue's clock."""
        return int(self._connector.venue_time_ns() - (time.monotonic_ns() - self._began_mono_ns))

    # --- the market ---

    def _on_frame(self) -> None:
        """A book or price frame came."""
        self._note_mark()
        self._note_leftovers()
        if time.monotonic_ns() - self._pnl_row_ns >= PNL_ROW_EVERY_NS:
            self._write_pnl()

    def _note_mark(self) -> None:
        """Date the mark as it stands now, and tell the markouts that have come due; harmless without a new frame."""
        book, price = self._connector.book_state(self._pair), self._connector.price_state(self._pair)
        frames = [frame for frame in (book, price) if frame is not None]
        now_mono_ns = time.monotonic_ns()
        self._carried = self._carried.after(price, book)
        mark = self._carried.now(book, now_mono_ns)
        if mark is None or not frames:
            return
        newest = max(frames, key=lambda frame: frame.received_mono_ns)
        venue_ns, stamp_ns = self.venue_now_ns(), newest.exchange_ts_ns
        if stamp_ns is None or stamp_ns > venue_ns + CLOCKS_APART_NS:
            stamp_ns = venue_ns - (now_mono_ns - newest.received_mono_ns)
        self._write_markouts(self._markouts.mark(stamp_ns, mark))

    def _note_leftovers(self) -> None:
        """Record once each order of ours that nobody owns: the connector is cancelling it."""
        for left in self._connector.leftover_orders(self._pair):
            if left.client_order_id not in self._leftovers_seen:
                self._leftovers_seen.add(left.client_order_id)
                self._log.write(
                    "leftover", client_order_id=left.client_order_id, side=left.side, price=left.price,
                    size=left.remaining, reason="orphan")

    def _write_markouts(self, markouts: list[Markout]) -> None:
        for one in markouts:
            self._log.write(
                "markout", trade_id=one.trade_id, side=one.side, horizon_s=one.horizon_s, mark=one.mark, bps=one.bps)

    def _write_pnl(self) -> None:
        self._pnl_row_ns = time.monotonic_ns()
        stated = self.mark()
        mark = stated if stated is not None and stated > 0 else None
        self._log.write("pnl", mark=mark, position=self.ledger.position, split=self.book.split(mark))

    def mean_markouts(self) -> tuple[MeanMarkout, ...]:
        """What the last fills of this run were worth 1, 5, 30 and 300 s later, on average."""
        return self._markouts.means()

    # --- what happened ---

    def note_exit(self, client_order_id: str) -> None:
        """An order that is sent to get rid of a position: what its fills pay against the mark is exit cost."""
        self._exits[client_order_id] = None
        while len(self._exits) > EXITS_KEPT:
            self._exits.popitem(last=False)

    def _on_fill(self, fill: OwnFill) -> None:
        self._take(fill)

    def _take(self, fill: OwnFill) -> bool:
        """Book a fill; False when it is in the book already, or too old to tell."""
        now_ns = self._connector.venue_time_ns()
        self._note_mark()
        traded_ns = now_ns if fill.exchange_ts_ns is None else fill.exchange_ts_ns
        fee = self._fees.fee_quote(fill.price * fill.size, fill.is_maker, fill.fee)
        entry = LedgerFill(
            fill.trade_id, fill.side, fill.price, fill.size, fee, fill.is_maker, fill.exchange_ts_ns,
            self._markouts.mark_at(traded_ns), fill.client_order_id in self._exits)
        if self.book.is_refused(entry, now_ns):
            logging.getLogger(__name__).warning(
                "fill not booked trade=%s id=%s: older than the account book remembers", fill.trade_id,
                fill.client_order_id)
            return False
        is_new = self.book.known(fill.trade_id) is None
        before, self.book = self.book, self.book.after(entry, now_ns, fill.is_fee_exact)
        if self.book is before:
            return False
        if not is_new:
            self._fee_row(fill.trade_id, before, fee)
            return False
        if traded_ns >= self._last_fill_ns:
            self._last_fill_ns, self.last_fill_side = traded_ns, fill.side
        # The connector may tell of a fill from before the start as soon as it has read it.
        source = "history" if fill.exchange_ts_ns is not None and fill.exchange_ts_ns < self._began_ns() else "live"
        book = self._connector.book_state(self._pair) if source == "live" else None
        self._log.write(
            "fill", client_order_id=fill.client_order_id, fill=entry, position_by_fills=self.ledger.position,
            source=source, bid=book.bid if book is not None else None, ask=book.ask if book is not None else None)
        logging.getLogger(__name__).info(
            "fill side=%s price=%s size=%s fee=%s position=%s source=%s", fill.side, fill.price, fill.size, fee,
            self.ledger.position, source)
        self._write_markouts(self._markouts.fill(fill.trade_id, fill.side, fill.price, traded_ns))
        if self._tell_fill is not None:
            self._tell_fill(entry, before.ledger.position)
        self._on_change("fill")
        return True

    def _on_fee(self, fill: OwnFill) -> None:
        fee = self._fees.fee_quote(fill.price * fill.size, fill.is_maker, fill.fee)
        if fee is None:
            return
        before, self.book = self.book, self.book.with_fee(fill.trade_id, fee)
        if self.book is not before:
            self._fee_row(fill.trade_id, before, fee)

    def _fee_row(self, trade_id: str, before: AccountBook, fee: Decimal | None) -> None:
        known = before.known(trade_id)
        was = known.fee_quote if known is not None else None
        if was != fee:
            self._log.write("fee", trade_id=trade_id, was_quote=was, fee_quote=fee)
        self._on_change("fee")

    def _on_funding(self, _tag: int, _connector: Any, event: Any) -> None:
        """Hummingbot tells of the newest payment alone: those between it and the last one booked are asked for too."""
        if event.trading_pair != self._pair:
            return
        ts_ns, amount = int(event.timestamp * 1_000_000_000), Decimal(event.amount)
        if self._reading_funding is None:
            self._reading_funding = asyncio.get_running_loop().create_task(self._book_funding(ts_ns, amount))
            self._reading_funding.add_done_callback(self._funding_read)

    async def _book_funding(self, ts_ns: int, amount: Decimal) -> None:
        """Book everything up to a payment; what cannot be read now is asked for with the next one, before it."""
        try:
            is_readable = await self._catch_up_funding()
        except ConnectorError as problem:
            logging.getLogger(__name__).warning("funding payments not read pair=%s cause=%s", self._pair, problem)
            return
        if not is_readable:
            self.take_funding(ts_ns, amount)

    def _funding_read(self, task: asyncio.Task[None]) -> None:
        self._reading_funding = None
        if not task.cancelled() and (error := task.exception()) is not None:
            logging.getLogger(__name__).error("funding not booked", exc_info=error)

    async def _catch_up_funding(self) -> bool:
        """Book the payments since the last one; False where the connector cannot tell of past ones."""
        history = getattr(self._connector, "funding_payments_after", None)
        if history is None:
            return False
        since_s = max(self.book.funding_ns, self.book.began_ns) / 1e9
        for row in await history(self._pair, self.book.funding_id, since_s):
            self.take_funding(row.exchange_ts_ns, row.amount, row.row_id)
        return True

    def take_funding(self, exchange_ts_ns: int, amount_quote: Decimal, payment_id: int | None = None) -> None:
        """Book a funding payment, positive received; one that was booked, or from before the account began, is not.

        Hummingbot tells its time in whole seconds, and so it is kept, lest one payment look like two.
        """
        exchange_ts_ns -= exchange_ts_ns % 1_000_000_000
        before, self.book = self.book, self.book.funded(exchange_ts_ns, amount_quote, payment_id)
        if self.book is before:
            return
        self._log.write(
            "funding", amount_quote=amount_quote, exchange_ts_ns=exchange_ts_ns,
            funding_quote=self.ledger.funding_quote)
        logging.getLogger(__name__).info(
            "funding amount=%s sum=%s pair=%s", amount_quote, self.ledger.funding_quote, self._pair)
        self._on_change("funding")

    async def catch_up(self) -> int:
        """Book the fills that were missed, once and with their own times; how many there were. Raises ConnectorError.

        Also fees that were estimated when the process died, and funding where the connector can tell of past payments.
        """
        began_ns = self.book.began_ns
        missed = await self._connector.own_fills_since(
            self._pair, self.book.complete_since_ns / 1e9 - READ_MARGIN_S, self.book.final_ids)
        count = 0
        for fill in missed:
            if fill.exchange_ts_ns is None or fill.exchange_ts_ns > began_ns or self.book.known(fill.trade_id):
                count += self._take(fill)
        await self._catch_up_funding()
        return count

    # --- position ---

    def venue_position(self) -> Decimal:
        return market_view.venue_position(self._connector, self._pair)

    def adopt(self, venue: Decimal, mark: Decimal) -> None:
        """Take over a position that our fills do not explain, at the mark; the limits hold for it from here on."""
        before = self.ledger.position
        self.book = self.book.adopted(venue - before, mark, self._connector.venue_time_ns())
        self._mismatch_since_ns = None
        self._log.write("position_adjusted", venue=venue, by_fills=before, mark=mark)
        self._on_change("adopted")

    def position_by_fills(self, now_ns: int, on_mismatch: Callable[[], None]) -> Decimal:
        """What our fills make of the position; the venue's word once the two differ too long to be in transit.

        Then fills that were missed are asked for first; what they do not explain was traded elsewhere and is adopted.
        """
        venue, by_fills = self.venue_position(), self.ledger.position
        if venue == by_fills:
            self._mismatch_since_ns = None
        elif self._mismatch_since_ns is None:
            self._mismatch_since_ns = now_ns
        elif now_ns - self._mismatch_since_ns > POSITION_SETTLE_NS and self._explaining is None:
            on_mismatch()
            self._explaining = asyncio.get_running_loop().create_task(self._explain())
            self._explaining.add_done_callback(self._explained)
        return by_fills

    async def _explain(self) -> None:
        try:
            await self.catch_up()
        except ConnectorError as problem:
            logging.getLogger(__name__).warning("missed fills not read cause=%s", problem)
            return
        venue, by_fills, mark = self.venue_position(), self.ledger.position, self.mark()
        if venue == by_fills or mark is None:
            return
        logging.getLogger(__name__).warning(
            "position differs from own fills venue=%s by_fills=%s: it was traded elsewhere. Taken over at mark %s, the "
            "limits hold for it", venue, by_fills, mark)
        self.adopt(venue, mark)

    def _explained(self, task: asyncio.Task[None]) -> None:
        self._explaining = None
        self._mismatch_since_ns = None
        if not task.cancelled() and (error := task.exception()) is not None:
            logging.getLogger(__name__).error("position not explained", exc_info=error)

    def venue_now_ns(self) -> int:
        """The venue's time, Unix nanoseconds, which the stamps of fills are in."""
        return int(self._connector.venue_time_ns())

    def mark(self) -> Decimal | None:
        """The venue's mark as last stated, None before the first."""
        price = self._connector.price_state(self._pair)
        return price.mark if price is not None else None
