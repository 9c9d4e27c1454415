"""Round trips of one order at a time through the connector: how long the venue takes to answer, and to clean up."""

from __future__ import annotations

import asyncio
import importlib
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from hummingbot_extensions import bundle
from hummingbot_extensions.cli.output import ExitCode, Failure
from hummingbot_extensions.core.rounding import round_passive
from hummingbot_extensions.core.types import Side

NAME = "standx_perpetual"
READY_TIMEOUT_S = 30.0
STEP_TIMEOUT_S = 15.0
CLEAN_UP_TIMEOUT_S = 60.0
CANCEL_AGAIN_S = 2.0
POLL_S = 0.001
TICK_S = 0.2
LEGS = ("ack", "live", "cancel_ack", "canceled")


@dataclass(slots=True)
class Stamps:
    """Monotonic nanoseconds of one order; None has not happened."""

    order_id: str
    wire: int | None = None
    ack: int | None = None
    live: int | None = None
    cancel_wire: int | None = None
    cancel_ack: int | None = None
    canceled: int | None = None
    failed: str | None = None
    filled: bool = False

    @property
    def is_over(self) -> bool:
        return self.canceled is not None or self.failed is not None or self.filled


@dataclass(slots=True)
class Found:
    """What a probe measured: milliseconds of each leg, and what went wrong.

    ``ack``: the venue took the order for checking; ``live``: the account stream shows it resting; both from the
    order's first byte. ``cancel_ack`` and ``canceled`` likewise, from the first byte of its cancel.
    """

    size: Decimal = Decimal(0)
    round_trips: int = 0
    legs: dict[str, list[float]] = field(default_factory=lambda: {leg: [] for leg in LEGS})
    failures: list[str] = field(default_factory=list)
    filled: list[str] = field(default_factory=list)
    """Orders that traded although they were far from the market."""
    may_rest: list[str] = field(default_factory=list)
    """Orders whose end the venue has not confirmed."""
    is_interrupted: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What to send. ``size`` None is the smallest that the market takes."""

    domain: str
    keys: dict[str, str]
    trading_pair: str
    side: Side
    away_bps: float
    size: Decimal | None
    count: int
    pause_s: float


async def probe(plan: Plan, say: Callable[[str], None]) -> Found:
    """Place and cancel ``plan.count`` orders, one after the other; whatever happens, none is left behind knowingly.

    SIGINT and SIGTERM end it after the order under way has been cancelled; a second one does not skip that.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    found, orders = Found(), _Orders()
    try:
        async with _running(plan, orders, stop) as connector:
            try:
                await _round_trips(connector, plan, orders, found, stop, say)
            finally:
                await _clean_up(connector, plan, orders, say)
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
        found.is_interrupted = stop.is_set()
        found.filled = [order.order_id for order in orders.by_id.values() if order.filled]
        found.may_rest = [order.order_id for order in orders.by_id.values() if not order.is_over]
    return found


class _Orders:
    """Every order of the probe, stamped by the connector's answers and events."""

    def __init__(self) -> None:
        self.by_id: dict[str, Stamps] = {}

    def on_reply(self, order_id: str, is_cancel: bool) -> None:
        order = self.by_id.get(order_id)
        if order is None:
            return
        if is_cancel:
            order.cancel_ack = order.cancel_ack or time.monotonic_ns()
        else:
            order.ack = order.ack or time.monotonic_ns()

    def on_event(self, kind: str, event: Any) -> None:
        order = self.by_id.get(event.order_id)
        if order is None:
            return
        if kind == "live":
            order.live = order.live or time.monotonic_ns()
        elif kind == "canceled":
            order.canceled = order.canceled or time.monotonic_ns()
        elif kind == "filled":
            order.filled = True
        else:
            order.failed = str(getattr(event, "error_message", None) or "refused")


def _connector_class(orders: _Orders) -> Any:
    """Our connector, which tells ``orders`` of the venue's answers to commands as well."""
    from hummingbot.connector import derivative

    folder = str(bundle.folder("connectors"))
    if folder not in derivative.__path__:
        derivative.__path__.append(folder)
    module = importlib.import_module(f"hummingbot.connector.derivative.{NAME}.{NAME}_derivative")
    base = module.StandxPerpetualDerivative

    class Probed(base):  # type: ignore[misc]
        def _on_command_reply(self, command: Any, reply: Any) -> None:
            orders.on_reply(command.client_order_id, command.kind.name == "CANCEL")
            super()._on_command_reply(command, reply)

    return Probed


