"""Program rule files from disk: the packaged editions by name, or a file of the user's."""

from __future__ import annotations

from pathlib import Path

import yaml

from hummingbot_extensions import bundle
from hummingbot_extensions.core.program_file import program_rules
from hummingbot_extensions.core.programs import ProgramFileError, ProgramRules

DEFAULT_PROGRAMS = ("standx_uptime_2026-01", "standx_points_2026-01")


def packaged_programs() -> dict[str, Path]:
    """Rule files that come with the bundle, by name."""
    return {path.stem: path for path in sorted((bundle.folder("conf") / "programs").glob("*.yml"))}


def load_program(name_or_file: str) -> ProgramRules:
    """Rules of a packaged edition, or of a file; ``ProgramFileError`` says which field to mend and how."""
    packaged = packaged_programs()
    path = packaged.get(name_or_file, Path(name_or_file))
    if not path.is_file():
        raise ProgramFileError(name_or_file, f"no such file; give one, or a name of {', '.join(packaged)}")
    try:
        parsed = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ProgramFileError(path.name, f"cannot be read as YAML: {' '.join(str(error).split())}") from None
    return program_rules(parsed)
