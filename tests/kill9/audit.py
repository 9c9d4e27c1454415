"""What must be true after bots were killed and one of them lived to its end, judged from the venue's own books."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from hummingbot_extensions.core.rounding import from_units
from hummingbot_extensions.core.types import Side, TimeInForce
from hummingbot_extensions.sim.account import Account, Order
from hummingbot_extensions.sim.market import MarketSpec
from tests.kill9.lives import NAME

OWNER = "hx"
"""How client ids of ours begin; another client of the account does not."""
CLOSED_IN_DATABASE = ("BuyOrderCompleted", "SellOrderCompleted", "OrderCancelled", "OrderFailure", "OrderExpired")
REPLACE_NS = 1_000_000_000
"""Longest that a quote may rest beside the one that replaces it: two ways to the venue, with room."""
CENT = Decimal("0.000000001")
"""Averages of prices are rounded in their 28th digit; sums of trades agree far beyond this."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that judges a case: the venue's account, the workspace, and each life's begin and end (venue ns)."""

    account: Account
    spec: MarketSpec
    workspace: Path
    begun_ns: Sequence[int]
    ended_ns: Sequence[int]
    exit_code: int | None
    settings: dict[str, Any]


def problems(evidence: Evidence) -> list[str]:
    """Every way in which the end is not as it should be; empty when all is well."""
    return [*at_the_end(evidence), *_orphans(evidence), *_doubles(evidence), *_exposure(evidence),
            *_hard_stop(evidence), *_flat_at_the_start(evidence)]


def at_the_end(evidence: Evidence) -> list[str]:
    """The part that holds after whatever happened before: clean exit, nothing left, all books equal."""
    found = [] if evidence.exit_code == 0 else [f"exit: the last life ended with {evidence.exit_code}"]
    return [*found, *_left_at_the_venue(evidence), *_ledger(evidence), *_database(evidence)]


def _own(evidence: Evidence) -> list[Order]:
    """Orders of ours that became known to the account, oldest first."""
    shown = [order for order in evidence.account.orders.values() if order.shown_ns is not None]
    return sorted((o for o in shown if o.client_id.startswith(OWNER)), key=lambda order: order.created_ns)


def _lots(evidence: Evidence, lots: int) -> Decimal:
    return from_units(lots, evidence.spec.size_decimals)


def _left_at_the_venue(evidence: Evidence) -> list[str]:
    return [f"left: {order.client_id} {order.side} still lives at the venue" for order in
            evidence.account.live.values()]


def _orphans(evidence: Evidence) -> list[str]:
    """An order of a former life must be gone before a later life places its first."""
    found = []
    for begun_ns in evidence.begun_ns[1:]:
        later = [order for order in _own(evidence) if order.created_ns >= begun_ns]
        if not later:
            continue
        first_ns = later[0].created_ns
        for order in _own(evidence):
            if order.created_ns < begun_ns and (order.closed_ns is None or order.closed_ns > first_ns):
                beside_s = ((order.closed_ns or first_ns) - first_ns) / 1e9
                found.append(f"orphan: {order.client_id} {order.side} of a former life rested beside new quotes "
                             f"for {beside_s:.1f} s")
    return found


def _doubles(evidence: Evidence) -> list[str]:
    """A living bot shows one order a side; two only while one of them is being replaced, and never a third."""
    found = []
    for is_bid in (True, False):
        side = "bid" if is_bid else "ask"
        for begun_ns, ended_ns in zip(evidence.begun_ns, evidence.ended_ns, strict=True):
            spans: dict[int, tuple[int, int]] = {}
            for row in evidence.account.log.rows:
                if row.is_bid is is_bid and begun_ns <= row.start_ns < ended_ns:
                    since_ns = spans[row.order_id][0] if row.order_id in spans else row.start_ns
                    spans[row.order_id] = (since_ns, min(row.end_ns or ended_ns, ended_ns))
            rested = sorted(spans.items(), key=lambda item: item[1])
            for number, (order_id, (_, end_ns)) in enumerate(rested):
                beside = [(other, since_ns) for other, (since_ns, _) in rested[number + 1 :] if since_ns < end_ns]
                if len(beside) > 1 and any(since_ns < end_ns for _, since_ns in beside[1:]):
                    third = [other for other, since_ns in beside[1:] if since_ns < spans[beside[0][0]][1]]
                    if third:
                        found.append(f"double: orders {order_id}, {beside[0][0]} and {third[0]} rested together on "
                                     f"the {side} side")
                for other, since_ns in beside[:1]:
                    beside_ns = min(end_ns, spans[other][1]) - since_ns
                    if beside_ns > REPLACE_NS:
                        found.append(f"double: orders {order_id} and {other} rested together on the {side} side for "
                                     f"{beside_ns / 1e9:.1f} s")
    return found


def _position_steps(evidence: Evidence) -> list[tuple[int, Decimal]]:
    steps, position = [], Decimal(0)
    for trade in evidence.account.trades:
        position += trade.size * trade.side.sign
        steps.append((trade.ts_ns, position))
    return steps


