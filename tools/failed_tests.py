"""A pytest plugin: node ids of failed tests, one a line, in the file that HBX_FAILED_TESTS names."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_failed: dict[str, None] = {}


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Remember a test that failed in its setup, its call or its teardown."""
    if report.failed:
        _failed[report.nodeid] = None


def pytest_sessionfinish() -> None:
    """Write what was remembered."""
    Path(os.environ["HBX_FAILED_TESTS"]).write_text("".join(f"{node}\n" for node in _failed), encoding="utf-8")
