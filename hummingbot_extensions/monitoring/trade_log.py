"""The trade log of a run: one line per placement, cancel, fill and stop, made from the event log and from nothing else.

Format and events are documented in docs/trade-log.md. What the event log does not say is written as ``-``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hummingbot_extensions.core.breaker_state import Level
from hummingbot_extensions.core.silence import Silence

UNKNOWN = "-"
HELD_LEVELS = frozenset(level.value for level in Level if not level.may_quote)
VOLATILITY = Silence.VOLATILITY.value
HARD_STOP = Silence.HARD_STOP.value
RISK_REFUSALS = frozenset({Silence.WORST_CASE, Silence.MARGIN, Silence.BELOW_MINIMUM})
_PLACES = {"buy": "PLACE_BID", "sell": "PLACE_ASK"}
_SILENCE_OF = {"buy": "bid_silence", "sell": "ask_silence"}
_DETAIL_OF = {"buy": "bid_detail", "sell": "ask_detail"}

Event = dict[str, Any]


class TradeLog:
    """Folds events into lines, in their order. ``is_detailed`` adds what the strategy thought to what it did."""

    def __init__(self, is_detailed: bool = False) -> None:
        self._is_detailed = is_detailed
        self._exchange: str | None = None
        self._position: str | None = None
        self._bid: str | None = None
        self._ask: str | None = None
        self._decided_cancels: frozenset[str] = frozenset()
        self._is_hard_stopped = False
        self._is_volatile = False
        self._is_held = False
        self._silences: dict[str, str | None] = {}
        self._is_quoting: set[str] = set()

    def take(self, event: Event) -> list[str]:
        """Lines of one event; none for one that is no trading. A row that lacks its members raises KeyError."""
        fold = getattr(self, f"_on_{event['kind']}", None)
        return [] if fold is None else list(fold(event))

    # --- what the bot did ---

    def _on_run(self, event: Event) -> Iterator[str]:
        self._exchange = event["connector"]
        self._position = event["ledger"]["position"]
        said = {
            "version": event["bundle_version"], "hummingbot": event["hummingbot_version"],
            "config": event["config_hash"], "controller": event["controller_id"], "exchange": event["connector"],
            "pair": event["trading_pair"], "sends_orders": event["sends_orders"],
            "continued": event["is_continued"], "started": _time(event), "times": "UTC",
        }  # fmt: skip
        yield "# hbx trade log | " + " | ".join(f"{name}={_text(value)}" for name, value in said.items())

    def _on_startup(self, event: Event) -> Iterator[str]:
        self._position = event["venue"]
        yield self._line(
            event, "START", verdict=event["verdict"], position=event["venue"], expected=event["expected"],
            missed_fills=event["missed_fills"], cost=event["cost_quote"])

    def _on_decision(self, event: Event) -> Iterator[str]:
        inputs = event["inputs"]
        view = inputs["view"]
        self._bid, self._ask = view["bid"], view["ask"]
        position = inputs["account"]["position"]
        self._position = position if position is not None else self._position
        self._decided_cancels = frozenset(
            action["client_order_id"] for action in event["actions"] if action["_"] == "Cancel")
        silences = {side: event[member] for side, member in _SILENCE_OF.items()}
        yield from self._stops(event, silences, inputs["state"].get("hard_stop_since_ns"))
        if self._is_detailed:
            yield from self._thoughts(event, silences, view)
        self._silences = silences

    def _stops(self, event: Event, silences: dict[str, str | None], since_ns: int | None) -> Iterator[str]:
        """Hard stop and volatility pause, at their first decision, and the first one after them."""
        reasons = set(silences.values())
        can_add = any(not quote["is_reduce_only"] for quote in event["quotes"])
        if HARD_STOP in reasons and not self._is_hard_stopped:
            self._is_hard_stopped = True
            yield self._line(event, "HARD_STOP", position=self._position, **self._touch())
        elif self._is_hard_stopped and HARD_STOP not in reasons and (can_add or since_ns is None):
            self._is_hard_stopped = False
            yield self._line(event, "RESUME", position=self._position, after="hard_stop", **self._touch())
        is_volatile = VOLATILITY in reasons
        if is_volatile and not self._is_volatile:
            yield self._line(event, "VOLATILITY_PAUSE", position=self._position, **self._touch())
        is_over = not is_volatile and bool(event["quotes"])
        if self._is_volatile and is_over:
            yield self._line(event, "RESUME", position=self._position, after="volatility_pause", **self._touch())
        self._is_volatile = is_volatile or (self._is_volatile and not is_over)

    def _on_order(self, event: Event) -> Iterator[str]:
        what, order_id = event["event"], event["client_order_id"]
        if what == "placed":
            yield self._line(
                event, _PLACES[event["side"]], price=event["price"], qty=event["size"], **self._touch(),
                pos=self._position, order_id=order_id)
        elif what == "rejected":
            yield self._line(event, "REJECT", side=event["side"], reason=event["reason"], order_id=order_id)
        if self._is_detailed and what != "placed":
            yield self._line(
                event, "ORDER_UPDATE", status=what, side=event["side"], price=event["price"], qty=event["size"],
                order_id=order_id)

    def _on_cancel_sent(self, event: Event) -> Iterator[str]:
        order_id = event["client_order_id"]
        touch = self._touch() if order_id in self._decided_cancels else _NO_TOUCH
        yield self._line(
            event, "CANCEL", side=event["side"], reason=event["reason"], risk=event["is_risk"], **touch,
            pos=self._position, order_id=order_id)

    def _on_fill(self, event: Event) -> Iterator[str]:
        fill = event["fill"]
        self._position = event["position_by_fills"]
        yield self._line(
            event, "FILL", side=fill["side"], qty=fill["size"], price=fill["price"], pos=self._position,
            best_bid=event.get("bid"), best_ask=event.get("ask"), mark=fill.get("mark"), fee=fill["fee_quote"],
            maker=fill["is_maker"], exit=fill.get("is_exit"), source=event["source"], trade_id=fill["trade_id"],
            order_id=event["client_order_id"])

    def _on_fee(self, event: Event) -> Iterator[str]:
        yield self._line(event, "FEE", trade_id=event["trade_id"], fee=event["fee_quote"], was=event["was_quote"])

    def _on_funding(self, event: Event) -> Iterator[str]:
        yield self._line(event, "FUNDING", amount=event["amount_quote"], sum=event["funding_quote"], pos=self._position)

    def _on_position_adjusted(self, event: Event) -> Iterator[str]:
        self._position = event["venue"]
        yield self._line(
            event, "POSITION_ADJUSTED", position=event["venue"], by_fills=event["by_fills"], mark=event["mark"])

    def _on_leftover(self, event: Event) -> Iterator[str]:
        yield self._line(
            event, "REST_GATE_CANCEL", order_id=event["client_order_id"], reason=event["reason"], side=event["side"],
            price=event["price"], qty=event["size"])

    def _on_breaker(self, event: Event) -> Iterator[str]:
        is_held = event["level"] in HELD_LEVELS
        if is_held:
            yield self._line(
                event, "SAFE_MODE", failures=event["failures"], level=event["level"], cause=event["cause"],
                rejects=event["rejects"], position=self._position)
        elif self._is_held:
            yield self._line(event, "RESUME", position=self._position, after="safe_mode", level=event["level"])
        elif self._is_detailed:
            yield self._line(event, "STRATEGY_ADJUST", breaker=event["level"], cause=event["cause"])
        self._is_held = is_held

    def _on_gate(self, event: Event) -> Iterator[str]:
        quote = event["quote"]
        yield self._line(
            event, "BATCH_RISK_REJECT", side=quote["side"], price=quote["price"], qty=quote["size"],
            reason=event["reason"], pos=self._position)

    def _on_exit(self, event: Event) -> Iterator[str]:
        yield self._line(
            event, "EXIT", status=event["event"], side=event["side"], price=event["price"], qty=event["size"],
            mark=event["mark"], filled=event["filled_base"], reason=event["reason"], pos=self._position,
            order_id=event["client_order_id"])

    def _on_exit_hold(self, event: Event) -> Iterator[str]:
        if self._is_detailed:
            yield self._line(event, "EXIT_WAITS", reason=event["reason"], pos=self._position)

    def _on_config(self, event: Event) -> Iterator[str]:
        yield self._line(event, "STRATEGY_ADJUST", config=event["config_hash"], changed=",".join(event["changed"]))

    def _on_dropped(self, event: Event) -> Iterator[str]:
        yield self._line(event, "DROPPED", total=event["total"])

    def _on_stopped(self, event: Event) -> Iterator[str]:
        yield self._line(
            event, "STOP", position=event["position"], placed=event["placed"], cancels=event["cancels"],
            risk_cancels=event["risk_cancels"], rejects=event["rejects"], fills=event["run"]["fills"],
            fees=event["run"]["fees_quote"])

    # --- what it thought ---

    def _thoughts(self, event: Event, silences: dict[str, str | None], view: Event) -> Iterator[str]:
        if event["actions"] and event["quotes"]:
            yield self._line(
                event, "QUOTES_GENERATED", bids=_quotes(event["quotes"], "buy"), asks=_quotes(event["quotes"], "sell"),
                mark=view["mark"], **self._touch(), pos=self._position)
        for side, reason in silences.items():
            if reason == self._silences.get(side, UNKNOWN):
                continue
            if reason in RISK_REFUSALS:
                yield self._line(event, "BATCH_RISK_REJECT", side=side, reason=reason, pos=self._position)
            elif reason is not None:
                detail = event.get(_DETAIL_OF[side])
                said = {"detail": detail} if detail else {}
                yield self._line(event, "SILENT", side=side, reason=reason, **said, pos=self._position)
            elif side in self._silences:
                yield self._line(event, "QUOTING", side=side, after=self._silences[side], pos=self._position)

    def _on_markout(self, event: Event) -> Iterator[str]:
        if self._is_detailed:
            yield self._line(
                event, "MARKOUT", trade_id=event["trade_id"], side=event["side"], seconds=event["horizon_s"],
                mark=event["mark"], bps=event["bps"])

    def _on_pnl(self, event: Event) -> Iterator[str]:
        if self._is_detailed:
            split = event["split"]
            yield self._line(event, "PNL", position=event["position"], mark=event["mark"], **{
                name: split[f"{name}_quote"]
                for name in ("net", "spread", "inventory", "exit_cost", "fees", "rebates", "funding")})  # fmt: skip

    # --- words ---

    def _touch(self) -> dict[str, str | None]:
        return {"best_bid": self._bid, "best_ask": self._ask}

    def _line(self, event: Event, what: str, **fields: Any) -> str:
        said = {"exchange": self._exchange, **fields}
        return " | ".join([_time(event), what, *(f"{name}={_text(value)}" for name, value in said.items())])


_NO_TOUCH: dict[str, str | None] = {"best_bid": None, "best_ask": None}


def _time(event: Event) -> str:
    return f"{datetime.fromtimestamp(event['t_ns'] // 1_000_000_000, UTC):%Y-%m-%d %H:%M:%S}"


def _text(value: Any) -> str:
    """One word of a line: what is missing as ``-``, and nothing that could be taken for a separator or another line."""
    if value is None or value == "":
        return UNKNOWN
    if isinstance(value, bool):
        return "true" if value else "false"
    return re.sub(r"[\s|]+", " ", str(value)).strip() or UNKNOWN


def _quotes(quotes: Iterable[Event], side: str) -> str | None:
    return ",".join(f"{quote['size']}@{quote['price']}" for quote in quotes if quote["side"] == side) or None


def events_of(data: bytes) -> Iterator[Event]:
    """Events of whole lines; a torn or foreign line is passed over."""
    for line in data.splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict) and "kind" in event and "t_ns" in event:
            yield event


def lines_of(events: Iterable[Event], log: TradeLog) -> Iterator[str]:
    """Lines of events; one whose members are not those of its kind is passed over."""
    for event in events:
        try:
            yield from log.take(event)
        except (KeyError, TypeError):
            continue


def file_name(path: Path, controller_id: str) -> str:
    """Name of the trade log of the run whose event log is at ``path``.

    >>> file_name(Path("logs/events/mm/20260118T103015.250000Z.jsonl"), "mm")
    'mm_trades_20260118_103015_mm.log'
    """
    day, _, clock = path.name.partition("T")
    return f"mm_trades_{day}_{clock[:6]}_{controller_id}.log"
