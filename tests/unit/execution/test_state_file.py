"""The state on disk: whole at every instant, refused when it is not ours to go on from, never a brake on trading."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import logging
import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hummingbot_extensions.core.account_book import AccountBook
from hummingbot_extensions.core.ledger import LedgerFill
from hummingbot_extensions.core.types import Side
from hummingbot_extensions.execution import snapshot, state_file, state_writer
from hummingbot_extensions.execution.snapshot import Refused, Scope, Snapshot
from hummingbot_extensions.execution.state_writer import StateWriter
from tests.support import warp

SCOPE = Scope("mm", "standx_perpetual_emulator", "BTC-DUSD")


def snap(fills: int = 1, scope: Scope = SCOPE) -> Snapshot:
    book = AccountBook(began_ns=1)
    for number in range(fills):
        fill = LedgerFill(
            str(number), Side.BUY, Decimal("100.10"), Decimal("0.0010"), Decimal("-0.001"), True, number + 2)
        book = book.after(fill, 0, True)
    return Snapshot(scope, "hx1234-", "abc", 99, book, 5, "continue")


def written(path: Path, state: Snapshot) -> bytes:
    data = state_file.encoded(snapshot.content_of(state), snapshot.VERSION)
    state_file.write(path, data)
    return data


def test_what_was_written_is_read_back_to_the_last_unit(tmp_path: Path) -> None:
    """Decimals keep their digits, stamps their nanoseconds; no file means no earlier run."""
    path = tmp_path / "folder" / "state.json"
    assert snapshot.loaded(path, SCOPE) is None
    written(path, snap(3))
    assert snapshot.loaded(path, SCOPE) == snap(3)
    assert path.stat().st_mode & 0o077 == 0


class Killed(BaseException):
    """Ends a write the way a killed process does: nothing of it runs any more."""


@pytest.mark.parametrize("step", ["open", "write", "fsync", "replace"])
def test_a_save_killed_at_any_byte_leaves_the_old_state_or_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Every call that a save makes, and every byte that it writes, is once the last one."""
    path = tmp_path / "state.json"
    old, new = snap(1), snap(2)
    data = state_file.encoded(snapshot.content_of(new), snapshot.VERSION)
    real_write, real_step = os.write, getattr(os, step)
    if step == "write":
        monkeypatch.setattr(os, "fsync", lambda _: None)  # some thousand saves
    cuts = range(len(data) + 1) if step == "write" else (0, 1)
    for cut in cuts:
        written(path, old)
        calls = [0]

        def cut_write(target: int, chunk: bytes, stop: int = cut) -> int:
            real_write(target, chunk[:stop])
            raise Killed

        def killed(*arguments: Any, seen: list[int] = calls, at: int = cut) -> Any:
            seen[0] += 1
            if seen[0] > at:
                raise Killed
            return real_step(*arguments)

        with monkeypatch.context() as patch:
            patch.setattr(state_file.os, step, cut_write if step == "write" else killed)
            with contextlib.suppress(Killed):
                state_file.write(path, data)
        assert snapshot.loaded(path, SCOPE) in (old, new), cut
        # The next save is not held up by what the killed one left.
        written(path, new)
        assert snapshot.loaded(path, SCOPE) == new


