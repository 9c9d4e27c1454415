"""What is armed now: arming by request, meeting, expiry. No effects; they ask the board and do what it says."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

from hummingbot_extensions.emulator.faults.catalogue import BY_NAME, CATALOGUE
from hummingbot_extensions.emulator.faults.values import (
    MAX_SECONDS,
    SECOND_NS,
    Armed,
    BadFault,
    Fault,
    HttpFault,
    Param,
    Scope,
    Value,
    Whom,
    number,
)

NOBODY = Whom()
SOCKETS = ("stream", "api")
_HOW_LONG = ("once", "count", "seconds", "after_s", "every_s", "probability")


class FaultBoard:
    """Faults that are on. Times are venue nanoseconds; draws come from the seed, so equal runs meet the same faults."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._armed: dict[str, list[Armed]] = {}
        self._count = 0

    # Arming

    def arm(self, request: Mapping[str, Any], now_ns: int) -> Armed:
        """Switch a fault on as the control API or the command line asks; BadFault names what is wrong."""
        fault = _fault(request.get("name"))
        values: dict[str, Value] = {param.name: param.default for param in fault.params}
        known = {param.name: param for param in fault.params}
        scope: dict[Scope, str] = {}
        for name, value in request.items():
            if name in known:
                values[name] = known[name].parsed(value)
            elif name in {str(allowed) for allowed in fault.scopes}:
                scope[Scope(name)] = _scope(name, value)
            elif name not in _HOW_LONG and name != "name":
                raise BadFault(f"{name}: {fault.name} takes {', '.join(_takes(fault))}")
        armed = self._timed(fault, values, scope, request, now_ns)
        self._armed.setdefault(fault.name, []).append(armed)
        return armed

    def _timed(
        self, fault: Fault, values: dict[str, Value], scope: dict[Scope, str], request: Mapping[str, Any], now_ns: int
    ) -> Armed:
        once = request.get("once", fault.is_once or fault.is_act)
        if not isinstance(once, bool):
            raise BadFault("once: must be true or false")
        left = 1 if once else None
        if "count" in request:
            left = int(number("count", request["count"], 1, 1e9, is_whole=True))
        every_ns = until_ns = None
        if "every_s" in request:
            if not fault.is_act:
                raise BadFault(f"every_s: {fault.name} does not repeat; leave it on, with count or seconds")
            every_ns = _ns("every_s", request["every_s"], 0.001)
            left = left if "count" in request else None
        from_ns = now_ns + _ns("after_s", request.get("after_s", 0), 0)
        if "seconds" in request:
            until_ns = from_ns + _ns("seconds", request["seconds"], 0.001)
            left = left if "count" in request or "once" in request or (fault.is_act and every_ns is None) else None
        probability = number("probability", request.get("probability", 1), 0, 1)
        self._count += 1
        draw = Random(f"fault {self._seed} {self._count}")
        return Armed(self._count, fault, values, scope, left, from_ns, until_ns, every_ns, probability, draw)

    def disarm(self, name: str | None = None, fault_id: int | None = None) -> int:
        """Switch off by name, by id, or everything; how many were on."""
        if name is not None:
            _fault(name)
        gone = [a for a in self.armed() if name in (None, a.fault.name) and fault_id in (None, a.id)]
        for armed in gone:
            self._armed[armed.fault.name].remove(armed)
        return len(gone)

    def armed(self) -> list[Armed]:
        """All that is armed, used up or not yet begun included, oldest first."""
        return sorted((armed for several in self._armed.values() for armed in several), key=lambda armed: armed.id)

    def prune(self, now_ns: int) -> None:
        """Forget what is used up or over."""
        for name, several in list(self._armed.items()):
            self._armed[name] = [armed for armed in several if not armed.is_over(now_ns)]

    # Meeting

    def active(self, name: str, now_ns: int, whom: Whom = NOBODY) -> Armed | None:
        """The fault of this name that holds for ``whom``, without using it up."""
        several = self._armed.get(name)
        if not several:
            return None
        for armed in several:
            if armed.holds(now_ns) and armed.concerns(whom):
                return armed
        return None

    def take(self, name: str, now_ns: int, whom: Whom = NOBODY) -> Armed | None:
        """The same, used once, if its probability says so."""
        armed = self.active(name, now_ns, whom)
        if armed is None or (armed.probability < 1 and armed.draw.random() >= armed.probability):
            return None
        armed.use()
        return armed

    def any_of(self, *names: str) -> bool:
        """Whether one of these is armed at all: a cheap question before a costly one."""
        return any(self._armed.get(name) for name in names)

    def due_acts(self, now_ns: int) -> list[Armed]:
        """Acts whose moment has come, used once each; repeating ones are set to their next moment."""
        due = []
        for armed in self.armed():
            if not armed.fault.is_act or not armed.holds(now_ns):
                continue
            due.append(armed)
            armed.use()
            if armed.every_ns is not None:
                armed.from_ns = now_ns + armed.every_ns
        return due

    def lag_ns(self, name: str, base_ms: float, now_ns: int, whom: Whom) -> int:
        """The longer of what the config says and what the fault of this name asks for."""
        armed = self.active(name, now_ns, whom)
        return int(max(base_ms, armed.number("ms") if armed is not None else 0.0) * 1_000_000)

    # Shortcuts for code inside the process

    def _replace(self, name: str, request: Mapping[str, Any] | None) -> None:
        self._armed.pop(name, None)
        if request is not None:
            self.arm({"name": name} | dict(request), 0)

    @property
    def silent_until_ns(self) -> int:
        """Frames that would leave on any WebSocket before this venue time are lost."""
        return max((armed.until_ns or 0 for armed in self._armed.get("silence", [])), default=0)

    @silent_until_ns.setter
    def silent_until_ns(self, until_ns: int) -> None:
        self._replace("silence", {})
        self._armed["silence"][0].until_ns = until_ns

    @property
    def reject_next(self) -> int:
        """That many next orders are accepted and then rejected."""
        return sum(armed.left or 0 for armed in self._armed.get("order_rejected", []))

    @reject_next.setter
    def reject_next(self, count: int) -> None:
        self._replace("order_rejected", {"count": count} if count else None)

    @property
    def reject_message(self) -> str:
        """Text of those rejections; set after ``reject_next``."""
        return next((armed.text("message") for armed in self._armed.get("order_rejected", [])), "")

    @reject_message.setter
    def reject_message(self, message: str) -> None:
        for armed in self._armed.get("order_rejected", []):
            armed.values = dict(armed.values) | {"message": message}

    @property
    def http(self) -> HttpFault | None:
        """Error statuses for the next requests."""
        for armed in self._armed.get("http_status", []):
            path = armed.scope.get(Scope.ENDPOINT)
            return HttpFault(armed.whole("status"), armed.left or 0, path, armed.text("when") == "after")
        return None

    @http.setter
    def http(self, fault: HttpFault | None) -> None:
        if fault is None:
            self._replace("http_status", None)
            return
        scope = {} if fault.path is None else {"endpoint": fault.path}
        when = "after" if fault.is_after else "before"
        self._replace("http_status", {"status": fault.status, "count": fault.left, "when": when} | scope)


