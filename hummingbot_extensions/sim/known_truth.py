"""How wrong each queue model is, against fills that are known: ``python -m hummingbot_extensions.sim.known_truth``.

Method. A closed market of agents is run once without us and every order and cancel that reaches its book is noted, so
that the book is known order by order. Its tape (frames and prints, as a collector sees them) is made in the same run.

A **probe** is a resting order that was never given. Its true fills follow from price-time priority with everybody
else's orders as they were: an order of the other side that came after the probe fills it by as many lots as it traded
behind the probe (at the probe's price with orders younger than the probe, or at worse prices) or as it had left over
within the probe's price (resting there, or gone unfilled). Nobody reacts to the probe, and post-only orders through its
price trade with it. What happens behind a probe changes nothing in front of it, so this is exact at any size, and
probes do not disturb each other.

The same probe is then placed on the tape at the same instant, right after a frame, once under each model. An error is
the model's time minus the true one; early means that the model fills what truly was still waiting.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random

import numpy as np

from hummingbot_extensions.core.types import Side, TimeInForce
from hummingbot_extensions.kernels import fifo
from hummingbot_extensions.sim.agents import DEFAULT_AGENTS, AgentParams
from hummingbot_extensions.sim.generator import recorded_tape
from hummingbot_extensions.sim.market import Fill, MarketSpec
from hummingbot_extensions.sim.matching import KINDS, Execution, FifoBook
from hummingbot_extensions.sim.queue_models import QUEUE_MODELS, QueueModel
from hummingbot_extensions.sim.statistics import BTC_USD, NS_PER_S, START_NS, START_PRICE_TICKS
from hummingbot_extensions.sim.synthetic import SyntheticMarket
from hummingbot_extensions.sim.tape import Int64Array, Tape, TapeMarket

LANES = 8
"""Probes waiting at one time; each lane has a market of its own, as one market shares a print among its orders."""
DEEPEST_LEVEL = 3


class NotingBook(FifoBook):
    """A book that keeps every order and cancel given to it, with the time, in the order of arrival."""

    __slots__ = ("now_ns", "rows")

    def __init__(self) -> None:
        super().__init__()
        self.now_ns = 0
        self.rows: list[tuple[int, int, int, int, int, int]] = []
        """(time, kind, id, sign, price, lots) of each command."""

    def place(self, order_id: int, side: Side, price_ticks: int | None, size_lots: int, tif: TimeInForce) -> Execution:
        kind, price = (fifo.MARKET, 0) if price_ticks is None else (KINDS[tif], price_ticks)
        self.rows.append((self.now_ns, kind, order_id, side.sign, price, size_lots))
        return super().place(order_id, side, price_ticks, size_lots, tif)

    def cancel(self, order_id: int) -> int | None:
        self.rows.append((self.now_ns, fifo.CANCEL, order_id, 1, 0, 0))
        return super().cancel(order_id)


class _NotedMarket(SyntheticMarket):
    """A market whose book knows the time at which each command reaches it."""

    def __init__(self, spec: MarketSpec, seed: int, price_ticks: int, params: AgentParams, book: NotingBook) -> None:
        self._noting = book
        book.now_ns = START_NS
        super().__init__(spec, seed, START_NS, price_ticks, params, book)

    @property
    def now_ns(self) -> int:
        return self._noting.now_ns

    @now_ns.setter
    def now_ns(self, value: int) -> None:
        self._noting.now_ns = value


@dataclass(frozen=True, slots=True, eq=False)
class KnownFlow:
    """Every command of a market with its time and outcome, all matches, and the tape that shows it from outside.

    ``arrivals`` holds, per match, the index of the command that had placed the maker.
    """

    tape: Tape
    ts_ns: Int64Array
    commands: fifo.Commands
    outcomes: Int64Array
    matches: fifo.Matches
    arrivals: Int64Array


@dataclass(frozen=True, slots=True)
class Probe:
    """An order never given: placed right after the frame at ``at_ns``, looked at until ``until_ns``."""

    at_ns: int
    until_ns: int
    side: Side
    price_ticks: int
    size_lots: int


@dataclass(frozen=True, slots=True)
class Fills:
    """(time, lots) of the fills of a probe, in order."""

    steps: tuple[tuple[int, int], ...]

    @property
    def lots(self) -> int:
        return sum(lots for _, lots in self.steps)

    def reached_ns(self, lots: int) -> int | None:
        """When so many lots were filled, None if never."""
        filled = 0
        for at_ns, size in self.steps:
            filled += size
            if filled >= lots:
                return at_ns
        return None


def known_flow(
    spec: MarketSpec, seed: int, price_ticks: int, duration_ns: int, params: AgentParams = DEFAULT_AGENTS
) -> KnownFlow:
    """Run a market without us and keep everything. The whole flow is then given to a fresh book in one batch."""
    book = NotingBook()
    tape = recorded_tape(_NotedMarket(spec, seed, price_ticks, params, book), duration_ns)
    table = np.array(book.rows, np.int64)
    commands = fifo.Commands(*(np.ascontiguousarray(table[:, column]) for column in range(1, 6)))
    outcomes, matches = FifoBook().run(commands)
    placed = np.flatnonzero(commands.kinds != fifo.CANCEL)
    by_id = placed[np.argsort(commands.order_ids[placed], kind="stable")]
    arrivals = by_id[np.searchsorted(commands.order_ids[by_id], matches.maker_ids)]
    return KnownFlow(tape, np.ascontiguousarray(table[:, 0]), commands, outcomes, matches, arrivals)


def true_fills(flow: KnownFlow, probe: Probe) -> Fills:
    """The probe's fills by price-time priority; see the module."""
    commands, matches, sign = flow.commands, flow.matches, probe.side.sign
    first = int(np.searchsorted(flow.ts_ns, probe.at_ns, side="right"))
    last = int(np.searchsorted(flow.ts_ns, probe.until_ns, side="right"))
    here = slice(first, last)
    reaching = np.zeros(last - first, np.int64)
    met = slice(*np.searchsorted(matches.commands, [first, last]).tolist())
    takers = matches.commands[met]
    # Positive where the match stood behind our price, 0 at it.
    beyond = sign * (probe.price_ticks - matches.prices_ticks[met])
    counts = (commands.signs[takers] == -sign) & ((beyond > 0) | ((beyond == 0) & (flow.arrivals[met] >= first)))
    np.add.at(reaching, takers[counts] - first, matches.lots[met][counts])
    kinds, prices = commands.kinds[here], commands.prices_ticks[here]
    is_other = (commands.signs[here] == -sign) & (kinds != fifo.CANCEL) & (flow.outcomes[here] >= 0)
    within = (kinds == fifo.MARKET) | (sign * (probe.price_ticks - prices) >= 0)
    matched = np.zeros(last - first, np.int64)
    np.add.at(matched, takers - first, matches.lots[met])
    reaching += np.where(is_other & within, commands.lots[here] - matched, 0)
    steps, left = [], probe.size_lots
    for at in np.flatnonzero(reaching).tolist():
        lots = min(left, int(reaching[at]))
        steps.append((int(flow.ts_ns[first + at]), lots))
        left -= lots
        if not left:
            break
    return Fills(tuple(steps))


