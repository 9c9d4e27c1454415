"""Program scores of a served emulator: the endpoint of the venue and the control API, by exchangeable rule files."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from scripted_client import PROGRAMS, Client, served
from scripted_market import SECOND, Outside, ScriptedMarket, quiet_book

from hummingbot_extensions.core.programs import ProgramMarket, ProgramRules
from hummingbot_extensions.core.types import Side, TimeInForce

pytestmark = pytest.mark.asyncio
UPTIME, POINTS, SIP5A = PROGRAMS
MINUTE = 60 * SECOND


def session(outside: list[Outside] | None = None, **options: Any) -> Any:
    """A market with a frame every second and an account that can pay for any order."""
    market = ScriptedMarket([*quiet_book(), *(outside or [])], heartbeat_ns=SECOND)
    return served(scripted=market, manual=True, balance=Decimal(10_000_000), wired=False, **options)


async def quoted_hour(client: Client, size: str = "1") -> dict[str, Any]:
    """Answer of the venue after an hour with this size on both sides."""
    await client.order("buy", size, "99950")
    await client.order("sell", size, "100050")
    await client.handle.exchange.step(60 * MINUTE)
    found: dict[str, Any] = (await client.ok("/api/maker/uptime"))
    return found


async def answer(*programs: ProgramRules) -> dict[str, Any]:
    async with session(programs=programs) as client:
        return await quoted_hour(client)


async def test_l8_the_rule_file_decides_what_an_hour_earns() -> None:
    """The same orders earn 0.5 at a cap of 2, 1.0 at a cap of 1, nothing in a band of 4 bps, and null under SIP-5A."""
    assert UPTIME.maker_hours is not None
    small = replace(UPTIME.maker_hours, markets={"BTC-USD": ProgramMarket(1.0, 1.0)})
    narrow = replace(UPTIME.maker_hours, band_bps=4.0)
    rows = []
    for rules in (UPTIME, replace(UPTIME, maker_hours=small), replace(UPTIME, maker_hours=narrow), SIP5A):
        body = await answer(POINTS, rules)
        (row,) = body["hours"]
        assert body["total_eligible_hours"] == row["eligible_hour"]
        rows.append((row["tier"], row["eligible_hour"], row["x70"], row["x50"]))
    assert rows == [
        ("tier_b", 0.5, 1.0, 1.0), ("tier_a", 1.0, 1.0, 1.0), ("", 0.0, 0.0, 0.0), ("", None, None, None)]


async def test_no_program_no_hours() -> None:
    """Without a program that pays Maker Hours the venue knows no such result, rather than a result of 0."""
    async with session(programs=[POINTS]) as client:
        assert (await client.get("/api/maker/uptime"))[0] == 404


async def test_hours_that_are_over_stay() -> None:
    """After three hours the first two rows are what they were, and the third begins from nothing."""
    async with session() as client:
        first = await quoted_hour(client)
        await client.post("/api/cancel_orders", {"order_id_list": [
            order["id"] for order in (await client.ok("/api/query_open_orders"))["result"]]})
        await client.handle.exchange.step(60 * MINUTE + 40 * MINUTE)
        rows = (await client.ok("/api/maker/uptime"))["hours"]
        assert rows[:1] == first["hours"]
        assert [row["eligible_hour"] for row in rows] == [0.5, 0.0, 0.0]
        assert len(client.handle.exchange.hour_scores) == 2
        again = (await client.ok("/api/maker/uptime"))["hours"]
        assert again == rows


async def test_the_control_api_scores_by_every_program() -> None:
    """Size x time, points, flicker and the month of one account, each program apart, null with the missing field."""
    taker = Outside(30 * MINUTE, Side.SELL, None, 100_000, TimeInForce.IOC)
    async with session([taker]) as client:
        await client.order("buy", "1", "99950", cl_ord_id="steady")
        await client.order("sell", "1", "100050", cl_ord_id="other")
        for number in range(2):
            await client.order("sell", "0.5", "100060", cl_ord_id=f"wild{number}")
            await client.handle.exchange.step(2 * SECOND)
            await client.post("/api/cancel_order", {"cl_ord_id": f"wild{number}"})
            await client.handle.exchange.step(SECOND)
        await client.handle.exchange.step(60 * MINUTE - 6 * SECOND)
        found = await client.control("accounts/demo/programs")
        assert set(found) == {rules.name for rules in PROGRAMS}
        hours, points, sip5a = (found[rules.name] for rules in PROGRAMS)
        (row,) = hours["hours"]
        assert hours["maker_hours"] == row["maker_hours"]
        assert hours["eligible_base_s"] == pytest.approx(row["two_sided_s"], abs=1.0)
        assert hours["flicker"] == {"score": 0.5, "orders": 4, "short_cancels": 2, "short_cancels_per_hour": 2.0}
        assert hours["month"]["earned_hours"] == hours["maker_hours"] and hours["month"]["tiers"]["MM1"]
        assert hours["points"] is None and points["maker_hours"] is None
        millionths = int((await client.ok("/v1/offchain/maker-campaign/points"))["maker_point"])
        assert points["points"] > 0 and millionths == round(points["points"] * 1_000_000)
        assert hours["month"]["scored_hours"] == 1 and sip5a["month"] is None
        assert sip5a["maker_hours"] is None and "maker_hours.further_terms.weight_curve" in sip5a["unknown"]
        later = await client.control(
            f"accounts/demo/programs?since_ms={(await client.control('state'))['venue_ms'] - 60_000}")
        assert later[UPTIME.name]["flicker"]["short_cancels"] == 0


async def test_a_fill_is_no_flicker_and_ends_the_points() -> None:
    """A bid filled after 2 s is no short cycle and earned no points; one filled after 4 s earned 4 s of them."""
    for after_s, seconds in ((2, 0.0), (4, 4.0)):
        taker = Outside(after_s * SECOND, Side.SELL, None, 200_000, TimeInForce.IOC)
        async with session([taker], order_delay_ms=0.0) as client:
            await client.order("buy", "0.1", "99999.99", cl_ord_id="filled")
            await client.handle.exchange.step(10 * SECOND)
            assert (await client.control("accounts/demo"))["fills"] == 1
            found = await client.control("accounts/demo/programs")
            assert found[UPTIME.name]["flicker"]["short_cancels"] == 0
            assert found[POINTS.name]["points"] == pytest.approx(9999.999 * seconds / 86_400, rel=0.02)
