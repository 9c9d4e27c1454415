"""The trade log: golden lines for every event, made from event rows alone, nothing invented."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hummingbot_extensions.cli.placing import MANIFEST
from hummingbot_extensions.monitoring.event_log import parts
from hummingbot_extensions.monitoring.trade_log import TradeLog, events_of, file_name, lines_of

Event = dict[str, Any]
START_NS = int(datetime(2026, 1, 18, 10, 30, 14, tzinfo=UTC).timestamp()) * 1_000_000_000 + 999
DOC = Path(__file__).resolve().parents[3] / "docs" / "trade-log.md"


def at(seconds: int, kind: str, **fields: Any) -> Event:
    return {"v": 1, "t_ns": START_NS + seconds * 1_000_000_000, "kind": kind, **fields}


def started(seconds: int = 0, **changes: Any) -> Event:
    return at(seconds, "run", **{
        "controller_id": "mm", "connector": "standx_perpetual", "trading_pair": "BTC-DUSD", "armed": True,
        "sends_orders": True, "config_hash": "0123456789abcdef", "params": {}, "bundle_version": "0.1.0",
        "hummingbot_version": "20260922", "is_continued": False, "ledger": {"position": "0.01"}, **changes,
    })  # fmt: skip


def decided(
    seconds: int, bid: str | None = None, ask: str | None = None, cancels: tuple[str, ...] = (),
    quotes: tuple[tuple[str, str], ...] = (("buy", "94950.00"), ("sell", "94970.00")), reduce_only: bool = False,
    position: str | None = "0.01", hard_stop_since_ns: int | None = None,
) -> Event:  # fmt: skip
    """A decision row; ``bid`` and ``ask`` are the sides' silences."""
    return at(
        seconds, "decision", n=1, woken_by=["frame"], hash="h", bid_silence=bid, ask_silence=ask,
        inputs={
            "view": {"bid": "94955", "ask": "94960", "mark": "94960.00"}, "account": {"position": position},
            "state": {"hard_stop_since_ns": hard_stop_since_ns}},
        actions=[{"_": "Cancel", "client_order_id": key} for key in cancels] + [{"_": "Place", "quote": {}}],
        quotes=[{"side": side, "price": price, "size": "0.02", "is_reduce_only": reduce_only}
                for side, price in quotes])  # fmt: skip


def order(seconds: int, event: str, side: str, price: str, key: str, reason: str | None = None) -> Event:
    return at(
        seconds, "order", event=event, client_order_id=key, side=side, price=price, size="0.02", is_reduce_only=False,
        reason=reason, frame_to_wire_ms=None)


def cancelled(seconds: int, side: str, reason: str, key: str, is_risk: bool = False) -> Event:
    return at(seconds, "cancel_sent", client_order_id=key, side=side, reason=reason, is_risk=is_risk)


def filled(seconds: int, **changes: Any) -> Event:
    fill = {"trade_id": "88", "side": "buy", "price": "94950.00", "size": "0.02", "fee_quote": "-0.1899",
            "is_maker": True, "exchange_ts_ns": 5, "mark": "94952.1", "is_exit": False}  # fmt: skip
    row = {"client_order_id": "abc123", "position_by_fills": "0.03", "source": "live", "bid": "94949", "ask": "94951"}
    return at(seconds, "fill", **{**row, **changes, "fill": {**fill, **changes.get("fill", {})}})


def made(*events: Event, is_detailed: bool = False) -> list[str]:
    return list(lines_of(events, TradeLog(is_detailed)))


HEADER = (
    "# hbx trade log | version=0.1.0 | hummingbot=20260922 | config=0123456789abcdef | controller=mm | "
    "exchange=standx_perpetual | pair=BTC-DUSD | sends_orders=true | continued=false | started=2026-01-18 10:30:14 | "
    "times=UTC"
)
BREAKER = {"was": "normal", "rejects": 0, "throttles": 0, "failures": 3, "requests": 9, "errors": 3,
           "slowest_ack_ms": None}  # fmt: skip
