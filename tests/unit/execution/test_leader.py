"""Another market's price on a whole bot: where it comes from, how it moves quotes, what its silence does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trading as trading_module
from hummingbot.data_feed.market_data_provider import MarketDataProvider
from trading import LEVEL_LOTS, BeatingMarket, Trading, trading

from hummingbot_extensions.core.types import Side
from hummingbot_extensions.emulator.config import EmulatorConfig
from hummingbot_extensions.emulator.server import Handle, run_emulator
from hummingbot_extensions.execution.leader_feed import LeaderFeed
from hummingbot_extensions.sim.market import MarketEvent
from tests.support import warp
from tests.support.driven_market import MID_TICKS
from tests.support.running import DOMAIN, PAIR, SYMBOL, connector_for, emulator_url, until

pytestmark = pytest.mark.hummingbot
LEADER_PAIR, LEADER_SYMBOL = "ETH-DUSD", "ETH-USD"
SETTINGS = {
    "mode": "simple", "half_spread_bps": 6, "leader_connector": DOMAIN, "leader_trading_pair": LEADER_PAIR,
    "skew_linear_on": False, "volatility_on": False, "skew_leader_on": True, "min_dwell_ms": 0, "side_throttle_ms": 0,
    "cancel_budget_per_min": 600,
}


class Leader(BeatingMarket):
    """One order a side, set anew by ``stand``; shows nothing while ``is_silent``."""

    def __init__(self, off_bps: float) -> None:
        super().__init__(levels=0, symbol=LEADER_SYMBOL, base="ETH")
        self.is_silent = False
        self._resting: list[int] = []
        self.stand(off_bps)

    def stand(self, off_bps: float) -> None:
        """The mid stands so far from 100,000, where the market that is quoted stands."""
        for order in self._resting:
            self.outside_cancel(order)
        mid = round(MID_TICKS * (1 + off_bps / 1e4))
        self._resting = [self.outside(side, mid - side.sign * 50, LEVEL_LOTS) for side in Side]

    def advance(self, to_ns: int) -> list[MarketEvent]:
        events = super().advance(to_ns)
        return [] if self.is_silent else events


@asynccontextmanager
async def two_markets(off_bps: float) -> AsyncIterator[tuple[Handle, BeatingMarket, Leader]]:
    market, leader = BeatingMarket(lots=LEVEL_LOTS), Leader(off_bps)
    config = EmulatorConfig(
        markets={SYMBOL: market, LEADER_SYMBOL: leader}, order_delay_ms=5.0, cancel_delay_ms=5.0, rate_limits=False)
    async with run_emulator(config) as handle, emulator_url(handle.url):
        yield handle, market, leader


@asynccontextmanager
async def led(tmp_path: Path, patch: pytest.MonkeyPatch, **settings: Any) -> AsyncIterator[tuple[Trading, Leader]]:
    """A bot on one market of the venue that follows the other, which stands 14 bps lower."""
    patch.setattr(
        trading_module, "connector_for",
        lambda credentials: connector_for(credentials, trading_pairs=[PAIR, LEADER_PAIR]))
    async with (
        two_markets(-14.0) as (handle, market, leader),
        trading(tmp_path, patch, on=(handle, market), **{**SETTINGS, **settings}) as line,
    ):
        await line.quoted()
        yield line, leader


def distances(line: Trading) -> tuple[float, float] | None:
    """Distance of bid and ask from 100,000 at the venue, bps; None while not exactly one rests on each side."""
    rows = {row["side"]: float(row["price"]) for row in line.venue_orders()}
    if len(rows) != 2 or len(line.venue_orders()) != 2:
        return None
    return (100_000 - rows["buy"]) / 10, (rows["sell"] - 100_000) / 10


async def stands(line: Trading, bid_bps: float, ask_bps: float) -> None:
    """Wait until both quotes stand there, within the tolerance at which they are replaced."""
    def is_there() -> bool:
        found = distances(line)
        return found is not None and found == pytest.approx((bid_bps, ask_bps), abs=0.5)

    await until(is_there, 10.0, lambda: f"{distances(line)} {line.describe()}")


def test_e12_a_static_basis_moves_nothing_and_a_move_moves_both_quotes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """14 bps below for half a minute: 6 and 6. The leader rises by 10: 3 and 9. It falls silent: 6 and 6 again, while
    nothing else stops; it comes back where it was at first, as if nothing had happened.
    """

    async def run() -> None:
        async with led(tmp_path, monkeypatch) as (line, leader):
            await asyncio.sleep(30.0)
            await stands(line, 6.0, 6.0)
            shown = line.controller.get_custom_info()["leader"]
            assert shown["mid"] == pytest.approx(99_860.0, abs=0.2) and shown["age_ms"] < 600
            assert shown["basis_bps"] == pytest.approx(14.0, abs=0.1)
            assert shown["ahead_bps"] == pytest.approx(0.0, abs=0.1)
            assert f"leader {DOMAIN} {LEADER_PAIR}  mid 99860" in "\n".join(line.controller.to_format_status())
            assert line.quoter.decision.state.signals.leader.basis_frac == pytest.approx(14e-4, rel=0.01)
            leader.stand(-4.0)
            await stands(line, 3.0, 9.0)
            leader.is_silent = True
            await asyncio.sleep(2.5)
            await stands(line, 6.0, 6.0)
            leader.stand(-14.0)
            leader.is_silent = False
            await stands(line, 6.0, 6.0)

    warp.run(run())


def test_anchor_external_quotes_around_the_leader_and_is_silent_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both quotes follow the whole move, and are pulled under a reason within the age that is allowed."""

    async def run() -> str:
        settings = {"skew_leader_on": False, "anchor": "external", "leader_basis_halflife_s": 3600}
        async with led(tmp_path, monkeypatch, **settings) as (line, leader):
            await stands(line, 6.0, 6.0)
            leader.stand(-10.0)
            await stands(line, 2.0, 10.0)
            leader.is_silent = True
            silent_s = time.monotonic()
            await until(lambda: not line.venue_orders(), 5.0, line.describe)
            assert time.monotonic() - silent_s < 2.6
            said = "\n".join(line.controller.to_format_status())
            leader.is_silent = False
            leader.stand(-14.0)
            await stands(line, 6.0, 6.0)
            return said

    assert "no_price" in warp.run(run())


