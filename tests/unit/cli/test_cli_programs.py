"""Rule files given to ``hbx emulate``: packaged names, files of the user's, and what is wrong with one."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from hummingbot_extensions.cli.emulate import app
from hummingbot_extensions.cli.program_files import DEFAULT_PROGRAMS, load_program, packaged_programs
from hummingbot_extensions.core.programs import ProgramFileError


def test_packaged_editions_load_by_name() -> None:
    """Every packaged name loads, the defaults are among them, and a copy given by path is the same program."""
    packaged = packaged_programs()
    assert set(DEFAULT_PROGRAMS) <= set(packaged)
    for name, path in packaged.items():
        assert load_program(name).name == name
        assert load_program(str(path)) == load_program(name)


@pytest.mark.parametrize(("content", "named"), [
    ("schema: 1\nprogram: x\n  y: [", "cannot be read as YAML"),
    ("\xff\xfe", "cannot be read as YAML"),
    ("schema: 9\n", "schema: must be 1"),
    ("", "file: must be a mapping"),
])
def test_a_bad_file_is_one_line_with_the_fix(tmp_path: Path, content: str, named: str) -> None:
    """``hbx emulate`` ends with 4 and one line that names field and fix, before it serves anything."""
    path = tmp_path / "mine.yml"
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(ProgramFileError):
        load_program(str(path))
    result = CliRunner().invoke(app, ["standx", "--program", str(path)])
    assert result.exit_code == 4
    assert named in result.output and result.output.count("\n") == 1


def test_an_unknown_name_lists_the_packaged_ones() -> None:
    """A name that is neither packaged nor a file is answered with the names there are."""
    result = CliRunner().invoke(app, ["standx", "--program", "standx_uptime_1999"])
    assert result.exit_code == 4
    assert all(name in result.output for name in packaged_programs())
