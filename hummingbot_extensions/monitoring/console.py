"""The demo's panel and report as text, from what the venue says and what the bot logged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hummingbot_extensions.monitoring.run_log import RunSummary


@dataclass(frozen=True, slots=True)
class Picture:
    """One moment of a run: the venue's account and score beside the bot's own log."""

    elapsed_s: float
    total_s: float
    account: dict[str, Any]
    score: dict[str, Any]
    market: dict[str, Any]
    bot: RunSummary

    @property
    def position(self) -> str:
        """Signed position as the venue states it."""
        return next((row["qty"] for row in self.account["positions"]), "0")

    @property
    def cancels_per_min(self) -> float:
        """Cancels of the bot that were not for risk, a minute."""
        return self.bot.cancels / max(self.elapsed_s / 60.0, 1.0)


def panel(now: Picture) -> list[str]:
    """Lines of the live panel."""
    quotes = {"buy": [], "sell": []}  # type: dict[str, list[str]]
    for order in now.account["open_orders"]:
        quotes[order["side"]].append(f"{order['qty']} @ {order['price']}")
    silences = now.bot.silences
    return [
        (
            f"{_clock(now.elapsed_s)} of {_clock(now.total_s)}   mark {now.market['mark_price']}"
            f"   touch {' / '.join(str(price) for price in now.market['spread'])}"
        ),
        f"bid   {', '.join(quotes['buy']) or 'none'}{_silence(silences.get('bid'))}",
        f"ask   {', '.join(quotes['sell']) or 'none'}{_silence(silences.get('ask'))}",
        (
            f"time in band  {percent(now.score['two_sided_frac'])} of live feed"
            f"   {percent(now.score['strict_frac'])} strict"
        ),
        (
            f"inventory     {now.position}   fills {now.account['fills']}   net PnL {money(now.account['net_pnl'])}"
            f"   fees {money(now.account['fees_paid'])}"
        ),
        (
            f"cancels/min   {now.cancels_per_min:.1f}   for risk {now.bot.risk_cancels}"
            f"   rejected {now.bot.orders['rejected']}"
        ),
    ]


def line(now: Picture) -> str:
    """The panel in one line, for logs and pipes."""
    return (
        f"{_clock(now.elapsed_s)}  in band {percent(now.score['two_sided_frac'])}  inventory {now.position}"
        f"  fills {now.account['fills']}  net PnL {money(now.account['net_pnl'])}"
        f"  cancels/min {now.cancels_per_min:.1f}  open orders {len(now.account['open_orders'])}"
    )


def percent(frac: float | None) -> str:
    return "unknown" if frac is None else f"{frac * 100:.1f} %"


def money(amount: str) -> str:
    return f"{float(amount):+.4f}"


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60:02d}:{int(seconds) % 60:02d}"


def _silence(reason: str | None) -> str:
    return f"   silent: {reason}" if reason else ""