WHERE = "exchange=standx_perpetual"
TOUCH = "best_bid=94955 | best_ask=94960"
GOLDEN: list[tuple[str, list[Event], list[str]]] = [
    ("a placement has the touch, the position and the id", [
        decided(1), order(1, "placed", "buy", "94950.00", "abc123"), order(2, "placed", "sell", "94970.00", "def456"),
    ], [
        f"2026-01-18 10:30:15 | PLACE_BID | {WHERE} | price=94950.00 | qty=0.02 | {TOUCH} | pos=0.01 | order_id=abc123",
        f"2026-01-18 10:30:16 | PLACE_ASK | {WHERE} | price=94970.00 | qty=0.02 | {TOUCH} | pos=0.01 | order_id=def456",
    ]),
    ("a fill has side, size, price and the position after it", [filled(31)], [
        f"2026-01-18 10:30:45 | FILL | {WHERE} | side=buy | qty=0.02 | price=94950.00 | pos=0.03 | best_bid=94949 | "
        "best_ask=94951 | mark=94952.1 | fee=-0.1899 | maker=true | exit=false | source=live | trade_id=88 | "
        "order_id=abc123",
    ]),
    ("what a missed fill does not tell stays unknown", [
        filled(31, bid=None, ask=None, source="history", fill={"mark": None, "fee_quote": None, "is_maker": None}),
    ], [
        f"2026-01-18 10:30:45 | FILL | {WHERE} | side=buy | qty=0.02 | price=94950.00 | pos=0.03 | best_bid=- | "
        "best_ask=- | mark=- | fee=- | maker=- | exit=false | source=history | trade_id=88 | order_id=abc123",
    ]),
    ("a cancel has its reason, and the touch only when a decision asked for it", [
        decided(1, cancels=("def456",)), cancelled(32, "sell", "too_near", "def456", True),
        cancelled(33, "sell", "level_ends", "ghi789"),
    ], [
        f"2026-01-18 10:30:46 | CANCEL | {WHERE} | side=sell | reason=too_near | risk=true | {TOUCH} | pos=0.01 | "
        "order_id=def456",
        f"2026-01-18 10:30:47 | CANCEL | {WHERE} | side=sell | reason=level_ends | risk=false | best_bid=- | "
        "best_ask=- | pos=0.01 | order_id=ghi789",
    ]),
    ("a refused order says why, in one line", [
        order(3, "rejected", "buy", "94950.00", "abc123", "alo order | rejected\nby venue"),
    ], [
        f"2026-01-18 10:30:17 | REJECT | {WHERE} | side=buy | reason=alo order rejected by venue | order_id=abc123",
    ]),
    ("an order that nobody owns is swept", [
        at(1, "leftover", client_order_id="old1", side="sell", price=None, size="0.5", reason="orphan"),
    ], [
        f"2026-01-18 10:30:15 | REST_GATE_CANCEL | {WHERE} | order_id=old1 | reason=orphan | side=sell | price=- | "
        "qty=0.5",
    ]),
    ("a breaker that stops quoting is safe mode, its end resumes, noise mode is neither", [
        at(1, "breaker", level="pause", cause="failures", **BREAKER), at(2, "breaker", level="cancel_only",
                                                                        cause="failures", **BREAKER),
        at(9, "breaker", level="degraded", cause="recovering", **BREAKER),
        at(12, "breaker", level="normal", cause="none", **BREAKER),
    ], [
        f"2026-01-18 10:30:15 | SAFE_MODE | {WHERE} | failures=3 | level=pause | cause=failures | rejects=0 | "
        "position=0.01",
        f"2026-01-18 10:30:16 | SAFE_MODE | {WHERE} | failures=3 | level=cancel_only | cause=failures | rejects=0 | "
        "position=0.01",
        f"2026-01-18 10:30:23 | RESUME | {WHERE} | position=0.01 | after=safe_mode | level=degraded",
    ]),
    ("a hard stop is said once, through refusals and its maker way back, and ends with the first quote that adds", [
        decided(1, "hard_stop", None, quotes=(("sell", "1"),), reduce_only=True, position="0.07"),
        decided(2, "hard_stop", "hard_stop", quotes=(), position="0.07", hard_stop_since_ns=5),
        decided(3, "stale_book", "stale_book", quotes=(), position="0.07", hard_stop_since_ns=5),
        decided(4, None, "hard_stop", quotes=(("buy", "1"),), reduce_only=True, position="-0.05", hard_stop_since_ns=5),
        decided(5, None, None, position="0.004", hard_stop_since_ns=5), decided(6, position="0.004"),
    ], [
        f"2026-01-18 10:30:15 | HARD_STOP | {WHERE} | position=0.07 | {TOUCH}",
        f"2026-01-18 10:30:19 | RESUME | {WHERE} | position=0.004 | after=hard_stop | {TOUCH}",
    ]),
    ("a hard stop that had ended before the next row is over, whatever that says", [
        decided(1, "hard_stop", "hard_stop", quotes=()), decided(2, "stale_book", "stale_book", quotes=()),
    ], [
        f"2026-01-18 10:30:15 | HARD_STOP | {WHERE} | position=0.01 | {TOUCH}",
        f"2026-01-18 10:30:16 | RESUME | {WHERE} | position=0.01 | after=hard_stop | {TOUCH}",
    ]),
    ("a volatility pause is said once and ends with a quote", [
        decided(1, "volatility", "volatility", quotes=()),
        decided(2, "volatility", "volatility", quotes=()),
        decided(3, "stale_book", "stale_book", quotes=()), decided(4, "soft_limit", None, quotes=(("sell", "1"),)),
    ], [
        f"2026-01-18 10:30:15 | VOLATILITY_PAUSE | {WHERE} | position=0.01 | {TOUCH}",
        f"2026-01-18 10:30:18 | RESUME | {WHERE} | position=0.01 | after=volatility_pause | {TOUCH}",
    ]),
    ("money and positions that no order of ours moved", [
        at(1, "funding", amount_quote="-0.4", exchange_ts_ns=1, funding_quote="-0.9"),
        at(2, "fee", trade_id="88", was_quote=None, fee_quote="0.01"),
        at(3, "position_adjusted", venue="-0.5", by_fills="0.01", mark="94960.00"),
        at(4, "startup", policy="adopt", verdict="adopt", venue="0.7", expected="0.01", missed_fills=2,
           is_continued=True, mark="1", cost_quote=None),
    ], [
        f"2026-01-18 10:30:15 | FUNDING | {WHERE} | amount=-0.4 | sum=-0.9 | pos=0.01",
        f"2026-01-18 10:30:16 | FEE | {WHERE} | trade_id=88 | fee=0.01 | was=-",
        f"2026-01-18 10:30:17 | POSITION_ADJUSTED | {WHERE} | position=-0.5 | by_fills=0.01 | mark=94960.00",
        f"2026-01-18 10:30:18 | START | {WHERE} | verdict=adopt | position=0.7 | expected=0.01 | missed_fills=2 | "
        "cost=-",
    ]),
    ("what the last gate refused, and orders that leave a position", [
        at(1, "gate", quote={"side": "buy", "price": "94950.00", "size": "0.02"}, reason="position_cap", text="words"),
        at(2, "exit", event="placed", client_order_id="x1", side="sell", price="94900", size="0.01", mark="94960",
           filled_base=None, reason=None),
    ], [
        f"2026-01-18 10:30:15 | BATCH_RISK_REJECT | {WHERE} | side=buy | price=94950.00 | qty=0.02 | "
        "reason=position_cap | pos=0.01",
        f"2026-01-18 10:30:16 | EXIT | {WHERE} | status=placed | side=sell | price=94900 | qty=0.01 | mark=94960 | "
        "filled=- | reason=- | pos=0.01 | order_id=x1",
    ]),
    ("reloads, lost events and the end", [
        at(1, "config", config_hash="ff", changed=["a", "b"], params={}), at(2, "dropped", total=7),
        at(3, "stopped", ledger={}, run={"fills": 4, "fees_quote": None}, position="0", placed=9, cancels=5,
           risk_cancels=1, rejects=0, ended=9, traded=2, in_band={}),
    ], [
        f"2026-01-18 10:30:15 | STRATEGY_ADJUST | {WHERE} | config=ff | changed=a,b",
        f"2026-01-18 10:30:16 | DROPPED | {WHERE} | total=7",
        f"2026-01-18 10:30:17 | STOP | {WHERE} | position=0 | placed=9 | cancels=5 | risk_cancels=1 | rejects=0 | "
        "fills=4 | fees=-",
    ]),
]  # fmt: skip


