"""Program rule files from disk: the packaged editions by name, or a file of the user's. Knows nothing of Hummingbot."""

from __future__ import annotations

import logging
from pathlib import Path

import yaml

from hummingbot_extensions import bundle
from hummingbot_extensions.core.program_file import program_rules
from hummingbot_extensions.core.programs import ProgramFileError, ProgramRules


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


def programs_of(connector_name: str) -> list[ProgramRules]:
    """Packaged programs of the connector's venue, its domains included. A file that cannot be used is logged and
    skipped: a program's score is no reason not to trade.
    """
    found = []
    for name in packaged_programs():
        try:
            rules = load_program(name)
        except (ProgramFileError, OSError) as error:
            logging.getLogger(__name__).warning("program skipped name=%s error=%s", name, error)
            continue
        if connector_name.startswith(f"{rules.venue}_"):
            found.append(rules)
    return found
