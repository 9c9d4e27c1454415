"""What a controller hands its work to: it builds the quoter and its event log, and reports on them."""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import hummingbot

from hummingbot_extensions import HUMMINGBOT_VERSION, __version__
from hummingbot_extensions.connector.errors import ConnectorError
from hummingbot_extensions.core.account_book import AccountBook
from hummingbot_extensions.core.canonical import Plain, digest
from hummingbot_extensions.core.gate_params import GateParams
from hummingbot_extensions.core.gate_state import GateState
from hummingbot_extensions.core.params import QuoteParams
from hummingbot_extensions.execution import arming, market_view, plug, snapshot, status
from hummingbot_extensions.execution.foreign import fitting
from hummingbot_extensions.execution.leader_feed import LeaderFeed
from hummingbot_extensions.execution.quoter import Host, Quoter, QuoterSettings
from hummingbot_extensions.execution.snapshot import Scope, Snapshot
from hummingbot_extensions.execution.state_writer import StateWriter
from hummingbot_extensions.monitoring.event_log import EventLog

CATCH_UP_S = 1.0
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


def config_hash(config: Any) -> str:
    """Sixteen hex digits that change when any value does that trading depends on."""
    return digest((
        config.connector_name, config.trading_pair, config.armed, config.leverage, config.params(),
        config.startup_params(), config.gate_params(), config.execution, config.barriers(),
        config.leader_connector, config.leader_trading_pair))


def _written(value: Any) -> str:
    """``value`` as a file has it."""
    return str(getattr(value, "value", value))


