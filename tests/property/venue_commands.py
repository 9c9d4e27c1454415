"""Commands to a venue as plain values, so that one list can be given to several venues and compared."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from moving_market import MovingMarket

from hummingbot_extensions.core.canonical import digest
from hummingbot_extensions.core.types import Side, TimeInForce
from hummingbot_extensions.sim.journal import JournaledMarket
from hummingbot_extensions.sim.margin import MarginTier
from hummingbot_extensions.sim.market import MarketSource, MarketSpec
from hummingbot_extensions.sim.venue import Venue, VenueParams
from hummingbot_extensions.sim.venue_values import (
    CancelOrders,
    FillUpdate,
    NewOrder,
    OrderKind,
    ReduceOnlyRule,
    SelfMatch,
    VenueEvent,
)

START_NS = 1_767_664_790_000_000_000
"""Ten seconds before 2026-01-06T02:00:00Z: funding is settled early in every run."""
USERS = ("ann", "bob", "cid")
BTC_TICKS, ETH_TICKS = 10_000_000, 320_000
MS = 1_000_000


def spec(symbol: str, size_decimals: int) -> MarketSpec:
    return MarketSpec(
        symbol=symbol,
        base=symbol[:3],
        price_decimals=2,
        size_decimals=size_decimals,
        display_grid_ticks=10,
        min_size_lots=1,
        max_size_lots=50_000,
        max_position_lots=60_000,
        max_open_orders=8,
        maker_fee=Decimal("0.0001"),
        taker_fee=Decimal("0.0004"),
        max_leverage=40,
        default_leverage=40,
        price_cap_frac=Decimal("0.3"),
        price_floor_frac=Decimal("0.3"),
    )


SPECS = {"BTC-USD": (spec("BTC-USD", 4), BTC_TICKS), "ETH-USD": (spec("ETH-USD", 3), ETH_TICKS)}
TIERS = {"ETH-USD": (MarginTier(Decimal(9_000), Decimal("0.0125")), MarginTier(None, Decimal("0.02")))}


@dataclass(frozen=True, slots=True)
class Setup:
    seed: int
    self_match: SelfMatch
    reduce_only: ReduceOnlyRule


def markets(setup: Setup) -> dict[str, MarketSource]:
    return {
        symbol: JournaledMarket(MovingMarket(spec, setup.seed + number, START_NS, ticks))
        for number, (symbol, (spec, ticks)) in enumerate(SPECS.items())
    }


def params(setup: Setup) -> VenueParams:
    return VenueParams(self_match=setup.self_match, reduce_only=setup.reduce_only, margin_tiers=TIERS)


def new_venue(setup: Setup) -> Venue:
    venue = Venue(markets(setup), params(setup))
    for user in USERS:
        venue.open_account(user, Decimal(5_000))
    return venue


Command = tuple[Any, ...]


def carry_out(venue: Venue, command: Command) -> list[VenueEvent]:
    """Give one command to a venue; what it told by then."""
    match command:
        case ("order", user, symbol, side, lots, bps, tif, reduce_only, tp_bps, sl_bps, delay_ms):
            venue.submit(
                user, _order(venue, symbol, side, lots, bps, tif, reduce_only, tp_bps, sl_bps), delay_ms * MS, "o"
            )
        case ("cancel", user, number, delay_ms):
            known = list(venue.accounts[user].live) or [1]
            venue.cancel(user, CancelOrders((known[number % len(known)],)), delay_ms * MS, "c")
        case ("leverage", user, symbol, leverage):
            venue.set_leverage(user, symbol, leverage)
        case ("mode", user, symbol, mode):
            venue.set_margin_mode(user, symbol, mode)
        case ("transfer", user, symbol, amount):
            venue.transfer_margin(user, symbol, Decimal(amount))
        case ("halt", symbol, is_halted):
            (venue.halt if is_halted else venue.resume)(symbol)
        case ("tick", symbol, decimals):
            venue.set_tick(symbol, decimals)
        case ("wait", wait_ms):
            return venue.advance(venue.now_ns + wait_ms * MS)
        case _:
            raise ValueError(f"unknown command {command}")
    return []


def _order(
    venue: Venue,
    symbol: str,
    side: str,
    lots: int,
    bps: int | None,
    tif: str,
    reduce_only: bool,
    tp_bps: int,
    sl_bps: int,
) -> NewOrder:
    """An order ``bps`` behind the mark (None: at market) with triggers that far from its price (0: none)."""
    spec, decimals = SPECS[symbol][0], venue.lattice(symbol).price_decimals
    mark = Decimal(venue.mark_ticks(symbol) or SPECS[symbol][1]).scaleb(-2)
    sign = Side(side).sign

    def priced(frac: Decimal) -> Decimal:
        return (mark * (1 + frac)).quantize(Decimal(1).scaleb(-decimals))

    base = Decimal(-sign * (bps or 0)).scaleb(-4)
    wants = not reduce_only
    return NewOrder(
        symbol=symbol,
        side=Side(side),
        kind=OrderKind.MARKET if bps is None else OrderKind.LIMIT,
        size=Decimal(lots).scaleb(-spec.size_decimals),
        price=None if bps is None else priced(base),
        tif=TimeInForce(tif),
        reduce_only=reduce_only,
        tp_price=priced(base + sign * Decimal(tp_bps).scaleb(-4)) if tp_bps and wants else None,
        sl_price=priced(base - sign * Decimal(sl_bps).scaleb(-4)) if sl_bps and wants else None,
    )


def told(events: list[VenueEvent]) -> str:
    """Digest of a list of events."""
    return digest(events)


def fills(events: list[VenueEvent]) -> list[FillUpdate]:
    return [event for event in events if isinstance(event, FillUpdate)]