def test_a_leader_that_the_bot_does_not_trade_on_is_read_without_keys() -> None:
    """Hummingbot makes a connector that reads public data alone; the feed says the mid and how old it is, and nothing
    is left when both are stopped.
    """

    async def run() -> None:
        async with two_markets(-14.0) as (_, _, leader):
            provider = MarketDataProvider({})
            feed = LeaderFeed(provider, DOMAIN, LEADER_PAIR)
            changes: list[float] = []
            assert feed.read(time.monotonic_ns()) == (None, None)
            feed.start(lambda: changes.append(time.monotonic()))
            await until(lambda: feed.read(time.monotonic_ns())[0] is not None, 30.0, "the leader's book")
            mid, age_ms = feed.read(time.monotonic_ns())
            assert mid == pytest.approx(99_860.0, abs=0.2) and 0 <= age_ms < 600
            known = len(changes)
            leader.stand(0.0)
            await until(lambda: len(changes) > known, 5.0, "a change")
            assert feed.read(time.monotonic_ns())[0] == pytest.approx(100_000.0, abs=0.2)
            leader.is_silent = True
            await asyncio.sleep(4.0)
            assert feed.read(time.monotonic_ns())[1] > 3000
            connector = provider.get_non_trading_connector(DOMAIN)
            feed.stop()
            provider.stop()
            await until(lambda: connector._tasks.count == 0, 30.0, "own tasks ended")

    warp.run(run())


def test_an_unknown_leader_is_said_once_and_asked_for_again(caplog: pytest.LogCaptureFixture) -> None:
    """The bot goes on without it."""

    async def run() -> None:
        feed = LeaderFeed(MarketDataProvider({}), "no_such_venue", "BTC-USD")
        feed.start(lambda: None)
        await asyncio.sleep(100.0)
        assert feed.read(time.monotonic_ns()) == (None, None)
        feed.stop()
        await asyncio.sleep(0)

    warp.run(run())
    said = [record for record in caplog.records if "leader cannot be followed" in record.getMessage()]
    assert len(said) == 1 and "no_such_venue" in said[0].getMessage()
