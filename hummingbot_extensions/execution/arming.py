"""Whether orders may leave: live venues need an explicit ``armed: true``, emulator and paper domains do not."""

from __future__ import annotations

SIMULATED_SUFFIXES = ("_emulator", "_paper")


def is_simulated(connector_name: str) -> bool:
    """Whether a connector name is a domain that cannot reach a real venue.

    >>> is_simulated("standx_perpetual"), is_simulated("standx_perpetual_emulator")
    (False, True)
    """
    return connector_name.endswith(SIMULATED_SUFFIXES)


def may_send(connector_name: str, armed: bool) -> bool:
    """Whether a bot on this connector may send orders."""
    return armed or is_simulated(connector_name)
