"""Choosing between a compiled kernel and its pure twin."""

from __future__ import annotations

import importlib
import os
from types import ModuleType


def loaded(compiled: str, twin: ModuleType) -> tuple[ModuleType, bool]:
    """(the loops, whether they are compiled). A build that is broken raises, it does not go slow.

    ``HBX_PURE_PYTHON=1`` forces the twin; without a compiled extension the twin serves as well, only slower.
    """
    if os.environ.get("HBX_PURE_PYTHON") == "1":
        return twin, False
    try:
        return importlib.import_module(compiled), True
    except ModuleNotFoundError as error:
        if error.name != compiled:
            raise
        return twin, False