@pytest.mark.parametrize(("events", "lines"), [case[1:] for case in GOLDEN], ids=[case[0] for case in GOLDEN])
def test_golden_lines(events: list[Event], lines: list[str]) -> None:
    """Each event's line, to the letter, after the header of its run."""
    assert made(started(), *events) == [HEADER, *lines]


def test_what_the_strategy_thought_is_told_when_asked_for() -> None:
    """Q13: quotes with their sizes, why a side is silent, risk refusals, order updates, markouts and the split."""
    split = {f"{name}_quote": "1" for name in ("net", "spread", "inventory", "exit_cost", "fees", "rebates", "funding")}
    events = [
        decided(1), order(1, "live", "buy", "94950.00", "abc123"),
        decided(2, "worst_case", "soft_limit", quotes=()), decided(3, None, "soft_limit", quotes=(("buy", "94949"),)),
        at(4, "breaker", level="degraded", cause="latency", **BREAKER),
        at(5, "markout", trade_id="88", side="buy", horizon_s=30, mark=None, bps=None),
        at(6, "pnl", mark="94960.00", position="0.01", split={**split, "spread_quote": None}),
    ]
    assert made(started(), *events, is_detailed=True)[1:] == [
        f"2026-01-18 10:30:15 | QUOTES_GENERATED | {WHERE} | bids=0.02@94950.00 | asks=0.02@94970.00 | mark=94960.00 | "
        f"{TOUCH} | pos=0.01",
        f"2026-01-18 10:30:15 | ORDER_UPDATE | {WHERE} | status=live | side=buy | price=94950.00 | qty=0.02 | "
        "order_id=abc123",
        f"2026-01-18 10:30:16 | BATCH_RISK_REJECT | {WHERE} | side=buy | reason=worst_case | pos=0.01",
        f"2026-01-18 10:30:16 | SILENT | {WHERE} | side=sell | reason=soft_limit | pos=0.01",
        f"2026-01-18 10:30:17 | QUOTES_GENERATED | {WHERE} | bids=0.02@94949 | asks=- | mark=94960.00 | {TOUCH} | "
        "pos=0.01",
        f"2026-01-18 10:30:17 | QUOTING | {WHERE} | side=buy | after=worst_case | pos=0.01",
        f"2026-01-18 10:30:18 | STRATEGY_ADJUST | {WHERE} | breaker=degraded | cause=latency",
        f"2026-01-18 10:30:19 | MARKOUT | {WHERE} | trade_id=88 | side=buy | seconds=30 | mark=- | bps=-",
        f"2026-01-18 10:30:20 | PNL | {WHERE} | position=0.01 | mark=94960.00 | net=1 | spread=- | inventory=1 | "
        "exit_cost=1 | fees=1 | rebates=1 | funding=1",
    ]
    plain = {line.split(" | ")[1] for line in made(started(), *events)[1:]}
    assert plain == set(), "none of it without being asked for"


