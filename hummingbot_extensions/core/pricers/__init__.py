"""The pricers by name, and own ones by ``package.module:function``."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from hummingbot_extensions.core.pricers import joining, spreads
from hummingbot_extensions.core.pricing import (
    Gap,
    Mode,
    NoPrice,
    PriceInputs,
    Pricer,
    PricingParams,
    SidePrice,
    checked_price,
    is_pricer_name,
)
from hummingbot_extensions.core.types import Side

PRICERS: Mapping[str, Pricer] = MappingProxyType(
    {
        Mode.UPTIME.value: spreads.uptime,
        Mode.REBATE.value: joining.rebate,
        Mode.SIMPLE.value: spreads.simple,
        Mode.ADAPTIVE.value: spreads.adaptive,
        Mode.AVELLANEDA.value: spreads.avellaneda,
        Mode.GEOMETRIC.value: spreads.geometric,
        Mode.PINNING.value: joining.pinning,
    }
)

TRIAL_INPUTS = PriceInputs(
    mark=100.0, mid=100.0, touch_bid=99.99, touch_ask=100.01, micro=100.0, external=100.0, inventory_frac=0.0,
    inventory_base=0.0, entry_price=None, sigma_bps=1.0, range_bps=2.0, funding_rate_frac=0.0, maker_fee_frac=0.0001,
    tick=0.01, last_fill_side=None, others_bid=99.99, others_ask=100.01,
)  # fmt: skip
"""A calm, flat market with everything known, on which an own pricer has to work before it is taken."""


class Misconfigured(ValueError):
    """A pricer that cannot be used: ``field`` of the configuration, and what to do about it in ``fix``."""

    def __init__(self, field: str, fix: str) -> None:
        super().__init__(f"{field}: {fix}")
        self.field = field
        self.fix = fix


def price(mode: str, side: Side, inputs: PriceInputs, params: PricingParams) -> SidePrice | NoPrice:
    """What the pricer named ``mode`` says, checked; raises nothing, whatever the pricer does."""
    pricer = PRICERS.get(mode)
    if pricer is None:
        try:
            pricer = loaded_pricer(mode)
        except Misconfigured:
            return NoPrice(Gap.PRICER_MISSING)
    return checked_price(pricer, side, inputs, params)


@cache
def loaded_pricer(name: str) -> Pricer:
    """The pricer of that name or dotted path. Misconfigured when there is none or it is not callable like one.

    A path is imported once in the life of the process: an edited file counts from the next start.
    """
    if name in PRICERS:
        return PRICERS[name]
    if not is_pricer_name(name):
        raise Misconfigured("mode", f"{name!r} is no pricer, set a mode or package.module:function")
    module_name, _, function_name = name.partition(":")
    try:
        module = importlib.import_module(module_name)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # whatever a file of somebody else raises while it is read
        what = f"{module_name} cannot be imported ({type(error).__name__}: {error})"
        raise Misconfigured("mode", f"{what}, mend it or its place on the path") from error
    pricer = getattr(module, function_name, None)
    if pricer is None:
        raise Misconfigured("mode", f"{module_name} has no {function_name}, name a function that is in it")
    try:
        inspect.signature(pricer).bind(Side.BUY, TRIAL_INPUTS, PricingParams())
    except Exception as error:  # no function, or one with other arguments
        raise Misconfigured("mode", f"{name} has to take (side, inputs, params): {error}") from error
    return pricer  # type: ignore[no-any-return]  # what it returns is checked on every call


def load_problems(params: PricingParams) -> list[tuple[str, str]]:
    """(field, what is wrong and the fix) for every own pricer that cannot be loaded or gives no price in a calm market.

    For the moment a configuration is read: it imports the module. Empty when all modes named can be used.
    """
    found = []
    for field, name in (("mode", params.mode), ("volatile_mode", params.volatile_mode)):
        if name is None or name in PRICERS:
            continue
        try:
            pricer = loaded_pricer(name)
        except Misconfigured as error:
            found.append((field, error.fix))
            continue
        for side in Side:
            answer = checked_price(pricer, side, TRIAL_INPUTS, params)
            if isinstance(answer, NoPrice):
                why = f"{answer.reason.value} ({answer.detail})"
                found.append((field, f"{name} gives no {side.value} price in a calm market: {why}. Mend it"))
    return found
