"""How each fault of the catalogue is put to a whole bot: parameters, for how long, and what it may say about it.

Every fault stands here; one without a case fails in the suite. ``errors`` are the log lines at ERROR that are right:
a person should look. Anything else at ERROR is a finding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

NEW, CANCEL, QUERY = "/api/new_order", "/api/cancel_order", "/api/query_order"
OPEN, TRADES, POSITIONS, BALANCE = (
    "/api/query_open_orders", "/api/query_trades", "/api/query_positions", "/api/query_balance",
)  # fmt: skip
REFUSED_KEYS = r"keys refused"
REVIVED = r"order called rejected is open"


@dataclass(frozen=True)
class Case:
    """One way to meet a fault. ``after`` names what is done while it is on, beside being hit in turns."""

    params: dict[str, Any]
    hold_s: float = 12.0
    errors: tuple[str, ...] = ()
    with_faults: tuple[dict[str, Any], ...] = ()
    """Armed beside it: REST alone carries orders while the order entry socket is refused."""
    is_wallet: bool = False
    must_quote: bool = True
    """Whether it quotes again after the fault is gone."""
    jumps: tuple[int, ...] = (900, -900)
    """Market moves in ticks while the fault is on."""
    must_meet: bool = True
    """False for faults that are states rather than meetings; the emulator does not count those."""
    must_settle: bool = True
    """False where the venue no longer talks to us: nothing can be compared."""

    @property
    def id(self) -> str:
        parts = [f"{key}={value}".rsplit("/", 1)[-1] for key, value in self.params.items()]
        parts += ["rest"] if self.with_faults else []
        parts += ["wallet"] if self.is_wallet else []
        return ",".join(parts) or "default"


def _with(**params: Any) -> dict[str, Any]:
    return params


REST_ONLY: tuple[dict[str, Any], ...] = (
    {"name": "socket_refused", "socket": "api"}, {"name": "socket_drop", "socket": "api"},
)  # fmt: skip


def _http(name: str, **params: Any) -> tuple[Case, ...]:
    """A broken request at each endpoint that carries truth: orders by REST, then the queries."""
    orders = tuple(
        Case({**params, "endpoint": path, "when": when, "count": 3}, with_faults=REST_ONLY)
        for path in (NEW, CANCEL) for when in ("before", "after"))  # fmt: skip
    return (*orders, Case({**params, "seconds": 12}, hold_s=20.0))


def _body(**params: Any) -> tuple[Case, ...]:
    return (
        Case({**params, "endpoint": NEW, "count": 3}, with_faults=REST_ONLY),
        Case({**params, "endpoint": CANCEL, "count": 3}, with_faults=REST_ONLY),
        Case({**params, "seconds": 12}, hold_s=20.0),
    )


def _frames(**params: Any) -> tuple[Case, ...]:
    """A frame fault on the market's channels, the account's, the order entry's, and on all at once."""
    return (
        Case({**params, "channel": "depth_book"}),
        Case({**params, "channel": "order"}),
        Case({**params, "channel": "trade"}),
        Case({**params, "channel": "position"}),
        Case({**params, "channel": "terminal"}),
        Case(params),
    )


