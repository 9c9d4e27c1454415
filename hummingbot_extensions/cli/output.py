"""How commands speak: hbot's exit codes, one line per error with its fix, JSON when asked."""

from __future__ import annotations

import json
import sys
from enum import IntEnum
from typing import Any


class ExitCode(IntEnum):
    """The codes of Hummingbot's own command line, so that scripts branch on one table."""

    OK = 0
    ERROR = 1
    NOT_FOUND = 2
    NOT_RUNNING = 3
    CONFIG_ERROR = 4
    TIMEOUT = 5


class Failure(Exception):
    """A command cannot go on: ``what`` is wrong, ``fix`` is what to do about it."""

    def __init__(self, what: str, fix: str, code: ExitCode = ExitCode.ERROR) -> None:
        super().__init__(what)
        self.what = what
        self.fix = fix
        self.code = code


def report_failure(failure: Failure, as_json: bool) -> None:
    """One line on standard error, or one JSON object on standard output."""
    if as_json:
        print(json.dumps({"error": failure.what, "fix": failure.fix, "code": int(failure.code)}))
    else:
        end = "" if failure.what.endswith((".", "?", "!")) else "."
        print(f"hbx: {failure.what}{end} Fix: {failure.fix}", file=sys.stderr)


def show(record: dict[str, Any], lines: list[str], as_json: bool) -> None:
    """Print the record as JSON, or the lines."""
    print(json.dumps(record, indent=2) if as_json else "\n".join(lines))
