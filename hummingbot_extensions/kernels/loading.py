"""Choosing between a compiled kernel and its pure twin, and the checks that every kernel's wrapper makes."""

from __future__ import annotations

import importlib
import os
from types import ModuleType

import numpy as np
import numpy.typing as npt

Int64Array = npt.NDArray[np.int64]


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


def checked(name: str, values: npt.ArrayLike) -> Int64Array:
    """``values`` as a contiguous int64 vector; ValueError for another shape, TypeError for non-integers."""
    array = np.asarray(values)
    if array.ndim != 1:
        raise ValueError(f"{name} must be one-dimensional, got shape {array.shape}")
    if array.size and array.dtype.kind not in "iu":
        raise TypeError(f"{name} must hold integers, got {array.dtype}")
    if array.dtype == np.uint64 and array.size and int(array.max()) > np.iinfo(np.int64).max:
        raise ValueError(f"{name} must fit 64 signed bits")
    return np.ascontiguousarray(array, dtype=np.int64)
