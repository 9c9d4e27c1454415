"""The direction of imports: which room may use which other room of ours, and which packages from outside."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[2]
PACKAGE = "hummingbot_extensions"
ROOMS = frozenset({
    "core", "kernels", "sim", "feeds", "emulator", "paper", "replay", "connector", "execution", "monitoring", "cli",
    "compat", "bundle",
})
# Part of Hummingbot's own interface: its base classes hand these over or ask for them.
HUMMINGBOT_BRINGS = "hummingbot aiohttp bidict numpy pandas pydantic pydantic_core sqlalchemy yaml"
# eth-account raises what eth-keys defines; a Solana wallet's address is base58.
SIGNING = "cryptography eth_account eth_keys fast_stark_crypto base58"


@dataclass(frozen=True, slots=True)
class Rule:
    """What one room may import: our rooms, packages from outside, and of both what only a function body may import."""

    ours: frozenset[str] = frozenset()
    outside: frozenset[str] = frozenset()
    lazy_ours: frozenset[str] = frozenset()
    lazy_outside: frozenset[str] = frozenset()


def allow(ours: str = "", outside: str = "", lazy_ours: str = "", lazy_outside: str = "") -> Rule:
    """Rule from blank-separated names."""
    return Rule(*(frozenset(names.split()) for names in (ours, outside, lazy_ours, lazy_outside)))


RULES = {
    "kernels": allow(outside="numpy"),
    "core": allow("kernels"),
    "sim": allow("core kernels", "numpy", lazy_outside="pyarrow"),
    "feeds": allow("core", "aiohttp"),
    "emulator": allow("sim core", f"aiohttp {SIGNING}"),
    "paper": allow("emulator sim feeds core", "aiohttp"),
    "replay": allow("core kernels sim feeds", "numpy pandas pyarrow hftbacktest numba optuna"),
    "connector": allow("core feeds compat", HUMMINGBOT_BRINGS),
    "execution": allow("core connector compat bundle monitoring.event_log", HUMMINGBOT_BRINGS),
    "monitoring": allow("core", "prometheus_client aiohttp rich"),
    "compat": allow(outside=HUMMINGBOT_BRINGS),
    "bundle": allow(),
    "cli": allow(" ".join(ROOMS), f"{HUMMINGBOT_BRINGS} typer rich"),
    "connectors": allow("connector feeds core compat", f"{HUMMINGBOT_BRINGS} {SIGNING}", lazy_ours="paper"),
    "controllers": allow("execution core", HUMMINGBOT_BRINGS),
    "scripts": allow("execution core", HUMMINGBOT_BRINGS),
}


@dataclass(frozen=True, slots=True)
class Import:
    """One import statement's target: dotted name, line, and whether it runs only when a function is called."""

    name: str
    line: int
    is_lazy: bool


def imports_of(source: str, module: tuple[str, ...]) -> Iterator[Import]:
    """Every module that ``source`` imports, relative ones resolved against its package ``module``.

    Statements under ``if TYPE_CHECKING:`` count like the others: a type is a dependency too.
    """
    def walk(node: ast.AST, lazy: bool) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            is_lazy = lazy or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            if isinstance(child, ast.Import):
                for alias in child.names:
                    yield Import(alias.name, child.lineno, lazy)
            elif isinstance(child, ast.ImportFrom):
                prefix = list(module[:len(module) - child.level + 1]) if child.level else []
                base = ".".join([*prefix, *([child.module] if child.module else [])])
                for alias in child.names:
                    yield Import(f"{base}.{alias.name}", child.lineno, lazy)
            yield from walk(child, is_lazy)

    yield from walk(ast.parse(source), False)


def broken_rules(source: str, module: tuple[str, ...], where: str) -> list[str]:
    """One message, naming the rule, for every import of ``source`` that its room may not have."""
    room = module[1] if module[0] == PACKAGE and len(module) > 1 else module[0]
    rule = RULES[room]
    found = []
    for item in imports_of(source, module):
        top, _dot, rest = item.name.partition(".")
        if top == PACKAGE:
            target = rest.split(".")[0]
            inside = target == room or target not in ROOMS  # a name of the package itself, such as its version
            allowed = rule.ours | (rule.lazy_ours if item.is_lazy else frozenset())
            if inside or any(rest == name or rest.startswith(f"{name}.") for name in allowed):
                continue
            what, may = f"{PACKAGE}.{target}", allowed
        elif top in sys.stdlib_module_names or (top == module[0] and room == top):
            continue
        else:
            allowed = rule.outside | (rule.lazy_outside if item.is_lazy else frozenset())
            if top in allowed:
                continue
            what, may = top, allowed
        later = ", and this one only inside a function" if is_lazy_only(rule, item) else ""
        found.append(f"{where}:{item.line}: {room} may not import {what} ({item.name}); it may import "
                     f"{', '.join(sorted(may)) or 'nothing beyond the standard library'}{later}")
    return found


