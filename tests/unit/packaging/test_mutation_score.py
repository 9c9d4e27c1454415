"""The mutation score: what counts, what the allow list excuses, and when the list itself is wrong."""

from __future__ import annotations

import doctest
import json
from pathlib import Path

import pytest

from tools.mutation import score as scores
from tools.mutation.score import CORE, GROUPS, Equivalent, Mutant, Outcome, Score, equivalents, mutants, score

REPO = Path(__file__).resolve().parents[3]


def test_the_examples_in_the_tool_hold() -> None:
    assert doctest.testmod(scores).failed == 0


@pytest.fixture
def found(tmp_path: Path) -> tuple[Mutant, ...]:
    """A mutated file as mutmut leaves it: one function, five mutants, one for each way to end."""
    (tmp_path / CORE).mkdir(parents=True)
    codes, spans, lines = {}, {}, []
    for number, (code, body) in enumerate([(1, "2"), (0, "3"), (33, "4"), (24, "5"), (None, "6")], 1):
        name = f"x_half__mutmut_{number}"
        codes[f"core.risk.{name}"] = code
        spans[name] = (len(lines) + 1, len(lines) + 2)
        lines += [f"def {name}(x):", f"    return x / {body}"]
    spans["x_half__mutmut_orig"] = (len(lines) + 1, len(lines) + 2)
    lines += ["def x_half__mutmut_orig(x):", "    return x / 1"]
    (tmp_path / CORE / "risk.py").write_text("\n".join(lines))
    (tmp_path / CORE / "risk.py.meta").write_text(json.dumps({"exit_code_by_key": codes}))
    (tmp_path / CORE / "risk.py.spans").write_text(json.dumps({"version": 1, "spans": spans}))
    return mutants(tmp_path, "risk.py")


def test_each_end_of_a_run_has_its_name_and_each_mutant_its_line(found: tuple[Mutant, ...]) -> None:
    assert [mutant.outcome for mutant in found] == [
        Outcome.KILLED, Outcome.SURVIVED, Outcome.UNTESTED, Outcome.TIMED_OUT, Outcome.UNKNOWN]
    assert found[1].key == ("risk.py", "half", "return x / 1", "return x / 3")


def test_only_what_a_test_noticed_is_killed_and_only_what_is_listed_excused(found: tuple[Mutant, ...]) -> None:
    assert score(found, []) == Score(killed=2, total=5, equivalent=0)
    same = Equivalent("risk.py", "half", "return x / 1", "return x / 3", "none sees it")
    assert score(found, [same]) == Score(killed=2, total=4, equivalent=1)
    assert score([], []).frac == 0.0, "no mutants prove nothing"


def test_an_entry_that_excuses_nothing_is_named(found: tuple[Mutant, ...]) -> None:
    """One whose mutant is gone, and one whose mutant is killed; files that were not run are not judged."""
    gone = Equivalent("risk.py", "half", "return x / 1", "return x / 9", "it was so")
    killed = Equivalent("risk.py", "half", "return x / 1", "return x / 2", "so it was thought")
    told = scores.wrong_entries(found, [gone, killed], ["risk.py"])
    assert [text.rpartition(" ")[2] for text in told] == ["more", "equivalent"]
    assert scores.wrong_entries(found, [gone, killed], ["ledger.py"]) == []


def test_every_entry_has_a_reason_and_every_file_a_group() -> None:
    """A file of the gate that is new belongs to a group too."""
    files = {file for some in GROUPS.values() for file in some}
    for entry in equivalents(REPO / "tools/mutation/equivalent.toml"):
        assert entry.file in files and len(entry.why.split()) >= 3, entry
    assert {path.name for path in (REPO / CORE).glob("gate*.py")} <= files
    assert all((REPO / CORE / file).exists() for file in files)
