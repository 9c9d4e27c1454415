"""Makes the helpers of this folder and of the core's tests importable; profiles stand in tests/conftest.py."""

import sys
from pathlib import Path

for _folder in (Path(__file__).parent, Path(__file__).parents[1] / "unit" / "core"):
    sys.path.insert(0, str(_folder))
