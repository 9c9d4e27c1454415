"""Program rule files as commands take them."""

from __future__ import annotations

from hummingbot_extensions.execution.program_files import load_program, packaged_programs

DEFAULT_PROGRAMS = ("standx_uptime_2026-01", "standx_points_2026-01")

__all__ = ["DEFAULT_PROGRAMS", "load_program", "packaged_programs"]
