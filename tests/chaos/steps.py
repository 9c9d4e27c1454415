"""What a schedule is made of, and how a seed makes one. Pure values: equal seeds give equal schedules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from hummingbot_extensions.emulator.faults.catalogue import CATALOGUE
from hummingbot_extensions.emulator.faults.values import Fault, Param, Scope

ENDPOINTS = ("/api/new_order", "/api/cancel_order", "/api/query_order", "/api/query_open_orders", "/api/query_trades",
             "/api/query_positions", "/api/query_balance", "/api/query_symbol_info")  # fmt: skip
CHANNELS = {
    "public": ("depth_book", "price", "public_trade"),
    "private": ("order", "trade", "position", "balance"),
    "api": ("accepted", "terminal"),
}
KINDS = (
    ("fault", 50), ("hit", 14), ("market", 10), ("manual_trade", 4), ("manual_order", 3), ("outage", 5),
    ("wall_jump", 3), ("reload", 5), ("kill", 4), ("clear", 5),
)  # fmt: skip
MOST = {
    "hold_s": 12.0, "ms": 12_000.0, "jitter_ms": 3_000.0, "by_s": 60.0, "lifetime_s": 400.0, "copies": 4.0,
    "price_tick_decimals": 2,
}  # fmt: skip
"""Largest draws of parameters whose catalogue bounds go beyond what a short schedule can show."""
RELOADS: tuple[dict[str, Any], ...] = (
    {"order_distance_bps": 5.0}, {"order_distance_bps": 7.0}, {"order_size_base": 0.003}, {"order_size_base": 0.001},
    {"soft_limit_base": 0.008}, {"rebalance_distance_bps": 8.0},
)  # fmt: skip
"""Hot reloads that stay inside the limits of the start, which the watch holds the bot to."""


@dataclass(frozen=True)
class Step:
    """One thing that happens, and how long is waited afterwards. ``args`` by keyword, as its kind takes them."""

    kind: str
    wait_s: float = 1.0
    args: dict[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Step({self.kind!r}, {self.wait_s:g}, {self.args!r})"


Schedule = tuple[Step, ...]


def schedule(seed: int, focus: Sequence[str] = ()) -> Schedule:
    """The steps of a seed: three to nine. With a ``focus``, only the faults and kinds of step that it names."""
    random = Random(f"chaos {seed}")
    faults = [fault for fault in CATALOGUE if not focus or fault.name in focus]
    chosen = [(kind, weight) for kind, weight in KINDS
              if not focus or kind in focus or (kind == "fault" and faults)]  # fmt: skip
    kinds, weights = zip(*chosen, strict=True)
    return tuple(_step(random, kind, faults) for kind in random.choices(kinds, weights, k=random.randint(3, 9)))


def faults_of(steps: Sequence[Step]) -> list[str]:
    return [step.args["name"] for step in steps if step.kind == "fault"]


def _step(random: Random, kind: str, faults: Sequence[Fault]) -> Step:
    wait_s = round(random.uniform(0.0, 6.0), 2)
    if kind == "fault":
        return Step(kind, wait_s, _fault(random, random.choice(faults)))
    if kind == "hit":
        return Step(kind, wait_s, {"side": random.choice(("buy", "sell")), "lots": random.randint(1, 45)})
    if kind == "market":
        return Step(kind, wait_s, {"ticks": round(random.gauss(0, 4_000))})
    if kind == "manual_trade":
        return Step(kind, wait_s, {"side": random.choice(("buy", "sell")), "lots": random.randint(1, 40)})
    if kind == "manual_order":
        return Step(kind, wait_s, {"side": random.choice(("buy", "sell"))})
    if kind == "outage":
        seconds = round(random.choice((0.3, 2.0, 8.0, 25.0)) * random.uniform(0.5, 1.5), 2)
        return Step(kind, wait_s, {"seconds": seconds})
    if kind == "wall_jump":
        return Step(kind, wait_s, {"by_s": round(random.choice((-1, 1)) * random.uniform(1, 90), 1)})
    if kind == "reload":
        return Step(kind, wait_s, dict(random.choice(RELOADS)))
    if kind == "kill":
        return Step(kind, wait_s, {"seconds": round(random.uniform(0.5, 10), 1)})
    return Step(kind, wait_s)


def _fault(random: Random, fault: Fault) -> dict[str, Any]:
    """A request for ``fault`` with random parameters, scope and duration."""
    request: dict[str, Any] = {"name": fault.name}
    for param in fault.params:
        if random.random() < 0.7:
            request[param.name] = _value(random, param)
    if fault.name == "position_wrong":
        request["add_base"] = round(random.uniform(-0.02, 0.02), 4)
    if fault.name == "clock_offset":
        request["ms"] = random.choice((-60_000, -25_000, 8_000, 31_000, 120_000))
    if fault.name == "http_status":
        request["status"] = random.choice((429, 500, 502, 503, 504))
    if fault.name == "socket_close":
        request["code"] = random.choice((1000, 1001, 1008, 1011, 1012, 4000))
    if Scope.CHANNEL in fault.scopes and random.random() < 0.7:
        request["channel"] = random.choice(CHANNELS[random.choice(list(CHANNELS))])
    elif Scope.SOCKET in fault.scopes and random.random() < 0.5:
        request["socket"] = random.choice(("stream", "api"))
    if Scope.ENDPOINT in fault.scopes and fault.name.startswith("http") and random.random() < 0.75:
        request["endpoint"] = random.choice(ENDPOINTS)
    if fault.is_act:
        if random.random() < 0.4 and fault.name.startswith("socket"):
            request |= {"every_s": round(random.uniform(0.3, 4), 2), "seconds": round(random.uniform(2, 12), 1)}
        return request
    if random.random() < (0.7 if fault.is_once else 0.15):
        request["count"] = random.randint(1, 4)
    else:
        request["seconds"] = round(random.choice((0.5, 3.0, 10.0, 20.0)) * random.uniform(0.5, 1.5), 2)
    if random.random() < 0.25:
        request["probability"] = round(random.uniform(0.2, 0.9), 2)
    return request


def _value(random: Random, param: Param) -> float | str:
    if param.choices:
        return random.choice(param.choices)
    if param.low is None or param.high is None:
        return str(param.default)
    high = min(param.high, MOST.get(param.name, param.high))
    low = max(param.low, -high)
    drawn = low + (high - low) * random.random() ** 2
    return int(drawn) if param.is_whole else round(drawn, 3)
