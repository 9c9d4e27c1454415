"""Hummingbot's interactive client on a terminal: both of its ways to start our script quote, and ``stop`` ends it."""

from __future__ import annotations

import pytest

from tests.e2e import client
from tests.e2e.line import Emulator, Workspace


@pytest.mark.skipif(not client.QUICKSTART.exists(), reason="this Hummingbot installs no quickstart script")
@pytest.mark.parametrize("is_quickstart", [False, True], ids=["start --v2 CONF", "quickstart --v2 CONF"])
def test_the_client_starts_and_stops_our_script(
    free_workspace: Workspace, emulator: Emulator, is_quickstart: bool
) -> None:
    """Typed at the prompt or given to the quickstart, the script quotes; ``stop`` and ``exit`` leave no order."""
    words = ["--config-password", free_workspace.environment["HBOT_PASSWORD"]]
    words += ["--v2", "by_script.yml"] if is_quickstart else []
    terminal = client.Terminal(client.command(*words), free_workspace.root, free_workspace.environment)
    try:
        terminal.wait(lambda: b">>>" in terminal.screen, 180, "the prompt")
        if not is_quickstart:
            terminal.type("start --v2 by_script.yml")
        terminal.wait(lambda: emulator.sides() == {"buy", "sell"}, 180, "a quote on both sides")
        terminal.type("stop")
        terminal.wait(lambda: not emulator.sides(), 180, "no open order")
        terminal.wait(lambda: free_workspace.summary().stopped is not None, 180, "the bot's own end")
        terminal.type("exit")
        assert terminal.ended(180) == 0
    finally:
        terminal.close()
    assert free_workspace.summary().unsettled_orders == 0
    assert emulator.account()["open_orders"] == []
