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
from hummingbot_extensions.connector.backoff import Backoff
from hummingbot_extensions.connector.errors import ConnectorError, Misconfigured, Rejected, Transient

from . import standx_perpetual_constants as CONSTANTS
from . import standx_perpetual_web_utils as web
from .standx_perpetual_auth import StandxPerpetualAuth
from .standx_perpetual_parse import CommandReply, parse_command_reply

_MAX_REMEMBERED = 5000


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
    replies: list[CommandReply] = field(default_factory=list)
    is_lost: bool = False
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    """Set at the first answer, or when none can come any more."""

    @property
    def is_final(self) -> bool:
        return any(reply.is_final for reply in self.replies)


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
        self._ws: WSAssistant | None = None
        self._commands: OrderedDict[str, Command] = OrderedDict()
        self._unmatched: OrderedDict[str, list[CommandReply]] = OrderedDict()
        self.connected = asyncio.Event()

    @property
    def is_usable(self) -> bool:
        """True while a logged-in socket accepts writes."""
        return self._ws is not None and self.connected.is_set() and compat.is_ws_open(self._ws)

    async def run(self) -> None:
        """Connect, log in, read; again after every loss, until cancelled."""
        backoff = Backoff(CONSTANTS.WS_RECONNECT_MIN_S, CONSTANTS.WS_RECONNECT_MAX_S)
        last_problem = ""
        while True:
            try:
                await self._connect()
                backoff.reset()
                if last_problem:
                    self._logger.info("order entry socket restored domain=%s", self._domain)
                    last_problem = ""
                await self._read()
            except asyncio.CancelledError:
                raise
            except (ConnectorError, aiohttp.ClientError, ConnectionError, TimeoutError, RuntimeError) as problem:
                text = f"{type(problem).__name__}: {problem}"
                if text != last_problem:
                    # Refused keys have been announced at ERROR by their watch.
                    level = logging.INFO if isinstance(problem, Misconfigured) else logging.WARNING
                    self._logger.log(level, "order entry socket down domain=%s cause=%s", self._domain, text)
                    last_problem = text
            finally:
                await self._drop()
            await asyncio.sleep(max(backoff.next_s(), self._auth.retry_in_s))

    async def send(
        self, kind: CommandKind, client_order_id: str, body: Mapping[str, Any], on_wire: Callable[[int], None]
    ) -> Command:
        """Sign and send a command. Transient means that nothing was written; afterwards its fate is the venue's.

        ``on_wire`` gets ``time.monotonic_ns()`` of the moment before the first byte goes to the socket.
        """
        params = json.dumps(body, separators=(",", ":"))
        headers = await self._auth.signed_headers(params)
        ws = self._ws
        if ws is None or not self.is_usable:
            raise Transient("the order entry socket is down")
        command = Command(kind, str(uuid.uuid4()), client_order_id, is_over_ws=True)
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
        self._remember(command)
        on_wire(time.monotonic_ns())
        try:
            await ws.send(WSPlainTextRequest(payload=text))
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

    async def _connect(self) -> None:
        session = await self._auth.session()
        ws = await self._factory.get_ws_assistant()
        await asyncio.wait_for(
            ws.connect(ws_url=web.ws_url(CONSTANTS.WS_API_PATH, self._domain), ping_timeout=CONSTANTS.WS_HEARTBEAT_S),
            CONSTANTS.WS_LOGIN_TIMEOUT_S,
        )
        self._ws = ws
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
            self._auth.forget_session()
            raise self._auth.explained(Rejected(reply.code, reply.message))
        self.connected.set()

    async def _login_reply(self, ws: WSAssistant, request_id: str) -> CommandReply:
        async for response in ws.iter_messages():
            reply = parse_command_reply(response.data)
            if reply is not None and reply.request_id == request_id:
                return reply
            if reply is None and isinstance(response.data, dict) and isinstance(response.data.get("code"), int):
                return CommandReply(request_id, response.data["code"], str(response.data.get("message", "")), True)
        raise ConnectionError("closed during login")

    async def _read(self) -> None:
        assert self._ws is not None
        async for response in self._ws.iter_messages():
            reply = parse_command_reply(response.data)
            if reply is None:
                self._logger.debug("order entry frame without a request id ignored")
                continue
            command = self._commands.get(reply.request_id)
            if command is None:
                self._unmatched.setdefault(reply.request_id, []).append(reply)
                while len(self._unmatched) > _MAX_REMEMBERED:
                    self._unmatched.popitem(last=False)
            else:
                self._deliver(command, reply)
        raise ConnectionError("closed")

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

    async def _drop(self) -> None:
        self.connected.clear()
        ws, self._ws = self._ws, None
        if ws is not None:
            await ws.disconnect()
        for command in [*self._commands.values()]:
            if command.is_over_ws:
                self._lose(command)

    def _lose(self, command: Command) -> None:
        if command.is_lost or command.is_final:
            return
        command.is_lost = True
        command.answered.set()
        self._on_lost(command)