class Desk:
    """One controller's quoter, from start to stop, and the state that outlives it."""

    def __init__(self, controller: Controller, kind: type[Quoter] = Quoter) -> None:
        """``kind`` says what quotes become."""
        self._controller = controller
        self._kind = kind
        self._quoter: Quoter | None = None
        self._log: EventLog | None = None
        self._is_stopped = True
        self._ignored: dict[str, Any] = {}
        """What the file says by now of fields that do not change live."""
        self._params: tuple[Any, QuoteParams] | None = None
        self._gate_params: tuple[Any, GateParams] | None = None
        self._config_hash = config_hash(controller.config)
        # Refused here, where Hummingbot logs it: an exception in a start would end the strategy's clock unheard.
        self._refuse_foreign_connector()
        config = controller.config
        self._scope = Scope(config.id, config.connector_name, config.trading_pair)
        path = snapshot.path_of(config.id)
        self._kept: Snapshot | None = snapshot.loaded(path, self._scope)
        self._writer = StateWriter(path, snapshot.VERSION, self._content)
        plug.install()

    def params_of(self, config: Any) -> QuoteParams:
        """Parameters of ``config``, built once per config object: a hot reload brings a new one."""
        if self._params is None or self._params[0] is not config:
            self._params = (config, config.params())
        return self._params[1]

    def gate_params_of(self, config: Any) -> GateParams:
        """The gate's parameters of ``config``, built as seldom: a turn asks for every order."""
        if self._gate_params is None or self._gate_params[0] is not config:
            self._gate_params = (config, config.gate_params())
        return self._gate_params[1]

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

    async def catch_up(self) -> None:
        """Book what the venue has of us and the stream has not brought, before a stop; not for longer than a moment.

        What a dead venue cannot tell now, the next start asks for.
        """
        if self._quoter is not None and not self._is_stopped and self._quoter.start_up.hold is None:
            try:
                await asyncio.wait_for(self._quoter.books.catch_up(), CATCH_UP_S)
            except (ConnectorError, TimeoutError) as problem:
                logging.getLogger(__name__).debug("not caught up before the stop cause=%s", problem)

    async def closed(self) -> None:
        """Wait until the state of a stopped desk is on disk and its log closed; a failing disk is not waited for."""
        if self._quoter is not None:
            await self._quoter.closed()
        await self._writer.flush()

    @property
    def sends_orders(self) -> bool:
        """Whether an order may have left since the newest start."""
        return self._quoter is not None and self._quoter.settings.sends_orders

    @property
    def recent_orders(self) -> tuple[tuple[str, int], ...]:
        return () if self._quoter is None else self._quoter.recent_orders

    @property
    def quoter(self) -> Quoter | None:
        """The quoter of the newest start, None before the first."""
        return self._quoter

    @property
    def began_ns(self) -> int | None:
        """Unix time at which the account began that results are counted from, over all restarts."""
        if self._quoter is not None:
            return self._quoter.books.book.began_ns
        return self._kept.book.began_ns if self._kept is not None else None

    def _keep(self) -> None:
        """Something changed that a restart must know."""
        if self._quoter is not None:
            self._kept = self._snapshot(self._quoter)
            self._writer.request()

    def _content(self) -> Plain:
        if self._kept is None:
            raise RuntimeError("there is no state to write yet")
        return snapshot.content_of(self._kept)

    def _snapshot(self, quoter: Quoter) -> Snapshot:
        return Snapshot(
            scope=self._scope,
            owner_tag=str(getattr(self._connector(), "owner_tag", "")),
            config_hash=self._config_hash,
            saved_ns=time.time_ns(),
            book=quoter.books.book,
            hard_stop_since_ns=snapshot.wall_ns(quoter.hard_stop_since_ns),
            policy=quoter.start_up.note,
            stop=snapshot.wall_stop(quoter.lasting_stop),
            is_closing=quoter.start_up.is_closing,
            gate=quoter.gate.state,
        )

    def _connector(self) -> Any:
        return self._controller.market_data_provider.connectors[self._controller.config.connector_name]

    def _built(self) -> Quoter:
        config = self._controller.config
        connector = self._connector()
        kept = self._kept
        tag = str(getattr(connector, "owner_tag", ""))
        if kept is not None and kept.owner_tag != tag:
            logging.getLogger(__name__).warning(
                "owner tag is %s and was %s: the workspace was moved or HBX_OWNER_TAG changed. Orders and fills under "
                "the old tag are taken for someone else's; look for orders of it at the venue", tag, kept.owner_tag)
        book = kept.book if kept is not None else AccountBook(began_ns=time.time_ns())
        sends = arming.may_send(config.connector_name, config.armed)
        log = EventLog(event_log_path(config.id))
        log.write(
            "run", controller_id=config.id, connector=config.connector_name, trading_pair=config.trading_pair,
            armed=config.armed, sends_orders=sends, config_hash=self._config_hash, params=config.params(),
            bundle_version=__version__, hummingbot_version=HUMMINGBOT_VERSION, is_continued=kept is not None,
            ledger=book.ledger)
        self._log = log
        logging.getLogger(__name__).info(
            "desk started controller=%s connector=%s pair=%s sends_orders=%s config=%s events=%s",
            config.id, config.connector_name, config.trading_pair, sends, self._config_hash, log.path)
        settings = QuoterSettings(
            config.id, config.connector_name, config.trading_pair, config.leverage, sends, kept is not None,
            kept is not None and kept.is_closing)
        # One result over all starts, which drawdown limits are held against; stops last over them as well.
        state = snapshot.resumed_state(kept)
        day = kept.gate if kept is not None else GateState()
        # What would rest is shown by dry levels, whatever would carry it.
        kind = self._kind if sends else Quoter
        return kind(settings, self._controller, connector, log, book, state, day, self._keep, self._leader())

    def _leader(self) -> LeaderFeed | None:
        """The other venue's price that the configuration names, if any."""
        config = self._controller.config
        if config.leader_connector is None:
            return None
        return LeaderFeed(self._controller.market_data_provider, config.leader_connector, config.leader_trading_pair)

    def _refuse_foreign_connector(self) -> None:
        """Refuse a connector that would put the account in danger or cannot tell what the file asks for; one of
        Hummingbot's own gets what it lacks.
        """
        config = self._controller.config
        name = config.connector_name
        connector = self._controller.market_data_provider.connectors.get(name)
        missing = market_view.missing_members(connector) if connector is not None else []
        if 0 < len(missing) < len(market_view.REQUIRED):
            raise ValueError(
                f"connector_name: {name} cannot be quoted, it lacks {', '.join(missing)}; "
                "install this bundle's connectors anew")
        if missing:
            if dangers := fitting.dangers(connector):
                raise ValueError(
                    f"connector_name: {name} cannot be quoted: {'; '.join(dangers)}; use another connector")
            fitting.fit(connector, market_view.REQUIRED)
        if fitting.is_fitted(connector) and (unmet := fitting.unmet(config.params(), config.gate_params())):
            raise ValueError("; ".join(f"{field}: {text}" for field, text in unmet))

    def fixed_differ(self, running: Any, told: Any) -> None:
        """Say once what a reloaded file wants and cannot have live: nobody must think a bot disarmed that is not."""
        fields = type(running).model_fields
        differing = {name: getattr(told, name) for name in fields
                     if not (fields[name].json_schema_extra or {}).get("is_updatable", False)
                     and getattr(told, name) != getattr(running, name)}
        if differing == self._ignored:
            return
        self._ignored = differing
        for name, value in differing.items():
            logging.getLogger(__name__).warning(
                "%s is %s in the file and stays %s until a restart controller=%s. To stop quoting now, set "
                "manual_kill_switch to true", name, value, getattr(running, name), running.id)

    def config_changed(self, before: Any, after: Any) -> None:
        """Record a hot reload that changed something."""
        if before == after:
            return
        self._config_hash = config_hash(after)
        changed = sorted(name for name in type(after).model_fields if getattr(before, name) != getattr(after, name))
        moves = [(name, _written(getattr(before, name)), _written(getattr(after, name))) for name in changed]
        logging.getLogger(__name__).info(
            "config reloaded %s config=%s", " ".join(f"{name}={old}->{new}" for name, old, new in moves),
            self._config_hash)
        for name in (name for name in changed if name.endswith(LIMIT_SUFFIXES)):
            if getattr(after, name) > getattr(before, name):
                logging.getLogger(__name__).warning(
                    "limit raised %s=%s was=%s", name, getattr(after, name), getattr(before, name))
        if self._log is not None:
            self._log.write(
                "config", config_hash=self._config_hash, changed=changed, moves=moves, params=after.params(),
                gate_params=after.gate_params())
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
        if now is None:
            return [f"  {title}  stopped"]
        note = self._quoter.start_up.note if self._quoter is not None else ""
        state = ["    state on disk is out of date: the disk refuses it"] if self._writer.is_failing else []
        notes = [*(self._quoter.notes if self._quoter is not None else ()), *([f"start {note}"] if note else [])]
        return [*status.lines(now, title), *(f"    {each}" for each in notes), *state]

    def custom_info(self) -> dict[str, Any]:
        """Small JSON-able state; a stopped desk still states its result, which drawdown limits go on reading."""
        now = self.status()
        if now is not None:
            return {**status.custom_info(now), "wall_time": time.time()}
        return {"mode": "stopped", "net_pnl_quote": self.net_pnl_quote(), "wall_time": time.time()}

    def net_pnl_quote(self) -> float | None:
        """Result after fees and funding, also of a stopped desk; None before the start and while it is not known."""
        return status.net_pnl_quote(self._quoter) if self._quoter is not None else None


def event_log_path(controller_id: str) -> Path:
    """File of a run that starts now, under the workspace's logs."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    return Path(hummingbot.prefix_path()) / "logs" / "events" / controller_id / f"{stamp}.jsonl"
