"""Every use of names that Hummingbot does not promise to keep. An upstream change breaks here, with a clear message."""

from __future__ import annotations

import atexit
import logging
import os
import sys
import time
from collections.abc import Callable, Collection
from typing import Any

from hummingbot_extensions import HUMMINGBOT_VERSION


class UpstreamChanged(RuntimeError):
    """Hummingbot lacks something that we rely on: the installed version is not one we were tested with."""


def require(owner: Any, name: str) -> Any:
    """Attribute ``name`` of ``owner``; UpstreamChanged with the name and the tested version when it is gone."""
    try:
        return getattr(owner, name)
    except AttributeError:
        label = getattr(owner, "__name__", type(owner).__name__)
        raise UpstreamChanged(
            f"Hummingbot's {label} has no {name!r} any more; "
            f"this bundle was tested with hummingbot=={HUMMINGBOT_VERSION}."
        ) from None


# --- connector: websockets and order tracker -------------------------------------------------------------------------


class FrameClock:
    """``time.monotonic_ns()`` of the last frame of any kind on a websocket, pings and pongs included; None before
    the first.
    """

    def __init__(self) -> None:
        self.last_mono_ns: int | None = None

    def stamp(self) -> None:
        self.last_mono_ns = time.monotonic_ns()


def watch_frames(ws_assistant: Any) -> FrameClock:
    """A clock that is stamped on every frame of ``ws_assistant``: Hummingbot keeps only a wall-clock time."""
    connection = require(ws_assistant, "_connection")
    update = require(connection, "_update_last_recv_time")
    clock = FrameClock()

    def stamped(message: Any) -> None:
        clock.stamp()
        update(message)

    connection._update_last_recv_time = stamped
    return clock


def is_ws_open(ws_assistant: Any) -> bool:
    """True while the socket under ``ws_assistant`` accepts writes, so that a refusal to send is known before
    sending.
    """
    connection = require(ws_assistant, "_connection")
    socket = require(connection, "_connection")
    return bool(connection.connected) and socket is not None and not socket.closed


def release(rest_response: Any) -> None:
    """Give a reply's connection back at once: a task that is cancelled while reading would leave it to the
    collector.
    """
    require(rest_response, "_aiohttp_response").release()


def forget_not_found(order_tracker: Any, client_order_id: str) -> None:
    """Reset Hummingbot's count of "not found" answers: the venue has just told us about the order."""
    require(order_tracker, "_order_not_found_records").pop(client_order_id, None)


def order_record(connector: Any, client_order_id: str) -> Any | None:
    """Hummingbot's record of an order that it tracks or has seen end within the last half minute, None of any other."""
    return require(connector, "_order_tracker").fetch_order(client_order_id=client_order_id)


async def refresh_positions(connector: Any) -> None:
    """Read the account's positions from the venue now; Hummingbot has no public way to ask."""
    await require(connector, "_update_positions")()


# --- process and database --------------------------------------------------------------------------------------------

_exit_code = 0


def exit_with(code: int) -> None:
    """Let this process end with ``code`` once everything else is done: Hummingbot's engine always ends with 0.

    0 takes an earlier code back. A process that is not Hummingbot's own program, such as a test, is left alone; a
    signal that kills the process is not affected.
    """
    global _exit_code
    if not _is_bot_process():
        return
    if _exit_code == 0 and code != 0:
        # Registered late, so that it runs before other exit functions; those that matter to us are called by it.
        atexit.unregister(_leave)
        atexit.register(_leave)
    _exit_code = code


def _is_bot_process() -> bool:
    """Whether this process was started as Hummingbot's engine or client."""
    main = sys.modules.get("__main__")
    name = getattr(getattr(main, "__spec__", None), "name", "") or ""
    return name.startswith("hummingbot.") or "hummingbot_quickstart" in str(getattr(main, "__file__", ""))


def _leave() -> None:
    if _exit_code != 0:
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(_exit_code)


