"""Makes Hummingbot's orchestrator build our executors; the touch of its private mapping is in ``compat``."""

from __future__ import annotations

from typing import Any

from hummingbot.strategy_v2.executors.order_executor.order_executor import OrderExecutor

from hummingbot_extensions import compat
from hummingbot_extensions.execution.quote_executor import QuoteConfig, QuoteExecutor


def build_order_executor(**arguments: Any) -> OrderExecutor:
    """Our executor for our config, the stock one for any other: what the mapping's ``order_executor`` entry becomes."""
    kind = QuoteExecutor if isinstance(arguments["config"], QuoteConfig) else OrderExecutor
    return kind(**arguments)


def install() -> None:
    """Take the mapping's entry; harmless when done twice or by several controllers."""
    compat.replace_executor("order_executor", OrderExecutor, build_order_executor)