def is_lazy_only(rule: Rule, item: Import) -> bool:
    """Whether the same import would be allowed inside a function."""
    top, _dot, rest = item.name.partition(".")
    return rest.split(".")[0] in rule.lazy_ours if top == PACKAGE else top in rule.lazy_outside


def our_files() -> list[tuple[Path, tuple[str, ...]]]:
    """Every Python file of ours with the dotted name of the package it stands in."""
    found = []
    for top in (PACKAGE, "connectors", "controllers", "scripts"):
        for path in sorted((REPO / top).rglob("*.py")):
            relative = path.relative_to(REPO)
            if "_bundle" in relative.parts or relative == Path(PACKAGE) / "__init__.py":
                continue
            package = relative.parent.parts
            if package == (PACKAGE,):  # a module that is a room of its own
                package = (PACKAGE, path.stem)
            found.append((path, package))
    return found


def test_every_import_keeps_the_direction() -> None:
    """No file of ours imports a room or a package that its own room may not know."""
    broken = [message for path, module in our_files()
              for message in broken_rules(path.read_text(encoding="utf-8"), module, str(path.relative_to(REPO)))]
    assert not broken, "\n" + "\n".join(broken)


def test_every_room_has_a_rule() -> None:
    """A new folder of the package is either in the table or the table is extended with a decision."""
    rooms = {path.name for path in (REPO / PACKAGE).iterdir() if path.is_dir() and not path.name.startswith("_")}
    assert rooms <= set(RULES), f"no import rule for {sorted(rooms - set(RULES))}: add one to RULES"


@pytest.mark.parametrize(("room", "source", "named"), [
    ("core", "import aiohttp", "aiohttp"),
    ("core", "from hummingbot_extensions.sim import venue", f"{PACKAGE}.sim"),
    ("core", "from ..sim import venue", f"{PACKAGE}.sim"),
    ("core", "from .. import sim", f"{PACKAGE}.sim"),
    ("sim", "import pyarrow.parquet", "inside a function"),
    ("sim", "def f():\n    import pandas", "pandas"),
    ("emulator", "from hummingbot_extensions.connector import errors", f"{PACKAGE}.connector"),
    ("emulator", "if True:\n    from hummingbot_extensions.feeds.standx import parse", f"{PACKAGE}.feeds"),
    ("execution", "from hummingbot_extensions.monitoring import console", f"{PACKAGE}.monitoring"),
    ("kernels", "from hummingbot_extensions import core", f"{PACKAGE}.core"),
])
def test_a_planted_violation_is_found(room: str, source: str, named: str) -> None:
    """The check itself fails on an import that breaks a rule, and its message names both sides."""
    messages = broken_rules(source, (PACKAGE, room), "planted.py")
    assert len(messages) == 1
    assert room in messages[0] and named in messages[0]


@pytest.mark.parametrize(("room", "source"), [
    ("core", "from hummingbot_extensions.kernels import ladder"),
    ("core", "from . import types\nfrom .types import Side\nimport decimal"),
    ("sim", "def f():\n    import pyarrow.parquet"),
    ("execution", "from hummingbot_extensions.monitoring.event_log import EventLog"),
    ("execution", "from hummingbot_extensions.monitoring import event_log"),
    ("cli", "from hummingbot_extensions import __version__, bundle"),
])
def test_an_allowed_import_passes(room: str, source: str) -> None:
    """The check is silent on what the table allows."""
    assert broken_rules(source, (PACKAGE, room), "planted.py") == []


@pytest.mark.parametrize("room", ["core", "kernels", "sim", "emulator"])
def test_a_room_imports_without_hummingbot(room: str) -> None:
    """Importing every module of the room brings in nothing of Hummingbot, the connectors or the feeds."""
    code = (
        "import sys, pkgutil, importlib\n"
        "sys.modules['hummingbot'] = None\n"  # any import of it now raises
        f"top = importlib.import_module('{PACKAGE}.{room}')\n"
        "for found in pkgutil.iter_modules(top.__path__):\n"
        "    importlib.import_module(f'{top.__name__}.{found.name}')\n"
        f"known = [name for name in sys.modules if name.startswith(('{PACKAGE}.connector', '{PACKAGE}.feeds'))]\n"
        "assert not known, known\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPO, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
