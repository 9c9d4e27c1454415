"""Names, addresses, limits and deadlines of StandX perpetuals. Protocol: https://docs.standx.com."""

from __future__ import annotations

from hummingbot.core.api_throttler.data_types import LinkedLimitWeightPair, RateLimit

DEFAULT_DOMAIN = "standx_perpetual"
EMULATOR_DOMAIN = "standx_perpetual_emulator"
EMULATOR_URL_ENV = "HBX_STANDX_EMULATOR_URL"
EMULATOR_DEFAULT_URL = "http://127.0.0.1:8710"

LIVE_REST_URL = "https://perps.standx.com"
LIVE_LOGIN_URL = "https://api.standx.com"
LIVE_REGION_URL = "https://geo.standx.com"
LIVE_WS_URL = "wss://perps.standx.com"
WEB_TOKEN_PAGE = "https://standx.com/user/session"

WS_STREAM_PATH = "/ws-stream/v1"
WS_API_PATH = "/ws-api/v1"

MARGIN_ASSET = "DUSD"
"""Margin, quote, fee and settlement asset of every symbol."""

SYMBOL_INFO_PATH = "/api/query_symbol_info"
SYMBOL_MARKET_PATH = "/api/query_symbol_market"
SYMBOL_PRICE_PATH = "/api/query_symbol_price"
MARKET_OVERVIEW_PATH = "/api/query_market_overview"
DEPTH_BOOK_PATH = "/api/query_depth_book"
KLINE_TIME_PATH = "/api/kline/time"
KLINE_HISTORY_PATH = "/api/kline/history"
REGION_PATH = "/v1/region"

PREPARE_SIGNIN_PATH = "/v1/offchain/prepare-signin"
LOGIN_PATH = "/v1/offchain/login"

NEW_ORDER_PATH = "/api/new_order"
CANCEL_ORDER_PATH = "/api/cancel_order"
CANCEL_ORDERS_PATH = "/api/cancel_orders"
CHANGE_LEVERAGE_PATH = "/api/change_leverage"
CHANGE_MARGIN_MODE_PATH = "/api/change_margin_mode"
QUERY_ORDER_PATH = "/api/query_order"
QUERY_ORDERS_PATH = "/api/query_orders"
QUERY_OPEN_ORDERS_PATH = "/api/query_open_orders"
QUERY_TRADES_PATH = "/api/query_trades"
QUERY_POSITIONS_PATH = "/api/query_positions"
QUERY_BALANCE_PATH = "/api/query_balance"
QUERY_POSITION_CONFIG_PATH = "/api/query_position_config"
QUERY_FUNDING_HISTORY_PATH = "/api/query_funding_history"

OPEN_ORDERS_LIMIT = 1200
PAGE_LIMIT = 500

MAX_CLIENT_ORDER_ID_LENGTH = 36

