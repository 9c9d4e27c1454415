"""Addresses by domain, the request that tells its failures apart, and the venue's clock."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

import aiohttp
from hummingbot.connector.time_synchronizer import TimeSynchronizer
from hummingbot.core.api_throttler.async_throttler import AsyncThrottler
from hummingbot.core.web_assistant.auth import AuthBase
from hummingbot.core.web_assistant.connections.data_types import RESTMethod
from hummingbot.core.web_assistant.web_assistants_factory import WebAssistantsFactory
from hummingbot.core.web_assistant.ws_assistant import WSAssistant

from hummingbot_extensions import compat
from hummingbot_extensions.compat import FrameClock
from hummingbot_extensions.connector.errors import Misconfigured, NotFound, Rejected, Throttled, Transient, Unknown

from . import standx_perpetual_constants as CONSTANTS

_throttled: WeakKeyDictionary[WebAssistantsFactory, int] = WeakKeyDictionary()


def count_throttled(factory: WebAssistantsFactory) -> None:
    """Take note that the venue answered 429 to a request of ``factory``'s connector."""
    _throttled[factory] = _throttled.get(factory, 0) + 1


def throttled_count(factory: WebAssistantsFactory) -> int:
    """How many answers 429 the requests of ``factory``'s connector have met."""
    return _throttled.get(factory, 0)


def emulator_base_url() -> str:
    """Address of the local emulator from HBX_STANDX_EMULATOR_URL; Misconfigured unless it is http on a loopback
    address.
    """
    text = os.environ.get(CONSTANTS.EMULATOR_URL_ENV) or CONSTANTS.EMULATOR_DEFAULT_URL
    fix = f"Set it to something like {CONSTANTS.EMULATOR_DEFAULT_URL}."
    parts = urlsplit(text)
    try:
        has_port = parts.port is not None
    except ValueError:
        has_port = False
    if parts.scheme != "http" or not parts.hostname or not has_port:
        raise Misconfigured(CONSTANTS.EMULATOR_URL_ENV, "must be an http address with a port", fix)
    if parts.username or parts.password or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise Misconfigured(CONSTANTS.EMULATOR_URL_ENV, "must hold nothing but scheme, host and port", fix)
    if not _is_loopback(parts.hostname):
        raise Misconfigured(CONSTANTS.EMULATOR_URL_ENV, "must be a loopback address, the emulator is local only", fix)
    return f"http://{parts.netloc}"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_live(domain: str) -> bool:
    if domain == CONSTANTS.DEFAULT_DOMAIN:
        return True
    if domain == CONSTANTS.EMULATOR_DOMAIN:
        return False
    raise Misconfigured(
        "domain", f"{domain!r} is unknown", f"Use {CONSTANTS.DEFAULT_DOMAIN} or {CONSTANTS.EMULATOR_DOMAIN}."
    )


def rest_url(path: str, domain: str = CONSTANTS.DEFAULT_DOMAIN) -> str:
    """Full address of a REST path: perps, login or region host in the live domain, one host in the emulator's."""
    if not _is_live(domain):
        return emulator_base_url() + path
    if path.startswith("/v1/offchain"):
        return CONSTANTS.LIVE_LOGIN_URL + path
    if path == CONSTANTS.REGION_PATH:
        return CONSTANTS.LIVE_REGION_URL + path
    return CONSTANTS.LIVE_REST_URL + path


def public_rest_url(path_url: str, domain: str = CONSTANTS.DEFAULT_DOMAIN) -> str:
    """Hummingbot's name for ``rest_url``."""
    return rest_url(path_url, domain)


def private_rest_url(path_url: str, domain: str = CONSTANTS.DEFAULT_DOMAIN) -> str:
    """Hummingbot's name for ``rest_url``."""
    return rest_url(path_url, domain)


def ws_url(path: str, domain: str = CONSTANTS.DEFAULT_DOMAIN) -> str:
    """Full address of a websocket path."""
    return CONSTANTS.LIVE_WS_URL + path if _is_live(domain) else "ws" + emulator_base_url().removeprefix("http") + path


def is_own_address(url: str, domain: str) -> bool:
    """True when ``url`` belongs to the domain: credentials of one domain must never travel to another's hosts."""
    if _is_live(domain):
        bases = (CONSTANTS.LIVE_REST_URL, CONSTANTS.LIVE_LOGIN_URL, CONSTANTS.LIVE_REGION_URL)
    else:
        bases = (emulator_base_url(),)
    return any(url.startswith(base + "/") for base in bases)


def create_throttler() -> AsyncThrottler:
    return AsyncThrottler(CONSTANTS.RATE_LIMITS)


def build_api_factory(
    throttler: AsyncThrottler | None = None,
    time_synchronizer: TimeSynchronizer | None = None,
    domain: str = CONSTANTS.DEFAULT_DOMAIN,
    auth: AuthBase | None = None,
) -> WebAssistantsFactory:
    """Hummingbot's maker of REST and websocket assistants, with our limits."""
    return WebAssistantsFactory(throttler=throttler or create_throttler(), auth=auth)


