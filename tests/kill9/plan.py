"""Which cases are played: every point at its first and a later passage, whole scenarios, and moments by chance."""

from __future__ import annotations

import random
from collections.abc import Iterator

from hummingbot_extensions.core.types import Side
from tests.kill9.case import Case, Kill
from tests.kill9.market import Temper

TRADING = (
    "order_decided.before", "order_decided.after", "create_scheduled.before", "create_scheduled.after",
    "create_scheduled_sell.after", "tracked.before", "tracked.after", "signed.before", "signed.after",
    "order_wire.before", "order_wire.half", "order_wire.after", "order_accepted.before", "order_accepted.after",
    "order_final.before", "order_final.after", "order_frame.before", "order_frame.after", "db_created.before",
    "db_created.uncommitted", "db_created.committed", "db_created.after", "db_states.before", "db_states.after",
    "live.before", "live.after", "fill_frame.before", "fill_frame.after", "ledger_booking.before",
    "ledger_booking.after", "fill_event.before", "fill_event.after", "position_frame.before", "position_frame.after",
    "db_fill.before", "db_fill.uncommitted", "db_fill.committed", "db_fill.after", "completion.before",
    "completion.after", "db_completed.before", "db_completed.after", "executor_stop.before", "executor_stop.after",
    "cancel_decided.before", "cancel_decided.after", "cancel_wire.before", "cancel_wire.half", "cancel_wire.after",
    "cancel_accepted.before", "cancel_accepted.after", "cancel_final.before", "cancel_final.after",
    "cancelled_event.before", "cancelled_event.after", "db_cancelled.before", "db_cancelled.uncommitted",
    "db_cancelled.after",
)  # fmt: skip
"""Points in the life of orders, in about the order of that life."""
SNAPSHOT = (
    "snapshot_write.before", "snapshot_half", "snapshot_flush.before", "snapshot_rename.before",
    "snapshot_rename.after",
)  # fmt: skip
STOPPING = (
    "stop_loop.before", "script_stop.before", "executor_stop.before", "cancel_wire.before", "cancel_wire.half",
    "cancel_wire.after", "cancel_accepted.after", "cancel_final.after", "cancelled_event.before", "script_stop.after",
    "stop_loop.after",
)  # fmt: skip
SWEEPING = (
    "states_restored.before", "states_restored.after", "open_orders_listed.before", "open_orders_listed.after",
    "rest_api_cancel_orders.before", "rest_api_cancel_orders.after", "rest_api_query_order.before",
    "rest_api_query_order.after", "rest_api_query_trades.before", "rest_api_query_trades.after",
)  # fmt: skip
"""Points that the next life passes while it clears up after the first."""
HARD_STOP = {"hard_stop_base": "0.006", "soft_limit_base": "0.005", "resume_limit_base": "0.003",
             "hard_stop_cooldown_s": 60.0}
ONE_WAY = Temper(hits_per_s=1.0, moves_per_s=0.1, one_sided=Side.BUY)


def named() -> Iterator[Case]:
    """One case or two for every point."""
    for number, point in enumerate(TRADING):
        yield Case((Kill(point),), seed=number, lag_ms=1500.0 if number % 3 == 0 else 0.0)
        yield Case((Kill(point, 4),), seed=100 + number, dead_s=20.0 if number % 2 else 2.0)
    for number, point in enumerate(SNAPSHOT):
        yield Case((Kill(point, 1),), seed=200 + number)
        yield Case((Kill(point, 3),), seed=220 + number)
    for number, point in enumerate(STOPPING):
        yield Case((Kill(point, stop_after_s=15.0),), seed=300 + number)
    for number, point in enumerate(SWEEPING):
        yield Case((Kill("order_wire.after", 3), Kill(point)), seed=400 + number, lag_ms=2000.0)
    stops = ("hard_stop_entered", "hard_stopped", "cancel_wire.before", "cancelled_event.after")
    for number, point in enumerate(stops):
        yield Case((Kill(point, 1 if number == 0 else 2),), seed=500 + number, settings=HARD_STOP, temper=ONE_WAY)
    yield from flattening()


def flattening() -> Iterator[Case]:
    """Somebody trades by hand while no bot lives; the next one closes that, and dies at it."""
    points = (
        ("flatten.before", 1), ("flatten_close.before", 1), ("order_wire.after", 1), ("order_final.after", 1),
        ("fill_frame.before", 1), ("ledger_booking.after", 1), ("flatten_close.after", 1), ("flatten.after", 1),
    )  # fmt: skip
    for number, (point, hit) in enumerate(points):
        yield Case(
            (Kill("order_wire.after", 3), Kill(point, hit)), seed=600 + number, manual_lots=37 - 74 * (number % 2),
            settings={"startup_policy": "flatten"}, temper=Temper(hits_per_s=0.05))


def at_random(count: int, seed: int) -> Iterator[Case]:
    """Moments by chance, in up to three lives one after the other, on a venue that may show orders late."""
    rng = random.Random(seed)
    for number in range(count):
        kills = tuple(Kill("wait", int(10 ** rng.uniform(1.0, 3.6))) for _ in range(rng.choice((1, 1, 1, 2, 3))))
        yield Case(kills, seed=1000 + number, dead_s=rng.choice((0.0, 0.5, 5.0, 40.0)),
                   lag_ms=rng.choice((0.0, 0.0, 500.0, 3000.0)))


def sabotaged() -> Iterator[Case]:
    """Every planted bug in a case that brings it to light."""
    calm = Temper(hits_per_s=0.0, moves_per_s=0.0)
    yield Case((Kill("order_wire.after", 2),), seed=1, dead_s=1.0, temper=calm, bug="no_sweep")
    yield Case((Kill("db_fill.after", 2),), seed=4, bug="books_twice")
    # Within an hour of venue time the fills of a forgotten ledger come back from the venue itself.
    yield Case((Kill("ledger_booking.after", 2),), seed=4, dead_s=4000.0, bug="forgetful")
    yield Case(
        (Kill("hard_stop_entered"),), seed=8, settings=HARD_STOP, temper=ONE_WAY, manual_lots=-20,
        bug="ends_hard_stop")


QUICK = (
    Case((Kill("order_wire.after", 3),), seed=1, lag_ms=1500.0),
    Case((Kill("order_wire.half", 2),), seed=2),
    Case((Kill("fill_frame.before", 2),), seed=3, dead_s=15.0),
    Case((Kill("ledger_booking.after", 2),), seed=4),
    Case((Kill("cancel_wire.after", 1),), seed=5),
    Case((Kill("snapshot_rename.before", 2),), seed=6),
    Case((Kill("order_wire.after", 3), Kill("open_orders_listed.after")), seed=7, lag_ms=1500.0),
    Case((Kill("hard_stop_entered"),), seed=8, settings=HARD_STOP, temper=ONE_WAY),
)
"""For every test run: one of each kind."""
