"""The checks that kernels on numpy arrays make of what they are given."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Int64Array = npt.NDArray[np.int64]


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
