"""The comparison with Hummingbot's stock base runs, and measures both sides. What it measures is not judged here."""

from __future__ import annotations

import pytest

from tests.bench import bench_compare


@pytest.mark.hummingbot
@pytest.mark.slow
@pytest.mark.timeout(420)
def test_both_sides_trade_and_every_line_has_samples(capsys: pytest.CaptureFixture[str]) -> None:
    """Ours and stock re-quoted at the venue, executors of both were stopped, and every line of the table says so."""
    code = bench_compare.main(["--quick"])
    told = capsys.readouterr().out
    assert code == 0, told
    assert "not measured" not in told
    assert "NO SAMPLES" not in told
    for what in ("first order on the socket", "slot free", "two orders fit", "cap for one order", "memory over bare",
                 "CPU over bare", "longest callback of ours", "event loop late by"):
        line = next(line for line in told.splitlines() if what in line)
        assert "none" not in line, line
