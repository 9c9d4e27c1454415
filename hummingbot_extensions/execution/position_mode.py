"""`execution: position`: each quote of the decision becomes a position executor with triple barriers.

What live trading and Hummingbot's backtester have in common: the barriers, the executor's config, and how many levels
may be taken while some of them hold a position.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

from hummingbot.core.data_type.common import OrderType, TradeType
from hummingbot.strategy_v2.executors.position_executor.data_types import TrailingStop, TripleBarrierConfig

from hummingbot_extensions.core.decision import Decision, Place
from hummingbot_extensions.core.quote import Quote
from hummingbot_extensions.core.spec import param
from hummingbot_extensions.core.types import Side
from hummingbot_extensions.execution.contained.position import ContainedPositionConfig

Config = TypeVar("Config", bound=ContainedPositionConfig)

REDUCED_BY_BARRIERS = "the barriers of the open positions reduce"


@dataclass(frozen=True, slots=True)
class Barriers:
    """Where a position that an entry has made is closed; distances in bps of its entry price, None: not at all."""

    stop_loss_bps: float | None = param(
        None, "Execution position: a loss of this closes a position at market, bps of its entry.", "barriers", gt=0
    )
    take_profit_bps: float | None = param(
        None, "Execution position: a profit of this closes a position, bps of its entry.", "barriers", gt=0
    )
    time_limit_s: int | None = param(
        None, "Execution position: closed at market so long after the executor began, seconds.", "barriers", gt=0
    )
    trailing_activation_bps: float | None = param(
        None, "Execution position: profit from which a trailing stop follows, bps; with trailing_delta_bps.",
        "barriers", gt=0,
    )  # fmt: skip
    trailing_delta_bps: float | None = param(
        None, "Execution position: how far behind the best profit the trailing stop stands, bps.", "barriers", gt=0
    )
    is_take_profit_maker: bool = param(
        True, "Execution position: the take profit rests as a limit order; false: taken at market once it is reached.",
        "barriers",
    )  # fmt: skip

    def problems(self) -> list[tuple[str, str]]:
        """(field, what is wrong and the fix) for every broken rule; empty when all hold."""
        distances = ("stop_loss_bps", "take_profit_bps", "trailing_activation_bps", "trailing_delta_bps")
        found = [
            (name, f"{value:g} is not above 0. Leave it empty for no such barrier")
            for name in (*distances, "time_limit_s")
            if (value := getattr(self, name)) is not None and not value > 0
        ]
        if (self.trailing_activation_bps is None) is not (self.trailing_delta_bps is None):
            found.append(("trailing_delta_bps", "a trailing stop needs both its activation and its delta. Set both"))
        if all(getattr(self, name) is None for name in ("stop_loss_bps", "time_limit_s")):
            found.append((
                "stop_loss_bps", "without a stop loss or a time limit a losing position is never closed. Set one"))
        return found

    def config(self) -> TripleBarrierConfig:
        """Hummingbot's form, in fractions of the entry price; entries are post-only."""
        trailing = None
        activation, delta = _frac(self.trailing_activation_bps), _frac(self.trailing_delta_bps)
        if activation is not None and delta is not None:
            trailing = TrailingStop(activation_price=activation, trailing_delta=delta)
        return TripleBarrierConfig(
            stop_loss=_frac(self.stop_loss_bps),
            take_profit=_frac(self.take_profit_bps),
            time_limit=self.time_limit_s,
            trailing_stop=trailing,
            open_order_type=OrderType.LIMIT_MAKER,
            take_profit_order_type=OrderType.LIMIT if self.is_take_profit_maker else OrderType.MARKET,
        )


def _frac(bps: float | None) -> Decimal | None:
    return None if bps is None else Decimal(repr(bps)) / 10_000

def position_config(
    kind: type[Config], quote: Quote, barriers: Barriers, connector_name: str, trading_pair: str, leverage: int,
    timestamp: float,
) -> Config:  # fmt: skip
    """Config of the executor that ``quote`` becomes; ``timestamp`` in Unix seconds begins its time limit."""
    return kind(
        timestamp=timestamp, connector_name=connector_name, trading_pair=trading_pair,
        side=TradeType.BUY if quote.side is Side.BUY else TradeType.SELL, entry_price=quote.price, amount=quote.size,
        triple_barrier_config=barriers.config(), leverage=leverage, level_id=f"{quote.side}_{quote.layer}")


@dataclass(frozen=True, slots=True)
class Taken:
    """One level that an executor has: where its entry stands, and whether it holds a position by now."""

    key: str
    side: Side
    price: Decimal
    is_held: bool
    is_settled: bool
    """Whether its entry rests, or has."""


def holds_a_position(side: Side) -> str:
    return f"a level of {side} holds a position"


def room_for_entries(side: Side, decision: Decision, taken: Iterable[Taken]) -> int:
    """How many of the placements on ``side`` may have an executor, so that no more levels are taken than wanted.

    The decision sees no order for a level that holds a position, and asks for one each time.
    """
    own = [level for level in taken if level.side is side]
    held = sum(1 for level in own if level.is_held)
    wanted = sum(len(ladder) for ladder in decision.ladders if ladder.side is side)
    places = sum(1 for action in decision.actions if isinstance(action, Place) and action.quote.side is side)
    # What is placed beyond the held levels replaces something; what is missing may come in any case.
    return max(places - held, wanted - len(own), 0)


def surplus(decision: Decision, taken: Iterable[Taken]) -> list[str]:
    """Keys of entries beyond the levels that are wanted, farthest from where one is wanted first.

    A decision keeps an outdated order while layers are missing, and those of held positions always are.
    """
    levels, found = list(taken), []
    for ladder in decision.ladders:
        own = [level for level in levels if level.side is ladder.side]
        if not (any(level.is_held for level in own) and all(level.is_settled for level in own)):
            continue
        prices = [ladder.price(index) for index in range(len(ladder))]
        resting = [level for level in own if not level.is_held]
        resting.sort(key=lambda level: min(abs(level.price - price) for price in prices), reverse=True)
        found.extend(level.key for level in resting[: max(0, len(own) - len(ladder))])
    return found