def probes_of(flow: KnownFlow, spec: MarketSpec, seed: int, size_lots: int, life_ns: int) -> list[list[Probe]]:
    """Probes in lanes, one after the other in each: at the shown levels 0 to 3, anywhere within the display step."""
    rng, tape = Random(f"probes {seed}"), flow.tape
    stamps, grid = tape.frame_ts_ns, spec.display_grid_ticks
    lanes = []
    for lane in range(LANES):
        at_ns, probes = int(stamps[0]) + lane * life_ns // LANES, []
        while at_ns + life_ns <= stamps[-1]:
            frame = int(np.searchsorted(stamps, at_ns))
            side = Side.BUY if rng.random() < 0.5 else Side.SELL
            ticks = (tape.bids if side is Side.BUY else tape.asks).at(frame)[0]
            level = rng.randint(0, DEEPEST_LEVEL)
            price = int(ticks[min(level, len(ticks) - 1)]) + rng.randrange(grid)
            begin_ns = int(stamps[frame])
            probes.append(Probe(begin_ns, begin_ns + life_ns - NS_PER_S, side, price, size_lots))
            at_ns = begin_ns + life_ns
        lanes.append(probes)
    return lanes


def modelled_fills(tape: Tape, spec: MarketSpec, model: QueueModel, probes: list[Probe]) -> list[Fills | None]:
    """Fills of one lane's probes on the tape; None where the probe would have crossed the book and was not placed."""
    market = TapeMarket(tape, spec, queue=model)
    found: list[Fills | None] = []
    for order_id, probe in enumerate(probes):
        market.advance(probe.at_ns)
        placed = market.place(order_id, probe.side, probe.price_ticks, probe.size_lots, TimeInForce.ALO)
        if placed.would_cross:
            found.append(None)
            continue
        events = market.advance(probe.until_ns)
        market.cancel(order_id)
        found.append(Fills(tuple((e.ts_ns, e.size_lots) for e in events if isinstance(e, Fill))))
    return found


