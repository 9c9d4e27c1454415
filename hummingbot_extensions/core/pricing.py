"""What a pricer sees and says: where one side's first quote should stand, with every term of it named.

Distances are in bps of the mark, positive away from it on the quote's own side: a bid at 6 stands 6 bps below the mark,
an ask at 6 stands 6 bps above it, and a negative distance lies through the mark. ``half_spread`` is the distance of one
quote from its anchor, never that of bid from ask. The pricers themselves stand in ``core.pricers``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum
from math import fsum, inf

from hummingbot_extensions.core.frozen import quick
from hummingbot_extensions.core.rounding import bps_between, round_passive
from hummingbot_extensions.core.spec import param, param_table
from hummingbot_extensions.core.types import Side

NEAREST_BPS = -100.0
FARTHEST_BPS = 1000.0
"""Distances that ``checked_price`` lets pass; what lies outside is taken for a fault of the pricer."""
MOST_TERMS = 16
DETAIL_CHARS = 120
"""Most of a pricer's own words that are passed on."""
TERM_TOLERANCE_BPS = 1e-9
"""Most that the terms of an own pricer may miss its distance by; the distance passed on is their exact sum."""
SNAP_TICKS = Decimal("1e-6")
ANCHOR_TERM = "anchor"
"""What an anchor other than the mark makes of a distance."""


class Mode(StrEnum):
    """Pricers of this bundle, by the name a configuration gives them."""

    UPTIME = "uptime"
    REBATE = "rebate"
    SIMPLE = "simple"
    ADAPTIVE = "adaptive"
    AVELLANEDA = "avellaneda"
    GEOMETRIC = "geometric"
    PINNING = "pinning"
    """Reached by inventory, see ``core.mode_switch``; no mode to begin with."""


JOINING_MODES = frozenset({Mode.REBATE, Mode.PINNING})
"""Modes that mean to stand at the best price: a rule that cancels orders for being near the market, or among the first
levels of the book, would cancel every one of their quotes (trap T28) and does not apply to them."""


class Anchor(StrEnum):
    """The price that a quote's own distance is measured from."""

    MARK = "mark"
    MID = "mid"
    BEST = "best"
    """The best price of others on the quote's own side; with our own counted, a quote would run from itself."""
    MICRO = "micro"
    EXTERNAL = "external"
    """Another venue's price, its basis against ours removed."""


@quick
@dataclass(frozen=True, slots=True)
class PriceInputs:
    """What every pricer sees. Prices in quote units; None means not known, never 0.

    ``touch_bid`` and ``touch_ask`` are the exact best prices, our own orders included. ``others_bid`` and
    ``others_ask`` are the best ones that somebody else stands at; None means that nobody else is known to stand there.
    ``inventory_frac`` is position over the soft limit within [-1, 1] and ``inventory_base`` the position, both long
    positive. ``sigma_bps`` is the standard deviation of returns over the configured window, ``range_bps`` the highest
    over the lowest mid of it. ``funding_rate_frac`` is per hour, positive when longs pay. ``maker_fee_frac`` is what a
    maker's fill costs, negative for a rebate. ``external`` has its basis removed already.
    """

    mark: float
    mid: float | None
    touch_bid: float | None
    touch_ask: float | None
    micro: float | None
    external: float | None
    inventory_frac: float
    inventory_base: float
    entry_price: float | None
    sigma_bps: float | None
    range_bps: float | None
    funding_rate_frac: float | None
    maker_fee_frac: float
    tick: float
    last_fill_side: Side | None
    others_bid: float | None = None
    others_ask: float | None = None

    def touch(self, side: Side) -> float | None:
        """Exact best price of that side, our own orders included."""
        return self.touch_bid if side is Side.BUY else self.touch_ask

    def others(self, side: Side) -> float | None:
        """Best price of that side at which somebody else stands."""
        return self.others_bid if side is Side.BUY else self.others_ask


class Gap(StrEnum):
    """Why a pricer gives no price."""

    MARK_UNKNOWN = "mark_unknown"
    ANCHOR_UNKNOWN = "anchor_unknown"
    VOLATILITY_UNKNOWN = "volatility_unknown"
    FUNDING_UNKNOWN = "funding_unknown"
    PRICER_DECLINED = "pricer_declined"
    """An own pricer's choice; its detail says why."""
    PRICER_MISSING = "pricer_missing"
    PRICER_FAILED = "pricer_failed"
    BAD_PRICE = "bad_price"


