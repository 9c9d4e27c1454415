"""``hbx tape``: recorded markets on disk: convert them to our own format, and say what is in them."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from hummingbot_extensions.cli.output import ExitCode, Failure
from hummingbot_extensions.emulator.markets import SPECS
from hummingbot_extensions.emulator.standx_wire import iso
from hummingbot_extensions.sim.tape_convert import convert_standx
from hummingbot_extensions.sim.tape_files import TapeUnreadable
from hummingbot_extensions.sim.tape_folder import gaps_of, holes
from hummingbot_extensions.sim.tape_rows import BOOK, PRICE, TRADE
from hummingbot_extensions.sim.tape_store import TapeFile, TapeNotWritten, read_tape_file, tape_hours

app = typer.Typer(name="tape", help="Recorded markets: convert and describe.", no_args_is_help=True)


@app.callback()
def tape() -> None:
    """Recorded markets: convert and describe."""


@app.command()
def convert(
    source: Annotated[Path, typer.Argument(help="Folder with orderbook_*.parquet and trades_*.parquet.")],
    folder: Annotated[Path, typer.Argument(help="Folder for the tape; made if it is not there.")],
    symbol: Annotated[str, typer.Option(help="Market to convert.")] = "BTC-USD",
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Write recorded StandX hours as a tape of our own, losing nothing but rows that are no book."""
    if symbol not in SPECS:
        raise Failure(f"--symbol {symbol}: no such market", f"name one of {', '.join(SPECS)}", ExitCode.CONFIG_ERROR)
    try:
        done = convert_standx(source, folder, symbol, SPECS[symbol][0])
    except TapeUnreadable as error:
        what, _, fix = str(error).partition("; ")
        raise Failure(what, fix or "name a folder of recorded data", ExitCode.NOT_FOUND) from None
    except (TapeNotWritten, OSError) as error:
        raise Failure(f"{folder}: {error}", "make room on the disk and convert again into an empty folder") from None
    dropped = {name: getattr(done.dropped, name) for name in done.dropped.__dataclass_fields__}
    if as_json:
        found = {name: getattr(done, name) for name in ("frames", "trades", "holes", "source_bytes", "bytes")}
        print(json.dumps({"files": [str(path) for path in done.files], **found, "dropped": dropped}))
        return
    left_out = ", ".join(f"{count} {name}" for name, count in dropped.items() if count) or "nothing"
    print(f"{done.frames} frames, {done.trades} trades, {done.holes} holes in {len(done.files)} files")
    print(f"{done.bytes} bytes, the source {done.source_bytes}: {done.source_bytes / done.bytes:.2f} times smaller")
    print(f"left out: {left_out}")


