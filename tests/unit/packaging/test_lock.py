"""The locks: every package pinned and hashed, and nothing in them that belongs to one machine."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[3]
LOCKS = ("requirements.lock", "requirements-hummingbot.lock", "requirements-proof.lock")
PIN = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)==(?P<version>[^\s;]+)(?P<marker>\s*;[^\\]*)?\s*\\")
HASH = re.compile(r"\s+--hash=sha256:[0-9a-f]{64}( \\)?")


def canonical(name: str) -> str:
    """The one spelling under which indexes know a package."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(lock: str) -> dict[str, str]:
    """Version by package of a lock whose every line is a pin or a hash."""
    found: dict[str, str] = {}
    for line in (REPO / lock).read_text().splitlines():
        if HASH.fullmatch(line):
            continue
        pin = PIN.fullmatch(line)
        assert pin is not None, f"{lock}: neither a pin nor a hash: {line!r}"
        found[canonical(pin["name"])] = pin["version"]
    return found


@pytest.mark.parametrize("lock", LOCKS)
def test_every_line_is_a_pin_or_a_hash(lock: str) -> None:
    """No option, no index, no path, no comment that names one; every pin is followed by a hash."""
    lines = (REPO / lock).read_text().splitlines()
    assert pins(lock)
    for line, after in zip(lines, [*lines[1:], ""], strict=True):
        assert not line.endswith("\\") or HASH.fullmatch(after), f"no hash after {line!r}"


def test_what_the_project_asks_for_is_locked() -> None:
    """Every dependency and every extra of the project is in the lock; Hummingbot alone is in its own."""
    project = tomllib.loads((REPO / "pyproject.toml").read_text())["project"]
    asked = [*project["dependencies"], *(line for extra in project["optional-dependencies"].values() for line in extra)]
    names = {canonical(re.split(r"[^A-Za-z0-9._-]", line)[0]) for line in asked}
    assert names - set(pins("requirements.lock")) <= {"hummingbot"}
    assert "hummingbot" not in pins("requirements.lock")


def test_what_only_the_proof_needs_stands_beside_the_rest() -> None:
    """The packages of `make proof` go to a folder of their own, which comes before .venv: none may stand in both."""
    asked = (REPO / "tools/mutation/requirements.in").read_text().split()
    proof = pins("requirements-proof.lock")
    assert asked == [f"mutmut=={proof['mutmut']}"]
    assert not set(proof) & set(pins("requirements.lock"))


def test_one_hummingbot_everywhere() -> None:
    """The release in the lock, in the set-up and in the package are the same."""
    from hummingbot_extensions import HUMMINGBOT_VERSION

    assert pins("requirements-hummingbot.lock") == {"hummingbot": HUMMINGBOT_VERSION}
    assert f"HUMMINGBOT={HUMMINGBOT_VERSION}\n" in (REPO / "tools" / "setup.sh").read_text()


def test_the_tools_of_hummingbots_build_are_locked() -> None:
    """The set-up builds Hummingbot with versions that it takes from the lock by these names."""
    assert {"cython", "numpy", "setuptools", "wheel"} <= set(pins("requirements.lock"))