@dataclass(frozen=True, slots=True)
class NoPrice:
    """No price for this side. ``detail`` is for people and depends on nothing but the inputs."""

    reason: Gap
    detail: str = ""

    @property
    def text(self) -> str:
        """Reason and detail in one line of printable characters: an own pricer may write anything.

        >>> NoPrice(Gap.PRICER_DECLINED, "asleep\\nuntil  noon").text
        'pricer_declined: asleep until noon'
        """
        start = "".join(each if each.isprintable() else " " for each in self.detail[: 2 * DETAIL_CHARS])
        said = " ".join(start.split())
        kept = said if len(said) <= DETAIL_CHARS else f"{said[: DETAIL_CHARS - 1]}…"
        return f"{self.reason.value}: {kept}" if kept else self.reason.value


@dataclass(frozen=True, slots=True)
class SidePrice:
    """Distance of a quote from the mark in bps; ``terms`` name its parts and ``math.fsum`` of them is it, to the bit.

    >>> SidePrice.of(("order_distance", 6.0)).plus("inventory", -1.5)
    SidePrice(distance_bps=4.5, terms=(('order_distance', 6.0), ('inventory', -1.5)))
    """

    distance_bps: float
    terms: tuple[tuple[str, float], ...]

    @staticmethod
    def of(*terms: tuple[str, float]) -> SidePrice:
        """The price that these named terms in bps make."""
        if len(terms) == 1:
            return SidePrice(terms[0][1], terms)
        return SidePrice(fsum([bps for _, bps in terms]), terms)

    def plus(self, name: str, bps: float) -> SidePrice:
        """The price with one more term: a positive one moves the quote away from the mark."""
        return SidePrice.of(*self.terms, (name, bps))


@dataclass(frozen=True, slots=True)
class OwnParam:
    """One number of an own pricer, as the configuration names it."""

    name: str
    value: float


_DISTANCE_FIELDS: dict[str, str] = {
    Mode.UPTIME: "order_distance_bps",
    Mode.SIMPLE: "half_spread_bps",
    Mode.ADAPTIVE: "half_spread_bps",
    Mode.AVELLANEDA: "avellaneda_half_spread_bps",
    Mode.GEOMETRIC: "start_offset_bps",
    Mode.REBATE: "rebate_standoff_bps",
}