def catalogue() -> list[dict[str, object]]:
    """The catalogue as the control API shows it."""
    return [
        {
            "name": fault.name,
            "effect": str(fault.effect),
            "meaning": fault.meaning,
            "once": fault.is_once,
            "act": fault.is_act,
            "scopes": [str(scope) for scope in fault.scopes],
            "params": [_param_json(param) for param in fault.params],
        }
        for fault in CATALOGUE
    ]


def parsed_text(text: str) -> dict[str, Any]:
    """Request from ``NAME[:key=value,...]`` of a command line; numbers and true/false are read as such.

    >>> parsed_text("http_status:status=502,count=2,endpoint=/api/new_order")
    {'name': 'http_status', 'status': 502, 'count': 2, 'endpoint': '/api/new_order'}
    """
    name, _, rest = text.partition(":")
    request: dict[str, Any] = {"name": name}
    for part in filter(None, rest.split(",")):
        key, equals, value = part.partition("=")
        if not equals:
            raise BadFault(f"{part}: must be key=value")
        request[key] = _plain(value)
    return request


def _plain(text: str) -> Any:
    if text in ("true", "false"):
        return text == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _fault(name: object) -> Fault:
    fault = BY_NAME.get(name) if isinstance(name, str) else None
    if fault is None:
        raise BadFault(f"name: must be one of {', '.join(BY_NAME)}")
    return fault


def _takes(fault: Fault) -> list[str]:
    how_long = [name for name in _HOW_LONG if name != "every_s" or fault.is_act]
    return [param.name for param in fault.params] + [str(scope) for scope in fault.scopes] + how_long


def _scope(name: str, value: object) -> str:
    if not isinstance(value, str) or not value:
        raise BadFault(f"{name}: must be a text")
    if name == Scope.SOCKET and value not in SOCKETS:
        raise BadFault(f"{name}: must be one of {', '.join(SOCKETS)}")
    return value


def _ns(name: str, value: object, low: float) -> int:
    return int(number(name, value, low, MAX_SECONDS) * SECOND_NS)


def _param_json(param: Param) -> dict[str, object]:
    return {
        "name": param.name,
        "meaning": param.meaning,
        "default": param.default,
        "unit": param.unit,
        "low": param.low,
        "high": param.high,
        "choices": list(param.choices),
    }
