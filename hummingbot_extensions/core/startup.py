"""What to do at the start about a position that our own record does not explain."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from hummingbot_extensions.core.spec import param


class StartupPolicy(StrEnum):
    """What becomes of a position that differs from our record: taken over, closed, or left to a person."""

    ADOPT = "adopt"
    FLATTEN = "flatten"
    REFUSE = "refuse"


class StartupVerdict(StrEnum):
    """What the start comes to; ``CONTINUE``: the venue's position is the one that our record says."""

    CONTINUE = "continue"
    ADOPT = "adopt"
    FLATTEN = "flatten"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class StartupParams:
    """The policy, and how far from mark closing orders may trade, bps."""

    startup_policy: StartupPolicy = param(
        StartupPolicy.ADOPT,
        "A position at the start that the bot's own record does not explain: adopt, flatten or refuse.",
        "startup",
    )
    flatten_slippage_bps: float = param(
        20.0,
        "Closing orders of startup_policy flatten trade no farther from mark than this, bps.",
        "startup",
        gt=0,
        le=500,
    )


def startup_verdict(
    venue: Decimal, expected: Decimal, policy: StartupPolicy, is_sending: bool, is_closing: bool = False
) -> StartupVerdict:
    """Verdict on the venue's position against the one expected, both signed.

    A bot that sends nothing cannot close a position; it takes it over, as its quotes are only shown. ``is_closing``: an
    earlier start took the position over to close it and was cut short, so that being expected does not make it wanted.
    """
    is_left = is_closing and is_sending and venue != 0 and policy is StartupPolicy.FLATTEN
    if venue == expected and not is_left:
        return StartupVerdict.CONTINUE
    if policy is StartupPolicy.FLATTEN and not is_sending:
        return StartupVerdict.ADOPT
    return StartupVerdict(policy.value)