@dataclass(frozen=True, slots=True)
class PricingParams:
    """Parameters of every mode; those of a mode that does not run do nothing. None is off.

    ``mode`` names a pricer of this bundle or, as ``package.module:function``, one of your own. Of the terms:

    - ``order_distance_bps``: mode ``uptime``, from the anchor.
    - ``rebate_improve_ticks``: ticks in front of the best price of others, 0 joins it. ``rebate_standoff_bps``:
      distance from the mark while nobody else is known to stand on the side.
    - ``half_spread_bps``: modes ``simple`` and ``adaptive``; ``adaptive`` multiplies it by 1 + sigma_bps times
      ``adaptive_per_sigma_bps``.
    - mode ``avellaneda``: ``avellaneda_inventory_bps`` moves both quotes down at full long inventory, up when short;
      ``avellaneda_per_sigma`` and ``avellaneda_per_funding`` are bps of half-spread for each bps of sigma and for each
      3 bps an hour of funding.
    - ``start_offset_bps``: first layer of mode ``geometric``, from the anchor.
    - ``points_distance_bps``: one more quote a side, from the mark, beside those of the mode, see
      ``core.points_layer``; with ``points_tolerance_bps``, ``points_size_frac`` and ``points_dwell_ms``.
    - ``min_distance_bps`` and ``fee_buffer_bps`` (beyond the maker fee): no quote stands nearer to the mark.
    - ``breakeven``, ``ping_pong``: see ``core.breakeven`` and ``core.mode_switch``.
    - ``pinning_enter_frac``, ``pinning_leave_frac`` of the soft limit: mode ``pinning`` from the first until under the
      second, with the adding side at ``pinning_width_bps``. ``volatile_mode``: from ``volatile_enter_bps`` of range
      until under ``volatile_leave_bps``. ``mode_min_stay_s``: least time between two switches.
    - ``own_params``: numbers for an own pricer.
    """

    mode: str = param(
        Mode.UPTIME.value,
        "How quotes are priced: uptime, rebate, simple, adaptive, avellaneda, geometric, or package.module:function of "
        "your own.",
        "quote",
    )
    anchor: Anchor = param(
        Anchor.MARK, "Price that the mode's distance is measured from: mark, mid, best, micro or external.", "quote"
    )
    order_distance_bps: float = param(
        6.0,
        "Mode uptime: distance of a new quote from mark, bps.",
        "quote",
        "Distance from mark in bps: ",
        gt=0,
        le=500,
    )
    rebate_improve_ticks: int = param(
        0, "Mode rebate and pinning: ticks in front of the best price of others; 0 joins it.", "quote", ge=0, le=100
    )
    rebate_standoff_bps: float = param(
        6.0, "Mode rebate and pinning: distance from mark while nobody else stands on the side, bps.", "quote",
        gt=0, le=500,
    )  # fmt: skip
    half_spread_bps: float = param(
        10.0, "Modes simple and adaptive: distance of each quote from the anchor, bps.", "quote", gt=0, le=500
    )
    adaptive_per_sigma_bps: float = param(
        0.1, "Mode adaptive: half_spread_bps grows by this part for each 1 bps of sigma.", "quote", ge=0, le=100
    )
    avellaneda_half_spread_bps: float = param(
        10.0, "Mode avellaneda: half-spread before the terms below, bps.", "quote", gt=0, le=500
    )
    avellaneda_inventory_bps: float = param(
        5.0,
        "Mode avellaneda: how far both quotes move against the position at the soft limit, bps.",
        "quote",
        ge=0,
        le=500,
    )
    avellaneda_per_sigma: float = param(
        0.5, "Mode avellaneda: bps of half-spread for each 1 bps of sigma.", "quote", ge=0, le=100
    )
    avellaneda_per_funding: float = param(
        0.0, "Mode avellaneda: bps of half-spread for each 3 bps an hour of funding.", "quote", ge=-100, le=100
    )
    start_offset_bps: float = param(
        4.0, "Mode geometric: distance of the first layer from the anchor, bps.", "quote", gt=0, le=500
    )
    points_distance_bps: float | None = param(
        None, "Distance of one more quote a side from mark, for points, bps; left out: none.", "quote", gt=0, le=500
    )
    points_tolerance_bps: float = param(
        4.0, "Points: an order is replaced once it stands so far from points_distance_bps, either way, bps.", "quote",
        gt=0, le=100,
    )  # fmt: skip
    points_size_frac: float = param(
        1.0, "Points: size of the order, as a factor of the first layer's.", "quote", gt=0, le=100
    )
    points_dwell_ms: float = param(
        5000.0,
        "Points: an order is not replaced younger than this, risk apart, ms; the program asks for more than 3 s of "
        "rest, which begins when the order has arrived.",
        "quote",
        ge=0,
        le=60_000,
    )
    min_distance_bps: float | None = param(
        None, "No quote stands nearer to mark than this, bps; left out: off.", "quote", ge=0, le=500
    )
    fee_buffer_bps: float | None = param(
        None,
        "No quote stands nearer to mark than the maker fee and this, bps; left out: off.",
        "quote",
        ge=-100,
        le=500,
    )
    breakeven: bool = param(
        False, "The reducing quote is never worse than entry and fees, except at the limits: on or off.", "quote"
    )
    ping_pong: bool = param(False, "After a fill only the other side is quoted, until flat: on or off.", "quote")
    pinning_enter_frac: float | None = param(
        None,
        "From this inventory on, as a fraction of the soft limit, the reducing side joins the best price; "
        "left out: never.",
        "quote",
        gt=0,
        lt=1,
    )
    pinning_leave_frac: float = param(
        0.4, "Pinning ends under this inventory, as a fraction of the soft limit.", "quote", gt=0, lt=1
    )
    pinning_width_bps: float = param(
        6.0, "While pinning, the adding side stands so far from mark, bps.", "quote", gt=0, le=500
    )
    volatile_mode: str | None = param(None, "Another mode for volatile times; left out: none.", "quote")
    volatile_enter_bps: float = param(
        6.0, "Range of the mid from which volatile_mode runs, bps.", "quote", gt=0, le=10_000
    )
    volatile_leave_bps: float = param(
        3.0, "Range of the mid under which volatile_mode ends, bps.", "quote", gt=0, le=10_000
    )
    mode_min_stay_s: float = param(10.0, "Least time between two switches of mode, seconds.", "quote", ge=0, le=3600)
    own_params: tuple[OwnParam, ...] = param_table(
        OwnParam, float, "Numbers of an own pricer, by name and in the units it states; {} for none.", "quote"
    )

    @property
    def needs_others(self) -> bool:
        """Whether a price may depend on where others stand in the book."""
        is_joining = not JOINING_MODES.isdisjoint((self.mode, self.volatile_mode))
        is_pinning = self.pinning_enter_frac is not None
        return self.has_own_pricer or is_joining or is_pinning or self.anchor is Anchor.BEST

    @property
    def needs_micro(self) -> bool:
        """Whether a price may depend on the microprice."""
        return self.anchor is Anchor.MICRO or self.has_own_pricer

    @property
    def has_own_pricer(self) -> bool:
        """Whether a mode is a pricer that is not of this bundle, which may read every input."""
        return ":" in self.mode or self.volatile_mode is not None and ":" in self.volatile_mode

    def own(self, name: str, default: float) -> float:
        """The own pricer's number of that name, or ``default`` while the configuration names none."""
        return next((param.value for param in self.own_params if param.name == name), default)

    def base_distance_bps(self, mode: str) -> float | None:
        """Distance that ``mode`` starts from, None where no parameter states one."""
        field = _DISTANCE_FIELDS.get(mode)
        return None if field is None else float(getattr(self, field))

    def problems(self) -> list[tuple[str, str]]:
        """(field, what is wrong and the fix) for every broken rule between fields; empty when all hold.

        Whether an own pricer can be loaded is ``core.pricers.load_problems``.
        """
        enter, other = self.pinning_enter_frac, self.volatile_mode
        distance, least = self.base_distance_bps(self.mode), self.min_distance_bps
        distance_field = _DISTANCE_FIELDS.get(self.mode, "mode")
        names = [param.name for param in self.own_params]
        rules = (
            (is_pricer_name(self.mode), "mode", _unknown_mode(self.mode)),
            (
                distance is None or distance > 0,
                distance_field,
                f"{distance} is not above 0, so bid and ask would stand on the anchor or crossed. Raise it",
            ),
            (
                distance is None or least is None or least <= distance,
                "min_distance_bps",
                f"{least} is above {distance_field} {distance}, "
                "so no quote would ever stand where it is configured. Lower it",
            ),
            (
                self.avellaneda_inventory_bps >= 0,
                "avellaneda_inventory_bps",
                f"{self.avellaneda_inventory_bps:g} is negative, so a long position would raise both quotes. "
                "Set it to 0 or more",
            ),
            (
                self.avellaneda_per_sigma >= 0 and self.adaptive_per_sigma_bps >= 0,
                "avellaneda_per_sigma" if self.avellaneda_per_sigma < 0 else "adaptive_per_sigma_bps",
                "is negative, so quotes would come nearer as volatility rises. Set it to 0 or more",
            ),
            (
                self.rebate_improve_ticks >= 0,
                "rebate_improve_ticks",
                f"{self.rebate_improve_ticks} is negative. Set 0 to join the best price, or ticks in front of it",
            ),
            (
                enter is None or 0 < self.pinning_leave_frac < enter < 1,
                "pinning_enter_frac",
                f"{enter} and pinning_leave_frac {self.pinning_leave_frac:g} have to be 0 < leave < enter < 1 of the "
                "soft limit, or pinning would flap or never be reached. Raise one or lower the other",
            ),
            (
                other is None or (is_pricer_name(other) and other != self.mode),
                "volatile_mode",
                f"{other} is the mode itself or no pricer. Name another mode, or leave it empty",
            ),
            (
                other is None or 0 < self.volatile_leave_bps < self.volatile_enter_bps,
                "volatile_leave_bps",
                f"{self.volatile_leave_bps:g} is not between 0 and volatile_enter_bps {self.volatile_enter_bps:g}, "
                "so the mode would flap. Lower it",
            ),
            (
                len(set(names)) == len(names),
                "own_params",
                "names a parameter twice. Remove one",
            ),
        )
        return [(field, text) for holds, field, text in rules if not holds]

    def traps(self, cancel_distance_bps: float, queue_position_limit: int | None) -> list[tuple[str, str, str]]:
        """(trap, field, what happens and the fix) for settings that are allowed but cost what features.md says.

        ``queue_position_limit`` is the number of first book levels in which orders are cancelled, None for off.
        """
        half, inventory_bps = self.avellaneda_half_spread_bps, self.avellaneda_inventory_bps
        cancels_best = cancel_distance_bps > 0 or queue_position_limit is not None
        rules = (
            (
                self.mode == Mode.UPTIME and self.anchor is not Anchor.MARK,
                "T10",
                "anchor",
                f"{self.anchor.value} is up to 2.5 bps off the mark, which is what the program measures from. "
                "Set it to mark",
            ),
            (
                self.mode == Mode.REBATE and cancels_best,
                "T28",
                "cancel_distance_bps" if cancel_distance_bps > 0 else "queue_position_limit",
                "would cancel the quotes that rebate joins the best price with. Set it to 0 or off for this mode",
            ),
            (
                self.mode == Mode.AVELLANEDA and inventory_bps >= half,
                "T33",
                "avellaneda_inventory_bps",
                f"{inventory_bps:g} reaches avellaneda_half_spread_bps {half:g}: at full inventory the reducing quote "
                "stands on or through the anchor. Lower it",
            ),
        )
        return [(trap, field, text) for applies, trap, field, text in rules if applies]