def test_rows_that_make_no_sense_are_passed_over() -> None:
    """Torn lines, foreign JSON, rows without their members and kinds of a later version: the others still come."""
    text = b'{"v":1,"t_ns":1,"kind":"fil\n[1,2]\n{"kind":"fill"}\n\n' + b"\n".join(
        json.dumps(event).encode() for event in (
            started(), at(1, "fill", fill={}), at(2, "of_tomorrow", x=1), at(3, "dropped", total=1)))  # fmt: skip
    lines = list(lines_of(events_of(text), TradeLog()))
    assert [line.split(" | ")[1] for line in lines] == ["version=0.1.0", "DROPPED"]


def test_every_event_is_documented() -> None:
    """The table in docs/trade-log.md names every event that the code can write."""
    written = {line.split(" | ")[1] for _, events, _ in GOLDEN for line in made(started(), *events)[1:]}
    assert written <= {word for line in DOC.read_text().splitlines() if line.startswith("| `")
                       for word in line.split("|")[1].replace("`", " ").split()}


# --- files ---


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    (tmp_path / "hummingbot").mkdir()
    (tmp_path / MANIFEST).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / MANIFEST).write_text("{}")
    return tmp_path


def logged(workspace: Path, name: str, *events: Event, controller: str = "mm") -> Path:
    path = workspace / "logs" / "events" / controller / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(event) + "\n" for event in events))
    return path


@pytest.fixture
def hbx() -> Callable[..., Any]:
    from typer.testing import CliRunner

    from hummingbot_extensions.cli.main import app

    return lambda *words: CliRunner().invoke(app, ["trades", *(str(word) for word in words)])


FIRST, SECOND = "20260118T103014.000000Z.jsonl", "20260118T104500.000000Z.jsonl"