def quicken_database(recorder: Any) -> None:
    """Let SQLite append to a log and sync at checkpoints alone: a commit on the event loop takes 0.4 instead of 4 ms.

    After a power cut the newest rows may be missing, never the database. Other databases are left as they are.
    """
    from sqlalchemy import event

    engine = require(recorder, "sql_manager").engine
    if engine.dialect.name != "sqlite":
        return

    def set_up(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.close()

    event.listen(engine, "connect", set_up)
    # Connections that are open already were opened without.
    engine.dispose()


def forget_positions(recorder: Any, controller_ids: Collection[str]) -> int:
    """Delete Hummingbot's stored positions of controllers that keep their own; how many rows there were.

    Hummingbot keeps a row per side and updates neither the other side nor the realised profit: after a flip it would
    start with a long and a short that do not exist.
    """
    from hummingbot.model.position import Position

    with require(recorder, "sql_manager").get_new_session() as session:
        rows = session.query(Position).filter(Position.controller_id.in_(list(controller_ids)))
        count = int(rows.delete(synchronize_session=False))
        session.commit()
    return count


# --- registries -------------------------------------------------------------------------------------------------------


def register_candles(name: str, feed_class: type) -> None:
    """Make a candles feed available under a connector name."""
    from hummingbot.data_feed.candles_feed.candles_factory import CandlesFactory

    require(CandlesFactory, "_candles_map")[name] = feed_class


_rate_sources_to_come: list[str] = []


def register_rate_source(name: str, factory: Callable[[], Any]) -> None:
    """Make a rate source selectable as ``rate_oracle_source`` in conf_client.yml. Safe to call again.

    Connector utils are often imported before Hummingbot's client config is defined, and nothing else of ours runs
    before the settings are read (``hbot balance``): the entry is then added by the definition itself.
    """
    from hummingbot.core.rate_oracle import rate_oracle

    require(rate_oracle, "RATE_ORACLE_SOURCES")[name] = factory
    module = sys.modules.get("hummingbot.client.config.client_config_map")
    config_class = getattr(module, "ClientConfigMap", None)
    if module is not None and config_class is not None:
        _add_rate_source_mode(module, config_class, name)
        return
    if not _rate_sources_to_come:
        _watch_for_client_config()
    _rate_sources_to_come.append(name)


def _watch_for_client_config() -> None:
    """Use pydantic's own hook for new subclasses until the client config is one, then take it away again."""
    from hummingbot.client.config.config_data_types import BaseClientModel

    def defined(cls: Any, **kwargs: Any) -> None:
        super(BaseClientModel, cls).__pydantic_init_subclass__(**kwargs)
        if cls.__name__ != "ClientConfigMap":
            return
        del BaseClientModel.__pydantic_init_subclass__
        for name in _rate_sources_to_come:
            _add_rate_source_mode(sys.modules[cls.__module__], cls, name)
        _rate_sources_to_come.clear()

    BaseClientModel.__pydantic_init_subclass__ = classmethod(defined)


def _add_rate_source_mode(module: Any, config_class: Any, name: str) -> None:
    modes = require(module, "RATE_SOURCE_MODES")
    if name not in modes:
        modes[name] = _rate_source_mode(module, name)
        _rebuild_rate_source_field(config_class, tuple(modes.values()))


def _rate_source_mode(module: Any, name: str) -> type:
    from pydantic import ConfigDict, Field, create_model

    base = require(module, "ExchangeRateSourceModeBase")
    mode = create_model(
        f"{name.title().replace('_', '')}RateSourceMode", __base__=base, name=(str, Field(default=name))
    )
    mode.model_config = ConfigDict(**{**base.model_config, "title": name})
    return mode


def _rebuild_rate_source_field(config_class: Any, modes: tuple[type, ...]) -> None:
    from typing import Union

    field = require(config_class, "model_fields")["rate_oracle_source"]
    field.annotation = Union[modes]  # noqa: UP007  the members are known at run time only
    config_class.model_rebuild(force=True)


# --- execution: the orchestrator's table of executors ----------------------------------------------------------------


def replace_executor(type_name: str, stock: type, factory: Callable[..., Any]) -> None:
    """Let ``factory`` build the executors of ``type_name``; UpstreamChanged when the entry is not the stock class.

    A factory of the same name put there earlier (scripts and controllers are reloaded) is replaced.
    """
    from hummingbot.strategy_v2.executors.executor_orchestrator import ExecutorOrchestrator

    mapping = require(ExecutorOrchestrator, "_executor_mapping")
    present = mapping.get(type_name)
    if present is not stock and getattr(present, "__qualname__", None) != factory.__qualname__:
        raise UpstreamChanged(
            f"Hummingbot builds {type_name!r} with {present!r} instead of {stock.__name__}; "
            f"this bundle was tested with hummingbot=={HUMMINGBOT_VERSION}."
        )
    mapping[type_name] = factory


def is_backtest(provider: Any) -> bool:
    """Whether a market data provider is the one of Hummingbot's backtester. Asked without importing that: it sets up
    logging for the whole process.
    """
    module = sys.modules.get("hummingbot.strategy_v2.backtesting.backtesting_data_provider")
    return module is not None and isinstance(provider, require(module, "BacktestingDataProvider"))
