"""Mutation score of what keeps the account: ``python -m tools.mutation`` from the top folder.

mutmut changes the code in one place at a time, runs the tests that reach that place and sees whether one fails. It
works on a copy in var/mutation, with the packages of requirements-proof.lock, which go there too: neither the checkout
nor .venv is touched. docs/proof.md says how to read the result.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from tools.mutation.score import (
    CORE,
    GROUPS,
    LEAST_FRAC,
    Equivalent,
    Mutant,
    Outcome,
    equivalents,
    mutants,
    score,
    wrong_entries,
)

TOP = Path(__file__).resolve().parents[2]
HOME = TOP / "var" / "mutation"
SITE, WORK = HOME / "site", HOME / "work"
LOCK = TOP / "requirements-proof.lock"
TESTS = {
    "ledger": (
        "unit/core/test_account_book.py", "unit/core/test_core_attribution.py", "unit/core/test_core_edges_ledger.py",
        "unit/core/test_core_found_records.py", "unit/core/test_core_ledger.py", "property/test_core_ledger_*.py",
    ),
    "risk": (
        "unit/core/test_core_edges_*.py", "unit/core/test_core_exits.py", "unit/core/test_core_gate*.py",
        "unit/core/test_core_risk.py", "unit/core/test_core_found_market.py",
        "property/test_core_gate_properties.py", "property/test_exit_slices.py",
    ),
    "reconcile": (
        "unit/core/test_core_decide.py", "unit/core/test_core_edges_reconcile.py", "unit/core/test_core_found_*.py",
        "unit/core/test_core_layer*.py", "unit/core/test_core_money.py", "unit/core/test_core_points_layer.py",
        "unit/core/test_core_reconcile.py", "unit/core/test_core_risk.py", "unit/core/test_core_side_cap.py",
        "property/test_core_layer_rules.py", "property/test_core_sequences.py", "property/test_core_inputs.py",
    ),
}  # fmt: skip
"""Below tests; mutmut runs of these what reaches the changed function, the quickest first."""
WITHOUT = ["-p", "no:unraisableexception", "-p", "no:threadexception"]
"""Collecting garbage twice a run, and hooks on threads, tell nothing of a mutant and cost a quarter of its time."""
OF_THE_SOURCE = [
    "--deselect=tests/unit/core/test_core_gate.py::test_the_gate_shares_no_code_with_the_pricer",
    "--deselect=tests/unit/core/test_core_decide.py::test_the_core_imports_neither_hummingbot_nor_numpy",
]
"""Tests that look at the code's text and would see mutmut's own lines in it."""
# Packages of tests that none of these reach; the copies would only cost time.
NOT_COPIED = ("__pycache__", "*.pyc", "bench", "chaos", "contract", "e2e", "faults", "kill9", "soak", "wire")
TIMEOUT = {"timeout_multiplier": 15.0, "timeout_constant": 4.0}
"""A mutant's limit, in real time: a multiple of what its tests take, plus seconds."""


def main() -> int:
    """Exit code 0 when every mutant was judged and every group that was run reaches the bar."""
    args = _arguments()
    groups = {name: files for name, files in GROUPS.items() if name in (args.groups or GROUPS)}
    files = [file for some in groups.values() for file in some if file in (args.files or some)]
    started = time.monotonic()
    if not args.show:
        _install()
        _renew(groups, files, keep=args.again)
        names = _unkilled(files) if args.again else []
        if names or not args.again:
            _mutmut(["run", "--max-children", str(args.jobs), *names])
    found = {file: mutants(WORK / "mutants", file) for file in files}
    allowed = equivalents(Path(__file__).with_name("equivalent.toml"))
    is_good = _report(groups, found, allowed)
    print(f"{time.monotonic() - started:.0f} s")
    return 0 if is_good else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.mutation", description=__doc__)
    parser.add_argument("groups", nargs="*", choices=[*GROUPS, []], help="all when none is named")
    parser.add_argument("--files", nargs="*", help="only these files of the groups")
    parser.add_argument("--jobs", type=int, default=1, help="mutants at a time")
    parser.add_argument("--again", action="store_true", help="with new tests, only what no test has killed yet")
    parser.add_argument("--show", action="store_true", help="run nothing, show what the last run found")
    return parser.parse_args()


def _install() -> None:
    """mutmut and what it needs, beside .venv; the stamp is the lock's checksum."""
    stamp, wanted = HOME / "installed", str(zlib.crc32(LOCK.read_bytes()))
    if stamp.exists() and stamp.read_text() == wanted:
        return
    shutil.rmtree(SITE, ignore_errors=True)
    SITE.mkdir(parents=True)
    subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--require-hashes",
         "--no-deps", "--target", str(SITE), "-r", str(LOCK)], check=True)  # fmt: skip
    stamp.write_text(wanted)


