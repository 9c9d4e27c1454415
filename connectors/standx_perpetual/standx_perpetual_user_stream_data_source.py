"""The private stream (ws-stream): own orders, fills, positions and wallet records, after one auth frame.

The stream sends no snapshot and replays nothing, so ``on_connected`` is called after each login: the connector then
reads everything by REST. An account may be quiet for hours while pings go on, so one market's prices are subscribed
beside it: a socket without them carries nothing at all.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from hummingbot.core.data_type.user_stream_tracker_data_source import UserStreamTrackerDataSource
from hummingbot.core.web_assistant.connections.data_types import WSJSONRequest
from hummingbot.core.web_assistant.web_assistants_factory import WebAssistantsFactory
from hummingbot.core.web_assistant.ws_assistant import WSAssistant

from hummingbot_extensions.compat import FrameClock
from hummingbot_extensions.connector.errors import ConnectorError, Rejected
from hummingbot_extensions.connector.stream_life import StreamLife

from . import standx_perpetual_constants as CONSTANTS
from . import standx_perpetual_web_utils as web
from .standx_perpetual_auth import Session, StandxPerpetualAuth
from .standx_perpetual_sockets import SocketLink, Sockets

PRIVATE_CHANNELS = ("order", "position", "balance", "trade")
BEAT_CHANNEL = "price"


class PrivateLink(SocketLink):
    """One private socket, logged in with ``session``."""

    def __init__(self, ws: WSAssistant, frames: FrameClock, on_frame: Callable[[PrivateLink, Any], None]) -> None:
        super().__init__(ws, on_frame)
        self.frames = frames
        self.has_beat = False
        """Whether prices come on it, so that silence means something."""
        self.session: Session | None = None

    def idle_cause(self, now_s: float) -> str | None:
        if not self.has_beat or now_s - self.last_frame_ns / 1e9 <= CONSTANTS.WS_PRIVATE_IDLE_S:
            return None
        return f"open, but without a data frame for {CONSTANTS.WS_PRIVATE_IDLE_S:g} s"


class StandxPerpetualUserStreamDataSource(UserStreamTrackerDataSource):  # type: ignore[misc]
    """Feeds private frames into Hummingbot's user stream queue.

    ``on_connected(is_beside)`` hears of each login, ``is_beside`` when another socket was alive, ``on_lost`` of the
    moment from which nothing is heard; ``on_frame`` of each private frame with its receipt, ``time.monotonic_ns()``.
    """

    def __init__(
        self,
        auth: StandxPerpetualAuth,
        api_factory: WebAssistantsFactory,
        domain: str,
        sockets: Sockets,
        on_connected: Callable[[bool], None],
        on_lost: Callable[[], None],
        on_frame: Callable[[dict[str, Any], int], None],
        beat_symbol: Callable[[], Awaitable[str | None]],
    ) -> None:
        super().__init__()
        self._auth = auth
        self._api_factory = api_factory
        self._domain = domain
        self._sockets = sockets
        self._on_connected = on_connected
        self._on_lost = on_lost
        self._heard = on_frame
        self._beat_symbol = beat_symbol
        self.is_authenticated = False
        self.life: StreamLife[PrivateLink] | None = None
        """The stream while it is listened to."""

    @property
    def age_ms(self) -> float | None:
        """Milliseconds since the last sign of life; None while not logged in.

        Server pings every 10 s and answers to our own pings every 5 s count as long as the socket's data beat goes on;
        once two beats are missing, its last data frame counts alone.
        """
        link = self.life.link if self.life is not None else None
        if link is None or not self.is_authenticated:
            return None
        now_ns = time.monotonic_ns()
        data_age_ms = (now_ns - link.last_frame_ns) / 1e6
        if link.has_beat and data_age_ms > CONSTANTS.PRICE_BEAT_S * 2e3:
            return data_age_ms
        return min(data_age_ms, (now_ns - (link.frames.last_mono_ns or 0)) / 1e6)

    def renew_login(self) -> None:
        """Log in on a new socket beside the present one: there is a new token."""
        if self.life is not None:
            self.life.rotate_soon()

    async def listen_for_user_stream(self, output: asyncio.Queue[Any]) -> None:
        """Connect, log in, pass frames on; again after every loss, until cancelled."""
        self.life = self._sockets.life(
            f"private stream domain={self._domain}",
            partial(self._open, output),
            self._up,
            self._down,
            CONSTANTS.WS_ROTATE_PRIVATE_S,
            self.logger(),
            hold_s=lambda: self._auth.retry_in_s,
        )
        await self.life.run()

    async def _open(self, output: asyncio.Queue[Any]) -> PrivateLink:
        """Log in and subscribe at once (https://docs.standx.com, sample tests/wire/standx/ws_stream_auth.json)."""
        session = await self._auth.session()
        ws, frames = await web.connected_websocket(self._api_factory, CONSTANTS.WS_STREAM_PATH, self._domain)
        link = PrivateLink(ws, frames, partial(self._take, output))
        link.session = session
        try:
            streams = [{"channel": channel} for channel in PRIVATE_CHANNELS]
            await ws.send(WSJSONRequest(payload={"auth": {"token": session.token, "streams": streams}}))
            code, text = await asyncio.wait_for(self._auth_reply(ws), CONSTANTS.WS_LOGIN_TIMEOUT_S)
            if code not in (0, 200):
                self._auth.forget_session(session)
                raise self._auth.explained(Rejected(code, text))
            await self._subscribe_beat(link)
        except BaseException:
            await link.close()
            raise
        link.last_frame_ns = time.monotonic_ns()
        return link

    async def _subscribe_beat(self, link: PrivateLink) -> None:
        try:
            symbol = await self._beat_symbol()
        except ConnectorError as problem:
            self.logger().debug(f"private stream without a beat cause={problem}")
            return
        if symbol is not None:
            await link.ws.send(WSJSONRequest(payload={"subscribe": {"channel": BEAT_CHANNEL, "symbol": symbol}}))
            link.has_beat = True

    async def _up(self, link: PrivateLink, is_beside: bool) -> None:
        self._ws_assistant = link.ws
        self.is_authenticated = True
        if self._auth.current is not None and self._auth.current is not link.session:
            self.renew_login()  # the token was renewed while we logged in with the old one
        self._on_connected(is_beside)

    def _down(self) -> None:
        self._ws_assistant = None
        self.is_authenticated = False
        self._on_lost()

    @staticmethod
    async def _auth_reply(ws: WSAssistant) -> tuple[int, str]:
        async for response in ws.iter_messages():
            frame = response.data
            if not isinstance(frame, dict):
                continue
            body = frame.get("data") if frame.get("channel") == "auth" else frame if "code" in frame else None
            if isinstance(body, dict) and isinstance(body.get("code"), int):
                return body["code"], str(body.get("msg") or body.get("message") or "")
        raise ConnectionError("closed during login")

    def _take(self, output: asyncio.Queue[Any], link: PrivateLink, frame: Any) -> None:
        if not isinstance(frame, dict):
            return
        if frame.get("channel") in PRIVATE_CHANNELS:
            if self.life is not None and self.life.is_news(link, frame):
                self._heard(frame, link.last_frame_ns)
                output.put_nowait(frame)
        elif frame.get("code") == 408:
            raise ConnectionError(str(frame.get("message")))
