"""Makes Hummingbot's orchestrator build our executors; the touch of its private mapping is in ``compat``."""

from __future__ import annotations

from typing import Any

from hummingbot.strategy_v2.executors.order_executor.order_executor import OrderExecutor
from hummingbot.strategy_v2.executors.position_executor.position_executor import PositionExecutor

from hummingbot_extensions import compat
from hummingbot_extensions.execution.contained.order import ContainedOrderConfig, ContainedOrderExecutor
from hummingbot_extensions.execution.contained.position import ContainedPositionConfig, ContainedPositionExecutor
from hummingbot_extensions.execution.exits import ExitConfig, ExitExecutor
from hummingbot_extensions.execution.position_executor import EntryConfig, EntryExecutor
from hummingbot_extensions.execution.quote_executor import QuoteConfig, QuoteExecutor

_ORDER_EXECUTORS = {
    QuoteConfig: QuoteExecutor,
    ContainedOrderConfig: ContainedOrderExecutor,
    ExitConfig: ExitExecutor,
}
_POSITION_EXECUTORS = {
    ContainedPositionConfig: ContainedPositionExecutor,
    EntryConfig: EntryExecutor,
}


def build_order_executor(**arguments: Any) -> OrderExecutor:
    """Our executor for our configs, the stock one for others: what the mapping's ``order_executor`` entry becomes."""
    return _ORDER_EXECUTORS.get(type(arguments["config"]), OrderExecutor)(**arguments)


def build_position_executor(**arguments: Any) -> PositionExecutor:
    """The same for ``position_executor``."""
    return _POSITION_EXECUTORS.get(type(arguments["config"]), PositionExecutor)(**arguments)


def install() -> None:
    """Take the mapping's entries; harmless when done twice or by several controllers."""
    compat.replace_executor("order_executor", OrderExecutor, build_order_executor)
    compat.replace_executor("position_executor", PositionExecutor, build_position_executor)
