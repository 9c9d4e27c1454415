"""The Chinese README follows the English one section by section, with the same commands."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def _shape(name: str) -> tuple[list[str], list[str], list[int]]:
    text = (ROOT / name).read_text(encoding="utf-8")
    blocks = re.findall(r"^```(?:bash|text)\n(.*?)^```", text, re.M | re.S)
    prose = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    levels = re.findall(r"^(#+) ", prose, re.M)
    tables = [len(table.strip().splitlines()) for table in re.findall(r"(?:^\|.*\n)+", prose, re.M)]
    return levels, blocks, tables


def test_both_readmes_have_the_same_sections_commands_and_tables() -> None:
    """Headings, command blocks word for word, and the number of rows of every table agree."""
    assert _shape("README.zh-TW.md") == _shape("README.md")
