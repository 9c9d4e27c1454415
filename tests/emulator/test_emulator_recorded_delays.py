"""A tape's own delays: what the emulator sends arrives as late as the recorder once received it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import aiohttp
import numpy as np
import pytest

from hummingbot_extensions.emulator.config import CannotServe, EmulatorConfig
from hummingbot_extensions.emulator.markets import build_markets
from hummingbot_extensions.emulator.server import run_emulator
from hummingbot_extensions.sim.latency import NS_PER_MS, RECORDED_QUANTILES_MS, SampledLatency
from hummingbot_extensions.sim.tape_folder import load_tape, recorded_feed_delay
from hummingbot_extensions.sim.tape_rows import BookRow
from hummingbot_extensions.sim.tape_store import TapeHeader, TapeWriter
from tests.support import warp
from tests.support.tapes import BEAT_NS, BTC, START_NS, recorded_tapes

pytest.importorskip("pyarrow")
FRAMES = 1_200
PLAYED_FASTER = 10.0


def recorded_delays_ns() -> list[int]:
    """One delay for each frame, rising, with 384, 573 and 1540 ms at p50, p90 and p99; cut at three seconds."""
    model = SampledLatency(RECORDED_QUANTILES_MS, 0)
    return [min(model.quantile_ns((at + 0.5) / FRAMES), 3_000 * NS_PER_MS) for at in range(FRAMES)]


def late_tape(folder: Path) -> list[int]:
    """A tape whose frames came so late; the lots of its best bid number its frames."""
    delays = recorded_delays_ns()
    writer = TapeWriter(folder, TapeHeader("standx", "BTC-USD", 2, 4))
    for at, delay_ns in enumerate(delays):
        stamp_ns = START_NS + at * BEAT_NS
        writer.add(BookRow(stamp_ns, stamp_ns + delay_ns, ((9_386_950, at + 1),), ((9_386_990, 5),)))
    writer.close()
    return delays


async def seen_delays_ns(folder: Path) -> dict[int, int]:
    """Venue time from a frame's stamp to its arrival at a client, by the frame's number."""
    config = EmulatorConfig(market=str(folder), recorded_delays=True, speed=PLAYED_FASTER)
    async with (
        run_emulator(config) as handle,
        aiohttp.ClientSession() as http,
        http.ws_connect(f"{handle.url}/ws-stream/v1") as socket,
    ):
        await socket.send_json({"subscribe": {"channel": "depth_book", "symbol": "BTC-USD"}})
        found: dict[int, int] = {}
        # The last frames are still on their way when the tape has ended.
        while len(found) < FRAMES - 60:
            body = json.loads((await asyncio.wait_for(socket.receive(), 60)).data)
            if body.get("channel") != "depth_book":
                continue
            number = round(float(body["data"]["bids"][0][1]) * 10_000) - 1
            found.setdefault(number, handle.exchange.clock.venue_ns() - (START_NS + number * BEAT_NS))
        return found


def test_u4_frames_are_as_late_as_recorded(tmp_path: Path) -> None:
    """Each frame over a real socket within a pacing step of its recorded delay, and so are the quantiles."""
    delays = late_tape(tmp_path)
    found = warp.run(seen_delays_ns(tmp_path))
    numbers = sorted(found)
    assert len(numbers) > 0.9 * FRAMES
    wrong_ms = np.array([(found[number] - delays[number]) / NS_PER_MS for number in numbers])
    assert wrong_ms.min() > -1.0 and wrong_ms.max() < 10 * PLAYED_FASTER


def test_u4_the_model_has_the_quantiles_of_the_recording(tmp_path: Path) -> None:
    """384, 573 and 1540 ms, from the tape through the config to the way that frames take."""
    late_tape(tmp_path)
    model = build_markets(EmulatorConfig(market=str(tmp_path), recorded_delays=True)).feed_delay
    assert model is not None
    delays_ms = [model.delay_ns(START_NS + at * BEAT_NS) / NS_PER_MS for at in range(FRAMES)]
    np.testing.assert_allclose(np.quantile(delays_ms, [0.5, 0.9, 0.99]), [384.0, 573.0, 1540.0], rtol=0.02)
    assert build_markets(EmulatorConfig(market=str(tmp_path))).feed_delay is None


@pytest.mark.parametrize(("options", "named"), [
    ({"market": "synthetic"}, "--recorded-delays needs --market"),
    ({"market": "FOLDER", "sampled_delays": True}, "does not go with --sampled-delays"),
])  # fmt: skip
def test_delays_that_nobody_recorded_are_refused(tmp_path: Path, options: dict[str, object], named: str) -> None:
    """The synthetic market has none, and two kinds at once contradict each other."""
    with pytest.raises(CannotServe, match=named):
        build_markets(EmulatorConfig(recorded_delays=True, **options))  # type: ignore[arg-type]


@pytest.mark.tape
def test_u4_delays_of_the_real_tape(capsys: pytest.CaptureFixture[str]) -> None:
    """The emulator's way of a frame is the recorder's receipt, frame by frame; the quantiles are printed."""
    folder = recorded_tapes()
    end_ns = START_NS + 600 * 10**9
    config = EmulatorConfig(
        market=str(folder), recorded_delays=True, tape_start="2026-01-06T02:00", tape_minutes=10)
    model = build_markets(config).feed_delay
    assert model is not None
    tape = load_tape(folder, "BTC-USD", BTC, START_NS, end_ns).tape
    recorded = recorded_feed_delay(folder, "BTC-USD", START_NS, end_ns)
    delays = [model.delay_ns(stamp) for stamp in tape.frame_ts_ns.tolist()]
    assert delays == [recorded.delay_ns(stamp) for stamp in tape.frame_ts_ns.tolist()] and len(delays) > 1_000
    whole = recorded_feed_delay(folder, "BTC-USD").delays_ns / NS_PER_MS
    with capsys.disabled():
        print(
            f"\n  delays of {len(whole)} frames, p50 p90 p99:"
            f" {' '.join(f'{ms:.0f}' for ms in np.quantile(whole, [0.5, 0.9, 0.99]))} ms")
    assert 300 < np.median(whole) < 450