@app.command()
def info(
    path: Annotated[Path, typer.Argument(help="A tape folder, or one file of it.")],
    symbol: Annotated[str | None, typer.Option(help="Only this market.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Say what a tape holds: span, rows, delays, gaps, size, and how much smaller it is than its source."""
    if not path.exists():
        raise Failure(f"{path} does not exist", "name a tape folder or one of its files", ExitCode.NOT_FOUND)
    paths = [path] if path.is_file() else [file for _, file in tape_hours(path, symbol)]
    if not paths:
        raise Failure(
            f"{path} holds no tape_*.arrows", "name a tape folder, or make one with hbx tape convert",
            ExitCode.NOT_FOUND)
    try:
        files = [read_tape_file(file) for file in paths]
    except TapeUnreadable as error:
        what, _, fix = str(error).partition("; ")
        raise Failure(what, fix) from None
    by_symbol: dict[str, list[TapeFile]] = {}
    for file in files:
        by_symbol.setdefault(_symbol(file), []).append(file)
    found = [_described(name, group) for name, group in by_symbol.items()]
    if as_json:
        print(json.dumps(found))
        return
    for row in found:
        print("\n".join(_lines(row)))


def _symbol(file: TapeFile) -> str:
    """Market of a file, from its name where the header is torn."""
    return file.header.symbol if file.header is not None else file.path.stem.split("_")[1]


def _described(symbol: str, files: list[TapeFile]) -> dict[str, Any]:
    batches = [batch for file in files for batch in file.batches]
    kinds = Counter(int(kind) for batch in batches for kind in batch.kind)
    rows = [batch.kind == BOOK for batch in batches]
    empty = np.zeros(0, np.int64)
    stamps, received = (
        np.concatenate([empty, *(batch.integers[name][of] for batch, of in zip(batches, rows, strict=True))])
        for name in ("exchange_ts_ns", "local_ts_ns"))
    frames = np.sort(stamps)
    delays_ms = np.quantile((received - stamps) / 1e6, [0.5, 0.9, 0.99]).tolist() if len(frames) else None
    gaps: dict[str, list[float | None]] = {}
    for gap in gaps_of(files):
        seconds = None if gap.end_ns is None else (gap.end_ns - gap.start_ns) / 1e9
        gaps.setdefault(str(gap.why), []).append(seconds)
    header = next((file.header for file in files if file.header is not None), None)
    source_bytes = [file.header.source_bytes if file.header is not None else 0 for file in files]
    size = sum(file.path.stat().st_size for file in files)
    dead_s = sum(right - left for left, right in holes(frames)) / 1e9
    return {
        "symbol": symbol,
        "venue": None if header is None else header.venue,
        "source": None if header is None else header.source,
        "tool": None if header is None else header.tool,
        "price_decimals": None if header is None else header.price_decimals,
        "size_decimals": None if header is None else header.size_decimals,
        "first": iso(int(frames[0]), 3) if len(frames) else None,
        "last": iso(int(frames[-1]), 3) if len(frames) else None,
        "span_s": round(float(frames[-1] - frames[0]) / 1e9, 3) if len(frames) else None,
        "dead_s": round(dead_s, 3),
        "frames": kinds[BOOK],
        "prices": kinds[PRICE],
        "trades": kinds[TRADE],
        "feed_delay_ms": None if delays_ms is None else [round(delay, 1) for delay in delays_ms],
        "gaps": {
            why: {
                "count": len(found),
                "seconds": None if None in found else round(sum(s for s in found if s is not None), 3),
                "longest_s": None if None in found else round(max(s for s in found if s is not None), 3),
            }
            for why, found in gaps.items()
        },
        "files": len(files),
        "torn_files": [file.path.name for file in files if file.is_torn],
        "bytes": size,
        "source_bytes": sum(source_bytes) or None,
        "times_smaller": round(sum(source_bytes) / size, 3) if sum(source_bytes) and size else None,
    }


def _lines(row: dict[str, Any]) -> list[str]:
    lines = [
        f"{row['venue'] or 'unknown venue'} {row['symbol']}  from {row['source'] or 'unknown'}, written by "
        f"{row['tool'] or 'unknown'}",
        f"  {row['first']} to {row['last']}, {row['span_s']} s, of which {row['dead_s']} s in gaps of over 2 s",
        f"  {row['frames']} frames, {row['prices']} price frames, {row['trades']} trades in {row['files']} files",
    ]
    if row["feed_delay_ms"] is not None:
        p50, p90, p99 = row["feed_delay_ms"]
        lines.append(f"  received after p50 {p50} ms, p90 {p90} ms, p99 {p99} ms")
    for why, gap in row["gaps"].items():
        seconds = "an unknown time" if gap["seconds"] is None else f"{gap['seconds']} s, longest {gap['longest_s']} s"
        lines.append(f"  gaps {why}: {gap['count']}, {seconds}")
    if not row["gaps"]:
        lines.append("  no gaps")
    if row["torn_files"]:
        lines.append(f"  torn: {', '.join(row['torn_files'])}")
    ratio = "" if row["times_smaller"] is None else f", {row['times_smaller']} times smaller than its source"
    lines.append(f"  {row['bytes']} bytes{ratio}")
    return lines
