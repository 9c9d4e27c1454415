"""``hbx probe``: how long the venue takes for a post-only order and its cancel, far from the market."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal, InvalidOperation
from pathlib import Path
from statistics import quantiles
from typing import Annotated, Any

import typer

from hummingbot_extensions.cli import probing
from hummingbot_extensions.cli.bot_process import ADDRESS_VARIABLE
from hummingbot_extensions.cli.emulator_process import running_emulator
from hummingbot_extensions.cli.hummingbot_root import installed_package
from hummingbot_extensions.cli.output import ExitCode, Failure, show
from hummingbot_extensions.core.types import Side

KEY_NAMES = ("login", "secret", "request_key")
MIN_LIVE_AWAY_BPS = 200.0


def probe(
    n: Annotated[int, typer.Option("--n", min=1, max=10_000, help="Round trips.")] = 20,
    market: Annotated[str, typer.Option(help="Trading pair.")] = "BTC-DUSD",
    side: Annotated[str, typer.Option(help="buy or sell.")] = "buy",
    away_bps: Annotated[float, typer.Option(min=50, max=2500, help="Distance of each order from mark, bps.")] = 500.0,
    size: Annotated[str | None, typer.Option(help="Base units; default: the least the market takes.")] = None,
    pause_s: Annotated[float, typer.Option(min=0, max=60, help="Wait between round trips, seconds.")] = 0.2,
    url: Annotated[
        str | None, typer.Option(help="A running `hbx emulate standx`; without it one is started for the probe.")
    ] = None,
    keys: Annotated[
        Path | None,
        typer.Option(help="JSON file with login, secret, request_key (as --credentials-file writes), - reads stdin."),
    ] = None,
    live: Annotated[bool, typer.Option("--live", help="Real orders at StandX; needs --size and --keys.")] = False,
    seed: Annotated[int, typer.Option(help="Seed of the emulator that is started.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON, and nothing else.")] = False,
) -> None:
    """Place and cancel a post-only order again and again; print p50, p95 and p99 of every answer of the venue."""
    amount = _checked(side, size, away_bps, url, keys, live)
    installed_package()
    logging.disable(logging.CRITICAL)
    say = (lambda text: None) if as_json else (lambda text: print(text, file=sys.stderr, flush=True))
    with _venue(url, keys, live, seed) as (domain, credentials):
        plan = probing.Plan(domain, credentials, market, Side(side), away_bps, amount, n, pause_s)
        found = asyncio.run(probing.probe(plan, say))
    record = {
        "venue": domain, "market": market, "size": str(found.size), "away_bps": away_bps, "wanted": n,
        "round_trips": found.round_trips, "failures": found.failures, "filled": found.filled,
        "may_rest": found.may_rest, "interrupted": found.is_interrupted,
        "ms": {leg: percentiles(samples) for leg, samples in found.legs.items()},
    }  # fmt: skip
    show(record, lines(record), as_json)
    if found.may_rest or found.filled:
        raise typer.Exit(ExitCode.ERROR)
    if found.failures or not found.round_trips:
        raise typer.Exit(ExitCode.ERROR)


def percentiles(samples: list[float]) -> dict[str, float | None]:
    """Count and p50, p95, p99, max of milliseconds; None where there is nothing to say."""
    if not samples:
        return {"n": 0, "p50": None, "p95": None, "p99": None, "max": None}
    cuts = quantiles(samples, n=100, method="inclusive") if len(samples) > 1 else samples * 99
    named = {"p50": cuts[49], "p95": cuts[94], "p99": cuts[98], "max": max(samples)}
    return {"n": len(samples), **{name: round(value, 2) for name, value in named.items()}}


def lines(record: dict[str, Any]) -> list[str]:
    """The report for a person."""
    shown = [
        f"{record['venue']} {record['market']}  {record['size']} at {record['away_bps']:g} bps from mark, "
        f"{record['round_trips']} of {record['wanted']} round trips, {len(record['failures'])} failed"
        + (", interrupted" if record["interrupted"] else ""),
        f"{'milliseconds from the first byte':<34}{'n':>6}{'p50':>10}{'p95':>10}{'p99':>10}{'max':>10}",
    ]
    words = {"ack": "order taken for checking", "live": "order seen resting",
             "cancel_ack": "cancel taken for checking", "canceled": "order seen cancelled"}  # fmt: skip
    for leg, row in record["ms"].items():
        figures = "".join(f"{'-' if row[name] is None else format(row[name], '.1f'):>10}"
                          for name in ("p50", "p95", "p99", "max"))  # fmt: skip
        shown.append(f"{words[leg]:<34}{row['n']:>6}{figures}")
    shown += [f"FAILED  {text}" for text in record["failures"]]
    shown += [f"FILLED  {order_id}: a position may be open, look at the venue" for order_id in record["filled"]]
    shown += [f"MAY REST  {order_id}: the venue has not confirmed its end, cancel it there"
              for order_id in record["may_rest"]]  # fmt: skip
    if not record["may_rest"]:
        shown.append("every order was confirmed ended by the venue")
    return shown


def _checked(
    side: str, size: str | None, away_bps: float, url: str | None, keys: Path | None, live: bool
) -> Decimal | None:
    """The size, once the options fit together; nothing live is ever taken for granted."""
    if side not in ("buy", "sell"):
        raise Failure(f"--side {side}: unknown", "give buy or sell", ExitCode.CONFIG_ERROR)
    try:
        amount = Decimal(size) if size is not None else None
    except InvalidOperation:
        amount = Decimal("NaN")
    if amount is not None and (not amount.is_finite() or amount <= 0):
        raise Failure(f"--size {size}: not a size above 0", "give base units, e.g. --size 0.001", ExitCode.CONFIG_ERROR)
    if live and url is not None:
        raise Failure("--live and --url contradict each other", "leave one of them out", ExitCode.CONFIG_ERROR)
    if live and (amount is None or keys is None):
        raise Failure("--live sends real orders and needs --size and --keys", "give both; --keys - reads stdin",
                      ExitCode.CONFIG_ERROR)  # fmt: skip
    if live and away_bps < MIN_LIVE_AWAY_BPS:
        raise Failure(f"--away-bps {away_bps:g} is too near for a live probe",
                      f"give {MIN_LIVE_AWAY_BPS:g} or more", ExitCode.CONFIG_ERROR)  # fmt: skip
    if url is not None and keys is None:
        raise Failure("--url needs the login of that emulator",
                      "start it with --credentials-file FILE and give --keys FILE", ExitCode.CONFIG_ERROR)  # fmt: skip
    if keys is not None and url is None and not live:
        raise Failure("--keys without --url or --live", "say which venue they are for", ExitCode.CONFIG_ERROR)
    return amount


@contextmanager
def _venue(url: str | None, keys: Path | None, live: bool, seed: int) -> Iterator[tuple[str, dict[str, str]]]:
    """Domain and login of the venue: live, an emulator that runs, or one of our own that ends with the block."""
    if live:
        assert keys is not None
        yield "standx_perpetual", _read_keys(keys)
    elif url is not None:
        assert keys is not None
        with _address(url):
            yield "standx_perpetual_emulator", _read_keys(keys)
    else:
        with tempfile.TemporaryDirectory(prefix="hbx-probe-") as folder, \
                running_emulator(Path(folder), None, None, seed) as venue, _address(venue.url):  # fmt: skip
            yield "standx_perpetual_emulator", dict(venue.credentials)


@contextmanager
def _address(url: str) -> Iterator[None]:
    before = os.environ.get(ADDRESS_VARIABLE)
    os.environ[ADDRESS_VARIABLE] = url
    try:
        yield
    finally:
        if before is None:
            del os.environ[ADDRESS_VARIABLE]
        else:
            os.environ[ADDRESS_VARIABLE] = before


def _read_keys(path: Path) -> dict[str, str]:
    """Login, secret and request key; an error names what is missing and never shows what is there."""
    try:
        text = sys.stdin.read() if str(path) == "-" else path.read_text()
        plain = json.loads(text)
        found = {name: str(plain[name]) for name in KEY_NAMES}
    except FileNotFoundError:
        raise Failure(f"--keys: no file {path}", "name the file with the login", ExitCode.NOT_FOUND) from None
    except (ValueError, KeyError, TypeError, OSError):
        raise Failure(
            "--keys: not a JSON object with login, secret and request_key",
            "write them as `hbx emulate standx --credentials-file` does", ExitCode.CONFIG_ERROR,
        ) from None  # fmt: skip
    return found
