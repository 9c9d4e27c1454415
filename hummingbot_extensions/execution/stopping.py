"""The end of a stop: the venue is asked whether anything of ours may still fill, and told to cancel what does."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hummingbot_extensions.connector.errors import ConnectorError
from hummingbot_extensions.connector.leftovers import LeftoverOrder, VenueWord
from hummingbot_extensions.execution import snapshot, state_file

DEADLINE_S = 20.0
"""Longest that a stop goes on asking and cancelling after Hummingbot's own wind-down."""
ASK_S = 5.0
AGAIN_S = 0.5
UNSEEN_BELIEVED_S = 10.0
"""An order that the venue does not know this long after it was sent never came to rest."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A connector to ask, and the orders sent so lately that its list may not show them: id and monotonic stamp."""

    connector_name: str
    connector: Any
    recent: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class MayRest:
    """An order that may still fill after a stop. Price and size are None when only the id is known."""

    connector_name: str
    client_order_id: str
    side: str | None
    price: str | None
    size: str | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is known at the end of a stop. ``unanswered`` names connectors whose venue did not say in time."""

    may_rest: tuple[MayRest, ...] = ()
    unanswered: tuple[str, ...] = ()

    @property
    def is_verified(self) -> bool:
        return not self.may_rest and not self.unanswered


def can_verify(connector: Any) -> bool:
    """Whether a connector can ask its venue about our orders; those of other bundles cannot."""
    return hasattr(connector, "own_orders_at_venue")


async def verified_stop(asked: Iterable[Asked], deadline_s: float = DEADLINE_S) -> Outcome:
    """Ask every venue until none of our orders may fill any more, cancelling what does, or the deadline has passed."""
    outcomes = await asyncio.gather(*(_verified(one, time.monotonic() + deadline_s) for one in asked))
    return Outcome(
        tuple(order for one in outcomes for order in one.may_rest),
        tuple(name for one in outcomes for name in one.unanswered))


async def _verified(asked: Asked, deadline_s: float) -> Outcome:
    try:
        return await _asked_until(asked, deadline_s)
    except Exception:
        # A fault of ours must neither pass for the venue's word nor keep another connector from being asked.
        logging.getLogger(__name__).exception("stop not verified connector=%s", asked.connector_name)
        return Outcome((), (asked.connector_name,))


async def _asked_until(asked: Asked, deadline_s: float) -> Outcome:
    name, word = asked.connector_name, None
    young: list[str] = []
    recent_ns = dict(asked.recent)
    while True:
        try:
            word = await asyncio.wait_for(asked.connector.own_orders_at_venue(tuple(recent_ns)), ASK_S)
        except (ConnectorError, TimeoutError) as problem:
            logging.getLogger(__name__).debug("stop not verified yet connector=%s cause=%s", name, problem)
        else:
            # Judged at the moment of the answer: an order does not become gone by waiting for the next one.
            young = _young(word, recent_ns)
            if not word.open and not young:
                logging.getLogger(__name__).info("stop verified connector=%s: no own order rests at the venue", name)
                return Outcome()
            try:
                await asyncio.wait_for(
                    asked.connector.cancel_at_venue([order.client_order_id for order in word.open]), ASK_S)
            except (ConnectorError, TimeoutError) as problem:
                logging.getLogger(__name__).debug("cancel not taken connector=%s cause=%s", name, problem)
        if time.monotonic() >= deadline_s:
            break
        await asyncio.sleep(AGAIN_S)
    if word is None:
        known = asked.connector.own_open_order_ids()
        return Outcome(tuple(MayRest(name, key, None, None, None) for key in known), (name,))
    found = [_may_rest(name, order) for order in word.open]
    return Outcome((*found, *(MayRest(name, key, None, None, None) for key in young)))


def _young(word: VenueWord, recent_ns: dict[str, int]) -> list[str]:
    """Orders that the venue does not know but may show yet."""
    horizon_ns = time.monotonic_ns() - int(UNSEEN_BELIEVED_S * 1e9)
    return [key for key in word.unseen if recent_ns.get(key, 0) > horizon_ns]


def _may_rest(name: str, order: LeftoverOrder) -> MayRest:
    price = None if order.price is None else str(order.price)
    return MayRest(name, order.client_order_id, order.side.value, price, str(order.remaining))


def note_path() -> Path:
    """File that lists what may rest after a stop that could not be verified; there is none after one that was."""
    return snapshot.folder() / state_file.MAY_REST


def announce(outcome: Outcome) -> None:
    """Say on stderr, in the log and in a file of the workspace what may rest; take the file away when nothing does."""
    path = note_path()
    if outcome.is_verified:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            logging.getLogger(__name__).error("the list of an earlier stop stays path=%s error=%s", path, error)
        return
    lines = [_line(order) for order in outcome.may_rest] or ["  no order is known of, but the venue has not said so"]
    text = "\n".join([
        "stop NOT verified: orders of ours may still rest at the venue. Look there and cancel them, or start the bot "
        "again, which cancels what it left",
        *(f"  {name}: the venue did not answer in time" for name in outcome.unanswered), *lines])
    logging.getLogger(__name__).error("%s", text)
    try:
        print(text, file=sys.stderr, flush=True)
    except (OSError, ValueError) as error:
        # Whoever started the bot may be gone with its terminal.
        logging.getLogger(__name__).error("stderr cannot be written error=%s", error)
    note = {
        "at": datetime.now(UTC).isoformat(), "unanswered": list(outcome.unanswered),
        "may_rest": [
            {"connector": order.connector_name, "client_order_id": order.client_order_id, "side": order.side,
             "price": order.price, "size": order.size} for order in outcome.may_rest]}
    try:
        state_file.write(path, json.dumps(note, indent=1).encode() + b"\n")
    except OSError as error:
        logging.getLogger(__name__).error("the list of what may rest cannot be written path=%s error=%s", path, error)


def _line(order: MayRest) -> str:
    known = f"{order.side} {order.size} @ {order.price}" if order.size is not None else "side, price and size not told"
    return f"  {order.connector_name} {order.client_order_id} {known}"