def test_q1_two_starts_are_two_files_with_version_and_config(workspace: Path, hbx: Callable[..., Any]) -> None:
    """Each with its own header; written again they are the same, to the byte; a dry run writes nothing."""
    logged(workspace, FIRST, started(), filled(31))
    logged(workspace, SECOND, started(900, config_hash="fedcba9876543210"), cancelled(901, "buy", "too_far", "x"))
    done = hbx("--workspace", workspace, "--write", "--all", "--dry-run", "--json")
    wanted = [str(workspace / "logs" / f"mm_trades_20260118_{clock}_mm.log") for clock in ("103014", "104500")]
    assert json.loads(done.output) == {"files": wanted} and not any(Path(name).exists() for name in wanted)
    assert hbx("--workspace", workspace, "--write", "--all").exit_code == 0
    first, second = (Path(name).read_text() for name in wanted)
    assert first.startswith(HEADER + "\n") and first.count("\n") == 2 and " | FILL | " in first
    assert "config=fedcba9876543210" in second.splitlines()[0] and "reason=too_far" in second
    assert hbx("--workspace", workspace, "--write", "--all").exit_code == 0
    assert [Path(name).read_text() for name in wanted] == [first, second]


def test_the_run_is_found_by_controller_stamp_and_path_and_is_the_newest_otherwise(
    workspace: Path, hbx: Callable[..., Any]
) -> None:
    """A run that is not there is refused with the names of those that are."""
    first = logged(workspace, FIRST, started(), filled(31))
    logged(workspace, SECOND, started(900, controller_id="other"), controller="other")
    where = ("--workspace", workspace)
    assert "controller=other" in hbx(*where).output
    for name in ("mm", "20260118T103014", first):
        assert HEADER in hbx(name, *where).output, name
    assert json.loads(hbx("mm", *where, "--json").output)["lines"][0] == HEADER
    failure = hbx("nobody", *where).exception
    assert failure.code == 2 and "mm, other" in failure.fix
    assert hbx("--all", *where).exception is not None and hbx("--follow", "--write", *where).exception is not None


def test_rotated_files_come_first_and_in_order(workspace: Path, hbx: Callable[..., Any]) -> None:
    """.10 is older than .2 is older than .1 is older than what is written to now."""
    path = logged(workspace, FIRST, at(40, "dropped", total=4))
    for number, event in ((10, started()), (2, at(2, "dropped", total=2)), (1, at(3, "dropped", total=3))):
        path.with_name(f"{FIRST}.{number}").write_text(json.dumps(event) + "\n")
    path.with_name(f"{FIRST}.new").write_text("no rotated file\n")
    assert [part.name.rpartition(".")[2] for part in parts(path)] == ["10", "2", "1", "jsonl"]
    lines = hbx("--workspace", workspace).output.splitlines()
    assert lines[0] == HEADER and [line.rpartition("=")[2] for line in lines[1:]] == ["2", "3", "4"]


def test_following_goes_on_through_a_torn_line_and_a_rotation_to_the_end(workspace: Path) -> None:
    """Printed as they come, each line once; it ends by itself when the run has."""
    path = logged(workspace, FIRST, started())
    command = [sys.executable, "-m", "hummingbot_extensions.cli.main", "trades", "--workspace", str(workspace),
               "--follow"]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        seen: Iterator[str] = iter(process.stdout)
        assert next(seen).strip() == HEADER
        row = json.dumps(at(1, "dropped", total=1)) + "\n"
        with path.open("a") as file:
            file.write(row[:20])
            file.flush()
            file.write(row[20:])
            file.flush()
            assert next(seen).endswith("total=1\n")
            file.write(json.dumps(at(2, "dropped", total=2)) + "\n")
        path.rename(path.with_name(f"{FIRST}.1"))
        end = at(9, "stopped", run={"fills": 0, "fees_quote": "0"}, position="0", placed=0, cancels=0, risk_cancels=0,
                 rejects=0)  # fmt: skip
        path.write_text(json.dumps(at(3, "dropped", total=3)) + "\n" + json.dumps(end) + "\n")
        rest = [line.split(" | ")[1] + line.strip()[-2:] for line in seen]
        assert rest == ["DROPPED=2", "DROPPED=3", "STOP=0"]
        assert process.wait(20) == 0


def test_the_name_of_a_trade_log_tells_start_and_controller() -> None:
    """It matches the seeds' ``mm_trades_*.log``, and two controllers of one second do not meet."""
    assert file_name(Path(FIRST), "a") == "mm_trades_20260118_103014_a.log"
