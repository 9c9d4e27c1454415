"""Traps of features.md that a configuration file would bring: told at the file, by field and fix."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from controllers.market_making.perp_market_maker import PerpMarketMakerConfig
from scripts.v2_perp_market_making import V2PerpMarketMakingConfig


@pytest.mark.parametrize("field", ["max_unhedged_position", "hedge_threshold_base", "hedge_connector_name"])
def test_t29_there_is_no_hedge_whose_bound_a_fill_could_break(field: str) -> None:
    """No position is left to a hedge, so none can be bounded below the size of an order; a file that believes in one is
    refused by the field. The position has its own limits, which one order may not pass (T4).
    """
    assert not [name for name in PerpMarketMakerConfig.model_fields if "hedge" in name]
    with pytest.raises(ValidationError, match=f"{field}: unknown key"):
        PerpMarketMakerConfig(id="x", **{field: "0.01"})
    with pytest.raises(ValidationError, match="trap T4"):
        PerpMarketMakerConfig(id="x", order_size_base="0.02")


@pytest.mark.parametrize(("one", "all_together", "is_said"), [
    (50, 100, False), (100, 100, True), (60, 25, True), (50, None, False), (None, 100, False), (None, None, False),
])  # fmt: skip
def test_t38_a_loss_limit_that_another_one_makes_unreachable_is_named(
    one: int | None, all_together: int | None, is_said: bool
) -> None:
    """The seed's ladder halts at 15 before it reduces at 25 and stops at 60."""
    config = V2PerpMarketMakingConfig(
        controllers_config=["x.yml"], max_controller_drawdown_quote=one, max_global_drawdown_quote=all_together)
    said = config.unreached_limit()
    assert (said is not None) is is_said
    if said is not None:
        assert said.startswith("max_controller_drawdown_quote: ") and "trap T38" in said and str(one) in said


@pytest.mark.parametrize("limits", [{"max_global_drawdown_quote": -100}, {"max_controller_drawdown_quote": 0}])
def test_t38_a_profit_is_no_limit(limits: dict[str, Any]) -> None:
    """The seed's pnlMax +100 halts on a profit: a limit here is a loss from the peak and has no other sign."""
    with pytest.raises(ValidationError, match=next(iter(limits))):
        V2PerpMarketMakingConfig(
            controllers_config=["x.yml"], **{name: Decimal(value) for name, value in limits.items()})