@dataclass(frozen=True, slots=True)
class ModelError:
    """One model against the truth over many probes. Times are of the whole order filled, in seconds.

    ``early`` counts probes whose first lot a model filled before it truly was, ``amount_bias_frac`` is all lots filled
    over all lots truly filled, minus one. ``missed`` were truly filled whole and not by the model, ``extra`` the
    reverse.
    """

    model: str
    probes: int
    truly_filled: int
    early: int
    missed: int
    extra: int
    error_s_p50: float
    error_s_p90: float
    mean_abs_error_s: float
    amount_bias_frac: float


def model_errors(
    flow: KnownFlow, spec: MarketSpec, lanes: list[list[Probe]], models: Mapping[str, QueueModel] = QUEUE_MODELS
) -> list[ModelError]:
    """Each model's errors over the same probes."""
    return [
        _error(name, [pair for probes in lanes for pair in compared(flow, spec, model, probes)])
        for name, model in models.items()
    ]


def compared(
    flow: KnownFlow, spec: MarketSpec, model: QueueModel, probes: list[Probe]
) -> list[tuple[Probe, Fills, Fills]]:
    """(probe, true fills, modelled fills) of those that could be placed."""
    modelled = modelled_fills(flow.tape, spec, model, probes)
    return [
        (probe, true_fills(flow, probe), fills)
        for probe, fills in zip(probes, modelled, strict=True)
        if fills is not None
    ]


def is_early(true: Fills, modelled: Fills) -> bool:
    """Whether the model filled a first lot before it truly was."""
    begun = modelled.reached_ns(1)
    truly = true.reached_ns(1)
    return begun is not None and (truly is None or begun < truly)


def _error(name: str, pairs: list[tuple[Probe, Fills, Fills]]) -> ModelError:
    errors_s, missed, extra = [], 0, 0
    for probe, true, modelled in pairs:
        at_ns, true_ns = modelled.reached_ns(probe.size_lots), true.reached_ns(probe.size_lots)
        if at_ns is not None and true_ns is not None:
            errors_s.append((at_ns - true_ns) / NS_PER_S)
        missed += at_ns is None and true_ns is not None
        extra += at_ns is not None and true_ns is None
    errors = np.array(errors_s) if errors_s else np.array([np.nan])
    true_lots = sum(true.lots for _, true, _ in pairs)
    return ModelError(
        name,
        len(pairs),
        sum(true.reached_ns(probe.size_lots) is not None for probe, true, _ in pairs),
        sum(is_early(true, modelled) for _, true, modelled in pairs),
        missed,
        extra,
        float(np.quantile(errors, 0.5)),
        float(np.quantile(errors, 0.9)),
        float(np.mean(np.abs(errors))),
        sum(modelled.lots for _, _, modelled in pairs) / true_lots - 1.0 if true_lots else float("nan"),
    )


WHOLE_DOLLARS = replace(BTC_USD, price_decimals=0, display_grid_ticks=1)
"""The same market on a step of one dollar, where orders share prices and a place in the queue matters."""
MARKETS = {"step 0.01, shown in 0.1": (BTC_USD, START_PRICE_TICKS), "step 1": (WHOLE_DOLLARS, START_PRICE_TICKS // 100)}


def main(arguments: list[str] | None = None) -> int:
    """Print each model's error for two price steps and two sizes; exit 1 if the risk-averse one was ever early."""
    parser = argparse.ArgumentParser(description="Errors of the queue models against exactly known fills.")
    parser.add_argument("--hours", type=float, default=1.0, help="market time")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--life", type=float, default=60.0, help="seconds that a probe waits")
    options = parser.parse_args(arguments)
    sys.stdout.write(
        f"{'market':26}{'lots':>6} {'model':14}{'probes':>7}{'filled':>7}{'early':>6}{'missed':>7}{'extra':>6}"
        f"{'error p50':>11}{'p90':>9}{'mean abs':>10}{'amount':>9}\n"
    )
    is_safe = True
    for title, (spec, price_ticks) in MARKETS.items():
        flow = known_flow(spec, options.seed, price_ticks, round(options.hours * 3600 * NS_PER_S))
        for size_lots in (1, 500):
            lanes = probes_of(flow, spec, options.seed, size_lots, round(options.life * NS_PER_S))
            for row in model_errors(flow, spec, lanes):
                is_safe &= not (row.model == "risk_averse" and row.early)
                sys.stdout.write(
                    f"{title:26}{size_lots:6} {row.model:14}{row.probes:7}{row.truly_filled:7}{row.early:6}"
                    f"{row.missed:7}{row.extra:6}{row.error_s_p50:9.2f} s{row.error_s_p90:7.1f} s"
                    f"{row.mean_abs_error_s:8.2f} s{row.amount_bias_frac:9.1%}\n"
                )
    sys.stdout.write("risk_averse was never early\n" if is_safe else "risk_averse WAS EARLY\n")
    return 0 if is_safe else 1


if __name__ == "__main__":
    raise SystemExit(main())
