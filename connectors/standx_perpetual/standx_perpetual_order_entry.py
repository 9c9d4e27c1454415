"""The order entry socket (ws-api): signed commands out, one or two answers in, matched by request id.

An answer may be late, repeated or for a request that we forgot; none of that is an error. A socket that drops leaves
its unanswered commands unknown: they are never sent again.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import aiohttp
from hummingbot.core.web_assistant.connections.data_types import WSPlainTextRequest
from hummingbot.core.web_assistant.web_assistants_factory import WebAssistantsFactory
from hummingbot.core.web_assistant.ws_assistant import WSAssistant

from hummingbot_extensions import compat
from hummingbot_extensions.connector.errors import Rejected, Transient
from hummingbot_extensions.connector.stream_life import StreamLife

from . import standx_perpetual_constants as CONSTANTS
from . import standx_perpetual_web_utils as web
from .standx_perpetual_auth import Session, StandxPerpetualAuth
from .standx_perpetual_parse import CommandReply, parse_command_reply
from .standx_perpetual_sockets import SocketLink, Sockets

_MAX_REMEMBERED = 500


class CommandKind(Enum):
    """What a command does, with its ws-api method."""

    PLACE = "order:new"
    CANCEL = "order:cancel"


@dataclass(slots=True, eq=False)
class Command:
    """One command that was handed to the venue over either way."""

    kind: CommandKind
    request_id: str
    client_order_id: str
    is_over_ws: bool
    link: OrderEntryLink | None = None
    """The socket that it was written to."""
    sent_mono_s: float = 0.0
    replies: list[CommandReply] = field(default_factory=list)
    is_lost: bool = False
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    """Set at the first answer, or when none can come any more."""

    @property
    def is_final(self) -> bool:
        return any(reply.is_final for reply in self.replies)


class OrderEntryLink(SocketLink):
    """One order entry socket, logged in with ``session``."""

    def __init__(
        self,
        ws: WSAssistant,
        session: Session,
        on_frame: Callable[[OrderEntryLink, Any], None],
        on_lost: Callable[[Command], None],
    ) -> None:
        super().__init__(ws, on_frame)
        self.session = session
        self.unfinished: OrderedDict[str, Command] = OrderedDict()
        """Commands written to this socket without a final answer, oldest first."""
        self._on_lost = on_lost

    def idle_cause(self, now_s: float) -> str | None:
        limit_s = CONSTANTS.WS_ORDER_ENTRY_IDLE_S
        for command in self.unfinished.values():
            if now_s - command.sent_mono_s <= limit_s:
                return None
            if not command.replies and self.last_frame_ns / 1e9 < command.sent_mono_s:
                return f"open, but without an answer to a command for {limit_s:g} s"
        return None

    @property
    def is_drained(self) -> bool:
        return not self.unfinished

    async def close(self) -> None:
        """Close the socket; what it was to answer and has not is lost."""
        for command in tuple(self.unfinished.values()):
            self._on_lost(command)
        await self.ws.disconnect()


class OrderEntryStream:
    """Keeps the socket up, sends commands, and reports answers and losses.

    ``on_reply(command, reply)`` is called for every answer to a known command, late ones included;
    ``on_lost(command)`` once for a command whose socket dropped before its final answer.
    """

    def __init__(
        self,
        factory: WebAssistantsFactory,
        auth: StandxPerpetualAuth,
        domain: str,
        sockets: Sockets,
        on_reply: Callable[[Command, CommandReply], None],
        on_lost: Callable[[Command], None],
        logger: logging.Logger,
    ) -> None:
        self._factory = factory
        self._auth = auth
        self._domain = domain
        self._on_reply = on_reply
        self._on_lost = on_lost
        self._logger = logger
        self._commands: OrderedDict[str, Command] = OrderedDict()
        self._unmatched: OrderedDict[str, list[CommandReply]] = OrderedDict()
        self.connected = asyncio.Event()
        self.life: StreamLife[OrderEntryLink] = sockets.life(
            f"order entry socket domain={domain}",
            self._open,
            self._up,
            self._down,
            CONSTANTS.WS_ROTATE_ORDER_ENTRY_S,
            logger,
            hold_s=lambda: auth.retry_in_s,
        )

    @property
    def is_usable(self) -> bool:
        """True while a logged-in socket accepts writes."""
        link = self.life.link
        return link is not None and self.connected.is_set() and compat.is_ws_open(link.ws)

    async def run(self) -> None:
        """Connect, log in, read; again after every loss, until cancelled."""
        await self.life.run()

    def renew_login(self) -> None:
        """Log in on a new socket beside the present one: there is a new token."""
        self.life.rotate_soon()

    async def send(
        self, kind: CommandKind, client_order_id: str, body: Mapping[str, Any], on_wire: Callable[[int], None]
    ) -> Command:
        """Sign and send a command. Transient means that nothing was written; afterwards its fate is the venue's.

        ``on_wire`` gets ``time.monotonic_ns()`` of the moment before the first byte goes to the socket; when it raises,
        nothing is written.
        """
        params = json.dumps(body, separators=(",", ":"))
        headers = await self._auth.signed_headers(params)
        link = self.life.link
        if link is None or not self.is_usable:
            raise Transient("the order entry socket is down")
        command = Command(
            kind, str(uuid.uuid4()), client_order_id, is_over_ws=True, link=link, sent_mono_s=time.monotonic()
        )
        text = json.dumps(
            {
                "session_id": self._auth.rest_session_id,
                "request_id": command.request_id,
                "method": kind.value,
                "header": headers,
                "params": params,
            },
            separators=(",", ":"),
        )
        on_wire(time.monotonic_ns())
        self._remember(command)
        link.unfinished[command.request_id] = command
        try:
            await link.ws.send(WSPlainTextRequest(payload=text))
        except (aiohttp.ClientError, ConnectionError, RuntimeError):
            # Some bytes may have left: the command is lost, not refused.
            self._lose(command)
        return command

    def adopt(self, kind: CommandKind, client_order_id: str, request_id: str) -> Command:
        """Watch for answers to a command that went over REST with our session id; those that came earlier are
        delivered.
        """
        command = Command(kind, request_id, client_order_id, is_over_ws=False)
        self._remember(command)
        command.answered.set()
        for reply in self._unmatched.pop(request_id, ()):
            self._deliver(command, reply)
        return command

    def _remember(self, command: Command) -> None:
        self._commands[command.request_id] = command
        while len(self._commands) > _MAX_REMEMBERED:
            self._commands.popitem(last=False)

    async def _open(self) -> OrderEntryLink:
        """Log in (https://docs.standx.com, sample tests/wire/standx/ws_api_login.json)."""
        session = await self._auth.session()
        ws, _ = await web.connected_websocket(self._factory, CONSTANTS.WS_API_PATH, self._domain)
        try:
            request_id = str(uuid.uuid4())
            login = {
                "session_id": self._auth.rest_session_id,
                "request_id": request_id,
                "method": "auth:login",
                "params": json.dumps({"token": session.token}, separators=(",", ":")),
            }
            await ws.send(WSPlainTextRequest(payload=json.dumps(login, separators=(",", ":"))))
            reply = await asyncio.wait_for(self._login_reply(ws, request_id), CONSTANTS.WS_LOGIN_TIMEOUT_S)
            if not reply.is_success:
                self._auth.forget_session(session)
                raise self._auth.explained(Rejected(reply.code, reply.message))
        except BaseException:
            await ws.disconnect()
            raise
        return OrderEntryLink(ws, session, self._take, self._lose)

    async def _up(self, link: OrderEntryLink, is_beside: bool) -> None:
        self.connected.set()
        if self._auth.current is not None and self._auth.current is not link.session:
            self.renew_login()  # the token was renewed while we logged in with the old one

    def _down(self) -> None:
        self.connected.clear()

    async def _login_reply(self, ws: WSAssistant, request_id: str) -> CommandReply:
        async for response in ws.iter_messages():
            reply = parse_command_reply(response.data)
            if reply is not None and reply.request_id == request_id:
                return reply
            if reply is None and isinstance(response.data, dict) and isinstance(response.data.get("code"), int):
                return CommandReply(request_id, response.data["code"], str(response.data.get("message", "")), True)
        raise ConnectionError("closed during login")

    def _take(self, link: OrderEntryLink, frame: Any) -> None:
        reply = parse_command_reply(frame)
        if reply is None:
            self._logger.debug("order entry frame without a request id ignored")
            return
        if reply.is_final:
            link.unfinished.pop(reply.request_id, None)
        command = self._commands.get(reply.request_id)
        if command is None:
            self._unmatched.setdefault(reply.request_id, []).append(reply)
            while len(self._unmatched) > _MAX_REMEMBERED:
                self._unmatched.popitem(last=False)
        else:
            self._deliver(command, reply)

    def _deliver(self, command: Command, reply: CommandReply) -> None:
        if reply in command.replies:
            return
        command.replies.append(reply)
        command.answered.set()
        try:
            self._on_reply(command, reply)
        except Exception:
            # One bad answer must not take the socket, and with it every other command, down.
            self._logger.exception("order entry answer could not be used kind=%s", command.kind.value)

    def _lose(self, command: Command) -> None:
        if command.is_lost or command.is_final:
            return
        command.is_lost = True
        if command.link is not None:
            command.link.unfinished.pop(command.request_id, None)
        command.answered.set()
        self._on_lost(command)
