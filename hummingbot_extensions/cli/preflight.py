"""What ``hbx start`` asks the workspace's own Hummingbot before it starts a bot: settings, keys, market.

Hummingbot itself starts a bot on an expired token or an unknown pair, says "running" and tries for ever. Here the same
questions are asked once, in a process of their own (``python -m`` from the workspace imports that folder's Hummingbot),
and a wrong answer ends the start with one line. Nothing is sent to a venue but questions.
"""

from __future__ import annotations

import asyncio
import difflib
import json
import logging
import os
import subprocess
import sys
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hummingbot_extensions.cli.output import ExitCode, Failure

TIMEOUT_S = 90.0
ANSWER_TIMEOUT_S = 20.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What the check found: at most one failure, and what could not be asked because the venue was not reached."""

    failure: Failure | None
    unanswered: list[str]


def check(root: Path, controllers: list[str], password: str) -> Answer:
    """Check files of ``conf/controllers`` with the Hummingbot of ``root``; the password goes by environment."""
    command = [sys.executable, "-m", "hummingbot_extensions.cli.preflight", *controllers]
    try:
        done = subprocess.run(
            command,
            cwd=root,
            env={**os.environ, "HBOT_PASSWORD": password},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        failure = Failure(
            f"the check before the start took longer than {TIMEOUT_S:.0f} s", "run `hbx doctor`", ExitCode.TIMEOUT
        )
        return Answer(failure, [])
    try:
        told = json.loads(done.stdout.strip().splitlines()[-1])
    except (ValueError, IndexError):
        last = (done.stderr.strip().splitlines() or ["no output"])[-1]
        return Answer(Failure(f"Hummingbot could not be asked: {last}", "run `hbx doctor`"), [])
    if told["what"] is None:
        return Answer(None, told["unanswered"])
    return Answer(Failure(told["what"], told["fix"], ExitCode(told["code"])), told["unanswered"])


def main(controllers: list[str]) -> None:
    """In the child: print one JSON object, whatever Hummingbot itself prints goes nowhere."""
    logging.disable(logging.CRITICAL)
    told: dict[str, Any] = {"what": None, "fix": "", "code": 0, "unanswered": []}
    try:
        with redirect_stdout(sys.stderr):
            told["unanswered"] = asyncio.run(_checked(controllers))
    except Failure as failure:
        told |= {"what": failure.what, "fix": failure.fix, "code": int(failure.code)}
    print(json.dumps(told))


async def _checked(controllers: list[str]) -> list[str]:
    """Raise Failure on the first thing that would keep a bot from quoting; list the venues that did not answer."""
    wanted: dict[str, set[str]] = {}
    for name in controllers:
        config = checked_config(Path("conf") / "controllers" / name)
        connector, pair = getattr(config, "connector_name", None), getattr(config, "trading_pair", None)
        if connector:
            _check_connector(name, connector)
            wanted.setdefault(connector, set()).update({pair} if pair else set())
    if not wanted:
        return []
    _unlock()
    unanswered = []
    for connector, pairs in wanted.items():
        problem = await _ask_venue(connector, pairs)
        if problem:
            unanswered.append(f"{connector}: {problem}")
    return unanswered


def checked_config(path: Path) -> Any:
    """The file's settings, taken by the class that the bot would use."""
    from hummingbot.cli.strategy_configs import validate_controller
    from pydantic import ValidationError

    try:
        return validate_controller(path)[0]
    except ValidationError as error:
        problems = []
        for item in error.errors():
            where = ".".join(str(part) for part in item["loc"])
            text = item["msg"].removeprefix("Value error, ")
            problems.append(f"{where}: {text}" if where else text)
        raise Failure(f"{path}: {'; '.join(problems)}", "mend that setting", ExitCode.CONFIG_ERROR) from None
    except ModuleNotFoundError as error:
        raise Failure(
            f"{path}: there is no {error.name}", "name a controller that is there", ExitCode.CONFIG_ERROR
        ) from None
    except ValueError as error:
        raise Failure(f"{path}: {error}", "mend that setting", ExitCode.CONFIG_ERROR) from None


def _check_connector(file: str, connector: str) -> None:
    from hummingbot.client.config.security import Security
    from hummingbot.client.settings import AllConnectorSettings

    known = AllConnectorSettings.get_connector_settings()
    if connector not in known:
        near = difflib.get_close_matches(connector, known, n=1)
        fix = f"write connector_name: {near[0]}" if near else "run `hbx doctor`, it lists the connectors of this bundle"
        raise Failure(f"{file}: connector_name {connector} is unknown", fix, ExitCode.CONFIG_ERROR)
    if not Security.connector_config_file_exists(connector):
        raise Failure(f"no keys are stored for {connector}", f"run `hbot connect {connector}`", ExitCode.CONFIG_ERROR)


def _unlock() -> None:
    from hummingbot.client.config.config_crypt import ETHKeyFileSecretManger
    from hummingbot.client.config.security import Security

    if not Security.login(ETHKeyFileSecretManger(os.environ["HBOT_PASSWORD"])):
        raise Failure(
            "the password does not open the key store",
            "set HBOT_PASSWORD to the one of the first `hbot connect`",
            ExitCode.CONFIG_ERROR,
        )


async def _ask_venue(connector: str, pairs: set[str]) -> str | None:
    """Read the account and the list of markets; None when all is well, a cause when the venue did not answer.

    Other bundles' connectors raise what they like, so every error but a passing one counts as a refusal.
    """
    from hummingbot.client.config.config_helpers import load_client_config_map_from_file
    from hummingbot.client.config.security import Security
    from hummingbot.core.web_assistant.connections.connections_factory import ConnectionsFactory
    from hummingbot.user.user_balances import UserBalances

    from hummingbot_extensions.connector.errors import Transient, Unknown

    await Security.wait_til_decryption_done()
    try:
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            venue = UserBalances.connect_market(
                connector, load_client_config_map_from_file(), **Security.api_keys(connector)
            )
            await venue._update_balances()
            markets = await venue.all_trading_pairs()
    except TimeoutError:
        return f"no answer within {ANSWER_TIMEOUT_S:.0f} s"
    except (Transient, Unknown, OSError) as error:
        return str(error)
    except Exception as error:
        raise Failure(
            str(error).rstrip("."), f"then test it with `hbot connect {connector}`", ExitCode.CONFIG_ERROR
        ) from None
    finally:
        await ConnectionsFactory().close()
    unknown = sorted(pairs - set(markets)) if markets else []
    if unknown:
        raise Failure(
            f"trading_pair {unknown[0]} is not traded on {connector}",
            f"name one that is: {', '.join(sorted(markets)[:8])}",
            ExitCode.CONFIG_ERROR,
        )
    return None


if __name__ == "__main__":
    main(sys.argv[1:])
