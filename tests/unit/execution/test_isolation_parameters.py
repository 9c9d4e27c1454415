"""N16 for what only Hummingbot's side knows: every parameter of a controller has its place in the table of switches."""

from __future__ import annotations

import sys
from pathlib import Path

from hummingbot_extensions.core.spec import specs
from hummingbot_extensions.execution.config import PARAMETERS

sys.path.insert(0, str(Path(__file__).parents[2] / "property"))
from optional_features import KINDS, placed  # noqa: E402


def test_every_parameter_of_a_controller_is_in_the_table() -> None:
    """A class of parameters that is added counts as well; the rest is tests/property/test_core_off_is_off.py."""
    assert set(KINDS) <= set(PARAMETERS)
    names = {one.name for kind in PARAMETERS for one in specs(kind)}
    assert names - set(placed()) == set(), "say in optional_features.py what switches these off"
