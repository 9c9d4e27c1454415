"""The warp loop as the loop of an async test: pytest-asyncio makes it, and the clocks follow it until it is closed."""

from __future__ import annotations

from contextlib import ExitStack

from tests.support import warp


class WarpTestLoop(warp.WarpLoop):
    """A warp loop that takes the process's clocks with it from its making to its end."""

    def __init__(self) -> None:
        super().__init__()
        self._clocks = ExitStack()
        self._clocks.enter_context(warp._clocks_of(self.clock))

    def close(self) -> None:
        super().close()
        self._clocks.close()
