"""A small stand-in for a Hummingbot root, and a way to run a command as a user would."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from hummingbot_extensions.cli.hummingbot_root import SUPPORTED
from hummingbot_extensions.cli.main import app


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder that looks like a source checkout of a supported Hummingbot, with scripts and settings of its own."""
    top = tmp_path / "root"
    for name, content in {
        "hummingbot/__init__.py": "",
        "hummingbot/VERSION": sorted(SUPPORTED)[0],
        "hummingbot/connector/derivative/__init__.py": "",
        "scripts/mine.py": "own = True\n",
        "controllers/__init__.py": "# the checkout's own\n",
        "conf/conf_client.yml": "mine: 1\n",
    }.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(content)
    return top


@pytest.fixture
def hbx() -> Callable[..., Result]:
    """Runs ``hbx`` with the given words inside this process; failures stay visible as exceptions of the result."""
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words])
