"""The end of a stop: nothing rests on the venue's word, or it is said what may."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hummingbot_extensions.execution import stopping
from tests.support import warp
from tests.support.running import until
from tests.unit.execution.trading import FAST, arm_fault, clear_faults, trading


def outcomes_of(monkeypatch: pytest.MonkeyPatch) -> list[stopping.Outcome]:
    """What every stop of the test comes to."""
    seen: list[stopping.Outcome] = []
    real = stopping.announce

    def noted(outcome: stopping.Outcome) -> None:
        seen.append(outcome)
        real(outcome)

    monkeypatch.setattr(stopping, "announce", noted)
    return seen


def note() -> dict[str, Any]:
    return json.loads(stopping.note_path().read_text())  # type: ignore[no-any-return]


def test_a_stop_in_order_is_verified_and_leaves_no_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The venue holds nothing of ours, and an order by hand is left alone."""
    seen = outcomes_of(monkeypatch)

    async def scenario() -> None:
        async with trading(tmp_path, monkeypatch, **FAST) as line:
            await line.quoted()
            stopping.note_path().parent.mkdir(parents=True, exist_ok=True)
            stopping.note_path().write_text("of an earlier stop")
            line.by_hand("buy", "0.0010", "99000.00")
            await until(lambda: len(line.venue_orders()) == 3, 10.0, line.describe)
            await line.stop()
            assert [row["side"] for row in line.venue_orders()] == ["buy"] and len(line.venue_orders()) == 1
            assert seen == [stopping.Outcome()] and not stopping.note_path().exists()

    warp.run(scenario())


def test_cancels_that_do_nothing_at_first_are_sent_until_the_venue_shows_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The venue swallows the first cancels: the stop is verified later, not believed earlier."""
    seen = outcomes_of(monkeypatch)

    async def scenario() -> None:
        async with trading(tmp_path, monkeypatch, **FAST) as line:
            await line.quoted()
            await arm_fault(line.bench, name="cancel_ignored", count=4)
            await line.strategy.on_stop()
            assert line.venue_orders() == [] and seen[-1].is_verified

    warp.run(scenario())


def test_orders_that_cannot_be_cancelled_are_listed_with_side_price_and_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Log, stderr and file name what rests, exactly; the next verified stop takes the file away."""
    seen = outcomes_of(monkeypatch)

    async def scenario() -> None:
        async with trading(tmp_path, monkeypatch, **FAST) as line:
            await line.quoted()
            await arm_fault(line.bench, name="cancel_ignored", count=100_000)
            resting = {row["cl_ord_id"]: row for row in line.venue_orders()}
            with caplog.at_level(logging.ERROR):
                await line.strategy.on_stop()
            assert not seen[-1].is_verified and {one.client_order_id for one in seen[-1].may_rest} == set(resting)
            for one in note()["may_rest"]:
                row = resting[one["client_order_id"]]
                assert (one["side"], float(one["price"]), float(one["size"])) == (
                    row["side"], float(row["price"]), float(row["qty"]))
                assert one["client_order_id"] in caplog.text
            await clear_faults(line.bench)
            await line.strategy.on_stop()
            assert seen[-1].is_verified and not stopping.note_path().exists() and line.venue_orders() == []
            await until(lambda: not line.log_threads, 20.0, "the log thread to end")

    warp.run(scenario())
    said = capfd.readouterr().err
    assert "stop NOT verified" in said and "buy 0.0020 @ 99940.00" in said


def test_a_venue_that_does_not_answer_is_not_taken_for_an_empty_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Requests time out or are refused: unverified, with the ids that may rest."""
    seen = outcomes_of(monkeypatch)

    async def scenario() -> None:
        async with trading(tmp_path, monkeypatch, **FAST) as line:
            await line.quoted()
            resting = {row["cl_ord_id"] for row in line.venue_orders()}
            await arm_fault(line.bench, name="http_status", status=502, endpoint="/api/query_open_orders",
                            count=100_000)
            await arm_fault(line.bench, name="cancel_ignored", count=100_000)
            await line.strategy.on_stop()
            assert seen[-1].unanswered == ("standx_perpetual_emulator",)
            assert resting <= {one.client_order_id for one in seen[-1].may_rest}
            await clear_faults(line.bench)
            await line.strategy.on_stop()
            await until(lambda: not line.log_threads, 20.0, "the log thread to end")

    warp.run(scenario())


def test_a_disarmed_bot_has_nothing_to_verify(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No question to the venue, and a clean end even while it is away."""
    seen = outcomes_of(monkeypatch)

    async def scenario() -> None:
        async with trading(tmp_path, monkeypatch, connector_name="standx_perpetual", **FAST) as line:
            await until(lambda: line.quoter.placed_count == 2, 30.0, line.describe)
            assert line.strategy._to_ask() == []
            await line.stop()
            assert seen == [stopping.Outcome()]

    warp.run(scenario())


@pytest.mark.parametrize(("module", "code"), [("hummingbot.cli.engine", 1), ("something.else", 0)])
def test_only_a_bot_process_ends_with_the_code_of_its_stop(module: str, code: int) -> None:
    """Hummingbot's engine says 0 whatever happened; ours overrides it there, and nowhere else."""
    program = (
        "import sys, types\n"
        "from hummingbot_extensions import compat\n"
        f"sys.modules['__main__'].__spec__ = types.SimpleNamespace(name={module!r})\n"
        "compat.exit_with(1)\ncompat.exit_with(0)\ncompat.exit_with(1)\n"
        "print('done')\nsys.exit(0)\n")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=240, check=False)
    assert (done.returncode, done.stdout) == (code, "done\n"), done.stderr
