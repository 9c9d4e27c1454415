"""What a long run needs: the venue's clock, logins that are renewed in time, and how late frames come."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from hummingbot_extensions.connector.backoff import Backoff
from hummingbot_extensions.connector.errors import ConnectorError, Misconfigured, NotFound
from hummingbot_extensions.connector.latency import Latency, LatencyBook, Leg
from hummingbot_extensions.connector.market_state import MarketState
from hummingbot_extensions.connector.owned_tasks import Debounced, OwnedTasks
from hummingbot_extensions.connector.venue_clock import ClockReading, RoundTrip, VenueClock
from hummingbot_extensions.feeds.standx import parse_time_ns

from . import standx_perpetual_constants as CONSTANTS
from .standx_perpetual_account_sync import StandxAccountSync

_STAMPS = {"order": (Leg.ORDER, "updated_at"), "trade": (Leg.FILL, "created_at")}


class StandxUpkeep(StandxAccountSync):
    """The part of the connector that keeps clock and logins right."""

    _market: MarketState
    _clock: VenueClock
    _latency: LatencyBook
    _loops: OwnedTasks
    """Tasks that run from start to stop."""

    def _prepare_upkeep(self) -> None:
        """Make what Hummingbot's constructor needs already; called before it."""
        self._clock = VenueClock()
        self._latency = LatencyBook()
        self._loops = OwnedTasks(self._domain)
        self._clock_turn = asyncio.Lock()
        self._is_clock_off = False
        self._next_clock_check_s = 0.0
        self._token_taken_s = 0.0
        self._clock_check = Debounced(self._check_clock, 0.0, self._loops, "clock")
        self._judgement = Debounced(self._judge_signature, 0.0, self._loops, "signature")

    # --- clock -------------------------------------------------------------------------------------------------------

    def clock_reading(self) -> ClockReading | None:
        """What is known of the venue's clock; None before the first answer."""
        return self._clock.reading()

    def latency(self) -> Latency:
        """How late frames came lately, by leg."""
        reading = self._clock.reading()
        return self._latency.latency(reading.uncertainty_ms if reading is not None else None)

    def _venue_time_s(self) -> float:
        """The venue's wall clock in seconds; our own until it has been asked."""
        venue_ns = self._clock.venue_ns(time.monotonic_ns())
        return time.time() if venue_ns is None else venue_ns / 1e9

    def venue_time_ns(self) -> int:
        """Unix nanoseconds by the venue's clock; by our own until it has been asked."""
        venue_ns = self._clock.venue_ns(time.monotonic_ns())
        return time.time_ns() if venue_ns is None else int(venue_ns)

    async def _update_time_synchronizer(self, pass_on_non_cancelled_error: bool = False) -> None:
        """Ask for the venue's time; a clock server that is down stops nobody."""
        await self._read_clock(1 if self._clock.is_known else CONSTANTS.CLOCK_BURST)

    async def _read_clock(self, count: int) -> None:
        async with self._clock_turn:
            trips: list[RoundTrip] = []
            while len(trips) < count:
                trip = await self._round_trip()
                if trip is None:
                    break
                trips.append(trip)
                if self._clock.deviates(trip):
                    count = CONSTANTS.CLOCK_BURST
            jump_ns = self._clock.note(trips)
        if jump_ns is not None:
            self._latency.clear()
            self._market.forget_stamps()
        reading = self._clock.reading()
        if reading is not None:
            self._tell_synchronizer()
            self._say_clock(reading, jump_ns)

    async def _round_trip(self) -> RoundTrip | None:
        sent_ns = time.monotonic_ns()
        try:
            stated_ms = await self.web_utils.get_current_server_time(throttler=self._throttler, domain=self.domain)
            received_ns = time.monotonic_ns()
            return RoundTrip(sent_ns, received_ns, int(stated_ms * 1e6), time.time_ns())
        except asyncio.CancelledError:
            raise
        except Exception as problem:  # noqa: BLE001  any clock server trouble
            self.logger().debug(f"venue time not read cause={type(problem).__name__}: {problem}")
            return None

    def _tell_synchronizer(self) -> None:
        """Hummingbot's own estimate follows ours."""
        self._time_synchronizer.clear_time_offset_ms_samples()
        self._time_synchronizer.add_time_offset_ms_sample(self._venue_time_s() * 1e3 - time.perf_counter() * 1e3)

    def _say_clock(self, reading: ClockReading, jump_ns: int | None) -> None:
        is_off = abs(reading.local_offset_ms) > CONSTANTS.CLOCK_OFF_S * 1e3
        if is_off and (jump_ns is not None or not self._is_clock_off):
            cause = f"the venue's leapt by {jump_ns / 1e9:.1f} s" if jump_ns is not None else "the local one is off"
            self.logger().warning(
                f"clocks differ domain={self._domain} venue_minus_local_s={reading.local_offset_ms / 1e3:.1f} "
                f"cause={cause}, signatures and expiries go by the venue's"
            )
        elif self._is_clock_off and not is_off:
            self.logger().info(f"clocks agree again domain={self._domain}")
        self._is_clock_off = is_off

    def _on_stamp(self, leg: Leg, exchange_ts_ns: int | None, received_mono_ns: int) -> None:
        """Note how late a frame came; a stamp from the future, or a very old one, puts the clock in doubt."""
        venue_ns = self._clock.venue_ns(received_mono_ns)
        if venue_ns is None or exchange_ts_ns is None:
            return
        delay_ns = venue_ns - exchange_ts_ns
        self._latency.note(leg, delay_ns)
        if delay_ns < -CONSTANTS.CLOCK_OFF_S * 1e9 or delay_ns > CONSTANTS.LATE_FRAME_S * 1e9:
            self._doubt_clock()

    def _on_private_frame(self, frame: Mapping[str, Any], received_mono_ns: int) -> None:
        leg, name = _STAMPS.get(str(frame.get("channel")), (None, ""))
        body = frame.get("data")
        if leg is None:
            return
        for row in body if isinstance(body, list) else [body]:
            if isinstance(row, dict):
                self._on_stamp(leg, parse_time_ns(row.get(name) or row.get("time")), received_mono_ns)

    def _doubt_clock(self) -> None:
        if time.monotonic() >= self._next_clock_check_s:
            self._next_clock_check_s = time.monotonic() + CONSTANTS.CLOCK_CHECK_S
            self._clock_check.request()

    async def _check_clock(self) -> None:
        await self._read_clock(CONSTANTS.CLOCK_BURST)

    # --- keys --------------------------------------------------------------------------------------------------------

    def _on_doubted_signature(self) -> bool:
        """A signature was refused: while we run, find out whether the clock or the key is wrong."""
        if self._loops.count == 0:
            return False
        self._judgement.request()
        return True

    async def _judge_signature(self) -> None:
        before = self._clock.jumps
        await self._read_clock(CONSTANTS.CLOCK_BURST)
        jumped_ns = self._clock.jumped_mono_ns
        is_clock_to_blame = self._clock.jumps > before or (
            jumped_ns is not None and time.monotonic_ns() - jumped_ns < 2e9 * CONSTANTS.ORDER_DEADLINE_S
        )
        if is_clock_to_blame and await self._is_signature_taken():
            return
        self._auth.signing_watch.confirmed()

    async def _is_signature_taken(self) -> bool:
        """Whether the venue takes our signature now that the clock is right; what it answers clears the key."""
        try:
            await self._send_proof()
        except NotFound:
            return True
        except (Misconfigured, ConnectorError):
            return False
        return True

    def _keys_taken(self, is_signed: bool) -> None:
        self._token_taken_s = time.monotonic()
        super()._keys_taken(is_signed)

    async def _keep_session(self) -> None:
        """Renew a wallet's token well before it expires, and find out in seconds when the venue takes one no more."""
        backoff = Backoff(*CONSTANTS.TOKEN_RENEWAL_RETRY_S)
        is_failing = is_alarmed = False
        while True:
            due_s = self._auth.renewal_in_s
            if due_s is None or due_s > 0:
                backoff.reset()
                is_failing = is_alarmed = False
                await asyncio.sleep(min(CONSTANTS.TOKEN_CHECK_S / 3, due_s or CONSTANTS.TOKEN_CHECK_S))
            elif await self._is_renewed(is_failing, is_alarmed):
                continue
            else:
                is_failing, is_alarmed = True, is_alarmed or self._is_expiry_near()
                await asyncio.sleep(backoff.next_s())
            is_lost = self._auth.current is None and self._auth.is_renewable
            if is_lost or time.monotonic() - self._token_taken_s >= CONSTANTS.TOKEN_CHECK_S:
                await self._refresh_balances_quietly()

    async def _is_renewed(self, is_failing: bool, is_alarmed: bool) -> bool:
        try:
            await self._auth.renew()
        except ConnectorError as problem:
            left_s = self._auth.expires_in_s
            text = f"login not renewed domain={self._domain} expires_in_s={left_s or 0:.0f} cause={problem}"
            if self._is_expiry_near() and not is_alarmed:
                self.logger().error(f"{text} When it expires, no order can be placed or cancelled.")
            elif not is_failing:
                self.logger().warning(f"{text}, trying again")
            return False
        self.logger().info(f"login renewed domain={self._domain} expires_in_s={self._auth.expires_in_s or 0:.0f}")
        return True

    def _is_expiry_near(self) -> bool:
        """Whether less than a quarter of the time that is left at a renewal is left."""
        left_s = self._auth.expires_in_s
        return left_s is not None and left_s < self._auth.renewal_lead_s / 4

    def _on_new_token(self) -> None:
        """The sockets are logged in with the old token: log in again beside them."""
        self._order_entry.renew_login()
        self._user_stream_tracker.data_source.renew_login()