REQUEST_TIMEOUT_S = 10.0
ORDER_DEADLINE_S = 10.0
"""No final word on a command within this time: its outcome is unknown."""
NOT_FOUND_BELIEVED_AFTER_S = 10.0
"""query_order answers 404 for seconds after a placement; only an older order's 404 is the venue's word."""
ORDER_FRAME_GRACE_S = 0.5
"""Time for the account stream to show what a success frame announced, before REST is asked."""
WS_HEARTBEAT_S = 5.0
WS_CONNECT_TIMEOUT_S = 3.0
WS_LOGIN_TIMEOUT_S = 5.0
WS_RECONNECT_MIN_S = 0.2
WS_RECONNECT_MAX_S = 2.0
"""Waits are drawn between half and all of what has doubled up to this. While the venue is away all sockets together try
40 times a minute, and once it is back the first attempt comes within these 2 s however long the outage was.
"""
WS_PUBLIC_IDLE_S = 10.0
"""A public socket without a data frame for this long is replaced. The venue states prices every 3 s."""
PRICE_BEAT_S = 3.0
WS_PRIVATE_IDLE_S = 15.0
"""The same for the private socket, which has one market's prices beside the account's own channels for a heartbeat."""
WS_ORDER_ENTRY_IDLE_S = 5.0
"""A command without any answer for this long, nor any other frame since, and the order entry socket is replaced."""
WS_ROTATE_PUBLIC_S = 22.0 * 3600
WS_ROTATE_PRIVATE_S = 22.5 * 3600
WS_ROTATE_ORDER_ENTRY_S = 23.0 * 3600
WS_ROTATE_JITTER_S = 600.0
"""The venue closes a socket at 24 h. Each is replaced before, at a time of its own, and never two at once."""
WS_OVERLAP_S = 4.0
"""How long the old socket is read beside its successor: longer than the beat of prices."""
WS_PROVEN_S = 5.0
"""A socket that lived this long is replaced at once when it is lost; one that did not, after growing waits."""
BALANCE_DEBOUNCE_S = 0.1
FUNDING_POLL_S = 60.0
KEY_RETRY_MIN_S = 5.0
KEY_RETRY_MAX_S = 120.0
"""Refused keys of a running bot do not mend themselves: the venue is asked again at growing intervals, for the case
that it was the venue's own fault.
"""
UNKNOWN_PAIR_RETRY_S = 60.0
MARKETS_POLL_S = 5.0
"""The list of markets is public and one request: a halt or a new tick is known at most this late, or at a refusal."""
HALTED_POLL_S = 1.0
"""The same while one of our markets does not trade: at most this long after the end it is known."""
MARKETS_DOUBT_S = 0.2
STANDING_STALE_S = 60.0
"""Without a list for this long nobody knows whether a market trades."""
RULES_PAUSE_MIN_S = 0.25
RULES_PAUSE_MAX_S = 10.0
TOKEN_CHECK_S = 3.0
"""A token that the venue has not taken for this long is tried, so that its end is found before an order needs it."""
TOKEN_FRESH_S = 5.0
"""A wallet's token that is refused so soon after its login is refused for good; an older one was revoked."""
TOKEN_RENEWAL_RETRY_S = (1.0, 60.0)
CLOCK_BURST = 3
"""Round trips in a row at the start and when the clock is in doubt."""
CLOCK_CHECK_S = 2.0
"""Frames that put the clock in doubt have it asked at most this often."""
CLOCK_OFF_S = 1.0
"""A local clock that is off by more is worth a warning."""
LATE_FRAME_S = 5.0
"""A stamp so old may mean a late frame, or a venue clock that was set back: the clock is asked."""
TOKEN_LIFETIME_S = 604800
TOKEN_REFRESH_BEFORE_S = 86400

# Limits as published on 2026-03-01: per address 45 credits a request, 1000 a second, burst 900; per IP 50 requests a
# second.
CREDITS_CAPACITY = 900
CREDITS_PER_S = 1000
CREDITS_PER_REQUEST = 45

IP_LIMIT_ID = "standx_ip"
_IP_POOL = [LinkedLimitWeightPair(IP_LIMIT_ID)]
_PATHS = (
    SYMBOL_INFO_PATH, SYMBOL_MARKET_PATH, SYMBOL_PRICE_PATH, MARKET_OVERVIEW_PATH, DEPTH_BOOK_PATH, KLINE_TIME_PATH,
    KLINE_HISTORY_PATH, REGION_PATH, PREPARE_SIGNIN_PATH, LOGIN_PATH, NEW_ORDER_PATH, CANCEL_ORDER_PATH,
    CANCEL_ORDERS_PATH, CHANGE_LEVERAGE_PATH, CHANGE_MARGIN_MODE_PATH, QUERY_POSITION_CONFIG_PATH,
    QUERY_ORDER_PATH, QUERY_ORDERS_PATH, QUERY_OPEN_ORDERS_PATH,
    QUERY_TRADES_PATH, QUERY_POSITIONS_PATH, QUERY_BALANCE_PATH, QUERY_FUNDING_HISTORY_PATH,
)  # fmt: skip
# One-second windows keep Hummingbot's throttler cheap: it sums over all requests of the window on the event loop.
RATE_LIMITS = [
    RateLimit(IP_LIMIT_ID, limit=45, time_interval=1),
    *(RateLimit(path, limit=45, time_interval=1, linked_limits=_IP_POOL) for path in _PATHS),
]
