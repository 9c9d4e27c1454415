"""The page that documents the catalogue. ``python -m hummingbot_extensions.emulator.faults.document`` prints it."""

from __future__ import annotations

from hummingbot_extensions.emulator.faults.catalogue import CATALOGUE
from hummingbot_extensions.emulator.faults.values import Effect, Fault

HEAD = """# Faults of the StandX emulator

Generated from the catalogue by `python -m hummingbot_extensions.emulator.faults.document > docs/faults.md`; a test
holds it equal. Each fault is shown to break a deliberately naive bot in `tests/emulator/test_emulator_faults.py`.

Switch on from the start, or while the emulator runs:

```
hbx emulate standx --fault http_status:status=502,when=after,endpoint=/api/new_order --fault silence:seconds=45
curl -X POST  http://127.0.0.1:8710/_control/faults -d '{"name": "terminal_late", "ms": 5000, "account": "demo"}'
curl          http://127.0.0.1:8710/_control/faults
curl -X DELETE 'http://127.0.0.1:8710/_control/faults?name=terminal_late'
```

`GET` shows the catalogue and what is on; `DELETE` takes `name` or `id`, or neither for everything. Every fault takes,
beside its own parameters:

| Member | Meaning |
|---|---|
| `once`, `count` | ends after one, or this many, uses; without them the last column of its table holds |
| `seconds` | ends after this much venue time |
| `after_s` | begins after this much venue time |
| `every_s` | for what is done at once: again and again, this far apart |
| `probability` | share of the occasions at which it takes hold; draws come from the emulator's seed |

A scope narrows it to one `account` (`demo`, or a user id), `socket` (`stream` or `api`), `channel` (on ws-api: `login`,
`accepted`, `terminal`, `refusal`), `symbol` or `endpoint` (a path). Times are venue time unless said to be wall
time. Venue time itself is moved by `POST /_control/step {"ms": 250}` (manual time) and `POST /_control/speed
{"speed": 10}`.
"""


def document() -> str:
    """The whole page."""
    parts = [HEAD]
    for effect in Effect:
        rows = [fault for fault in CATALOGUE if fault.effect is effect]
        title = str(effect)
        parts.append(f"## {title[0].upper()}{title[1:]}\n")
        parts.append("| Fault | What happens | Parameters | Scope | By default |\n|---|---|---|---|---|")
        parts += [_row(fault) for fault in rows]
        parts.append("")
    return "\n".join(parts)


def _row(fault: Fault) -> str:
    params = "; ".join(
        f"`{param.name}`: {param.meaning}, {param.bounds} (default {_default(param.default)})" for param in fault.params
    )
    scope = ", ".join(scope.value for scope in fault.scopes)
    how = "done at once" if fault.is_act else "once" if fault.is_once else "on"
    return f"| `{fault.name}` | {fault.meaning} | {params} | {scope} | {how} |"


def _default(value: float | str) -> str:
    return f"`{value}`" if isinstance(value, str) else f"{value:g}"


if __name__ == "__main__":
    print(document(), end="")
