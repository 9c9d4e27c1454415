"""Prints what this machine measures beside the bars of the design: ``make bench`` or ``python -m tests.bench``."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median, quantiles

from connectors.standx_perpetual.standx_perpetual_signing import RequestSigner
from hummingbot_extensions.core.decide import DecisionInputs, decide
from tests.bench import bench_compare
from tests.bench.machine import machine

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
DECIDE_BAR, SIGN_BAR = "bar p50 60 us, p99 1 ms (one level)", "bar 100 us"
ROUNDS = 5_000
EMULATOR_TIMEOUT_S = 60


def timed_us(call: Callable[[int], object], rounds: int) -> list[float]:
    """Microseconds of each of ``rounds`` calls, which are given their number; a tenth of them warms up unmeasured."""
    for number in range(rounds // 10):
        call(number)
    spent = []
    for number in range(rounds):
        began = time.perf_counter_ns()
        call(number)
        spent.append((time.perf_counter_ns() - began) / 1e3)
    return spent


def line(what: str, samples_us: list[float], bar: str) -> str:
    worst = quantiles(samples_us, n=100, method="inclusive")[98]
    return f"{what:<50}  n {len(samples_us):5}  p50 {median(samples_us):8.1f}  p99 {worst:8.1f} us   {bar}"


def decide_line(decisions: list[DecisionInputs]) -> str:
    """The decision function on the inputs that the bot of this run decided on."""
    if not decisions:
        return f"{'core.decide':<50}  no decision was logged"
    return line("core.decide, inputs of that run",
                timed_us(lambda number: decide(decisions[number % len(decisions)]), ROUNDS), DECIDE_BAR)


def signing_line() -> str:
    signer = RequestSigner.generated()
    body = '{"symbol":"BTC-USD","side":"buy","order_type":"limit","qty":"0.002","price":"99940.00","reduce_only":false}'
    return line("Ed25519 request signature with headers",
                timed_us(lambda number: signer.headers(body, f"request-{number}", number), ROUNDS), SIGN_BAR)


def emulator_lines() -> str:
    """The emulator's own bench, in a process of its own."""
    done = subprocess.run(
        [sys.executable, str(HERE / "bench_emulator.py")], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, timeout=EMULATOR_TIMEOUT_S, check=False)
    return done.stdout.rstrip() if done.returncode == 0 else f"emulator bench failed: {done.stderr.strip()[-300:]}"


def main() -> int:
    began = time.monotonic()
    print(machine(), flush=True)
    found = bench_compare.compared(bench_compare.FULL)
    print(decide_line(found.decisions))
    print(signing_line(), flush=True)
    emulator = emulator_lines()
    print(emulator)
    print(f"whole bench {time.monotonic() - began:.0f} s")
    return 1 if bench_compare.unmeasured(found, bench_compare.FULL) or "failed" in emulator else 0


if __name__ == "__main__":
    sys.exit(main())