@asynccontextmanager
async def _running(plan: Plan, orders: _Orders, stop: asyncio.Event) -> AsyncIterator[Any]:
    """The connector, ready to trade, under a clock of Hummingbot's; ended with the block."""
    from hummingbot.core.clock import Clock, ClockMode
    from hummingbot.core.event.event_forwarder import EventForwarder
    from hummingbot.core.event.events import MarketEvent
    from hummingbot.core.web_assistant.connections.connections_factory import ConnectionsFactory

    keys = {f"{NAME}_{name}": value for name, value in plan.keys.items()}
    connector = _connector_class(orders)(**keys, trading_pairs=[plan.trading_pair], domain=plan.domain)
    kinds = {
        MarketEvent.BuyOrderCreated: "live", MarketEvent.SellOrderCreated: "live", MarketEvent.OrderFilled: "filled",
        MarketEvent.OrderCancelled: "canceled", MarketEvent.OrderFailure: "failed",
    }  # fmt: skip
    # The connector keeps weak references: the forwarders have to live as long as it is watched.
    forwarders = {kind: EventForwarder(lambda event, word=word: orders.on_event(word, event))
                  for kind, word in kinds.items()}  # fmt: skip
    for kind, forwarder in forwarders.items():
        connector.add_listener(kind, forwarder)
    clock = Clock(ClockMode.REALTIME, tick_size=TICK_S)
    clock.add_iterator(connector)

    async def run_clock() -> None:
        with clock:
            await clock.run()

    task = asyncio.create_task(run_clock())
    try:
        if not await _until(lambda: connector.ready or stop.is_set(), READY_TIMEOUT_S):
            missing = ", ".join(name for name, is_good in connector.status_dict.items() if not is_good)
            raise Failure(
                f"{plan.domain} was not ready within {READY_TIMEOUT_S:.0f} s ({missing})",
                "check the keys, the address and the trading pair", ExitCode.TIMEOUT)  # fmt: skip
        yield connector
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await connector.stop_network()
        await ConnectionsFactory().close()


async def _round_trips(
    connector: Any, plan: Plan, orders: _Orders, found: Found, stop: asyncio.Event, say: Callable[[str], None]
) -> None:
    for number in range(plan.count):
        if stop.is_set() or any(order.filled for order in orders.by_id.values()):
            return
        price, found.size = _price_and_size(connector, plan)
        order = await _round_trip(connector, plan, price, found.size, orders)
        found.round_trips += 1
        if order.failed is not None or order.canceled is None or order.live is None:
            found.failures.append(f"{order.order_id}: {order.failed or _missing(order)}")
        for leg, from_ns, to_ns in (("ack", order.wire, order.ack), ("live", order.wire, order.live),
                                    ("cancel_ack", order.cancel_wire, order.cancel_ack),
                                    ("canceled", order.cancel_wire, order.canceled)):  # fmt: skip
            if from_ns is not None and to_ns is not None and to_ns >= from_ns:
                found.legs[leg].append((to_ns - from_ns) / 1e6)
        say(f"{number + 1:4} of {plan.count}  " + ("failed" if order.failed else "placed and cancelled"))
        if number + 1 < plan.count:
            await _until(stop.is_set, plan.pause_s)


async def _round_trip(connector: Any, plan: Plan, price: Decimal, size: Decimal, orders: _Orders) -> Stamps:
    """One order from placing to its end, or to the time after which it is left to the cleaning up."""
    from hummingbot.core.data_type.common import OrderType, PositionAction

    call = connector.buy if plan.side is Side.BUY else connector.sell
    order_id = str(call(plan.trading_pair, size, OrderType.LIMIT_MAKER, price, position_action=PositionAction.OPEN))
    order = orders.by_id[order_id] = Stamps(order_id)
    await _until(lambda: order.live is not None or order.is_over, STEP_TIMEOUT_S)
    if not order.is_over:
        connector.cancel(plan.trading_pair, order_id)
        await _until(lambda: order.is_over, STEP_TIMEOUT_S)
    order.wire = connector.last_order_wire_ns(order_id)
    order.cancel_wire = connector.last_cancel_wire_ns(order_id)
    return order


async def _clean_up(connector: Any, plan: Plan, orders: _Orders, say: Callable[[str], None]) -> None:
    """Cancel what may still rest until the venue has confirmed each, or the time is over."""
    left = [order for order in orders.by_id.values() if not order.is_over]
    if not left:
        return
    say(f"cleaning up {len(left)} orders")
    deadline = time.monotonic() + CLEAN_UP_TIMEOUT_S
    while not all(order.is_over for order in left) and time.monotonic() < deadline:
        for order in left:
            if not order.is_over:
                connector.cancel(plan.trading_pair, order.order_id)
        await _until(lambda: all(order.is_over for order in left), CANCEL_AGAIN_S)


def _price_and_size(connector: Any, plan: Plan) -> tuple[Decimal, Decimal]:
    """A price ``away_bps`` behind the mark on the tick, and the size, which the market's rules must take."""
    state, rule = connector.price_state(plan.trading_pair), connector.trading_rules[plan.trading_pair]
    if state is None or state.mark is None or not state.mark.is_finite() or state.mark <= 0:
        raise Failure(f"{plan.trading_pair} has no mark price", "try again once the market shows one")
    away = Decimal(repr(plan.away_bps)) / 10_000
    price = round_passive(state.mark * (1 - plan.side.sign * away), rule.min_price_increment, plan.side is Side.BUY)
    step = rule.min_base_amount_increment
    least = max(rule.min_order_size, rule.min_notional_size / price)
    least = -(-least // step) * step
    if plan.size is None:
        return price, least
    if plan.size < least or plan.size % step:
        raise Failure(f"--size {plan.size}: the market takes multiples of {step} from {least} on",
                      f"give --size {least}", ExitCode.CONFIG_ERROR)  # fmt: skip
    return price, plan.size


def _missing(order: Stamps) -> str:
    if order.filled:
        return "filled"
    return f"not {'live' if order.live is None else 'cancelled'} within {STEP_TIMEOUT_S:g} s"


async def _until(condition: Callable[[], bool], timeout_s: float) -> bool:
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() >= deadline:
            return False
        await asyncio.sleep(POLL_S)
    return True
