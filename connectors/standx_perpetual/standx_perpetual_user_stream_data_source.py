"""The private stream (ws-stream): own orders, fills, positions and wallet records, after one auth frame.

The stream sends no snapshot and replays nothing, so ``on_connected`` is called after each login: the connector then
reads everything by REST.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import aiohttp
from hummingbot.core.data_type.user_stream_tracker_data_source import UserStreamTrackerDataSource
from hummingbot.core.web_assistant.connections.data_types import WSJSONRequest
from hummingbot.core.web_assistant.web_assistants_factory import WebAssistantsFactory
from hummingbot.core.web_assistant.ws_assistant import WSAssistant

from hummingbot_extensions import compat
from hummingbot_extensions.connector.backoff import Backoff
from hummingbot_extensions.connector.errors import ConnectorError, Misconfigured, Rejected

from . import standx_perpetual_constants as CONSTANTS
from . import standx_perpetual_web_utils as web
from .standx_perpetual_auth import StandxPerpetualAuth

PRIVATE_CHANNELS = ("order", "position", "balance", "trade")


class StandxPerpetualUserStreamDataSource(UserStreamTrackerDataSource):  # type: ignore[misc]
    """Feeds private frames into Hummingbot's user stream queue."""

    def __init__(
        self,
        auth: StandxPerpetualAuth,
        api_factory: WebAssistantsFactory,
        domain: str,
        on_connected: Callable[[], None],
    ) -> None:
        super().__init__()
        self._auth = auth
        self._api_factory = api_factory
        self._domain = domain
        self._on_connected = on_connected
        self._frames = compat.FrameClock()
        self.is_authenticated = False

    @property
    def age_ms(self) -> float | None:
        """Milliseconds since the last frame of any kind, pings included; None while not logged in.

        Server pings every 10 s and answers to our own pings every 5 s keep it small on a quiet account.
        """
        last = self._frames.last_mono_ns
        if not self.is_authenticated or last is None:
            return None
        return (time.monotonic_ns() - last) / 1e6

    async def listen_for_user_stream(self, output: asyncio.Queue[Any]) -> None:
        """Connect, log in, pass frames on; again after every loss with growing waits, until cancelled."""
        backoff = Backoff(CONSTANTS.WS_RECONNECT_MIN_S, CONSTANTS.WS_RECONNECT_MAX_S)
        last_problem = ""
        while True:
            try:
                self._ws_assistant = await self._connected_websocket_assistant()
                await self._subscribe_channels(self._ws_assistant)
                backoff.reset()
                if last_problem:
                    self.logger().info(f"private stream restored domain={self._domain}")
                    last_problem = ""
                self._on_connected()
                await self._process_websocket_messages(self._ws_assistant, output)
                raise ConnectionError("closed")
            except asyncio.CancelledError:
                raise
            except (ConnectorError, aiohttp.ClientError, ConnectionError, TimeoutError, RuntimeError) as problem:
                text = f"{type(problem).__name__}: {problem}"
                if text != last_problem:
                    # Refused keys have been announced at ERROR by their watch.
                    log = self.logger().info if isinstance(problem, Misconfigured) else self.logger().warning
                    log(f"private stream down domain={self._domain} cause={text}")
                    last_problem = text
            finally:
                self.is_authenticated = False
                await self._on_user_stream_interruption(self._ws_assistant)
                self._ws_assistant = None
            await self._sleep(max(backoff.next_s(), self._auth.retry_in_s))

    async def _connected_websocket_assistant(self) -> WSAssistant:
        ws = await self._api_factory.get_ws_assistant()
        self._frames = compat.watch_frames(ws)
        await asyncio.wait_for(
            ws.connect(
                ws_url=web.ws_url(CONSTANTS.WS_STREAM_PATH, self._domain), ping_timeout=CONSTANTS.WS_HEARTBEAT_S
            ),
            CONSTANTS.WS_LOGIN_TIMEOUT_S,
        )
        return ws

    async def _subscribe_channels(self, websocket_assistant: WSAssistant) -> None:
        """Log in and subscribe at once (https://docs.standx.com, sample tests/wire/standx/ws_stream_auth.json)."""
        session = await self._auth.session()
        streams = [{"channel": channel} for channel in PRIVATE_CHANNELS]
        await websocket_assistant.send(WSJSONRequest(payload={"auth": {"token": session.token, "streams": streams}}))
        code, text = await asyncio.wait_for(self._auth_reply(websocket_assistant), CONSTANTS.WS_LOGIN_TIMEOUT_S)
        if code not in (0, 200):
            self._auth.forget_session()
            raise self._auth.explained(Rejected(code, text))
        self.is_authenticated = True

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

    async def _process_event_message(self, event_message: Any, queue: asyncio.Queue[Any]) -> None:
        if isinstance(event_message, dict) and event_message.get("channel") in PRIVATE_CHANNELS:
            queue.put_nowait(event_message)
        elif isinstance(event_message, dict) and event_message.get("code") == 408:
            raise ConnectionError(str(event_message.get("message")))