async def connected_websocket(factory: WebAssistantsFactory, path: str, domain: str) -> tuple[WSAssistant, FrameClock]:
    """An open websocket of ours, and the clock of its frames; nothing is left open when that fails."""
    ws = await factory.get_ws_assistant()
    frames = compat.watch_frames(ws)
    try:
        await asyncio.wait_for(
            ws.connect(ws_url=ws_url(path, domain), ping_timeout=CONSTANTS.WS_HEARTBEAT_S),
            CONSTANTS.WS_CONNECT_TIMEOUT_S,
        )
    except BaseException:
        await ws.disconnect()
        raise
    return ws, frames


async def request_json(
    factory: WebAssistantsFactory,
    path: str,
    domain: str,
    method: RESTMethod = RESTMethod.GET,
    params: Mapping[str, Any] | None = None,
    body: Mapping[str, Any] | None = None,
    is_auth_required: bool = False,
    headers: Mapping[str, str] | None = None,
    timeout_s: float = CONSTANTS.REQUEST_TIMEOUT_S,
) -> Any:
    """Decoded reply of one REST request.

    Raises NotFound (404) or Rejected (other 4xx, or a body whose ``code`` is not 0) on the venue's word, Transient
    when a 429 or a failed GET left everything as it was, and Unknown when a POST may have taken effect: timeout, 5xx
    (as status or as ``code``), dropped connection, unreadable reply. Error bodies per docs and live notes:
    tests/wire/standx/rest_errors.json.
    """
    url = rest_url(path, domain)
    assistant = await factory.get_rest_assistant()
    is_write = method is not RESTMethod.GET
    response = None
    try:
        response = await assistant.execute_request_and_get_response(
            url=url,
            throttler_limit_id=path,
            params=dict(params) if params is not None else None,
            data=dict(body) if body is not None else None,
            method=method,
            is_auth_required=is_auth_required,
            return_err=True,
            timeout=timeout_s,
            # Brotli made one client's decoder fail; plain encodings are enough for these sizes.
            headers={"Accept-Encoding": "gzip, deflate", **(headers or {})},
        )
        text = await asyncio.wait_for(response.text(), timeout_s)
    except UnicodeDecodeError:
        raise _failure(is_write, f"{method.name} {path}: a reply that is not text") from None
    except TimeoutError:
        raise _failure(is_write, f"{method.name} {path}: no reply within {timeout_s:g} s") from None
    except aiohttp.ClientConnectorError as error:
        # No connection was made, so nothing was sent: safe to try again even for a POST.
        raise Transient(f"{method.name} {path}: cannot connect ({type(error).__name__})") from error
    except (aiohttp.ClientError, ConnectionError) as error:
        raise _failure(is_write, f"{method.name} {path}: {type(error).__name__}") from error
    finally:
        if response is not None:
            compat.release(response)
    if response.status == 429:
        count_throttled(factory)
    return _checked(response.status, text, f"{method.name} {path}", is_write)


def is_servers_trouble(code: int) -> bool:
    """Whether an HTTP status or a body's ``code`` speaks of the server's own trouble: no word on what was asked."""
    return code >= 500 or code == 408


def _failure(is_write: bool, text: str) -> Unknown | Transient:
    return Unknown(text) if is_write else Transient(text)


def _checked(status: int, text: str, what: str, is_write: bool) -> Any:
    try:
        reply = json.loads(text)
    except (ValueError, RecursionError):
        reply = None
    message, code = text[:200].strip(), status
    if isinstance(reply, dict):
        message = str(reply.get("message") or message)
        if isinstance(reply.get("code"), int) and reply["code"]:
            code = reply["code"]
    if status == 429:
        raise Throttled(f"{what}: too many requests")
    if is_servers_trouble(status) or (status < 400 and is_servers_trouble(code)):
        raise _failure(is_write, f"{what}: HTTP {status}" + (f" code {code}" if code != status else ""))
    if status == 404:
        raise NotFound(404, message or "not found")
    if status >= 400:
        raise Rejected(code, message or f"HTTP {status}")
    if reply is None:
        raise _failure(is_write, f"{what}: unreadable reply")
    if isinstance(reply, dict) and code not in (0, 200):
        raise NotFound(code, message) if code == 404 else Rejected(code, message)
    return reply


async def get_current_server_time(
    throttler: AsyncThrottler | None = None, domain: str = CONSTANTS.DEFAULT_DOMAIN
) -> float:
    """The venue's clock in milliseconds since the epoch (https://docs.standx.com, region endpoint)."""
    reply = await request_json(build_api_factory(throttler=throttler), CONSTANTS.REGION_PATH, domain)
    return float(reply["systemTime"])
