"""The board on which faults are armed: how long they last, whom they meet, what is refused, and its documentation."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from scripted_client import served

from hummingbot_extensions.emulator.config import CannotServe
from hummingbot_extensions.emulator.faults import BadFault, FaultBoard
from hummingbot_extensions.emulator.faults.board import parsed_text
from hummingbot_extensions.emulator.faults.document import document
from hummingbot_extensions.emulator.faults.values import Whom

ROOT = Path(__file__).parents[2]
SECOND = 1_000_000_000


def armed(**request: Any) -> FaultBoard:
    board = FaultBoard(1)
    board.arm(request, 0)
    return board


def times_met(board: FaultBoard, name: str, at_s: list[float], whom: Whom | None = None) -> list[bool]:
    return [board.take(name, int(s * SECOND), whom or Whom()) is not None for s in at_s]


def test_how_long_a_fault_lasts() -> None:
    """Once, for N uses, for seconds from a moment, or until it is taken off."""
    assert times_met(armed(name="order_lost"), "order_lost", [1, 2]) == [True, False]
    assert times_met(armed(name="order_lost", once=False), "order_lost", [1, 2]) == [True, True]
    assert times_met(armed(name="frame_drop", count=2), "frame_drop", [1, 2, 3]) == [True, True, False]
    board = armed(name="frame_drop", after_s=2, seconds=3)
    assert times_met(board, "frame_drop", [1.9, 2, 4.9, 5]) == [False, True, True, False]
    board = armed(name="silence")
    assert times_met(board, "silence", [1, 1e6]) == [True, True]
    assert board.disarm("silence") == 1 and times_met(board, "silence", [2]) == [False]
    board = armed(name="order_lost", seconds=3)
    assert times_met(board, "order_lost", [1, 2, 3]) == [True, True, False]


def test_whom_a_fault_meets() -> None:
    """It meets only what its whole scope names."""
    board = armed(name="frame_drop", channel="trade", socket="stream")
    assert board.take("frame_drop", 0, Whom(socket="stream", channel="trade", account="a")) is not None
    assert board.take("frame_drop", 0, Whom(socket="stream", channel="order")) is None
    assert board.take("frame_drop", 0, Whom(socket="api", channel="trade")) is None


def test_probability_repeats_with_the_seed() -> None:
    """About the asked share takes hold, the same draws with the same seed."""
    runs = [times_met(armed(name="frame_drop", probability=0.3), "frame_drop", [1.0] * 1000) for _ in range(2)]
    assert runs[0] == runs[1] and 250 < sum(runs[0]) < 350


def test_acts_repeat() -> None:
    """A repeating act comes due again and again, at most as often as counted."""
    board = armed(name="socket_drop", every_s=10, count=3)
    due = [bool(board.due_acts(s * SECOND)) for s in range(0, 60, 5)]
    assert due == [True, False, True, False, True] + [False] * 7


@pytest.mark.parametrize(
    ("request_", "text"),
    [
        ({}, "name: must be one of http_status"),
        ({"name": "flood"}, "name: must be one of"),
        ({"name": "http_status", "status": 200}, "status: must be a whole number from 400 to 599"),
        ({"name": "http_status", "status": "502"}, "status: must be a whole number"),
        ({"name": "http_status", "when": "later"}, "when: must be one of before, after"),
        ({"name": "silence", "seconds": -1}, "seconds: must be a number from 0.001"),
        ({"name": "silence", "seconds": float("nan")}, "seconds: must be a number"),
        ({"name": "silence", "endpoint": "/api"}, "endpoint: silence takes socket, channel"),
        ({"name": "silence", "socket": "both"}, "socket: must be one of stream, api"),
        ({"name": "silence", "every_s": 1}, "every_s: silence does not repeat"),
        ({"name": "silence", "count": True}, "count: must be a whole number"),
        ({"name": "silence", "once": 1}, "once: must be true or false"),
        ({"name": "order_rejected", "message": ""}, "message: must be a text"),
        ({"name": "frame_drop", "channel": 7}, "channel: must be a text"),
    ],
)
def test_bad_requests_are_named(request_: dict[str, Any], text: str) -> None:
    """What cannot be armed is refused with the member and what it must be, and arms nothing."""
    board = FaultBoard(1)
    with pytest.raises(BadFault, match=text):
        board.arm(request_, 0)
    assert board.armed() == []


def test_text_of_the_command_line() -> None:
    """NAME:key=value,... gives the control API's request."""
    assert parsed_text("silence") == {"name": "silence"}
    assert parsed_text("frame_drop:probability=0.5,once=false,channel=trade") == {
        "name": "frame_drop",
        "probability": 0.5,
        "once": False,
        "channel": "trade",
    }
    with pytest.raises(BadFault, match="later: must be key=value"):
        parsed_text("silence:later")


def test_documentation_is_the_catalogue() -> None:
    """docs/faults.md is what the catalogue generates."""
    assert (ROOT / "docs" / "faults.md").read_text() == document()


async def test_control_api_lists_and_switches() -> None:
    """GET lists, POST arms with an account's short name, DELETE takes off by id, by name, or all."""
    async with served(wired=False) as client:
        first = await client.control("faults", {"name": "terminal_late", "account": "demo", "ms": 10})
        await client.control("faults", {"name": "silence", "seconds": 100})
        await client.control("faults", {"name": "frame_drop", "channel": "price"})
        listed = await client.control("faults")
        assert [row["name"] for row in listed["active"]] == ["terminal_late", "silence", "frame_drop"]
        assert listed["active"][0]["scope"] == {"account": client.handle.credentials.user}
        assert len(listed["catalogue"]) >= 25
        for query, gone in ((f"?id={first['id']}", 1), ("?name=silence", 1), ("", 1), ("", 0)):
            async with client.http.delete(f"/_control/faults{query}") as answer:
                assert await answer.json() == {"disarmed": gone}
        for query in ("?id=x", "?name=flood"):
            async with client.http.delete(f"/_control/faults{query}") as answer:
                assert answer.status == 400


async def test_faults_from_the_start() -> None:
    """A fault of the config is on with the first request; one that cannot be armed stops the start in one line."""
    async with served(wired=False, faults=[{"name": "http_status", "status": 503}]) as client:
        assert (await client.get("/api/query_symbol_info"))[0] == 503
        assert (await client.get("/api/query_symbol_info"))[0] == 200
    with pytest.raises(CannotServe, match="^--fault flood: name: must be one of"):
        async with served(wired=False, faults=[{"name": "flood"}]):
            pass


def test_command_line() -> None:
    """The command lists the catalogue, and refuses a bad fault with exit code 4 and one line."""
    code = "from hummingbot_extensions.cli.emulate import app; app()"
    listed = subprocess.run(
        [sys.executable, "-c", code, "faults", "--json"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert {"silence", "order_lost"} <= {row["name"] for row in json.loads(listed.stdout)}
    bad = subprocess.run(
        [sys.executable, "-c", code, "standx", "--fault", "silence:seconds=x"], cwd=ROOT, capture_output=True, text=True
    )
    assert bad.returncode == 4 and bad.stderr.startswith("--fault seconds: must be") and bad.stderr.count("\n") == 1