CASES: dict[str, tuple[Case, ...]] = {
    "http_status": (
        *_http("http_status", status=502),
        Case(_with(status=429, seconds=8), hold_s=15.0),
        Case(_with(status=500, endpoint=QUERY, seconds=10), with_faults=REST_ONLY, must_meet=False),
        Case(_with(status=503, endpoint=POSITIONS, seconds=20), hold_s=25.0),
    ),
    "http_timeout": (
        *_http("http_timeout", hold_s=4),
        Case(_with(hold_s=30, endpoint=OPEN, count=1), hold_s=40.0),
    ),
    "http_reset": _http("http_reset"),
    "http_slow_body": _body(hold_s=3),
    "http_not_json": _body(),
    "http_short_body": _body(),
    "socket_refused": (
        Case(_with(), with_faults=({"name": "socket_drop"},), hold_s=10.0),
        Case(_with(socket="api"), with_faults=({"name": "socket_drop", "socket": "api"},)),
        Case(_with(socket="stream"), with_faults=({"name": "socket_drop", "socket": "stream"},)),
    ),
    "socket_drop": (
        Case(_with()),
        Case(_with(socket="api", every_s=2.0)),
        Case(_with(socket="stream", every_s=3.0)),
        Case(_with(every_s=0.7), hold_s=10.0),
    ),
    "socket_close": (
        Case(_with(code=1012)),
        Case(_with(code=1008, socket="api", every_s=3.0)),
        Case(_with(socket="stream", every_s=3.0)),
    ),
    "silence": (
        Case(_with(), hold_s=15.0),
        Case(_with(socket="api"), hold_s=20.0),
        Case(_with(socket="stream"), hold_s=20.0),
        Case(_with(channel="depth_book"), hold_s=10.0),
        Case(_with(channel="price"), hold_s=20.0),
        Case(_with(channel="order"), hold_s=20.0),
        Case(_with(socket="stream"), hold_s=70.0),
    ),
    "frame_drop": (*_frames(), Case(_with(probability=0.3), hold_s=20.0)),
    "frame_delay": (
        *_frames(ms=1500, jitter_ms=800),
        Case(_with(channel="depth_book", ms=8000), hold_s=20.0),
        Case(_with(channel="price", ms=20000), hold_s=30.0),
    ),
    "frame_duplicate": (*_frames(copies=2, ms=300),),
    "frame_reorder": _frames(),
    "frame_truncate": _frames(),
    "frame_corrupt": tuple(
        case for how in ("garbage", "null_data", "nan", "member_gone") for case in (
            Case(_with(how=how, channel="depth_book")),
            Case(_with(how=how, channel="order")),
            Case(_with(how=how, channel="trade")),
            Case(_with(how=how, channel="position")),
            Case(_with(how=how, channel="terminal")),
            Case(_with(how=how, probability=0.4)),
        )
    ),  # fmt: skip
    "frame_numbers": (Case(_with()), Case(_with(channel="depth_book")), Case(_with(channel="trade"))),
    "frame_unknown": (Case(_with()),),
    "seq_jump": (Case(_with(count=5)), Case(_with(by=-50, channel="order", count=5))),
    "accepted_missing": (Case(_with()),),
    "accepted_late": (Case(_with()),),
    "terminal_missing": (Case(_with(), hold_s=20.0),),
    "terminal_late": (Case(_with()), Case(_with(ms=15000), hold_s=30.0)),
    "terminal_duplicate": (Case(_with()),),
    "terminal_false_rejection": (Case(_with(), errors=(REVIVED,)), Case(_with(count=1), errors=(REVIVED,))),
    "terminal_false_success": (Case(_with(), with_faults=({"name": "order_rejected", "count": 3},), must_meet=False),),
    "terminal_unknown_request": (Case(_with()),),
    "order_rejected": (Case(_with(count=4)), Case(_with(message="invalid price tick"))),
    "order_lost": (Case(_with(), hold_s=20.0), Case(_with(count=4), hold_s=30.0)),
    "order_late": (
        Case(_with(ms=3000, count=2), hold_s=15.0),
        # As late as a 404 is believed: which of the two comes first is a matter of milliseconds.
        Case(_with(count=2), hold_s=25.0, errors=(REVIVED,)),
        Case(_with(ms=25000, count=1), hold_s=40.0, errors=(REVIVED,)),
    ),
    "cancel_ignored": (
        Case(_with(count=3), hold_s=20.0),
        Case(_with(terminal="none", count=3), hold_s=20.0),
    ),
    "cancel_late": (Case(_with(count=3), hold_s=20.0), Case(_with(ms=20000, count=2), hold_s=40.0)),
    "balance_after_cancel": (Case(_with(), hold_s=60.0), Case(_with(ms=5000))),
    "query_order_404": (Case(_with(), must_meet=False),
        Case(_with(ms=15000), must_meet=False, with_faults=REST_ONLY, hold_s=25.0)),
    "open_orders_stale": (Case(_with(), must_meet=False, hold_s=25.0),),
    "trades_lag": (Case(_with(), must_meet=False),
        Case(_with(), must_meet=False, with_faults=({"name": "frame_drop", "channel": "trade"},))),
    "trade_duplicate": (Case(_with()), Case(_with(ms=5000))),
    "trade_zero_qty": (Case(_with()),),
    "trade_split": (Case(_with()),),
    "trade_before_order": (Case(_with()),),
    "trade_after_order": (Case(_with()), Case(_with(ms=5000))),
    "position_wrong": (
        Case(_with(add_base=0.004), hold_s=20.0),
        Case(_with(add_base=-0.5), hold_s=20.0),
    ),
    "position_late": (Case(_with(), hold_s=20.0), Case(_with(ms=30000), hold_s=40.0)),
    "position_flat_rows": (Case(_with(), must_meet=False, hold_s=40.0),),
    "book_locked": (Case(_with()),),
    "book_crossed": (Case(_with()), Case(_with(bps=50))),
    "book_one_sided": (Case(_with()), Case(_with(missing="bid"))),
    "book_empty": (Case(_with()),),
    "book_frozen": (Case(_with()), Case(_with(), jumps=(60_000,), hold_s=15.0)),
    "book_unsorted": (Case(_with()),),
    "mark_jump": (Case(_with()), Case(_with(bps=-200), jumps=(5000,)), Case(_with(bps=20))),
    "mark_null": (Case(_with()),),
    "trading_halt": (Case(_with(), hold_s=20.0), Case(_with(seconds=3), hold_s=10.0)),
    "tick_change": (Case(_with(), hold_s=25.0), Case(_with(price_tick_decimals=0), hold_s=25.0)),
    "token_revoked": (
        # A dead web token cannot ask either: that the stop is not verified is the truth.
        Case(_with(), errors=(REFUSED_KEYS, "stop NOT verified"), must_settle=False, hold_s=20.0),
        Case(_with(), is_wallet=True, errors=(REFUSED_KEYS,), hold_s=20.0),
    ),
    "token_short": (
        Case(_with(lifetime_s=60), with_faults=({"name": "token_revoked"},), is_wallet=True, hold_s=150.0,
             errors=(REFUSED_KEYS,)),
    ),
    "login_refused": (
        Case(_with(), with_faults=({"name": "token_revoked"},), is_wallet=True, hold_s=20.0, errors=(REFUSED_KEYS,)),
    ),
    "clock_offset": (Case(_with(), must_meet=False), Case(_with(ms=-20000), must_meet=False),
        Case(_with(ms=200_000), must_meet=False, hold_s=30.0)),
    "time_jump": (Case(_with(by_s=5)), Case(_with(by_s=60))),
}  # fmt: skip