Pricer = Callable[[Side, PriceInputs, PricingParams], SidePrice | NoPrice]
"""Pure: the same arguments give the same answer, with no clock, no I/O and nothing kept between calls."""


def is_pricer_name(name: str) -> bool:
    """Whether ``name`` is a pricer of this bundle that a configuration may name, or has the form of an own one.

    >>> [is_pricer_name(name) for name in ("uptime", "my_pricers:steady", "pinning", "my pricers:steady")]
    [True, True, False, False]
    """
    module, colon, function = name.partition(":")
    if colon:
        return function.isidentifier() and all(part.isidentifier() for part in module.split("."))
    return name in _DISTANCE_FIELDS


def distance_bps(side: Side, price: float, mark: float) -> float:
    """Distance of ``price`` from the mark in bps, positive on the side's own side of it.

    >>> round(distance_bps(Side.BUY, 99.93, 100.0), 6), round(distance_bps(Side.SELL, 99.93, 100.0), 6)
    (7.0, -7.0)
    """
    return -side.sign * bps_between(price, mark)


def lattice_price(side: Side, away_bps: float, mark: float, tick: Decimal) -> Decimal:
    """Price on the tick lattice that stands ``away_bps`` from the mark or farther: bids down, asks up.

    A price within a millionth of a tick of the lattice is on it: it went through floats, and rounding that noise
    outwards would put a quote that joins the best price a tick behind it.

    >>> lattice_price(Side.BUY, distance_bps(Side.BUY, 99940.01, 100000.0), 100000.0, Decimal("0.01"))
    Decimal('99940.01')
    """
    price = Decimal(repr(mark * (1.0 - side.sign * away_bps / 1e4)))
    steps = price / tick
    nearest = steps.to_integral_value(ROUND_HALF_EVEN)
    if abs(steps - nearest) <= SNAP_TICKS:
        return nearest * tick
    return round_passive(price, tick, side is Side.BUY)