def test_every_torn_or_changed_file_is_set_aside_and_announced(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A file cut at any byte, or with any byte changed, is never gone on from, and never deleted."""
    path = tmp_path / "state.json"
    data = written(path, snap(1))
    for cut in range(len(data) - 1):
        path.write_bytes(data[:cut])
        with caplog.at_level(logging.ERROR):
            assert snapshot.loaded(path, SCOPE) is None, cut
        assert not path.exists() and "state damaged" in caplog.records[-1].getMessage()
    kept = list(tmp_path.glob("state.json.damaged-*"))
    assert len(kept) == len(data) - 1 and len(caplog.records) == len(data) - 1


@given(st.data())
def test_a_changed_byte_is_noticed(data: st.DataObject) -> None:
    """Whatever byte changes: the state is damaged, of another version, or reads as the very same."""
    whole = state_file.encoded(snapshot.content_of(snap(2)), snapshot.VERSION)
    at = data.draw(st.integers(0, len(whole) - 1))
    changed = whole[:at] + bytes([data.draw(st.integers(0, 255))]) + whole[at + 1:]
    try:
        content = state_file.decoded(changed, snapshot.VERSION)
    except (state_file.Damaged, state_file.NewerVersion):
        return
    assert content == snapshot.content_of(snap(2))


@pytest.mark.parametrize(("scope", "said"), [
    (Scope("other", SCOPE.connector_name, SCOPE.trading_pair), "belongs to mm, BTC-DUSD on standx_perpetual_emulator"),
    (Scope("mm", "standx_perpetual", SCOPE.trading_pair), "give this controller another id, or move the file away"),
    (Scope("mm", SCOPE.connector_name, "ETH-DUSD"), "not to mm, ETH-DUSD"),
])
def test_the_state_of_another_market_is_refused_with_the_fix(tmp_path: Path, scope: Scope, said: str) -> None:
    """Another controller, venue or pair has another account; the file stays where it is."""
    path = tmp_path / "state.json"
    written(path, snap())
    with pytest.raises(Refused, match=said):
        snapshot.loaded(path, scope)
    assert path.exists()


def test_a_newer_version_is_refused_and_kept(tmp_path: Path) -> None:
    """Going back a version must not forget limits without a word."""
    path = tmp_path / "state.json"
    state_file.write(path, state_file.encoded(snapshot.content_of(snap()), snapshot.VERSION + 1))
    versions = f"state {snapshot.VERSION + 1}, this one reads {snapshot.VERSION}"
    with pytest.raises(Refused, match=f"written by a newer version .{versions}.; install that version"):
        snapshot.loaded(path, SCOPE)
    assert path.exists()


def test_a_book_that_contradicts_itself_is_damage(tmp_path: Path) -> None:
    """A checksum says what was written, not that it makes sense."""
    path = tmp_path / "state.json"
    content = json.loads(json.dumps(snapshot.content_of(snap(2))))
    content["book"]["booked"][1]["trade_id"] = content["book"]["booked"][0]["trade_id"]
    state_file.write(path, state_file.encoded(content, snapshot.VERSION))
    assert snapshot.loaded(path, SCOPE) is None and not path.exists()


def test_a_full_disk_is_said_once_and_its_end_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """No save raises; the newest state is on disk as soon as there is room, with nobody asking again."""
    path = tmp_path / "state.json"

    async def scenario() -> None:
        state = {"n": 0}
        writer = StateWriter(path, 1, lambda: dict(state))

        def full(*_: Any) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

        with monkeypatch.context() as patch, caplog.at_level(logging.INFO):
            patch.setattr(state_file.os, "write", full)
            for number in range(1, 5):
                state["n"] = number
                writer.request()
                await asyncio.sleep(1.0)
            assert writer.is_failing and not path.exists() and not await writer.flush()
            writer.request()
            await asyncio.sleep(20.0)
        await asyncio.sleep(2 * state_writer.RETRY_S)
        assert state_file.decoded(path.read_bytes(), 1) == {"n": 4} and not writer.is_failing
        assert await writer.flush()

    with caplog.at_level(logging.INFO):
        warp.run(scenario())
    said = [record.levelname for record in caplog.records if record.name == state_writer.__name__]
    assert said == ["ERROR", "INFO"]


def test_many_changes_are_few_writes_and_the_last_one_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thousand changes in one turn of the loop are one write; what changes during a write is written after it."""
    writes: list[bytes] = []
    real = state_file.write

    def counted(path: Path, data: bytes) -> None:
        writes.append(data)
        real(path, data)

    monkeypatch.setattr(state_file, "write", counted)

    async def scenario() -> None:
        state = {"n": 0}
        writer = StateWriter(tmp_path / "state.json", 1, lambda: dict(state))
        for number in range(1000):
            state["n"] = number
            writer.request()
        assert await writer.flush()
        assert len(writes) == 1
        state["n"] = -1
        writer.request()
        assert await writer.close() and state_file.decoded(writes[-1], 1) == {"n": -1}

    warp.run(scenario())
