"""The shipped decision function behind the line, with what the live bot knows of its own orders and no more."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from hummingbot_extensions.connector.errors import PostOnlyRejected, Rejected
from hummingbot_extensions.core.decide import DecisionInputs, decide
from hummingbot_extensions.core.decision import Cancel, CancelReason, DecisionState
from hummingbot_extensions.core.others import others_book
from hummingbot_extensions.core.params import QuoteParams
from hummingbot_extensions.core.quote import Quote
from hummingbot_extensions.core.types import BookState, Side
from hummingbot_extensions.core.view import (
    AccountView,
    MarketRules,
    MarketView,
    OrderState,
    OwnOrder,
    SideHistory,
)
from hummingbot_extensions.execution.health import HealthLog
from hummingbot_extensions.sim.statistics import BTC_USD
from hummingbot_extensions.sim.venue_values import (
    BalanceUpdate,
    BookUpdate,
    FillUpdate,
    OrderStatus,
    OrderUpdate,
    PositionUpdate,
    PriceUpdate,
    Reason,
    Terminal,
    VenueEvent,
)
from tests.bench.in_band.line import BALANCE, CancelRequest, PlaceRequest, Request, best_shown, book_shown

UNIT = Decimal(1).scaleb(-BTC_USD.price_decimals)
RULES = MarketRules(
    tick=UNIT,
    step=Decimal(1).scaleb(-BTC_USD.size_decimals),
    min_size=Decimal(BTC_USD.min_size_lots).scaleb(-BTC_USD.size_decimals),
    max_size=Decimal(BTC_USD.max_size_lots).scaleb(-BTC_USD.size_decimals),
    min_notional=Decimal(0),
)
GRID = UNIT * BTC_USD.display_grid_ticks


@dataclass(slots=True)
class _Sent:
    """One order that was sent and has not ended, as far as the bot has heard."""

    quote: Quote
    sent_ns: int
    left: Decimal
    has_rested: bool = False
    cancel_sent_ns: int | None = None
    is_risk_cancel: bool = False

    @property
    def state(self) -> OrderState:
        if self.cancel_sent_ns is not None:
            return OrderState.CANCELLING
        return OrderState.LIVE if self.has_rested else OrderState.PLACING


class CoreBot:
    """Decides at every turn, as ``execution.quoter`` does, with its beat.

    An order is PLACING until the venue's word that it rests has come, CANCELLING until the one that it ended, and
    counts as exposure all the while. Left out of the live bot: unknown outcomes, lost frames, and the moment in which
    Hummingbot puts a new executor in the place of one whose order filled.
    """

    beat_ns = 250_000_000

    def __init__(self, params: QuoteParams, leverage: int, position: Decimal, available: Decimal = BALANCE) -> None:
        self.ended: dict[str, str] = {}
        """How each order ended: the reason of its cancel, ``filled``, or the refusal's."""
        self._params = params
        self._leverage = leverage
        self._position = self._by_fills = position
        self._available = available
        self._state = DecisionState()
        self._sent: dict[str, _Sent] = {}
        self._history = {Side.BUY: SideHistory(), Side.SELL: SideHistory()}
        self._health = HealthLog()
        self._book: tuple[Decimal | None, Decimal | None] | None = None
        self._levels: BookState | None = None
        """The same book whole, for parameters that look at what others hold."""
        self._book_ns = 0
        self._mark: Decimal | None = None
        self._price_ns: int | None = None
        self._placed = 0

    # --- what comes in ---

    def heard(self, now_ns: int, event: VenueEvent) -> None:
        """Take in one message of either stream."""
        if isinstance(event, BookUpdate):
            self._book, self._book_ns = best_shown(event), now_ns
            if self._params.market_guard.is_on:
                self._levels = book_shown(event, now_ns)
        elif isinstance(event, PriceUpdate):
            self._mark = None if event.mark_ticks is None else event.mark_ticks * UNIT
            self._price_ns = now_ns
        elif isinstance(event, OrderUpdate):
            self._order(now_ns, event)
        elif isinstance(event, Terminal):
            if event.refusal is not None and isinstance(event.tag, str):
                self._rejected(now_ns, event.tag, event.refusal.reason)
        elif isinstance(event, FillUpdate):
            self._by_fills += event.trade.size * event.trade.side.sign
        elif isinstance(event, PositionUpdate):
            self._position = event.position.size
        elif isinstance(event, BalanceUpdate):
            self._available = event.balance.available

    def _order(self, now_ns: int, event: OrderUpdate) -> None:
        order = event.order
        sent = self._sent.get(order.client_id)
        if sent is None:
            return
        sent.left = order.size - order.filled
        if order.status is OrderStatus.OPEN:
            if not sent.has_rested:
                sent.has_rested = True
                self._history[sent.quote.side] = SideHistory()
                self._health.on_order("live", order.client_id, now_ns)
            return
        how = "filled" if order.status is OrderStatus.FILLED else "canceled"
        self.ended[order.client_id] = "filled" if how == "filled" else self.ended.get(order.client_id, "venue")
        self._health.on_order(how, order.client_id, now_ns)
        del self._sent[order.client_id]

    def _rejected(self, now_ns: int, client_id: str, reason: Reason) -> None:
        sent = self._sent.pop(client_id, None)
        if sent is None:
            return
        self.ended[client_id] = f"rejected_{reason}"
        before = self._history[sent.quote.side]
        self._history[sent.quote.side] = SideHistory(before.rejects_in_row + 1, now_ns)
        kind = PostOnlyRejected if reason is Reason.POST_ONLY_CROSSED else Rejected
        self._health.on_order("rejected", client_id, now_ns, kind)

    # --- what goes out ---

    def turn(self, now_ns: int) -> list[Request]:
        """Decide on what is known now; actions become requests."""
        orders = tuple(
            OwnOrder(
                client_id, sent.quote.side, sent.quote.price, sent.left, sent.state, sent.quote.is_reduce_only,
                sent.sent_ns, sent.has_rested, sent.cancel_sent_ns, sent.is_risk_cancel)
            for client_id, sent in self._sent.items() if sent.left > 0
        )
        view, account = self._view(now_ns, orders), self._account(now_ns, orders)
        decision = decide(DecisionInputs(view, account, self._params, self._state))
        self._state = decision.state
        requests: list[Request] = []
        for action in decision.actions:
            if isinstance(action, Cancel):
                requests.append(self._cancel(now_ns, action))
            else:
                requests.append(self._place(now_ns, action.quote))
        return requests

    def _view(self, now_ns: int, orders: tuple[OwnOrder, ...]) -> MarketView:
        bid, ask = self._book if self._book is not None else (None, None)
        view = MarketView(
            now_ns=now_ns,
            bid=bid,
            ask=ask,
            grid=GRID,
            mark=self._mark,
            price_frame_ns=self._price_ns,
            book_age_ms=None if self._book is None else (now_ns - self._book_ns) / 1e6,
            price_age_ms=None if self._price_ns is None else (now_ns - self._price_ns) / 1e6,
            private_age_ms=0.0,
            is_connector_ready=True,
            rules=RULES,
        )
        if self._levels is None:
            return view
        others = others_book(self._levels, orders, RULES.tick, self._params.market_guard.guard_depth_bps)
        return replace(view, others_book=others)

    def _account(self, now_ns: int, orders: tuple[OwnOrder, ...]) -> AccountView:
        return AccountView(
            position=self._position,
            position_by_fills=self._by_fills,
            available_quote=self._available,
            leverage=self._leverage,
            orders=orders,
            bid_history=self._history[Side.BUY],
            ask_history=self._history[Side.SELL],
            health=self._health.health(now_ns, orders, 0),
        )

    def _cancel(self, now_ns: int, action: Cancel) -> CancelRequest:
        sent = self._sent[action.client_order_id]
        sent.cancel_sent_ns, sent.is_risk_cancel = now_ns, action.is_risk
        is_retry = action.reason == CancelReason.RETRY
        if not is_retry:
            self.ended[action.client_order_id] = str(action.reason)
        self._health.on_cancel_sent(action.reason, now_ns)
        return CancelRequest(action.client_order_id, str(action.reason), action.is_risk, is_retry)

    def _place(self, now_ns: int, quote: Quote) -> PlaceRequest:
        self._placed += 1
        client_id = f"q{self._placed}"
        self._sent[client_id] = _Sent(quote, now_ns, quote.size)
        self._health.on_order("placed", client_id, now_ns)
        return PlaceRequest(client_id, quote.side, quote.price, quote.size, quote.is_reduce_only)
