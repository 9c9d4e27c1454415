"""From the receipt of a book or price frame to the first decision that sees it, for each cadence and with a pause.

A whole bot and its venue in one process on a real event loop, so that the venue's own work is part of what a frame
waits for. Printed, not judged: ``python -m tests.bench.bench_cadence``.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hummingbot_extensions.core.decide import DecisionInputs, decide
from hummingbot_extensions.execution import quoter as quoter_module
from tests.bench.single_bot import row

sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "execution"))
from tests.support.whole_bot import Result, whole_bot  # noqa: E402

SETTINGS = (
    {"cadence_ms": 100}, {"cadence_ms": 250}, {"cadence_ms": 500}, {"cadence_ms": 1000},
    {"cadence_ms": 250, "min_turn_interval_ms": 100},
)  # fmt: skip
SPARE_MS = 20.0
"""Bar of the p99 over ``min_turn_interval_ms``: what the loop, its venue included, may be busy with when a frame comes
in, on a machine that other work shares."""
SECONDS = 30.0


async def waits_ms(settings: dict[str, Any], seconds: float) -> list[float]:
    """Age of every frame at the start of the first decision that saw it, milliseconds; the boot is left out."""
    found: dict[int, float] = {}

    def noted(inputs: DecisionInputs) -> Any:
        view = inputs.view
        for age_ms in (view.book_age_ms, view.price_age_ms):
            if age_ms is not None:
                found.setdefault(round(view.now_ns / 1e3 - age_ms * 1e3), age_ms)
        return decide(inputs)

    with tempfile.TemporaryDirectory(prefix="hbx-bench-") as folder:
        async with whole_bot(Path(folder), 1, Result(), **settings):
            quoter_module.decide = noted
            try:
                await asyncio.sleep(1.0)
                found.clear()
                await asyncio.sleep(seconds)
            finally:
                quoter_module.decide = decide
    # The oldest two were there before counting began.
    return list(found.values())[2:]


def lines(seconds: float = SECONDS) -> Iterator[str]:
    """A line for each setting, with its bar."""
    for settings in SETTINGS:
        waits = asyncio.run(waits_ms(settings, seconds))
        bar = settings.get("min_turn_interval_ms", 0) + SPARE_MS
        what = " ".join(f"{name} {value}" for name, value in settings.items())
        yield f"{what:<40}{row(waits)}   bar p99 {bar:g} ms"


if __name__ == "__main__":
    print(f"frame received -> decision begins; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}", flush=True)
    for line in lines():
        print(line, flush=True)
