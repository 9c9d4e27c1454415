"""The catalogue of faults: data alone. What each does is in the module of its effect, what it breaks in the tests."""

from __future__ import annotations

from hummingbot_extensions.emulator.faults.values import Effect, Fault, Param, Scope

_HTTP = (Scope.ACCOUNT, Scope.ENDPOINT)
_FRAME = (Scope.SOCKET, Scope.CHANNEL, Scope.SYMBOL, Scope.ACCOUNT)
_SOCKET = (Scope.SOCKET, Scope.ACCOUNT)
_ORDER = (Scope.ACCOUNT, Scope.SYMBOL)
_ACCOUNT = (Scope.ACCOUNT,)
_SYMBOL = (Scope.SYMBOL,)
_ENDPOINT = (Scope.ENDPOINT,)

_WHEN = Param("when", "whether the request takes effect first", "before", choices=("before", "after"))
_HOLD = Param("hold_s", "wall time until the connection ends without an answer", 30.0, "s", 0.01, 3600)


def _ms(default: float, meaning: str, high: float = 600_000) -> Param:
    return Param("ms", meaning, default, "ms", 0, high)


CATALOGUE: tuple[Fault, ...] = (
    # HTTP
    Fault(
        "http_status",
        Effect.HTTP,
        "A request is answered with an error status, before or after it took effect.",
        (Param("status", "HTTP status, such as 429, 500 or 502", 502, "", 400, 599, is_whole=True), _WHEN),
        _HTTP,
        is_once=True,
    ),
    Fault("http_timeout", Effect.HTTP, "A request gets no answer.", (_WHEN, _HOLD), _HTTP, is_once=True),
    Fault("http_reset", Effect.HTTP, "The connection of a request is reset.", (_WHEN,), _HTTP, is_once=True),
    Fault(
        "http_slow_body",
        Effect.HTTP,
        "The headers come at once and the body in small pieces.",
        (Param("hold_s", "wall time that the body takes", 5.0, "s", 0.01, 3600),),
        _HTTP,
        is_once=True,
    ),
    Fault(
        "http_not_json",
        Effect.HTTP,
        "The request takes effect and is answered with a web page, as a proxy in front of a venue does.",
        (Param("status", "HTTP status of the page", 200, "", 200, 599, is_whole=True),),
        _HTTP,
        is_once=True,
    ),
    Fault(
        "http_short_body",
        Effect.HTTP,
        "The request takes effect and its answer breaks off halfway.",
        (),
        _HTTP,
        is_once=True,
    ),
    # Sockets
    Fault(
        "socket_refused",
        Effect.SOCKET,
        "New WebSockets are refused at their upgrade.",
        (Param("status", "HTTP status of the refusal", 503, "", 400, 599, is_whole=True),),
        (Scope.SOCKET,),
    ),
    Fault("socket_drop", Effect.SOCKET, "Open WebSockets are cut without a close frame.", (), _SOCKET, is_act=True),
    Fault(
        "socket_close",
        Effect.SOCKET,
        "Open WebSockets are closed by the venue with a code.",
        (Param("code", "WebSocket close code", 1001, "", 1000, 4999, is_whole=True),),
        _SOCKET,
        is_act=True,
    ),
    # Frames
    Fault("silence", Effect.FRAME, "Sockets stay open and carry nothing; what was to leave is lost.", (), _FRAME),
    Fault("frame_drop", Effect.FRAME, "Frames are lost.", (), _FRAME),
    Fault(
        "frame_delay",
        Effect.FRAME,
        "Frames come late, in their order among each other but behind the others.",
        (_ms(1_000, "venue time added"), Param("jitter_ms", "random venue time added", 0.0, "ms", 0, 600_000)),
        _FRAME,
    ),
    Fault(
        "frame_duplicate",
        Effect.FRAME,
        "Frames come again.",
        (Param("copies", "how often again", 1, "", 1, 100, is_whole=True), _ms(0, "venue time between the copies")),
        _FRAME,
    ),
    Fault("frame_reorder", Effect.FRAME, "A frame comes after the one that follows it on its socket.", (), _FRAME),
    Fault(
        "frame_truncate",
        Effect.FRAME,
        "Frames break off.",
        (Param("keep_frac", "share of the text that is left", 0.5, "", 0, 0.99),),
        _FRAME,
    ),
    Fault(
        "frame_corrupt",
        Effect.FRAME,
        "Frames carry something else than they should.",
        (
            Param(
                "how",
                "not JSON at all, data null, numbers that are NaN, or a member gone",
                "garbage",
                choices=("garbage", "null_data", "nan", "member_gone"),
            ),
        ),
        _FRAME,
    ),
    Fault("frame_numbers", Effect.FRAME, "Decimals come as JSON numbers instead of strings.", (), _FRAME),
    Fault(
        "frame_unknown",
        Effect.FRAME,
        "Each frame is followed by one of a channel that nobody knows.",
        (),
        (Scope.CHANNEL, Scope.SYMBOL, Scope.ACCOUNT),
    ),
    Fault(
        "seq_jump",
        Effect.FRAME,
        "The sequence number of ws-stream jumps.",
        (Param("by", "what is added to it; negative goes back", 1_000, "", -1_000_000, 1_000_000, is_whole=True),),
        (Scope.ACCOUNT, Scope.CHANNEL),
        is_once=True,
    ),
    # Order outcomes
    Fault("accepted_missing", Effect.OUTCOME, "A ws-api command gets its terminal frame alone.", (), _ACCOUNT),
    Fault(
        "accepted_late",
        Effect.OUTCOME,
        "The accepted frame comes after the terminal one.",
        (_ms(1_000, "venue time added"),),
        _ACCOUNT,
    ),
    Fault("terminal_missing", Effect.OUTCOME, "The terminal frame never comes.", (), _ACCOUNT),
    Fault(
        "terminal_late", Effect.OUTCOME, "The terminal frame comes late.", (_ms(5_000, "venue time added"),), _ACCOUNT
    ),
    Fault(
        "terminal_duplicate",
        Effect.OUTCOME,
        "The terminal frame comes again.",
        (_ms(100, "venue time until it comes again"),),
        _ACCOUNT,
    ),
    Fault(
        "terminal_false_rejection",
        Effect.OUTCOME,
        "A command is said to be rejected although it was done: the order rests and may fill.",
        (Param("message", "text of the rejection", "alo order rejected"),),
        _ACCOUNT,
    ),
    Fault(
        "terminal_false_success",
        Effect.OUTCOME,
        "A command is said to have succeeded although it was rejected.",
        (),
        _ACCOUNT,
    ),
    Fault(
        "terminal_unknown_request",
        Effect.OUTCOME,
        "Each terminal frame is followed by a rejection of a request that nobody sent.",
        (),
        _ACCOUNT,
    ),
    Fault(
        "order_rejected",
        Effect.OUTCOME,
        "An order is accepted and then rejected, without reaching the market.",
        (Param("message", "text of the rejection", "rejected by fault"),),
        _ORDER,
        is_once=True,
    ),
    Fault("order_lost", Effect.OUTCOME, "An order is accepted and never heard of again.", (), _ORDER, is_once=True),
    Fault(
        "order_late",
        Effect.OUTCOME,
        "An order is accepted and reaches the market late.",
        (_ms(10_000, "venue time added"),),
        _ORDER,
        is_once=True,
    ),
    Fault(
        "cancel_ignored",
        Effect.OUTCOME,
        "A cancel is accepted and never done.",
        (Param("terminal", "final word on it", "success", choices=("success", "none")),),
        _ACCOUNT,
        is_once=True,
    ),
    Fault(
        "cancel_late",
        Effect.OUTCOME,
        "A cancel is accepted and done late.",
        (_ms(5_000, "venue time added"),),
        _ACCOUNT,
        is_once=True,
    ),
    Fault(
        "balance_after_cancel",
        Effect.OUTCOME,
        "Orders are refused for lack of balance for a while after a cancel.",
        (_ms(1_000, "venue time after the cancel"),),
        _ORDER,
    ),
    # Account data
    Fault(
        "query_order_404",
        Effect.ACCOUNT,
        "query_order does not find an order yet.",
        (_ms(3_000, "venue time from the order's beginning"),),
        _ACCOUNT,
    ),
    Fault(
        "open_orders_stale",
        Effect.ACCOUNT,
        "query_open_orders goes on listing what has been cancelled.",
        (_ms(15_000, "venue time from the cancel"),),
        _ACCOUNT,
    ),
    Fault(
        "trades_lag",
        Effect.ACCOUNT,
        "query_trades does not list new fills yet.",
        (_ms(5_000, "venue time from the fill"),),
        _ACCOUNT,
    ),
    Fault(
        "trade_duplicate",
        Effect.ACCOUNT,
        "A trade frame comes again with the same id.",
        (_ms(50, "venue time until it comes again"),),
        _ORDER,
    ),
    Fault("trade_zero_qty", Effect.ACCOUNT, "Each trade frame is followed by one of zero quantity.", (), _ORDER),
    Fault(
        "trade_split",
        Effect.ACCOUNT,
        "A fill is done in two parts of equal size, price and time, each with its own id.",
        (),
        _SYMBOL,
    ),
    Fault("trade_before_order", Effect.ACCOUNT, "Trade frames come before the frames of their orders.", (), _ORDER),
    Fault(
        "trade_after_order",
        Effect.ACCOUNT,
        "Trade frames come after the frames of their orders.",
        (_ms(500, "venue time added"),),
        _ORDER,
    ),
    Fault(
        "position_wrong",
        Effect.ACCOUNT,
        "Position frames carry a wrong quantity.",
        (Param("add_base", "base units added to it", 0.5, "base", -1_000, 1_000),),
        _ORDER,
    ),
    Fault(
        "position_late",
        Effect.ACCOUNT,
        "Position frames come late.",
        (_ms(5_000, "venue time added"),),
        _ORDER,
    ),
    Fault("position_flat_rows", Effect.ACCOUNT, "query_positions lists flat positions with qty 0.", (), _ACCOUNT),
    # Market data
    Fault("book_locked", Effect.MARKET, "The best bid shown equals the best ask.", (), _SYMBOL),
    Fault(
        "book_crossed",
        Effect.MARKET,
        "The best bid shown is above the best ask.",
        (Param("bps", "by how much", 5.0, "bps", 0.01, 1_000),),
        _SYMBOL,
    ),
    Fault(
        "book_one_sided",
        Effect.MARKET,
        "One side of the shown book is empty.",
        (Param("missing", "the empty side", "ask", choices=("bid", "ask")),),
        _SYMBOL,
    ),
    Fault("book_empty", Effect.MARKET, "Both sides of the shown book are empty.", (), _SYMBOL),
    Fault("book_frozen", Effect.MARKET, "Book frames go on coming and show the same book.", (), _SYMBOL),
    Fault("book_unsorted", Effect.MARKET, "Levels come in random order.", (), _SYMBOL),
    Fault(
        "mark_jump",
        Effect.MARKET,
        "The mark shown jumps; margin and scores keep the true one.",
        (Param("bps", "by how much", 200.0, "bps", -5_000, 5_000),),
        _SYMBOL,
    ),
    Fault("mark_null", Effect.MARKET, "The mark is shown as null.", (), _SYMBOL),
    Fault(
        "trading_halt",
        Effect.MARKET,
        "Trading stands still: orders are refused, resting ones stay, query_symbol_info says halted.",
        (),
        _SYMBOL,
    ),
    Fault(
        "tick_change",
        Effect.MARKET,
        "The price tick becomes coarser; resting orders that are off it are cancelled.",
        (Param("price_tick_decimals", "decimals of a price from now on", 1, "", 0, 8, is_whole=True),),
        _SYMBOL,
        is_act=True,
    ),
    # Access and time
    Fault("token_revoked", Effect.ACCESS, "Every token issued so far stops being valid.", (), _ACCOUNT, is_act=True),
    Fault(
        "token_short",
        Effect.ACCESS,
        "Tokens issued at a login live shorter than was asked for.",
        (Param("lifetime_s", "wall time that they live", 1_200, "s", 1, 604_800, is_whole=True),),
    ),
    Fault(
        "login_refused",
        Effect.ACCESS,
        "Wallet logins are refused.",
        (
            Param("status", "HTTP status of the refusal", 401, "", 400, 599, is_whole=True),
            Param("message", "text of the refusal", "invalid signature"),
        ),
        _ENDPOINT,
    ),
    Fault(
        "clock_offset",
        Effect.ACCESS,
        "The venue's clock is off, in its stamps and in what it takes for a fresh request.",
        (Param("ms", "venue clock minus true time", 30_000, "ms", -86_400_000, 86_400_000),),
    ),
    Fault(
        "time_jump",
        Effect.ACCESS,
        "Venue time leaps: everything in between happens at once.",
        (Param("by_s", "how far", 10.0, "s", 0.001, 86_400),),
        is_act=True,
    ),
)
BY_NAME = {fault.name: fault for fault in CATALOGUE}
