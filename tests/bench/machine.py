"""What a figure was measured on: processor, versions, load; and what a process of ours uses."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import time
from pathlib import Path

PACKAGES = ("hummingbot", "aiohttp", "cryptography")
IDLE_FRAC = 0.1
MB = 1 << 20


def machine() -> str:
    """Processor, cores, load and versions, on two lines."""
    cpuinfo = Path("/proc/cpuinfo")
    processor = next((line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines()
                      if line.startswith("model name")), platform.machine()) if cpuinfo.exists() else "?"
    versions = "  ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES)
    load = ", ".join(f"{value:.2f}" for value in os.getloadavg())
    return f"{processor}, {os.cpu_count()} cores, load {load}\nPython {platform.python_version()}  {versions}"


def busy_warning(seconds: float = 1.0) -> str | None:
    """What to say when others use the processors now, None while they are idle. Takes ``seconds``."""
    busy_frac = _busy_frac(seconds)
    if busy_frac is None or busy_frac < IDLE_FRAC:
        return None
    return (f"WARNING: this machine is not idle: {busy_frac:.0%} of its processor time is in use by others, load "
            f"{os.getloadavg()[0]:.2f}; times of a second run on an idle machine will be shorter")


def _busy_frac(seconds: float) -> float | None:
    if not Path("/proc/stat").exists():
        return None
    before = _times()
    time.sleep(seconds)
    spent = [after - was for after, was in zip(_times(), before, strict=True)]
    idle = spent[3] + spent[4]
    return 1 - idle / max(1, sum(spent))


def _times() -> list[int]:
    """Ticks since boot: user, nice, system, idle, iowait, irq, softirq, steal."""
    return [int(word) for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]


def cpu_s(pid: int) -> float:
    """Seconds of CPU that a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mb(pid: int) -> float:
    """Resident memory of a process in MB of 2^20 bytes."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / MB
