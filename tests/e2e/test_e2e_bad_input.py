"""What a user can get wrong ends in one line with the fix and hbot's exit code, and with nothing at the venue."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from hummingbot_extensions.emulator.identity import Identity
from tests.e2e.line import CONNECTOR, CONTROLLER, Emulator, Workspace, hbot_command, hbx_command, until
from tests.e2e.test_e2e_keys import expired, files_below, forms_of, leaks

START = hbx_command("start", f"{CONTROLLER}.yml")


@pytest.fixture
def nothing_placed(emulator: Emulator) -> Iterator[None]:
    """The venue saw no order from the test."""
    before = emulator.account()["orders_placed"]
    yield
    assert emulator.account()["orders_placed"] == before
    assert not emulator.sides()


def check_refused(workspace: Workspace, told: list[str], code: int = 4) -> None:
    """One line on standard error that says all of ``told``, the exit code, and no bot."""
    done = workspace.run(START)
    assert done.returncode == code, done.stdout + done.stderr
    assert done.stderr.count("\n") == 1 and done.stderr.startswith("hbx: ") and "Fix: " in done.stderr
    assert all(text in done.stderr for text in told), done.stderr
    assert workspace.bot_pid is None


@pytest.mark.usefixtures("nothing_placed")
@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"trading_pair": "FOO-DUSD"}, ["trading_pair FOO-DUSD", "BTC-DUSD"]),
        ({"connector_name": "standx_perpetul"}, ["connector_name standx_perpetul", "standx_perpetual"]),
        ({"connector_name": "standx_perpetual"}, ["no keys", "hbot connect standx_perpetual"]),
        ({"connector_name": "standx_perpetual_paper_trade"}, ["spot paper trading", CONNECTOR]),
        ({"order_size_bse": 1}, ["order_size_bse", "order_size_base"]),
        ({"order_size_base": -1}, ["order_size_base", "greater than 0"]),
        ({"order_size_base": float("nan")}, ["order_size_base"]),
        ({"soft_limit_base": 1}, ["soft_limit_base"]),
        ({"controller_name": "ghost"}, ["ghost"]),
    ],
)
def test_a_wrong_setting_is_named(free_workspace: Workspace, settings: dict[str, Any], told: list[str]) -> None:
    """Pair, connector, key store, a misspelled field and a value out of bounds each end with 4."""
    free_workspace.write_controller(**settings)
    check_refused(free_workspace, told)


@pytest.mark.usefixtures("nothing_placed")
def test_a_wrong_password_is_refused(free_workspace: Workspace) -> None:
    """It ends with 4, and the password that was tried is not repeated."""
    guessing = Workspace(free_workspace.root, {**free_workspace.environment, "HBOT_PASSWORD": "guess-4711"})
    check_refused(guessing, ["password", "HBOT_PASSWORD"])
    assert "guess-4711" not in "".join(guessing.said)


@pytest.mark.usefixtures("nothing_placed")
def test_an_expired_token_is_refused_and_never_quotes(spare: Workspace, emulator: Emulator) -> None:
    """Never stored when already expired; one that ends later stops ``hbx start``, and ``hbot`` places nothing."""
    began_s = time.monotonic()
    refused = spare.connect(expired(emulator.keys), "--replace")
    connecting_s = time.monotonic() - began_s
    assert refused.returncode == 4 and f"{CONNECTOR}_secret" in refused.stdout + refused.stderr
    ends_at = time.time() + max(20.0, 4.0 * connecting_s)  # good when it is stored, however busy the machine is
    keys = {**emulator.keys, "secret": Identity(1).demo(time.time() - 60.0, round(ends_at - time.time()) + 60).secret}
    assert spare.connect(keys, "--replace").returncode == 0
    spare.write_controller()
    until(lambda: time.time() > ends_at + 1.0, 300, "the token to end")
    check_refused(spare, [f"{CONNECTOR}_secret", "expired", "user/session"])
    with spare.stopped_at_the_end():
        assert spare.run(hbot_command("start", "--controller", f"{CONTROLLER}.yml")).returncode == 0
        until(lambda: "expired" in spare.log_text(), 180, "the log to name the expired token")
        spare.hbot("stop", "--timeout", "150")
    forms = forms_of(keys, spare.environment["HBOT_PASSWORD"])
    assert leaks(forms, [*files_below(spare.root), emulator.log]) == []


def test_a_foreign_request_key_places_nothing(spare: Workspace, emulator: Emulator) -> None:
    """A well-formed key of somebody else: the venue refuses each signature, no order rests, and stop ends clean."""
    keys = {**emulator.keys, "request_key": Identity(2).demo(0.0, 1).request_key}
    before = emulator.account()["orders_placed"]
    assert spare.connect(keys, "--replace").returncode == 0
    spare.write_controller()
    with spare.stopped_at_the_end():
        spare.run(hbot_command("start", "--controller", f"{CONTROLLER}.yml"))
        until(lambda: "signature" in spare.log_text(), 180, "the log to name the signature")
        assert not emulator.sides()
        spare.hbot("stop", "--timeout", "150")
    assert emulator.account()["orders_placed"] == before
    forms = forms_of(keys, spare.environment["HBOT_PASSWORD"])
    assert leaks(forms, [*files_below(spare.root), emulator.log]) == []


def test_a_busy_port_is_one_line(environment: dict[str, str], free_workspace: Workspace) -> None:
    """``hbx emulate`` on a taken port ends with 1, names the port and the way out."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = free_workspace.run(hbx_command("emulate", "standx", "--port", str(port)))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1 and str(port) in done.stderr and "--port 0" in done.stderr
