"""Rate limits of StandX, protocol section 5.9: credits per address, requests per IP, sockets. Seconds are arguments."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

REQUEST_CREDITS = 45.0
ADDRESS_CAPACITY = 900.0
ADDRESS_REFILL_PER_S = 1000.0
IP_REQUESTS_PER_S = 50.0


@dataclass(slots=True)
class TokenBucket:
    """Full at first use; ``take`` refuses what it cannot pay at once."""

    capacity: float
    refill_per_s: float
    level: float = -1.0
    at_s: float = 0.0

    def take(self, amount: float, now_s: float) -> bool:
        if self.level < 0:
            self.level = self.capacity
        else:
            self.level = min(self.capacity, self.level + (now_s - self.at_s) * self.refill_per_s)
        self.at_s = now_s
        if self.level < amount:
            return False
        self.level -= amount
        return True


@dataclass(slots=True)
class Limits:
    """All buckets of one emulator. Every client is on loopback, so there is one IP."""

    is_on: bool
    max_sockets: int
    max_new_sockets_per_minute: int
    sockets: int = 0
    _addresses: dict[str, TokenBucket] = field(default_factory=dict)
    _ip: TokenBucket = field(default_factory=lambda: TokenBucket(IP_REQUESTS_PER_S, IP_REQUESTS_PER_S))
    _opened_s: deque[float] = field(default_factory=deque)

    def take_ip(self, now_s: float) -> bool:
        return not self.is_on or self._ip.take(1.0, now_s)

    def take_address(self, user: str, now_s: float) -> bool:
        if not self.is_on:
            return True
        bucket = self._addresses.setdefault(user, TokenBucket(ADDRESS_CAPACITY, ADDRESS_REFILL_PER_S))
        return bucket.take(REQUEST_CREDITS, now_s)

    def open_socket(self, now_s: float) -> bool:
        """Count a new WebSocket; False when the address has too many or opens them too fast."""
        while self._opened_s and self._opened_s[0] <= now_s - 60.0:
            self._opened_s.popleft()
        too_many = self.sockets >= self.max_sockets or len(self._opened_s) >= self.max_new_sockets_per_minute
        if self.is_on and too_many:
            return False
        self._opened_s.append(now_s)
        self.sockets += 1
        return True

    def close_socket(self) -> None:
        self.sockets -= 1
