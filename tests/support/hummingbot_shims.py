"""What Hummingbot's own test support needs and the PyPI package lacks. Touches no installed file.

1. aioresponses 0.7.9 builds a ClientResponse without ``stream_writer``, which aiohttp >= 3.14 requires.
2. ``hummingbot.connector.test_support`` imports ``test.isolated_asyncio_wrapper_test_case`` from the repository.
"""

from __future__ import annotations

import asyncio
import sys
import types
import unittest
from collections.abc import Coroutine
from typing import Any
from unittest.mock import Mock


class IsolatedAsyncioWrapperTestCase(unittest.IsolatedAsyncioTestCase):
    """Stand-in for the repository's base class: a loop of its own per test and a runner with a time limit."""

    local_event_loop: asyncio.AbstractEventLoop

    def setUp(self) -> None:
        super().setUp()
        # Synchronous tests drive the loop themselves; it is the one that IsolatedAsyncioTestCase made.
        self._setupAsyncioRunner_if_needed()
        self.local_event_loop = self._asyncioRunner.get_loop()  # type: ignore[attr-defined]
        asyncio.set_event_loop(self.local_event_loop)

    def _setupAsyncioRunner_if_needed(self) -> None:
        if getattr(self, "_asyncioRunner", None) is None:
            self._setupAsyncioRunner()  # type: ignore[attr-defined]

    def run_async_with_timeout(self, coroutine: Coroutine[Any, Any, Any], timeout: float = 1.0) -> Any:
        return self.local_event_loop.run_until_complete(asyncio.wait_for(coroutine, timeout))

    @classmethod
    def tearDownClass(cls) -> None:
        super().tearDownClass()


def install() -> None:
    """Put both shims in place. Safe to call again."""
    _let_aioresponses_build_responses()
    _provide_test_package()


def _let_aioresponses_build_responses() -> None:
    from aioresponses import core

    original = core.ClientResponse
    if getattr(original, "_is_hbx_shim", False):
        return

    class ShimmedClientResponse(original):  # type: ignore[misc, valid-type]
        _is_hbx_shim = True

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            kwargs.setdefault("stream_writer", Mock(output_size=0))
            super().__init__(*args, **kwargs)

    core.ClientResponse = ShimmedClientResponse


def _provide_test_package() -> None:
    name = "test.isolated_asyncio_wrapper_test_case"
    if name in sys.modules:
        return
    package = types.ModuleType("test")
    package.__path__ = []
    module = types.ModuleType(name)
    module.IsolatedAsyncioWrapperTestCase = IsolatedAsyncioWrapperTestCase  # type: ignore[attr-defined]
    package.isolated_asyncio_wrapper_test_case = module  # type: ignore[attr-defined]
    sys.modules["test"] = package
    sys.modules[name] = module
