"""Each frame once while two sockets carry the same stream."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any


class FrameMerge:
    """Tells which frames of several sources are news.

    Frames are equal when they differ at most in ``seq``, which counts per connection. A source that says the same thing
    twice means it twice, so a frame is news when its own source has now said it more often than any other had.
    """

    def __init__(self) -> None:
        self._said: dict[object, Counter[str]] = {}
        self._passed: Counter[str] = Counter()

    def is_news(self, source: object, frame: Mapping[str, Any]) -> bool:
        """Whether to pass ``frame`` on; the question counts it as said by ``source``.

        >>> merge = FrameMerge()
        >>> [merge.is_news(who, {"seq": seq, "data": 7}) for seq, who in enumerate("aabbb")]
        [True, True, False, False, True]
        """
        said = self._said.setdefault(source, Counter())
        key = json.dumps({name: value for name, value in frame.items() if name != "seq"}, sort_keys=True)
        said[key] += 1
        if said[key] <= self._passed[key]:
            return False
        self._passed[key] = said[key]
        return True
