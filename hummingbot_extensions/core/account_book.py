"""The ledger and what it has booked already: every fill and payment counts once, however often it is told."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from hummingbot_extensions.core.attribution import Attribution, PnlSplit
from hummingbot_extensions.core.ledger import Ledger, LedgerFill

REMEMBERED_NS = 3_600_000_000_000
"""Fills this much older than the newest one may be forgotten one by one ..."""
REMEMBERED_LEAST = 500
"""... but never the newest ones."""
REMEMBERED_MOST = 5_000
ADOPTIONS_KEPT = 20
CLOCKS_APART_NS = 2_000_000_000
"""A fill may bear a stamp this much later than the adoption that stood for it."""


@dataclass(frozen=True, slots=True)
class BookedFill:
    """A fill that is in the ledger, with the fee that was booked for it."""

    trade_id: str
    exchange_ts_ns: int
    fee_quote: Decimal | None
    is_fee_final: bool


@dataclass(frozen=True, slots=True)
class Adoption:
    """A signed position change that was taken over at ``mark``, as far as no fill of ours has explained it since."""

    ts_ns: int
    change: Decimal
    mark: Decimal


@dataclass(frozen=True, slots=True)
class AccountBook:
    """The account of one controller since ``began_ns``. All stamps are Unix nanoseconds of the venue.

    A fill at or before ``forgotten_ns`` is no longer known one by one: it is refused, not booked a second time.
    """

    began_ns: int
    ledger: Ledger = Ledger()
    booked: tuple[BookedFill, ...] = ()
    """Fills that are remembered, oldest first."""
    forgotten_ns: int = -1
    funding_ns: int = 0
    """Time of the newest funding payment that is in the ledger."""
    funding_id: int | None = None
    """The venue's id of that payment, None where it states none: later payments have larger ones."""
    adoptions: tuple[Adoption, ...] = ()
    """Newest last: a fill of ours that comes late may turn out to be what one of them stood for."""
    attribution: Attribution = Attribution()
    """Where the trading result came from."""

    @property
    def complete_since_ns(self) -> int:
        """From this time on every fill of ours is known by its id: fills missed are asked for from here."""
        return max(self.began_ns, self.forgotten_ns)

    def known(self, trade_id: str) -> BookedFill | None:
        return next((fill for fill in reversed(self.booked) if fill.trade_id == trade_id), None)

    def split(self, mark: Decimal | None) -> PnlSplit:
        """The result by its sources, valued at ``mark``; None where something is not known."""
        return self.attribution.split(self.ledger, mark)

    @property
    def final_ids(self) -> frozenset[str]:
        """Ids of fills of which nothing more can be learnt."""
        return frozenset(fill.trade_id for fill in self.booked if fill.is_fee_final)

    def is_refused(self, fill: LedgerFill, now_ns: int) -> bool:
        """Whether a fill is too old to tell whether it was booked."""
        return self.known(fill.trade_id) is None and _stamp(fill, now_ns) <= self.forgotten_ns

    def after(self, fill: LedgerFill, now_ns: int, is_fee_final: bool) -> AccountBook:
        """Book with ``fill`` in it: the same book when it was booked before, its fee corrected when that has changed.

        ``now_ns`` stands in for a time that the venue did not state. Equal fills under two trade ids are two fills.
        """
        before = self.known(fill.trade_id)
        if before is not None:
            return self._with_fee(before, fill.fee_quote, is_fee_final)
        if self.is_refused(fill, now_ns):
            return self
        entry = BookedFill(
            fill.trade_id, _stamp(fill, now_ns), fill.fee_quote, is_fee_final and fill.fee_quote is not None)
        booked = tuple(sorted((*self.booked, entry), key=lambda one: one.exchange_ts_ns))
        book = self._without_adoption(fill, entry.exchange_ts_ns)
        attribution = book.attribution.after(fill, book.ledger.position)
        return replace(book, ledger=book.ledger.after(fill), attribution=attribution, booked=booked)._trimmed()

    def with_fee(self, trade_id: str, fee_quote: Decimal) -> AccountBook:
        """Book with the final fee of a fill; the same book when the fill is not known or the fee was final before."""
        before = self.known(trade_id)
        return self if before is None else self._with_fee(before, fee_quote, True)

    def funded(self, exchange_ts_ns: int, amount_quote: Decimal, payment_id: int | None = None) -> AccountBook:
        """Book with a funding payment, positive received; the same book when that or a later one was booked before.

        Ids tell payments apart, whatever has become of the venue's clock in between. The time does where one has none:
        payments come in order and at most once an hour. So it does for the first, which must come after ``began_ns``.
        """
        if payment_id is None or self.funding_id is None:
            is_booked = exchange_ts_ns <= max(self.funding_ns, self.began_ns)
        else:
            is_booked = payment_id <= self.funding_id
        if is_booked:
            return self
        return replace(
            self, ledger=self.ledger.funded(amount_quote), funding_ns=exchange_ts_ns, funding_id=payment_id)

    def adopted(self, change: Decimal, mark: Decimal, ts_ns: int) -> AccountBook:
        """Book with a signed position change that no fill of ours made, taken over at the mark."""
        kept = (*self.adoptions, Adoption(ts_ns, change, mark))[-ADOPTIONS_KEPT:]
        return replace(self._taken_over(change, mark, ts_ns), adoptions=kept)

    def _taken_over(self, change: Decimal, mark: Decimal, ts_ns: int) -> AccountBook:
        """Book in which ``change`` came in at its mark, or with the sign turned was taken back at it."""
        attribution = self.attribution.valued(mark, self.ledger.position)
        return replace(self, ledger=self.ledger.adopted(change, mark, ts_ns), attribution=attribution)

    def _without_adoption(self, fill: LedgerFill, stamp_ns: int) -> AccountBook:
        """Book in which adoptions that stood for ``fill`` are taken back, at their own marks.

        A fill from before an adoption, in its direction, was part of the difference that was adopted.
        """
        signed, book = fill.size * fill.side.sign, self
        for adoption in self.adoptions:
            if signed == 0 or (adoption.change > 0) != (signed > 0) or stamp_ns > adoption.ts_ns + CLOCKS_APART_NS:
                continue
            back = min(abs(signed), abs(adoption.change)) * fill.side.sign
            left = replace(adoption, change=adoption.change - back)
            kept = tuple(one for one in (left if one is adoption else one for one in book.adoptions) if one.change)
            book = book._taken_over(-back, adoption.mark, adoption.ts_ns)
            signed, book = signed - back, replace(book, adoptions=kept)
        return book

    def _with_fee(self, before: BookedFill, fee_quote: Decimal | None, is_final: bool) -> AccountBook:
        if fee_quote is None or before.is_fee_final or (fee_quote == before.fee_quote and not is_final):
            return self
        entry = replace(before, fee_quote=fee_quote, is_fee_final=is_final)
        booked = tuple(entry if fill is before else fill for fill in self.booked)
        return replace(self, ledger=self.ledger.fee_corrected(before.fee_quote, fee_quote), booked=booked)

    def _trimmed(self) -> AccountBook:
        booked = self.booked
        horizon = booked[-1].exchange_ts_ns - REMEMBERED_NS
        old = sum(fill.exchange_ts_ns < horizon for fill in booked)
        drop = max(min(old, len(booked) - REMEMBERED_LEAST), len(booked) - REMEMBERED_MOST)
        if drop <= 0:
            return self
        return replace(self, booked=booked[drop:], forgotten_ns=booked[drop - 1].exchange_ts_ns)

    def problems(self) -> list[str]:
        """Rules that do not hold; empty for a sound book."""
        stamps = [fill.exchange_ts_ns for fill in self.booked]
        missing = sum(fill.fee_quote is None for fill in self.booked)
        rules = (
            (stamps == sorted(stamps), "booked fills are not in order of time"),
            (len({fill.trade_id for fill in self.booked}) == len(self.booked), "a trade id is booked twice"),
            (missing <= self.ledger.missing_fees, "the ledger misses fewer fees than its fills"),
            (len(self.booked) <= self.ledger.fills, "more fills are remembered than were booked"),
        )
        return [text for holds, text in rules if not holds]


def _stamp(fill: LedgerFill, now_ns: int) -> int:
    return now_ns if fill.exchange_ts_ns is None else fill.exchange_ts_ns
