"""What a mutation run found: mutants by file, those that no test kills, those that no test could kill."""

from __future__ import annotations

import json
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import ndiff
from enum import StrEnum
from pathlib import Path

CORE = Path("hummingbot_extensions/core")
GROUPS: Mapping[str, tuple[str, ...]] = {
    "ledger": ("ledger.py", "account_book.py", "attribution.py"),
    "risk": (
        "risk.py", "exits.py", "gate.py", "gate_arithmetic.py", "gate_exposure.py", "gate_limits.py", "gate_params.py",
        "gate_resting.py", "gate_sanity.py", "gate_state.py",
    ),
    "reconcile": ("reconcile.py", "assignment.py"),
}  # fmt: skip
LEAST_FRAC = 0.85


class Outcome(StrEnum):
    KILLED = "killed"
    TIMED_OUT = "timed out"
    """A test that no longer ends tells of the mutant as well as one that fails."""
    SURVIVED = "survived"
    UNTESTED = "untested"
    """No test so much as calls the function."""
    UNKNOWN = "unknown"
    """The run was broken off before it, or ended in a way that tells nothing."""


OUTCOMES = {
    1: Outcome.KILLED, 3: Outcome.KILLED, 0: Outcome.SURVIVED, 5: Outcome.UNTESTED, 33: Outcome.UNTESTED,
    24: Outcome.TIMED_OUT, -24: Outcome.TIMED_OUT, 36: Outcome.TIMED_OUT, 152: Outcome.TIMED_OUT,
}  # fmt: skip
"""By mutmut's exit code of a mutant."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change: ``was`` and ``now`` are the lines that differ, without their indent, joined with a blank."""

    name: str
    file: str
    function: str
    was: str
    now: str
    outcome: Outcome

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What tells it from others, and stays when code elsewhere in the file changes."""
        return self.file, self.function, self.was, self.now


@dataclass(frozen=True, slots=True)
class Equivalent:
    """A mutant that does the same as the code, and why that is so. ``now`` alone differs between its forms."""

    file: str
    function: str
    was: str
    now: str
    why: str

    @property
    def key(self) -> tuple[str, str, str, str]:
        return self.file, self.function, self.was, self.now


def equivalents(path: Path) -> tuple[Equivalent, ...]:
    """The allow list; a mutation may have several forms that are equal for one reason."""
    rows = tomllib.loads(path.read_text(encoding="utf-8")).get("equivalent", [])
    return tuple(
        Equivalent(row["file"], row["function"], row["was"], now, row["why"])
        for row in rows
        for now in ([row["now"]] if isinstance(row["now"], str) else row["now"])
    )


def mutants(folder: Path, file: str) -> tuple[Mutant, ...]:
    """Mutants of one core file as mutmut 3.8 left them in ``folder``; empty where it made none."""
    source = folder / CORE / file
    meta = source.with_name(f"{file}.meta")
    if not meta.exists():
        return ()
    codes: dict[str, int | None] = json.loads(meta.read_text(encoding="utf-8"))["exit_code_by_key"]
    spans: dict[str, tuple[int, int]] = json.loads(source.with_name(f"{file}.spans").read_text())["spans"]
    lines = source.read_text(encoding="utf-8").splitlines()

    def text(function: str, plain: str) -> list[str]:
        first, last = spans[function]
        return [line.strip().replace(f"def {function}(", f"def {plain}(") for line in lines[first - 1 : last]]

    found = []
    for name, code in codes.items():
        function = name.rpartition(".")[2]
        original = function.partition("__mutmut_")[0]
        plain = plain_name(original)
        was, now = changed(text(f"{original}__mutmut_orig", plain), text(function, plain))
        found.append(Mutant(
            name, file, plain, was, now,
            Outcome.UNKNOWN if code is None else OUTCOMES.get(code, Outcome.UNKNOWN)))
    return tuple(found)


def plain_name(mangled: str) -> str:
    """A function's name as its source has it.

    >>> plain_name("xǁLedgerǁafter"), plain_name("x_fee_entry"), plain_name("x__share")
    ('Ledger.after', 'fee_entry', '_share')
    """
    if mangled.startswith("xǁ"):
        return mangled.removeprefix("xǁ").replace("ǁ", ".")
    return mangled.removeprefix("x_")


def changed(before: Sequence[str], after: Sequence[str]) -> tuple[str, str]:
    """The lines of each that the other lacks.

    >>> changed(["a = 1", "b = 2"], ["a = 1", "b = 3"])
    ('b = 2', 'b = 3')
    """
    rows = list(ndiff(before, after))
    return tuple(  # type: ignore[return-value]
        " ".join(row[2:] for row in rows if row.startswith(mark)) for mark in ("- ", "+ "))


@dataclass(frozen=True, slots=True)
class Score:
    """Mutants of a file or a group. Equivalent ones count neither as killed nor in the total."""

    killed: int
    total: int
    equivalent: int

    @property
    def frac(self) -> float:
        """Killed of the total; 0 where there is none, since that proves nothing."""
        return self.killed / self.total if self.total else 0.0


def score(found: Iterable[Mutant], allowed: Iterable[Equivalent]) -> Score:
    """Score of mutants under an allow list.

    >>> some = [Mutant(str(n), "a.py", "f", "x", str(n), Outcome.KILLED if n else Outcome.SURVIVED) for n in range(4)]
    >>> score(some, []).frac, score(some, [Equivalent("a.py", "f", "x", "0", "none sees it")])
    (0.75, Score(killed=3, total=3, equivalent=1))
    """
    keys = {entry.key for entry in allowed}
    counts: Counter[str] = Counter()
    for mutant in found:
        if mutant.outcome in (Outcome.KILLED, Outcome.TIMED_OUT):
            counts["killed"] += 1
        elif mutant.key in keys:
            counts["equivalent"] += 1
        else:
            counts["left"] += 1
    return Score(counts["killed"], counts["killed"] + counts["left"], counts["equivalent"])


def wrong_entries(found: Sequence[Mutant], allowed: Iterable[Equivalent], files: Iterable[str]) -> list[str]:
    """Entries of the allow list for ``files`` that excuse no mutant, or none that survived."""
    survived = {mutant.key for mutant in found if mutant.outcome is Outcome.SURVIVED}
    known, looked_at = {mutant.key for mutant in found}, set(files)
    return [
        f"{entry.file} {entry.function}: {entry.was!r} -> {entry.now!r} "
        + ("is killed by a test, so it is not equivalent" if entry.key in known else "is no mutant any more")
        for entry in allowed
        if entry.file in looked_at and entry.key not in survived
    ]
