"""What a controller hands its work to: it builds the quoter and its event log, and reports on them."""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import hummingbot

from hummingbot_extensions import HUMMINGBOT_VERSION, __version__
from hummingbot_extensions.core.canonical import digest
from hummingbot_extensions.core.ledger import Ledger
from hummingbot_extensions.core.params import QuoteParams
from hummingbot_extensions.execution import arming, market_view, plug, status
from hummingbot_extensions.execution.quoter import Host, Quoter, QuoterSettings
from hummingbot_extensions.monitoring.event_log import EventLog

LIMIT_SUFFIXES = ("_size_base", "_limit_base", "_stop_base", "_max_base", "worst_case_frac")


class Controller(Host, Protocol):
    """What the desk needs of its controller beside what the quoter needs."""

    config: Any
    market_data_provider: Any


def checked_connector_name(name: str) -> str:
    """``name``, unless it asks for Hummingbot's spot paper trading, which cannot hold a perpetual."""
    if name.endswith("_paper_trade"):
        venue = name.removesuffix("_paper_trade")
        raise ValueError(
            f"connector_name: {name} is Hummingbot's spot paper trading, which does not support perpetuals; "
            f"use {venue}_emulator with `hbx emulate`")
    return name


class Desk:
    """One controller's quoter, from start to stop."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self._quoter: Quoter | None = None
        self._log: EventLog | None = None
        self._is_stopped = True
        self._params: tuple[Any, QuoteParams] | None = None
        self._config_hash = digest(controller.config.params())
        # Refused here, where Hummingbot logs it: an exception in a start would end the strategy's clock unheard.
        self._refuse_foreign_connector()
        plug.install()

    def params_of(self, config: Any) -> QuoteParams:
        """Parameters of ``config``, built once per config object: a hot reload brings a new one."""
        if self._params is None or self._params[0] is not config:
            self._params = (config, config.params())
        return self._params[1]

    def start(self) -> None:
        """Quote. After a stop whose orders are still being cancelled the same quoter goes on, since they count."""
        if self._quoter is None or self._quoter.is_idle:
            self._quoter = self._built()
        self._is_stopped = False
        self._quoter.start()

    def stop(self) -> None:
        """Stop deciding; the levels cancel what rests when Hummingbot stops them, and the log closes after the last."""
        self._is_stopped = True
        if self._quoter is not None:
            self._quoter.stop()

    def _built(self) -> Quoter:
        config = self._controller.config
        connector = self._controller.market_data_provider.connectors[config.connector_name]
        sends = arming.may_send(config.connector_name, config.armed)
        log = EventLog(event_log_path(config.id))
        log.write(
            "run", controller_id=config.id, connector=config.connector_name, trading_pair=config.trading_pair,
            armed=config.armed, sends_orders=sends, config_hash=self._config_hash, params=config.params(),
            bundle_version=__version__, hummingbot_version=HUMMINGBOT_VERSION)
        self._log = log
        logging.getLogger(__name__).info(
            "desk started controller=%s connector=%s pair=%s sends_orders=%s config=%s events=%s",
            config.id, config.connector_name, config.trading_pair, sends, self._config_hash, log.path)
        settings = QuoterSettings(config.id, config.connector_name, config.trading_pair, config.leverage, sends)
        # One result over all starts of this process, which drawdown limits are held against.
        ledger = Ledger() if self._quoter is None else self._quoter.ledger
        return Quoter(settings, self._controller, connector, log, ledger)

    def _refuse_foreign_connector(self) -> None:
        name = self._controller.config.connector_name
        connector = self._controller.market_data_provider.connectors.get(name)
        missing = market_view.missing_members(connector) if connector is not None else []
        if missing:
            raise ValueError(
                f"connector_name: {name} cannot be quoted, it lacks {', '.join(missing)}; "
                "use a connector of this bundle")

    def config_changed(self, before: Any, after: Any) -> None:
        """Record a hot reload that changed something."""
        if before == after:
            return
        self._config_hash = digest(after.params())
        changed = sorted(name for name in type(after).model_fields if getattr(before, name) != getattr(after, name))
        logging.getLogger(__name__).info("config reloaded changed=%s config=%s", ",".join(changed), self._config_hash)
        for name in (name for name in changed if name.endswith(LIMIT_SUFFIXES)):
            if getattr(after, name) > getattr(before, name):
                logging.getLogger(__name__).warning(
                    "limit raised %s=%s was=%s", name, getattr(after, name), getattr(before, name))
        if self._log is not None:
            self._log.write("config", config_hash=self._config_hash, changed=changed, params=after.params())
        if self._quoter is not None:
            self._quoter.wake("config")

    def status(self) -> status.Status | None:
        """Snapshot, None before the start and after the stop."""
        if self._quoter is None or self._is_stopped:
            return None
        return status.status_of(self._quoter, self._config_hash, self._log.dropped if self._log is not None else 0)

    def status_lines(self) -> list[str]:
        now = self.status()
        config = self._controller.config
        title = f"{config.connector_name} {config.trading_pair}"
        return [f"  {title}  stopped"] if now is None else status.lines(now, title)

    def custom_info(self) -> dict[str, Any]:
        """Small JSON-able state; a stopped desk still states its result, which drawdown limits go on reading."""
        now = self.status()
        if now is not None:
            return {**status.custom_info(now), "wall_time": time.time()}
        net = status.net_pnl_quote(self._quoter) if self._quoter is not None else None
        return {"mode": "stopped", "net_pnl_quote": net, "wall_time": time.time()}


def event_log_path(controller_id: str) -> Path:
    """File of a run that starts now, under the workspace's logs."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    return Path(hummingbot.prefix_path()) / "logs" / "events" / controller_id / f"{stamp}.jsonl"