def _exposure(evidence: Evidence) -> list[str]:
    """Position plus every resting order that adds to it stays in the worst case, at every moment."""
    limit = Decimal(str(evidence.settings["net_max_base"])) * Decimal(str(evidence.settings["worst_case_frac"]))
    moments: list[tuple[int, int, Side, Decimal]] = []
    for row in evidence.account.log.rows:
        side, size = (Side.BUY if row.is_bid else Side.SELL), _lots(evidence, row.size_lots)
        moments.append((row.start_ns, 1, side, size))
        if row.end_ns is not None:
            moments.append((row.end_ns, 0, side, -size))
    resting = {Side.BUY: Decimal(0), Side.SELL: Decimal(0)}
    position, worst = Decimal(0), Decimal(0)
    merged: list[tuple[int, int, Any]] = [(ts, order, (side, size)) for ts, order, side, size in moments]
    merged += [(ts, -1, value) for ts, value in _position_steps(evidence)]
    for _, _, what in sorted(merged, key=lambda item: item[:2]):
        if isinstance(what, tuple):
            resting[what[0]] += what[1]
        else:
            position = what
        worst = max(worst, position + resting[Side.BUY], resting[Side.SELL] - position)
    return [f"exposure: {worst} above the worst case {limit}"] if worst > limit else []


def _rows(workspace: Path) -> list[dict[str, Any]]:
    """Event log of the newest run; a last line that was torn by a kill is left out."""
    logs = sorted((workspace / "logs" / "events" / NAME).glob("*.jsonl"))
    lines = logs[-1].read_text().splitlines() if logs else []
    return [json.loads(line) for line in lines if line.endswith("}")]


def last_ledger(workspace: Path) -> dict[str, Any] | None:
    """Ledger of the newest run's last row, None when that run never said that it stopped."""
    stopped = [row for row in _rows(workspace) if row["kind"] == "stopped"]
    return stopped[-1] if stopped else None


def _ledger(evidence: Evidence) -> list[str]:
    """Fills, position, volume, fees and money of the bot's own account are the venue's, each trade once."""
    row = last_ledger(evidence.workspace)
    if row is None:
        return ["ledger: the last life wrote no end of its run"]
    ledger, found = row["ledger"], []
    position = sum((t.size * t.side.sign for t in evidence.account.trades), Decimal(0))
    own = {order.id for order in _own(evidence)}
    trades = [trade for trade in evidence.account.trades if trade.order_id in own]
    cash = -sum((t.price * t.size * t.side.sign for t in trades), Decimal(0))
    fees = sum((t.fee for t in trades), Decimal(0))
    if int(ledger["fills"]) != len(trades):
        found.append(f"ledger: {ledger['fills']} fills, the venue has {len(trades)}")
    if row["position"] is None or Decimal(row["position"]) != position:
        found.append(f"position: {row['position']}, the venue's is {position}")
    if Decimal(ledger["position"]) != position:
        found.append(f"ledger: position {ledger['position']}, the venue's is {position}")
    if ledger["missing_fees"] or abs(Decimal(ledger["fees_paid_quote"]) - fees) > CENT:
        found.append(f"ledger: fees {ledger['fees_paid_quote']} and {ledger['missing_fees']} unknown, "
                     f"the venue took {fees}")
    funding = sum((row.amount for row in evidence.account.funding), Decimal(0))
    if abs(Decimal(ledger["funding_quote"]) - funding) > CENT:
        found.append(f"ledger: funding {ledger['funding_quote']}, at the venue {funding}")
    own_cash = Decimal(ledger["realized_quote"]) - Decimal(ledger["cost_quote"])
    # What was traded by hand is taken over at a mark, which no books of the venue show.
    if len(trades) == len(evidence.account.trades) and abs(own_cash - cash) > CENT:
        found.append(f"ledger: money from trades {own_cash}, at the venue {cash}")
    return found


def _database(evidence: Evidence) -> list[str]:
    """Hummingbot's own records: no order open that is gone, and no fill twice."""
    found = []
    for path in (evidence.workspace / "data").glob("*.sqlite"):
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            for order_id, status in database.execute('SELECT id, last_status FROM "Order"'):
                if status not in CLOSED_IN_DATABASE:
                    found.append(f"database: order {order_id} is {status}")
            for trade_id, count in database.execute(
                    'SELECT exchange_trade_id, COUNT(*) FROM "TradeFill" GROUP BY exchange_trade_id'):
                if count > 1:
                    found.append(f"database: trade {trade_id} stands {count} times")
    return found


def _flat_at_the_start(evidence: Evidence) -> list[str]:
    """A life that had a position to close quotes nothing before it is zero."""
    verdicts = [row["verdict"] for row in _rows(evidence.workspace) if row["kind"] == "startup"]
    if evidence.settings.get("startup_policy") != "flatten" or verdicts[-1:] != ["flatten"]:
        return []
    quotes = [order for order in _own(evidence)
              if order.created_ns >= evidence.begun_ns[-1] and order.tif is TimeInForce.ALO]
    if not quotes:
        return ["policy: nothing was quoted after the position was to be closed"]
    held = [position for ts_ns, position in _position_steps(evidence) if ts_ns < quotes[0].created_ns]
    return [f"policy: quoted with a position of {held[-1]}"] if held and held[-1] else []


def _hard_stop(evidence: Evidence) -> list[str]:
    """From the fill that reached the hard stop until its cooldown is over, nothing is placed that adds."""
    limit = Decimal(str(evidence.settings["hard_stop_base"]))
    cooldown_ns = int(float(evidence.settings["hard_stop_cooldown_s"]) * 1e9)
    steps, found = _position_steps(evidence), []
    for since_ns, position in steps:
        if abs(position) < limit:
            continue
        for order in _own(evidence):
            # One that was under way when the fill happened could not know.
            is_after = since_ns + 1_000_000_000 < order.created_ns < since_ns + cooldown_ns
            if is_after and (order.side.sign > 0) == (position > 0):
                after_s = (order.created_ns - since_ns) / 1e9
                found.append(f"hard stop: {order.client_id} adds {after_s:.1f} s after it began")
    return found
