"""``hbx emulate``: a venue on this machine, to try a bot without keys or money."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from hummingbot_extensions.cli.program_files import DEFAULT_PROGRAMS, load_program
from hummingbot_extensions.core.programs import ProgramFileError
from hummingbot_extensions.emulator.config import CannotServe, EmulatorConfig
from hummingbot_extensions.emulator.faults import BadFault, FaultBoard
from hummingbot_extensions.emulator.faults.board import catalogue, parsed_text
from hummingbot_extensions.emulator.faults.catalogue import CATALOGUE
from hummingbot_extensions.emulator.serve import ready_note, serve
from hummingbot_extensions.emulator.server import Handle

EXIT_ERROR = 1
EXIT_NOT_FOUND = 2
EXIT_CONFIG = 4

app = typer.Typer(
    name="emulate", help="Run a venue on this machine: same API, no keys, no money.", no_args_is_help=True
)


@app.callback()
def emulate() -> None:
    """Run a venue on this machine: same API, no keys, no money."""


@app.command()
def standx(
    market: Annotated[str, typer.Option(help="'synthetic', or the folder of a recorded tape.")] = "synthetic",
    symbol: Annotated[str, typer.Option(help="Market to serve.")] = "BTC-USD",
    seed: Annotated[int, typer.Option(help="Same seed and same orders: same market.")] = 1,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 takes any free one.")] = 8710,
    speed: Annotated[float, typer.Option(min=0.01, max=10_000, help="Venue seconds per second.")] = 1.0,
    manual: Annotated[bool, typer.Option("--manual", help="Time moves only by POST /_control/step.")] = False,
    tape_start: Annotated[
        str | None, typer.Option(help="Where in the tape to begin, such as 2026-01-06T01:00.")
    ] = None,
    minutes: Annotated[float | None, typer.Option(min=0.01, help="How much of the tape to play.")] = None,
    order_delay_ms: Annotated[float, typer.Option(min=0, help="From acceptance to execution of an order.")] = 50.0,
    cancel_delay_ms: Annotated[float, typer.Option(min=0, help="From acceptance to execution of a cancel.")] = 50.0,
    feed_delay_ms: Annotated[float, typer.Option(min=0, help="Added to every WebSocket frame.")] = 0.0,
    sampled_delays: Annotated[
        bool, typer.Option("--sampled-delays", help="Draw the delays from recorded quantiles instead, by seed.")
    ] = False,
    recorded_delays: Annotated[
        bool, typer.Option("--recorded-delays", help="Delay every frame as the tape's own frames were delayed.")
    ] = False,
    queue_model: Annotated[
        str, typer.Option(help="How orders wait on a tape: risk_averse, power or log.")
    ] = "risk_averse",
    balance: Annotated[str, typer.Option(help="DUSD of every new account.")] = "10000",
    rate_limits: Annotated[bool, typer.Option(help="Enforce the venue's rate limits.")] = True,
    program: Annotated[
        list[str] | None, typer.Option(help="Reward program to score by: packaged name or file; may be repeated.")
    ] = None,
    fault: Annotated[
        list[str] | None, typer.Option(help="NAME[:key=value,...], on from the start; may be repeated.")
    ] = None,
    state: Annotated[
        Path | None, typer.Option(help="Keep accounts, orders and the market here, and go on from it.")
    ] = None,
    credentials_file: Annotated[Path | None, typer.Option(help="Write demo's login here, mode 0600.")] = None,
    ready_file: Annotated[Path | None, typer.Option(help="Write url, port, pid and user here once serving.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON line once serving.")] = False,
) -> None:
    """Serve StandX on 127.0.0.1 until stopped; ends with 0 on Ctrl-C or SIGTERM."""
    if market != "synthetic" and not Path(market).is_dir():
        _fail(f"--market {market}: no such folder; give a tape folder or 'synthetic'", EXIT_NOT_FOUND)
    try:
        money = Decimal(balance)
    except InvalidOperation:
        _fail(f"--balance {balance}: not a number", EXIT_CONFIG)
    if not money.is_finite() or money < 0:
        _fail(f"--balance {balance}: must be 0 or more", EXIT_CONFIG)
    try:
        faults = [_checked_fault(text) for text in fault or []]
    except BadFault as error:
        _fail(f"--fault {error}", EXIT_CONFIG)
    try:
        programs = [load_program(name) for name in program or DEFAULT_PROGRAMS]
    except ProgramFileError as error:
        _fail(f"--program {error}", EXIT_CONFIG)
    config = EmulatorConfig(
        market=market,
        symbol=symbol,
        seed=seed,
        port=port,
        speed=speed,
        manual=manual,
        tape_start=tape_start,
        tape_minutes=minutes,
        order_delay_ms=order_delay_ms,
        cancel_delay_ms=cancel_delay_ms,
        feed_delay_ms=feed_delay_ms,
        sampled_delays=sampled_delays,
        recorded_delays=recorded_delays,
        queue_model=queue_model,
        balance=money,
        rate_limits=rate_limits,
        programs=programs,
        faults=faults,
        state=state,
    )

    def say(handle: Handle) -> None:
        if as_json:
            typer.echo(json.dumps(ready_note(handle)))
            return
        typer.echo(f"StandX emulator at {handle.url}  market {market}  {symbol}  speed {speed:g}")
        if credentials_file is not None:
            typer.echo(f"account demo with {balance} DUSD, login in {credentials_file}")
        else:
            typer.echo(f"account demo with {balance} DUSD; --credentials-file FILE writes its login")
        typer.echo("Ctrl-C stops it")

    try:
        asyncio.run(serve(config, credentials_file, ready_file, say))
    except CannotServe as error:
        _fail(str(error), EXIT_ERROR)


@app.command()
def faults(
    as_json: Annotated[bool, typer.Option("--json", help="Print the catalogue as JSON.")] = False,
) -> None:
    """List the faults that --fault and the control API take."""
    if as_json:
        typer.echo(json.dumps(catalogue()))
        return
    for entry in CATALOGUE:
        typer.echo(f"{entry.name:<26} {entry.meaning}")
        for param in entry.params:
            typer.echo(f"{'':<26}   {param.name}={param.default}  {param.meaning}, {param.bounds.replace('`', '')}")


def _checked_fault(text: str) -> dict[str, Any]:
    """Request of a fault that can be armed; BadFault otherwise."""
    request = parsed_text(text)
    FaultBoard(0).arm(request, 0)
    return request


def _fail(text: str, code: int) -> NoReturn:
    typer.echo(text, err=True)
    raise typer.Exit(code)
