"""Which foreign connectors are fitted with what they lack, which are refused, and how their words are read."""

from __future__ import annotations

import logging
import time
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from hummingbot.core.data_type.common import OrderType, PositionMode, PositionSide

from controllers.market_making import perp_market_maker
from hummingbot_extensions.compat import UpstreamChanged
from hummingbot_extensions.execution import market_view
from hummingbot_extensions.execution.desk import Desk
from hummingbot_extensions.execution.foreign import fitting
from tests.contract.foreign.small_venue import SmallVenue
from tests.contract.foreign.stub_perpetual import PAIR, StubPerpetualDerivative
from tests.support import warp


async def fitted() -> tuple[Any, SmallVenue]:
    """A stub with rules and the members, its account stream told by hand."""
    venue = SmallVenue()
    connector = StubPerpetualDerivative(venue)
    await connector._update_trading_rules()
    fitting.fit(connector, market_view.REQUIRED)
    return connector, venue


def controller_on(connector: Any) -> Any:
    config = perp_market_maker.PerpMarketMakerConfig(id="x", connector_name="stub_perpetual", trading_pair=PAIR)
    return SimpleNamespace(
        config=config, market_data_provider=SimpleNamespace(connectors={"stub_perpetual": connector}))


def test_a_connector_is_fitted_once_and_what_is_weaker_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    """One warning names everything; a second controller on the same connector adds none."""

    async def life() -> None:
        connector = StubPerpetualDerivative(SmallVenue())
        assert len(market_view.missing_members(connector)) == len(market_view.REQUIRED)
        with caplog.at_level(logging.WARNING):
            Desk(controller_on(connector))
            Desk(controller_on(connector))
        assert market_view.missing_members(connector) == []
        said = [record.getMessage() for record in caplog.records if "not of this bundle" in record.getMessage()]
        assert len(said) == 1
        assert all(what in said[0] for what, _ in fitting.WEAKER)

    warp.run(life())


def test_a_balance_that_is_not_followed_live_is_named(caplog: pytest.LogCaptureFixture) -> None:
    """Hummingbot then takes resting orders off the margin, and sizes shrink for no reason that the venue knows."""

    async def life() -> None:
        connector = StubPerpetualDerivative(SmallVenue())
        assert fitting.NO_LIVE_BALANCE not in fitting.weaker(connector)
        connector.real_time_balance_update = False
        with caplog.at_level(logging.WARNING):
            fitting.fit(connector, market_view.REQUIRED)
        assert any(fitting.NO_LIVE_BALANCE[1] in record.getMessage() for record in caplog.records)

    warp.run(life())


def test_connectors_that_endanger_the_account_are_refused() -> None:
    """No post-only orders, no one-way mode, or no perpetual at all: the controller does not start, and says why."""

    async def life() -> None:
        for changes, words in (
            ({"order_types": [OrderType.LIMIT, OrderType.MARKET]}, "LIMIT_MAKER"),
            ({"position_modes": [PositionMode.HEDGE]}, "one-way"),
        ):
            connector = StubPerpetualDerivative(SmallVenue())
            for name, value in changes.items():
                setattr(connector, name, value)
            with pytest.raises(ValueError, match=words):
                Desk(controller_on(connector))
            assert market_view.missing_members(connector)
        with pytest.raises(ValueError, match="PerpetualDerivativePyBase"):
            Desk(controller_on(SimpleNamespace(name="spot")))

    warp.run(life())


def test_a_connector_of_ours_that_lacks_something_is_not_patched() -> None:
    """Half of the members mean a broken installation, which weaker ones must not hide."""
    half = SimpleNamespace(**dict.fromkeys(market_view.REQUIRED[1:]))
    with pytest.raises(ValueError, match=f"it lacks {market_view.REQUIRED[0]}"):
        Desk(controller_on(half))


def test_a_hummingbot_without_what_is_used_is_named() -> None:
    """An upstream change breaks at the start, with the member's name."""

    async def life() -> None:
        connector = StubPerpetualDerivative(SmallVenue())
        del connector._order_tracker._lost_orders
        with pytest.raises(UpstreamChanged, match="_lost_orders"):
            fitting.fit(connector, market_view.REQUIRED)

    warp.run(life())


def test_a_short_without_a_sign_is_short() -> None:
    """Some connectors keep the amount unsigned and the side beside it."""
    def position(side: PositionSide, amount: str) -> Any:
        return SimpleNamespace(trading_pair=PAIR, position_side=side, amount=Decimal(amount))

    for side, amount, signed in (
        (PositionSide.SHORT, "0.3", "-0.3"), (PositionSide.SHORT, "-0.3", "-0.3"),
        (PositionSide.LONG, "0.3", "0.3"), (PositionSide.BOTH, "-0.3", "-0.3"), (PositionSide.BOTH, "0.3", "0.3"),
    ):
        connector = SimpleNamespace(account_positions={"x": position(side, amount)})
        assert market_view.venue_position(connector, PAIR) == Decimal(signed)


@pytest.mark.parametrize(("stated", "largest"), [("1e56", None), ("NaN", None), ("0", None), ("500", "500")])
def test_a_market_without_a_largest_order_has_none(stated: str, largest: str | None) -> None:
    """Hummingbot fills in 1e56 where a connector states none; no size is ever counted up to that."""
    async def life() -> None:
        connector, _venue = await fitted()
        connector.trading_rules[PAIR].max_order_size = Decimal(stated)
        view = market_view.market_view(connector, PAIR, time.monotonic_ns())
        assert view is not None
        assert view.rules.max_size == (None if largest is None else Decimal(largest))

    warp.run(life())


@pytest.mark.parametrize(("changes", "field"), [
    ({"size_by": "equity", "layer_equity_frac": "0.02"}, "size_by"),
    ({"low_balance_quote": 100}, "low_balance_quote"),
    ({"liquidation_distance_stop_frac": "0.1"}, "liquidation_distance_stop_frac"),
    ({"margin_ratio_stop": 2}, "margin_ratio_stop"),
])  # fmt: skip
def test_what_hummingbot_does_not_tell_is_refused_at_the_start_with_the_reason(
    changes: dict[str, Any], field: str
) -> None:
    """On the first controller and on a second one of the same connector, which is fitted by then."""

    async def life() -> None:
        connector = StubPerpetualDerivative(SmallVenue())
        for _ in range(2):
            controller = controller_on(connector)
            controller.config = perp_market_maker.PerpMarketMakerConfig(
                id="x", connector_name="stub_perpetual", trading_pair=PAIR, **changes)
            with pytest.raises(ValueError, match=f"^{field}: .*which Hummingbot does not tell for this connector"):
                Desk(controller)
        Desk(controller_on(connector))

    warp.run(life())