def anchor_price(side: Side, inputs: PriceInputs, anchor: Anchor) -> float | None:
    """The price that ``side`` is measured from; None while it is not known."""
    if anchor is Anchor.MARK:
        return inputs.mark
    if anchor is Anchor.MID:
        return inputs.mid
    if anchor is Anchor.BEST:
        return inputs.others(side)
    return inputs.micro if anchor is Anchor.MICRO else inputs.external


def from_anchor(side: Side, inputs: PriceInputs, anchor: Anchor, *terms: tuple[str, float]) -> SidePrice | NoPrice:
    """The price that stands the sum of ``terms``, in bps of the anchor, away from it.

    An anchor other than the mark adds the term ``anchor``: what its distance from the mark makes of the whole.
    """
    if anchor is Anchor.MARK:
        return SidePrice.of(*terms)
    price = anchor_price(side, inputs, anchor)
    if price is None or not price > 0:
        return NoPrice(Gap.ANCHOR_UNKNOWN, anchor.value)
    own_bps = fsum([bps for _, bps in terms])
    return SidePrice.of(*terms, (ANCHOR_TERM, (1.0 - price / inputs.mark) * (side.sign * 1e4 - own_bps)))


def clear_of_touch(side: Side, price: SidePrice, inputs: PriceInputs) -> SidePrice:
    """The price, moved away by the term ``crossing`` where it would come nearer than a tick to the other side's best.

    While that best price is not known there is nothing to keep clear of.
    """
    opposite = inputs.touch(side.opposite)
    if opposite is None or not opposite > 0:
        return price
    least = distance_bps(side, opposite - side.sign * inputs.tick, inputs.mark)
    return price if price.distance_bps >= least else price.plus("crossing", least - price.distance_bps)


