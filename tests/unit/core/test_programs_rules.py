"""Rule files: what is packaged, what is unknown, and what an error in one says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from program_builders import MONTH_NS, POINTS, REPO, SIP5A, UPTIME, ask, bid, record, rule_file, rules

from hummingbot_extensions.core.maker_hours import HOUR_NS
from hummingbot_extensions.core.maker_month import month_outlook
from hummingbot_extensions.core.program_file import program_rules
from hummingbot_extensions.core.program_score import program_score
from hummingbot_extensions.core.programs import Cadence, ProgramFileError

SPAN = (MONTH_NS, MONTH_NS + HOUR_NS)


def test_every_packaged_file_is_named_after_its_program() -> None:
    """All files in conf/programs can be read, and a program is called what its file is called."""
    names = sorted(path.stem for path in (REPO / "conf/programs").glob("*.yml"))
    assert names == sorted([UPTIME, POINTS, SIP5A])
    assert [rules(name).name for name in names] == names


def test_l8_another_rule_file_gives_another_score_of_the_same_record() -> None:
    """Half the cap, a wider band, other tiers or another program: same log, new score; the first again: the first."""
    log = record([bid(*SPAN, 1.0, 15.0), ask(*SPAN, 1.0, 5.0)])
    base = program_score(rules(UPTIME), log)
    assert base.maker_hours == 0.0 and base.points is None
    assert program_score(rules(UPTIME, band_bps=15), log).maker_hours == 0.5
    small = {"BTC-USD": {"cap_base": 1, "divisor_base": 1}}
    assert program_score(rules(UPTIME, band_bps=15, markets=small), log).maker_hours == 1.0
    points = program_score(rules(POINTS), log)
    assert points.maker_hours is None
    assert points.points == pytest.approx((99_850 * 0.5 + 100_050) / 24)
    assert program_score(rules(SIP5A), log).maker_hours is None
    assert program_score(rules(UPTIME), log) == base


def test_sip5a_unknowns_are_null_and_named() -> None:
    """Under SIP-5A a perfect hour has times and sizes in band, and null wherever a figure is unpublished; never 0."""
    edition = rules(SIP5A)
    assert edition.cadence is Cadence.DAY and edition.fee_tiers is None
    score = program_score(edition, record([bid(*SPAN), ask(*SPAN)]))
    assert score.in_band is not None and score.in_band.strict_frac == 1.0
    assert (score.bid_base_s, score.ask_base_s) == (7200.0, 7200.0)
    (hour,) = score.hours
    for value in (score.maker_hours, score.exact_maker_hours, score.eligible_base_s, score.points,
                  hour.maker_hours, hour.exact_maker_hours, hour.reached_base, hour.eligible_base_s, hour.tier):
        assert value is None
    assert "maker_hours.markets.BTC-USD.cap_base" in score.unknown
    assert "maker_hours.further_terms.weight_curve" in score.unknown
    outlook = month_outlook(edition, {"BTC-USD": score.hours}, SPAN[1])
    assert (outlook.earned_hours, outlook.projected_hours, outlook.tiers) == (None, None, None)


KNOWN = {
    "counted_by": "minutes", "tiers": [{"name": "one", "share_frac": 0.5, "minutes": 30, "multiplier": 1.0}],
    "max_per_hour": 1, "markets": {"BTC-USD": {"cap_base": 2, "divisor_base": 2}}, "further_terms": {},
}


@pytest.mark.parametrize(("unknown", "named"), [
    ({"counted_by": None}, {"maker_hours.counted_by", "maker_hours.sample_every_s"}),
    ({"tiers": None}, {"maker_hours.tiers"}),
    ({"max_per_hour": None}, {"maker_hours.max_per_hour"}),
    ({"band_bps": None}, {"maker_hours.band_bps"}),
    ({"counted_by": "samples"}, {"maker_hours.sample_every_s"}),
    ({"further_terms": {"unit_size": None}}, {"maker_hours.further_terms.unit_size"}),
    ({"markets": {"BTC-USD": {"cap_base": 2, "divisor_base": None}}}, {"maker_hours.markets.BTC-USD.divisor_base"}),
    ({"markets": {"BTC-USD": {"cap_base": None, "divisor_base": 2}}}, {"maker_hours.markets.BTC-USD.cap_base"}),
    ({"markets": {}}, {"maker_hours.markets.BTC-USD"}),
])
def test_each_single_unknown_makes_maker_hours_null(unknown: dict[str, Any], named: set[str]) -> None:
    """With every term filled in SIP-5A scores an hour; with any one of them null it scores none and says which."""
    log = record([bid(*SPAN), ask(*SPAN)])
    assert program_score(rules(SIP5A, **KNOWN), log).maker_hours == 1.0
    score = program_score(rules(SIP5A, **(KNOWN | unknown)), log)
    assert score.maker_hours is None and score.exact_maker_hours is None
    assert set(score.unknown) == named


@pytest.mark.parametrize("field", ["dwell_s", "points_per_usd_day", "bands"])
def test_points_with_an_unknown_term_are_null(field: str) -> None:
    """Points need every term of theirs, and name the one that is null."""
    file = rule_file(POINTS)
    file["points"][field] = None
    score = program_score(program_rules(file), record([bid(*SPAN)]))
    assert score.points is None and score.unknown == (f"points.{field}",)


def test_an_unknown_reference_leaves_nothing_in_band() -> None:
    """Without the price that distances are measured from there is no time in band, not a time of 0."""
    file = rule_file(UPTIME) | {"reference": None, "flicker": {"short_life_s": None}}
    score = program_score(program_rules(file), record([bid(*SPAN), ask(*SPAN)]))
    assert score.in_band is None and score.maker_hours is None and score.eligible_base_s is None
    assert score.flicker is None
    assert score.unknown == ("reference", "flicker.short_life_s")
    points = program_score(program_rules(rule_file(POINTS) | {"reference": None}), record([bid(*SPAN)]))
    assert points.points is None and points.unknown == ("reference",)


def change(*path: str | int, to: object) -> Callable[[Any], None]:
    def apply(file: Any) -> None:
        for name in path[:-1]:
            file = file[name]
        file[path[-1]] = to
    return apply


def remove(*path: str) -> Callable[[Any], None]:
    def apply(file: Any) -> None:
        for name in path[:-1]:
            file = file[name]
        del file[path[-1]]
    return apply


TIERS = ("maker_hours", "tiers")


@pytest.mark.parametrize(("spoil", "field", "fix"), [
    (change("schema", to=2), "schema", "must be 1"),
    (change("schema", to=True), "schema", "must be 1"),
    (remove("program"), "program", "is missing"),
    (change("program", to=7), "program", "must be a text"),
    (change("reference", to="mid"), "reference", "must be mark"),
    (change("cadence", to="week"), "cadence", "one of day, month"),
    (change("maker_hours", to=[1]), "maker_hours", "must be a mapping"),
    (remove("maker_hours"), "maker_hours", "or points must be there"),
    (remove("maker_hours", "band_bps"), "maker_hours.band_bps", "write null if the figure is not known"),
    (change("maker_hours", "band_bps", to=0), "maker_hours.band_bps", "above 0"),
    (change("maker_hours", "band_bps", to="10"), "maker_hours.band_bps", "must be a number"),
    (change("maker_hours", "band_bps", to=float("nan")), "maker_hours.band_bps", "must be a number"),
    (change("maker_hours", "band_bps", to=True), "maker_hours.band_bps", "must be a number"),
    (change("maker_hours", "band", to=10), "maker_hours.band", "remove it or correct its name"),
    (change("maker_hours", "markets", to=["BTC-USD"]), "maker_hours.markets", "mapping of symbols"),
    (change("maker_hours", "markets", "BTC-USD", "cap", to=2), "maker_hours.markets.BTC-USD.cap", "remove it"),
    (change("maker_hours", "markets", "BTC-USD", "cap_base", to=-2), "maker_hours.markets.BTC-USD.cap_base", "above 0"),
    (change("maker_hours", "counted_by", to="luck"), "maker_hours.counted_by", "samples, minutes"),
    (change("maker_hours", "sample_every_s", to=7), "maker_hours.sample_every_s", "must divide 3600"),
    (change("maker_hours", "sample_every_s", to=7200), "maker_hours.sample_every_s", "at most 3600"),
    (change("maker_hours", "symbols_add_up", to="yes"), "maker_hours.symbols_add_up", "true, false or null"),
    (change("maker_hours", "further_terms", to={"unit": 3}), "maker_hours.further_terms.unit", "must be null"),
    (change("maker_hours", "further_terms", to=["unit"]), "maker_hours.further_terms", "mapping of names to null"),
    (change(*TIERS, to=[]), "maker_hours.tiers", "at least one row"),
    (change(*TIERS, 0, "share_frac", to=1.2), "maker_hours.tiers[0].share_frac", "at most 1"),
    (change(*TIERS, 1, "minutes", to=61), "maker_hours.tiers[1].minutes", "at most 60"),
    (change(*TIERS, 1, "multiplier", to=None), "maker_hours.tiers[1].multiplier", "must be a number"),
    (change("maker_hours", "colours", 1, "above_hours", to=0.6), "maker_hours.colours", "above_hours has to fall"),
    (change("fee_tiers", 0, "above_hours", to=600), "fee_tiers", "above_hours has to rise"),
    (change("fee_tiers", 0, "taker_fee_bps", to="low"), "fee_tiers[0].taker_fee_bps", "must be a number"),
    (remove("fee_tiers"), "fee_tiers", "is missing"),
    (change("flicker", "short_life_s", to=0), "flicker.short_life_s", "above 0"),
    (change("pays", to="DUSD"), "pays", "is not a field"),
])
def test_an_error_names_field_and_fix(spoil: Callable[[Any], None], field: str, fix: str) -> None:
    """Each single mistake in the January file is refused with the dotted name of the field and what to write there."""
    file = rule_file(UPTIME)
    spoil(file)
    with pytest.raises(ProgramFileError) as caught:
        program_rules(file)
    assert caught.value.field == field
    assert fix in caught.value.fix and str(caught.value) == f"{field}: {caught.value.fix}"


def test_an_empty_file_is_refused() -> None:
    """A file without fields, or one that is not a mapping, says so."""
    for file in (None, [], "text"):
        with pytest.raises(ProgramFileError, match="file: must be a mapping"):
            program_rules(file)


def test_points_bands_must_rise() -> None:
    """Bands out of order are refused."""
    file = rule_file(POINTS)
    file["points"]["bands"].reverse()
    with pytest.raises(ProgramFileError, match=r"points\.bands: rows must be in order: to_bps has to rise"):
        program_rules(file)
