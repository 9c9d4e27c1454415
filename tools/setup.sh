#!/bin/sh
# Builds .venv: Python 3.12, the hashed lock, Hummingbot from its kept wheel, and this project. Safe to repeat: a stamp
# with the checksum of everything that went in ends it early, and an interrupted run is simply done again.
set -eu
cd "$(dirname "$0")/.."

HUMMINGBOT=20260922
CACHE="${HBX_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/hbx}"
STAMP=.venv/hbx-setup-done
RUNNING=.venv/hbx-setup-running

is_312() { [ -n "$1" ] && "$1" -c 'import sys, ensurepip; sys.exit(sys.version_info[:2] != (3, 12))' >/dev/null 2>&1; }

find_python() {
    for candidate in "${HBX_PYTHON:-}" python3.12 python3 "$HOME"/.pyenv/versions/3.12*/bin/python3.12 \
        /opt/homebrew/bin/python3.12 /usr/local/bin/python3.12 "$HOME"/.local/bin/python3.12; do
        if is_312 "$candidate"; then echo "$candidate"; return; fi
    done
    if command -v uv >/dev/null 2>&1; then
        candidate=$(uv python find 3.12 2>/dev/null || true)
        if is_312 "$candidate"; then echo "$candidate"; return; fi
    fi
    echo "No Python 3.12 found; Hummingbot $HUMMINGBOT runs on no other." >&2
    echo "Get one with 'apt-get install python3.12 python3.12-venv', 'brew install python@3.12', 'pyenv install 3.12'" >&2
    echo "or 'uv python install 3.12', or name yours: make $* HBX_PYTHON=/path/to/python3.12" >&2
    exit 2
}

checksum() {
    cat requirements.lock requirements-hummingbot.lock pyproject.toml setup.py tools/setup.sh \
        hummingbot_extensions/kernels/*.pyx | cksum
}

wanted="$(checksum) $(pwd)"
if [ -f "$STAMP" ] && [ "$(cat "$STAMP")" = "$wanted" ] && .venv/bin/python -c 'import hummingbot, hummingbot_extensions' 2>/dev/null
then exit 0; fi

python=$(find_python)
if [ ! -f "$STAMP" ] && [ -f "$RUNNING" ]; then was_interrupted=yes; else was_interrupted=no; fi
if ! is_312 .venv/bin/python || ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
    if [ -e .venv ] && [ ! -f "$STAMP" ] && [ ! -f "$RUNNING" ]; then
        echo "setup: .venv is there, but not made here and without Python 3.12 or pip. Remove it and run this again." >&2
        exit 2
    fi
    echo "setup: new .venv with $("$python" --version)"
    rm -rf .venv
    mkdir .venv
    : > "$RUNNING"
    "$python" -m venv .venv
    was_interrupted=no
fi
: > "$RUNNING"
rm -f "$STAMP"
if [ "$was_interrupted" = yes ]; then .venv/bin/python -I tools/forget_broken.py; fi
pip() { .venv/bin/python -m pip --disable-pip-version-check "$@"; }

echo "setup: packages of requirements.lock"
pip install --quiet --require-hashes --no-deps -r requirements.lock

wheel=$(ls "$CACHE"/wheels/hummingbot-$HUMMINGBOT-cp312-*.whl 2>/dev/null | head -n 1 || true)
if [ -z "$wheel" ]; then
    echo "setup: building Hummingbot $HUMMINGBOT once; about six minutes where it has to be compiled; kept in $CACHE/wheels"
    mkdir -p "$CACHE/wheels"
    building=$(mktemp -d "$CACHE/building.XXXXXX")
    trap 'rm -rf "$building"' EXIT INT TERM
    # Its build asks for its tools without versions: it gets the ones of our lock (newer pips read the second name).
    grep -E '^(cython|numpy|setuptools|wheel)==' requirements.lock | cut -d' ' -f1 > "$building/tools"
    PIP_CONSTRAINT="$building/tools" PIP_BUILD_CONSTRAINT="$building/tools" \
        .venv/bin/python -m pip wheel --disable-pip-version-check --quiet --no-deps --require-hashes \
        --wheel-dir "$building" -r requirements-hummingbot.lock || {
        echo "setup: Hummingbot was not built. It needs the index within reach, and a C++ compiler where no ready wheel" >&2
        echo "fits: 'apt-get install build-essential python3.12-dev' or 'xcode-select --install'." >&2
        exit 2
    }
    mv "$building"/hummingbot-$HUMMINGBOT-*.whl "$CACHE/wheels/"
    wheel=$(ls "$CACHE"/wheels/hummingbot-$HUMMINGBOT-cp312-*.whl | head -n 1)
fi
if ! .venv/bin/python -c "import importlib.metadata as m, sys; sys.exit(m.version('hummingbot') != '$HUMMINGBOT')" 2>/dev/null; then
    echo "setup: Hummingbot from $(basename "$wheel")"
    pip install --quiet --no-deps "$wheel"
fi

echo "setup: this project and its kernels"
pip install --quiet --no-deps --no-build-isolation --editable .
.venv/bin/python -c 'import hummingbot, hummingbot_extensions'
echo "$wanted" > "$STAMP"
rm -f "$RUNNING"
echo "setup: done"
