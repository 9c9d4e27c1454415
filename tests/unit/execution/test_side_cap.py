"""``side_notional_cap_quote`` in a running bot: what rests on a side at the venue is never worth more."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from hummingbot_extensions.core.types import Side
from tests.support import warp
from tests.unit.execution.trading import FAST, Trading, trading, until

THREE = {**FAST, "layer_count": 3, "first_spacing_bps": 0.5, "order_size_base": "0.002", "volatility_on": False}


def worth(line: Trading, side: Side) -> Decimal:
    return sum((Decimal(row["qty"]) * Decimal(row["price"]) for row in line.venue_orders(side)), Decimal(0))


def test_a_side_is_held_to_its_worth_through_reloads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three orders a side without a cap, two and a small one with 450, two with 405, three again without."""

    async def scenario() -> None:
        async with trading(tmp_path, monkeypatch, **THREE, side_notional_cap_quote=450) as line:
            for cap, count in ((None, 3), (450, 3), (405, 2), (None, 3)):
                line.reload(side_notional_cap_quote=cap)
                await until(
                    lambda cap=cap: line.controller.params().layers.side_notional_cap_quote == cap, 5.0, "the reload")
                await until(lambda count=count, cap=cap: all(
                    len(line.venue_orders(side)) == count and (cap is None or worth(line, side) <= cap)
                    for side in Side), 30.0, line.describe)
                smallest = min(Decimal(row["qty"]) for row in line.venue_orders())
                assert smallest == Decimal("0.0004" if cap == 450 else "0.002")

    warp.run(scenario())
