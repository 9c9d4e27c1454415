"""The examples in docstrings of the pure rooms are true."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

from hummingbot_extensions import core, sim

MODULES = [
    f"{room.__name__}.{module.name}" for room in (core, sim) for module in pkgutil.iter_modules(room.__path__)]


@pytest.mark.parametrize("name", MODULES)
def test_examples_hold(name: str) -> None:
    """Every example gives what its docstring says."""
    assert doctest.testmod(importlib.import_module(name)).failed == 0