def least_distance_bps(inputs: PriceInputs, params: PricingParams) -> float | None:
    """Distance that no quote may come nearer to the mark than, None while both floors are off.

    A bid and an ask that fill at it earn at least both maker fees: buying at mark x (1 - d) and selling at
    mark x (1 + d) earns 2 d of the mark and costs 2 fees of it. Whatever decides that an order may stay must not let it
    stand nearer either (trap T31).
    """
    least = params.min_distance_bps
    if params.fee_buffer_bps is None:
        return least
    fees = inputs.maker_fee_frac * 1e4 + params.fee_buffer_bps
    return fees if least is None else max(least, fees)


def with_floor(price: SidePrice, inputs: PriceInputs, params: PricingParams) -> SidePrice:
    """The price, moved away by the term ``floor`` where it stands nearer than ``least_distance_bps``."""
    least = least_distance_bps(inputs, params)
    if least is None or price.distance_bps >= least:
        return price
    return price.plus("floor", least - price.distance_bps)


def checked_price(pricer: Pricer, side: Side, inputs: PriceInputs, params: PricingParams) -> SidePrice | NoPrice:
    """What ``pricer`` says, or NoPrice where it raises or says what cannot be a price.

    Passes on a finite distance within [``NEAREST_BPS``, ``FARTHEST_BPS``] whose terms, at least one and at most
    ``MOST_TERMS``, are named numbers that sum to it. Raises nothing but KeyboardInterrupt.
    """
    if not 0.0 < inputs.mark < inf:
        return NoPrice(Gap.MARK_UNKNOWN)
    try:
        price = pricer(side, inputs, params)
        if type(price) is NoPrice:
            is_said_well = isinstance(price.reason, Gap) and type(price.detail) is str
            return price if is_said_well else NoPrice(Gap.BAD_PRICE, "reason")
        if type(price) is not SidePrice:
            return NoPrice(Gap.BAD_PRICE, type(price).__name__)
        return _checked_terms(price)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # an own pricer may even exit or cancel; it must not take the bot with it
        return NoPrice(Gap.PRICER_FAILED, type(error).__name__)


def _checked_terms(price: SidePrice) -> SidePrice | NoPrice:
    terms, distance = price.terms, price.distance_bps
    if type(terms) is not tuple or not 0 < len(terms) <= MOST_TERMS:
        return NoPrice(Gap.BAD_PRICE, f"terms are not a tuple of 1 to {MOST_TERMS}")
    is_exact = True
    for name, bps in terms:
        if type(name) is not str or type(bps) is bool or not isinstance(bps, (int, float)) or not -inf < bps < inf:
            return NoPrice(Gap.BAD_PRICE, "a term is not a name and a finite number")
        is_exact = is_exact and type(bps) is float
    total = fsum([bps for _, bps in terms])
    if not NEAREST_BPS <= total <= FARTHEST_BPS:
        return NoPrice(Gap.BAD_PRICE, f"distance is not within {NEAREST_BPS:g} and {FARTHEST_BPS:g} bps")
    if not abs(total - distance) <= TERM_TOLERANCE_BPS:
        return NoPrice(Gap.BAD_PRICE, "terms do not sum to the distance")
    if is_exact and total == distance and type(distance) is float:
        return price
    return SidePrice(total, tuple((name, float(bps)) for name, bps in terms))


def _unknown_mode(name: str) -> str:
    return (
        f"{name} is no pricer. Set one of {', '.join(sorted(_DISTANCE_FIELDS))}, or package.module:function of your "
        "own (pinning is reached by inventory, see pinning_enter_frac)"
    )
