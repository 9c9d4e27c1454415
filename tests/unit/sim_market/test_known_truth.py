"""Queue models against exact fills; the truth itself is checked by really inserting the order."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from hummingbot_extensions.core.types import Side
from hummingbot_extensions.kernels import fifo
from hummingbot_extensions.sim import known_truth
from hummingbot_extensions.sim.known_truth import (
    MARKETS,
    Fills,
    KnownFlow,
    Probe,
    compared,
    is_early,
    known_flow,
    model_errors,
    probes_of,
    true_fills,
)
from hummingbot_extensions.sim.matching import FifoBook
from hummingbot_extensions.sim.queue_models import QUEUE_MODELS
from hummingbot_extensions.sim.statistics import NS_PER_S

PROBE_ID = 10**12
LIFE_NS = 30 * NS_PER_S


@cache
def flow_of(market: str) -> KnownFlow:
    spec, price_ticks = MARKETS[market]
    return known_flow(spec, 3, price_ticks, 900 * NS_PER_S)


def inserted(flow: KnownFlow, probe: Probe) -> int | None:
    """When a one-lot probe fills after being really given to the book; post-only orders may now trade with it."""
    at = int(np.searchsorted(flow.ts_ns, probe.at_ns, side="right"))
    kinds = np.where(flow.commands.kinds == fifo.ALO, fifo.GTC, flow.commands.kinds)
    own = (fifo.GTC, PROBE_ID, probe.side.sign, probe.price_ticks, 1)
    columns = (kinds, flow.commands.order_ids, flow.commands.signs, flow.commands.prices_ticks, flow.commands.lots)
    table = fifo.Commands(*(np.insert(column, at, value) for column, value in zip(columns, own, strict=True)))
    _, matches = FifoBook().run(table)
    met = matches.commands[matches.maker_ids == PROBE_ID]
    if not len(met):
        return None
    at_ns = int(flow.ts_ns[met[0] - 1])
    return at_ns if at_ns <= probe.until_ns else None


def test_noted_flow_is_the_market() -> None:
    """Given to a fresh book in one batch, the flow trades exactly what the tape printed."""
    flow = flow_of("step 1")
    assert flow.matches.prices_ticks.tolist() == flow.tape.trade_ticks.tolist()
    assert flow.matches.lots.tolist() == flow.tape.trade_lots.tolist()
    assert flow.ts_ns[flow.matches.commands].tolist() == flow.tape.trade_ts_ns.tolist()
    assert (flow.commands.order_ids[flow.arrivals] == flow.matches.maker_ids).all()


@pytest.mark.parametrize("market", MARKETS)
def test_truth_is_what_a_real_order_gets(market: str) -> None:
    """Thirty one-lot probes fill at the very instant at which they do when inserted into the flow and matched."""
    flow, spec = flow_of(market), MARKETS[market][0]
    probes = [probe for lane in probes_of(flow, spec, 1, 1, LIFE_NS) for probe in lane]
    placeable = [probe for probe in probes if not crosses(flow, probe)][:30]
    truths = [true_fills(flow, probe).reached_ns(1) for probe in placeable]
    assert truths == [inserted(flow, probe) for probe in placeable]
    assert sum(truth is not None for truth in truths) > 5


def crosses(flow: KnownFlow, probe: Probe) -> bool:
    """Whether the probe would have taken something at its placement."""
    at = int(np.searchsorted(flow.ts_ns, probe.at_ns, side="right"))
    columns = (flow.commands.kinds, flow.commands.order_ids, flow.commands.signs, flow.commands.prices_ticks)
    book = FifoBook()
    book.run(fifo.Commands(*(column[:at] for column in (*columns, flow.commands.lots))))
    best = book.best_ticks(probe.side.opposite)
    return best is not None and (probe.price_ticks - best) * probe.side.sign >= 0


@pytest.mark.parametrize("size_lots", [1, 300])
@pytest.mark.parametrize("market", MARKETS)
def test_risk_averse_is_never_early(market: str, size_lots: int) -> None:
    """Its first lot comes no sooner than the true one, and never where truly there is none, at any size."""
    flow, spec = flow_of(market), MARKETS[market][0]
    checked = 0
    for probes in probes_of(flow, spec, 2, size_lots, LIFE_NS):
        for _, true, modelled in compared(flow, spec, QUEUE_MODELS["risk_averse"], probes):
            assert not is_early(true, modelled)
            checked += bool(modelled.steps)
    assert checked > 30


def test_probability_models_come_nearer_to_the_truth() -> None:
    """Where orders share prices, both miss fewer fills and err less in time and amount than the risk-averse one."""
    flow, spec = flow_of("step 1"), MARKETS["step 1"][0]
    errors = {row.model: row for row in model_errors(flow, spec, probes_of(flow, spec, 4, 1, LIFE_NS))}
    careful = errors.pop("risk_averse")
    assert careful.early == careful.extra == 0 and careful.probes > 100 < careful.truly_filled
    assert set(errors) == {"power", "log"}
    for row in errors.values():
        assert row.missed <= careful.missed and row.mean_abs_error_s < careful.mean_abs_error_s
        assert abs(row.amount_bias_frac) < abs(careful.amount_bias_frac)


def test_early_means_a_first_lot_before_its_time() -> None:
    """Sooner than the truth or never truly; as soon, later and never are not early."""
    true = Fills(((10, 1),))
    assert is_early(true, Fills(((9, 1),))) and is_early(Fills(()), Fills(((9, 1),)))
    assert not any(is_early(true, Fills(steps)) for steps in (((10, 1),), ((11, 1),), ()))


def test_partial_fills_of_a_probe_add_up() -> None:
    """Two hundred lots are reached at the second fill, three hundred never; a probe never fills beyond its size."""
    assert Fills(((1, 150), (2, 60))).reached_ns(200) == 2
    assert Fills(((1, 150), (2, 60))).reached_ns(300) is None
    flow, spec = flow_of("step 1"), MARKETS["step 1"][0]
    for probe in probes_of(flow, spec, 5, 300, LIFE_NS)[0]:
        assert true_fills(flow, probe).lots <= 300
        assert probe.side in Side


def test_command_prints_a_line_per_model_and_judges(capsys: pytest.CaptureFixture[str]) -> None:
    """Two steps, two sizes, three models, and the verdict, which is also the exit code."""
    assert known_truth.main(["--hours", "0.02", "--life", "20"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + 12 + 1 and lines[-1] == "risk_averse was never early"
