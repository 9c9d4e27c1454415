"""``hbx parameters``: every field of the market maker's configuration, as docs/parameters.md has it."""

from __future__ import annotations

import types
import typing
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer

from hummingbot_extensions.cli.output import ExitCode, Failure, show

DOCUMENT = Path("docs") / "parameters.md"
INTRODUCTION = """# Parameters of the market maker

Made by `hbx parameters --write` from the code that reads them; a test holds it to that. Fields stand in
`conf/controllers/NAME.yml`, either flat or under the names of the sections below, as in

```yaml
id: my_bot
controller_name: perp_market_maker
controller_type: market_making
quote: {order_distance_bps: 6, cancel_distance_bps: 4}
layers: {layer_count: 3}
```

Defaults are those of a file that leaves the field out. Every field can be changed while the bot runs, except where it
says "start": those wait for the next start. A file with an unknown section or field, a value out of its bounds or a
broken rule is refused as a whole, with the field and the fix; the running bot keeps what it had. Distances are in bps
of mark, sizes in units of the coin (base) or of what it is paid in (quote), a `_frac` is a plain fraction: 0.15 is
15 %. "none" is off; in a file it is `null`, or the field is left out. `NAME_on` fields are switches.

`connector_name` may name any perpetual connector of Hummingbot, not only the two of this bundle. Presets to start from
stand in `conf/controllers`; how the numbers of the uptime preset were found is in
[the quoting study](quoting-study.md).
"""
TITLES = {
    "symbols": "What is quoted, and with whose money",
    "quote": "Where quotes stand",
    "layers": "Several orders a side",
    "skew": "What inventory and signals do to quotes",
    "leader": "How another venue's price is listened to, see [leader](leader.md)",
    "volatility": "Pauses and widening while the market moves",
    "guards": "When the market itself is out of order, see [market guards](market-guards.md)",
    "position": "Position tiers and the way back",
    "limits": "Limits at the gate, see [limits](limits.md)",
    "execution": "How orders are replaced, and how often",
    "feed": "When input is too old or contradictory",
    "barriers": "Where positions of `execution: position` are closed, see [position mode](position-mode.md)",
    "breakers": "Levels of safety, see [breakers](breakers.md)",
    "startup": "What a start does with a position it finds",
}


def parameters(
    write: Annotated[bool, typer.Option("--write", help="Write docs/parameters.md instead of printing.")] = False,
    to: Annotated[Path | None, typer.Option(help="With --write: another file.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="With --write: only say whether it would change.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Answer as one JSON object.")] = False,
) -> None:
    """Print or write the reference of every configuration field: default, bounds and what it does."""
    fields = described()
    text = document(fields)
    if not write:
        show({"fields": fields}, [text.rstrip()], as_json)
        return
    target = to or DOCUMENT
    if not target.parent.is_dir():
        fix = "stand in the checkout, or name a file with --to"
        raise Failure(f"{target.parent} is no folder", fix, ExitCode.NOT_FOUND)
    is_new = not target.exists() or target.read_text() != text
    if is_new and not dry_run:
        target.write_text(text)
    verb = ("would change" if dry_run else "wrote") if is_new else "is up to date:"
    show({"file": str(target), "changed": is_new}, [f"{verb} {target}"], as_json)


def described() -> list[dict[str, Any]]:
    """Each field of a file in order: section, name, default, bounds, description, and whether it waits for a start."""
    try:
        from hummingbot_extensions.execution.config import MarketMakerConfig
    except ImportError as error:
        raise Failure(f"Hummingbot is not here ({error})", "install it, see the README") from error
    found = []
    for name, field in MarketMakerConfig.model_fields.items():
        extra = field.json_schema_extra
        if not isinstance(extra, dict) or "section" not in extra:
            continue  # Hummingbot's own
        found.append(
            {
                "section": extra["section"],
                "name": name,
                "default": written(field.default),
                "bounds": bounds_of(field.annotation, field.metadata),
                "text": field.description,
                "at_start": not extra["is_updatable"],
            }
        )
    return found


def written(value: Any) -> str:
    """A default as a file would have it."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, float):
        return f"{value:g}" if abs(value) < 1e6 else f"{value:.0f}"
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def bounds_of(kind: Any, constraints: list[Any]) -> str:
    """What may stand in the field: words to choose from, or the ends of a range."""
    if typing.get_origin(kind) in (types.UnionType, typing.Union):
        kind = next(each for each in typing.get_args(kind) if each is not types.NoneType)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return ", ".join(str(each.value) for each in kind if isinstance(each.value, str))
    if kind is bool:
        return "true, false"
    words = {"gt": "above", "ge": "from", "lt": "below", "le": "to"}
    ends = [
        f"{words[name]} {written(float(getattr(each, name)))}"
        for name in words for each in constraints if getattr(each, name, None) is not None
    ]  # fmt: skip
    return " ".join(ends)


def document(fields: list[dict[str, Any]]) -> str:
    """The whole reference as Markdown."""
    parts = [INTRODUCTION]
    for section, title in TITLES.items():
        rows = [field for field in fields if field["section"] == section]
        lines = [f"## {section}: {title}", "", "| field | default | may be | what it does |", "|---|---|---|---|"]
        for row in rows:
            start = " (start)" if row["at_start"] else ""
            lines.append(f"| `{row['name']}` | {row['default']} | {row['bounds']} | {row['text']}{start} |")
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)
