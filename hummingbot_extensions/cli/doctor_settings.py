"""What ``hbx doctor`` says of the controller files: what their settings cost, and what their connector cannot do.

The workspace's own Hummingbot reads the files and builds the connectors, without keys, in a process of its own. Nobody
is asked over a network.
"""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import asdict
from pathlib import Path
from typing import Any

from hummingbot_extensions.cli.doctor_row import Row
from hummingbot_extensions.cli.output import Failure
from hummingbot_extensions.cli.preflight import checked_config

TIMEOUT_S = 120.0
PAGE = "read docs/any-connector.md"


def settings_rows(root: Path, names: list[str]) -> list[Row]:
    """Rows of the controller files ``names`` of a workspace; none for no file."""
    if not names:
        return []
    command = [sys.executable, "-m", "hummingbot_extensions.cli.doctor_settings", *names]
    try:
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        return [_unread(root, f"Hummingbot did not read them within {TIMEOUT_S:.0f} s")]
    try:
        return [Row(**row) for row in json.loads(done.stdout.strip().splitlines()[-1])]
    except (ValueError, IndexError, TypeError):
        last = (done.stderr.strip().splitlines() or ["no output"])[-1]
        return [_unread(root, f"Hummingbot cannot read them: {last}")]


def _unread(root: Path, finding: str) -> Row:
    return Row("controllers", "fail", finding, f"hbx init {root} --refresh")


def main(names: list[str]) -> None:
    """In the child: print one JSON list, whatever Hummingbot itself prints goes nowhere."""
    logging.disable(logging.CRITICAL)
    with redirect_stdout(sys.stderr):
        rows = asyncio.run(_rows(names))
    print(json.dumps([asdict(row) for row in rows]))


async def _rows(names: list[str]) -> list[Row]:
    rows: list[Row] = []
    connectors: dict[str, str | None] = {}
    for name in names:
        try:
            config = checked_config(Path("conf") / "controllers" / name)
        except Failure as failure:
            rows.append(Row(name, "fail", failure.what, failure.fix))
            continue
        if not hasattr(config, "gate_params"):
            continue  # somebody else's controller
        rows.extend(config_rows(name, config))
        connectors.setdefault(config.connector_name, config.trading_pair)
    for connector, pair in connectors.items():
        rows.extend(_connector_rows(connector, pair))
    return rows


def config_rows(name: str, config: Any) -> Iterator[Row]:
    """What a file's settings cost although they may be used."""
    from hummingbot_extensions.execution import findings

    found = findings.warnings(config.params())
    for one in found:
        yield Row(name, "warn", str(one), f"change {one.field}, or keep it knowing this")
    if not found:
        yield Row(name, "ok", f"{config.trading_pair} on {config.connector_name}")


def _connector_rows(name: str, pair: str | None) -> list[Row]:
    from hummingbot.client.settings import AllConnectorSettings

    known = AllConnectorSettings.get_connector_settings().get(name)
    if known is None:
        return [Row(name, "fail", "no such connector", "correct connector_name in the controller's file")]
    try:
        connector = known.non_trading_connector_instance_with_default_configuration([pair] if pair else [])
    except Exception as error:  # whatever a connector of somebody else raises without keys
        text = f"not looked at: it cannot be built without keys ({type(error).__name__}: {error})"
        return [Row(name, "warn", text, PAGE)]
    return list(connector_rows(name, connector))


def connector_rows(name: str, connector: Any) -> Iterator[Row]:
    """Why a connector that is not of this bundle must not be quoted, or what is weaker on it; none for one of ours."""
    from hummingbot_extensions.execution import market_view
    from hummingbot_extensions.execution.foreign import fitting

    missing = market_view.missing_members(connector)
    if not missing:
        return
    if len(missing) < len(market_view.REQUIRED):
        yield Row(name, "fail", f"lacks {', '.join(missing)}", "hbx init --refresh, which places ours anew")
        return
    dangers = fitting.dangers(connector)
    for danger in dangers:
        yield Row(name, "fail", f"cannot be quoted: {danger}", "use another connector")
    if not dangers:
        for what, meaning in fitting.weaker(connector):
            yield Row(name, "warn", f"{what}: {meaning}", PAGE)


if __name__ == "__main__":
    main(sys.argv[1:])
