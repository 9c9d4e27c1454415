"""Traps of features.md that would stand in files: endpoints, alert rules, scripts that kill, keys in what is built."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

from hummingbot_extensions.emulator import standx_public, standx_rest

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ("hummingbot_extensions", "connectors", "controllers", "scripts", "conf", "tools", "Makefile")
PATH = re.compile(r"^[A-Z_]+_PATH = \"(/[^\"]+)\"", re.MULTILINE)
SERVED_ELSEWHERE = {"/ws-stream/v1", "/ws-api/v1"}
CANARY = "canary-secret-6f1d"


def shipped(*suffixes: str) -> dict[str, str]:
    """Text of every file that is installed or run, by its path."""
    files = [path for name in SHIPPED for path in [ROOT / name, *(ROOT / name).rglob("*")]]
    return {
        path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
        for path in files if path.is_file() and (not suffixes or path.suffix in suffixes)
        and path.suffix not in (".so", ".pyc", ".c")
    }  # fmt: skip


def test_t15_every_endpoint_is_spelled_once_and_the_venue_serves_it() -> None:
    """The seed spells one endpoint in two ways. The emulator is made from the venue's documents, apart from the
    connector: a path that it does not serve is a misspelling.
    """
    text = (ROOT / "connectors/standx_perpetual/standx_perpetual_constants.py").read_text(encoding="utf-8")
    paths = PATH.findall(text)
    served = {route.path for routes in (standx_rest.ROUTES, standx_public.ROUTES) for route in routes}
    assert len(paths) > 20 and len(set(paths)) == len(paths)
    assert set(paths) - served - SERVED_ELSEWHERE == set()
    for path, source in shipped(".py").items():
        if path.startswith("connectors/") and not path.endswith("_constants.py"):
            own = re.findall(r"\"(/(?:api|v1|ws)[^\"]*)\"", source)
            assert all(any(known.startswith(part) for known in paths) for part in own), (path, own)


def test_t14_no_timer_of_a_venue_is_armed_that_could_run_out() -> None:
    """The seed arms a dead-man's switch once, and the venue cancels everything minutes later. StandX has none, and no
    request of ours asks for one under any spelling; docs/breakers.md says what a dead bot leaves.
    """
    switch = re.compile(r"dead.{0,2}mans?.{0,2}switch|cancel.?all.?after|auto.?cancel", re.IGNORECASE)
    for path, source in shipped(".py").items():
        texts = re.findall(r"\"[^\"\n]*\"", re.sub(r"\"\"\".*?\"\"\"", "", source, flags=re.DOTALL))
        assert not [text for text in texts if switch.search(text)], path


def bad_alerts(text: str) -> list[str]:
    """What is wrong with the alert rules in a file: a rate a second taken for a count, a position in coins."""
    found = []
    for line in text.splitlines():
        if re.search(r"(?<![a-z_])(?:i?rate|irate)\(", line) and re.search(r">=?\s*[1-9]", line):
            found.append(f"rate() is by the second, a count of a minute is increase(...[1m]): {line.strip()}")
        if re.search(r"abs\(\s*\w*position\w*\s*\)\s*>|_base\s*>", line) and "frac" not in line and "/" not in line:
            found.append(f"a position in coins means another risk in every market, use the share of the limit: {line}")
    return found


def test_t20_t34_no_alert_counts_by_the_second_or_in_coins() -> None:
    """The seed's two rules are found, right ones are not, and no file that is shipped holds a wrong one."""
    assert bad_alerts("expr: rate(mm_cancel_count[1m]) > 50")
    assert bad_alerts("expr: abs(mm_position) > 0.25")
    assert not bad_alerts("expr: increase(mm_cancels_total[1m]) > 50")
    assert not bad_alerts("expr: abs(mm_position_frac) > 0.9\nexpr: abs(position_base) / position_limit_base > 0.9")
    rules = shipped(".yml", ".yaml", ".json", ".rules")
    assert rules
    assert [(path, found) for path, text in rules.items() for found in bad_alerts(text)] == []


def test_t23_nothing_is_stopped_by_the_name_of_a_process() -> None:
    """The seed's emergency stop kills by name, and with it the bot of somebody else."""
    by_name = re.compile(r"\b(?:pkill|killall|pgrep|taskkill|process_iter)\b")
    assert by_name.search("pkill -f python")
    assert [path for path, text in shipped().items() if by_name.search(text)] == []


def test_t35_no_key_gets_into_what_is_built(tmp_path: Path) -> None:
    """The seed has its key written into a file that goes into the image. Here keys stand in Hummingbot's store; even
    where that lies in our own folders, neither the wheel nor the source archive carries any of it.
    """
    tree = tmp_path / "tree"
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True).stdout.split("\0")
    for name in filter(None, listed):
        if name.split("/")[0] not in ("tests", "docs") and (ROOT / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            (tree / name).write_bytes((ROOT / name).read_bytes())
    for name in ("conf/connectors/standx_perpetual.yml", "conf/.password_verification", "conf/conf_client.yml", ".env"):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(f"secret: {CANARY}\n")
    out = tmp_path / "dist"
    out.mkdir()
    code = "import sys, setuptools.build_meta as b; out = sys.argv[1]; b.build_wheel(out); b.build_sdist(out)"
    done = subprocess.run(
        [sys.executable, "-c", code, str(out)], cwd=tree, env={**os.environ, "HBX_PURE_PYTHON": "1"},
        capture_output=True, text=True, timeout=110, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    (wheel,), (archive,) = out.glob("*.whl"), out.glob("*.tar.gz")
    packed = zipfile.ZipFile(wheel)
    content = {name: packed.read(name) for name in packed.namelist()}
    with tarfile.open(archive) as unpacked:
        for member in unpacked.getmembers():
            file = unpacked.extractfile(member)
            content[member.name] = file.read() if file is not None else b""
    assert any("conf/controllers/standx_btc_uptime.yml" in name for name in content)
    assert [name for name, data in content.items() if CANARY.encode() in data] == []
