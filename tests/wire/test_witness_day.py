"""A full day of trading over real sockets: the witness and the venue end with the same books, to the last digit."""

from __future__ import annotations

import time
from dataclasses import replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

import aiohttp
import pytest
from witness import Witness

from hummingbot_extensions.emulator.config import EmulatorConfig
from hummingbot_extensions.emulator.markets import SPECS, SYNTHETIC_START_NS
from hummingbot_extensions.emulator.server import Handle, run_emulator
from hummingbot_extensions.sim.agents import DEFAULT_AGENTS
from hummingbot_extensions.sim.synthetic import SyntheticMarket
from hummingbot_extensions.sim.venue import VenueParams

SYMBOL = "BTC-USD"
SECOND = 1_000_000_000
CYCLE_S = 60
DAY_CYCLES = 24 * 60
START_BALANCE = Decimal(100_000)
LIMIT = Decimal("0.05")
TICK = Decimal("0.01")


def market() -> SyntheticMarket:
    """The synthetic agents on a slow beat, so that a day passes in seconds."""
    spec, price = SPECS[SYMBOL]
    agents = replace(DEFAULT_AGENTS, step_ns=2 * SECOND, frame_ns=2 * SECOND)
    return SyntheticMarket(spec, 5, SYNTHETIC_START_NS, int(price.scaleb(spec.price_decimals)), agents)


async def control(http: aiohttp.ClientSession, path: str, body: dict[str, object]) -> None:
    async with http.post(f"/_control/{path}", json=body) as answer:
        assert answer.status == 200, await answer.text()


async def cycle(number: int, witness: Witness, http: aiohttp.ClientSession) -> None:
    """Cancel what rests, quote both sides anew, let a minute pass; close the position once an hour."""
    ledger = witness.ledger
    requests = {name: await witness.cancel(name) for name in sorted(ledger.open_orders())}
    if number % 60 == 59 and ledger.position() and ledger.mark is not None:
        side, factor = ("sell", "0.99") if ledger.position() > 0 else ("buy", "1.01")
        price = (ledger.mark * Decimal(factor)).quantize(TICK)
        qty = f"{abs(ledger.position()):.4f}"
        requests[f"exit-{number}"] = await witness.place(f"exit-{number}", side, qty, str(price), "ioc")
    elif ledger.mark is not None:
        for side, sign, rounding in (("buy", -1, ROUND_FLOOR), ("sell", 1, ROUND_CEILING)):
            if ledger.position() * -sign < LIMIT:
                price = ledger.mark * (1 + sign * Decimal("0.00015"))
                name = f"{side}-{number}"
                shown = str(price.quantize(TICK, rounding))
                requests[name] = await witness.place(name, side, "0.0100", shown)
    await control(http, "step", {"ms": 2_000})
    await witness.final_words(requests)
    await control(http, "step", {"ms": (CYCLE_S - 2) * 1_000})
    await witness.mend()
    for client_id in sorted(witness.unknown):
        await witness.ask(client_id)  # a minute after it was sent, a 404 can be believed


async def lived(handle: Handle, http: aiohttp.ClientSession, cycles: int) -> Witness:
    witness = Witness(http, handle.credentials.secret, handle.credentials.request_key, SYMBOL)
    await witness.connect()
    await control(http, "step", {"ms": 4_000})
    for number in range(cycles):
        await cycle(number, witness, http)
    for name in sorted(witness.ledger.open_orders())[:1]:
        requests = {name: await witness.cancel(name)}
        await control(http, "step", {"ms": 2_000})
        await witness.final_words(requests)
    await witness.mend()
    await witness.bootstrap()
    return witness


@pytest.mark.timeout(600)
@pytest.mark.slow
async def test_a_day_ends_with_equal_books(capsys: pytest.CaptureFixture[str]) -> None:
    """After 24 hours with fills, cancels, cut and aged-out connections, both sides' books are the same."""
    config = EmulatorConfig(
        manual=True,
        rate_limits=False,
        balance=START_BALANCE,
        markets={SYMBOL: market()},
        venue=VenueParams(step_ns=SECOND, book_every_ns=6 * SECOND),
    )
    began = time.process_time()
    async with run_emulator(config) as handle, aiohttp.ClientSession(handle.url) as http:
        # Cut the account's connections every 2 h 47 min; the market's line lives until the venue closes it at 24 h.
        await control(http, "faults", {"name": "socket_drop", "account": "demo", "after_s": 5_000, "every_s": 10_020})
        witness = await lived(handle, http, DAY_CYCLES + 5)
        ledger, venue = witness.ledger, handle.exchange.venue
        venue.invariants()
        account = venue.accounts[handle.credentials.user]

        live = {order.client_id for order in account.live.values()}
        assert ledger.open_orders() == live and not witness.unknown
        assert set(ledger.fills) == {trade.id for trade in account.trades}
        assert ledger.position() == Decimal(account.position_lots(SYMBOL)).scaleb(-4)
        for order in account.orders.values():
            if order.client_id in witness.rejected and order.shown_ns is None:
                continue
            mine = ledger.orders[order.client_id]
            assert (mine["status"], Decimal(mine["fill_qty"])) == (
                str(order.status),
                Decimal(order.filled_lots).scaleb(-4),
            ), order.client_id
        fees = sum((Decimal(row["fee_qty"]) for row in ledger.fills.values()), Decimal(0))
        realized = sum((Decimal(row["pnl"]) for row in ledger.fills.values()), Decimal(0))
        status, balance = await witness.get("query_balance")
        expected = START_BALANCE + realized - fees + await witness.funding()
        assert status == 200 and abs(Decimal(balance["cross_balance"]) - expected) <= Decimal("1e-9")

        assert witness.reconnects["market"] == 1, "the venue closes a connection after 24 h"
        assert witness.reconnects["account"] >= 8 and witness.reconnects["orders"] >= 8
        assert len(ledger.fills) > 100 and len(ledger.orders) > 2_000
        assert ledger.price_frames > 28_000 and ledger.book_frames > 13_000
        with capsys.disabled():
            print(
                f"\nwitness day: {len(ledger.orders)} orders, {len(ledger.fills)} fills,"
                f" {len(witness.rejected)} refused, {witness.reconnects} reconnects,"
                f" {ledger.book_frames} books, {ledger.price_frames} prices,"
                f" {time.process_time() - began:.1f} s of processor time"
            )
        await witness.close()