def _tests(groups: Iterable[str]) -> list[str]:
    paths = {path for group in groups for glob in TESTS[group] for path in (TOP / "tests").glob(glob)}
    return sorted(str(path.relative_to(TOP)) for path in paths)


def _renew(groups: Iterable[str], files: Iterable[str], keep: bool) -> None:
    """The copy that is mutated. ``keep``: only its tests are new, what was found stays."""
    if not keep:
        shutil.rmtree(WORK, ignore_errors=True)
        WORK.mkdir(parents=True)
    ignore = shutil.ignore_patterns(*NOT_COPIED)
    folders = ["tests"] if keep else ["tests", "hummingbot_extensions"]
    for folder in folders:
        shutil.copytree(TOP / folder, WORK / folder, ignore=ignore, dirs_exist_ok=True)
    if keep:
        shutil.copytree(TOP / "tests", WORK / "mutants" / "tests", ignore=ignore, dirs_exist_ok=True)
    settings = {
        "source_paths": ["hummingbot_extensions"],
        "only_mutate": [str(CORE / file) for file in files],
        "pytest_add_cli_args": ["--timeout=0", *WITHOUT, *OF_THE_SOURCE],
        "pytest_add_cli_args_test_selection": _tests(groups),
    }
    rows = [f"{name} = {value!r}" for name, value in {**settings, **TIMEOUT}.items()]
    text = (TOP / "pyproject.toml").read_text(encoding="utf-8")
    rows += ["use_git_change_detection = false", "track_dependencies = false"]
    (WORK / "pyproject.toml").write_text("\n".join([text, "[tool.mutmut]", *rows, ""]), encoding="utf-8")


def _mutmut(arguments: Sequence[str]) -> None:
    """Run mutmut in the copy; its spinner goes to a file. The checkout, whose code is whole, is kept from the path."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(SITE),
        "HBX_HYPOTHESIS_PROFILE": "mutation",
        "HBX_REQUIRE_COMPILED": "1",
    }
    log = HOME / "mutmut.log"
    print(f"mutation: {log.relative_to(TOP)} tells how far it is", flush=True)
    with log.open("w") as out:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "mutmut", *arguments], cwd=WORK, env=environment, stdout=out,
            stderr=subprocess.STDOUT, check=False)  # fmt: skip
    if done.returncode:
        print("\n".join(log.read_text(errors="replace").replace("\r", "\n").splitlines()[-30:]))
        raise SystemExit(f"mutation: mutmut ended with {done.returncode}")


def _unkilled(files: Iterable[str]) -> list[str]:
    return [
        mutant.name
        for file in files
        for mutant in mutants(WORK / "mutants", file)
        if mutant.outcome is not Outcome.KILLED
    ]


def _report(
    groups: dict[str, tuple[str, ...]], found: dict[str, tuple[Mutant, ...]], allowed: Sequence[Equivalent]
) -> bool:
    """Print survivors, then the score by file and group; whether all is well."""
    excused = {entry.key for entry in allowed}
    every = [mutant for some in found.values() for mutant in some]
    for mutant in every:
        if mutant.outcome is not Outcome.KILLED and mutant.key not in excused:
            print(f"{mutant.outcome}: {mutant.file} {mutant.function}\n    - {mutant.was}\n    + {mutant.now}")
    is_good = True
    for group, files in groups.items():
        looked_at = [file for file in files if file in found]
        for file in looked_at:
            one = score(found[file], allowed)
            print(f"  {file:20} {one.killed:4} / {one.total:4}  {one.frac:6.1%}  {one.equivalent:3} equivalent")
        whole = score([mutant for file in looked_at for mutant in found[file]], allowed)
        verdict = "" if whole.frac >= LEAST_FRAC else f"  under {LEAST_FRAC:.0%}"
        print(f"{group:22} {whole.killed:4} / {whole.total:4}  {whole.frac:6.1%}{verdict}")
        is_good = is_good and not verdict
    unknown = sum(mutant.outcome is Outcome.UNKNOWN for mutant in every)
    if unknown:
        print(f"{unknown} mutants were not judged")
    for text in wrong_entries(every, allowed, found):
        print(f"tools/mutation/equivalent.toml: {text}; remove it")
    return is_good and not unknown


if __name__ == "__main__":
    sys.exit(main())
