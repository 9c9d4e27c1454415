#!/bin/sh
# Builds .venv: Python 3.12, the hashed lock, Hummingbot from its kept wheel, and this project. Safe to repeat: a stamp
# with the checksum of everything that went in ends it early, and an interrupted run is simply done again.
set -eu
cd "$(dirname "$0")/.."

HUMMINGBOT=20260922
CACHE="${HBX_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/hbx}"
STAMP=.venv/hbx-setup-done

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

checksum() { cat requirements.lock pyproject.toml setup.py tools/setup.sh hummingbot_extensions/kernels/*.pyx | cksum; }

wanted="$(checksum) $(pwd)"
if [ -f "$STAMP" ] && [ "$(cat "$STAMP")" = "$wanted" ] && .venv/bin/python -c 'import hummingbot, hummingbot_extensions' 2>/dev/null
then exit 0; fi

python=$(find_python)
if ! is_312 .venv/bin/python; then
    echo "setup: new .venv with $("$python" --version)"
    rm -rf .venv
    "$python" -m venv .venv
fi
rm -f "$STAMP"
pip() { .venv/bin/python -m pip --disable-pip-version-check "$@"; }

echo "setup: packages of requirements.lock"
pip install --quiet --require-hashes --no-deps -r requirements.lock

wheel=$(ls "$CACHE"/wheels/hummingbot-$HUMMINGBOT-cp312-*.whl 2>/dev/null | head -n 1 || true)
if [ -z "$wheel" ]; then
    command -v cc >/dev/null 2>&1 || command -v gcc >/dev/null 2>&1 || {
        echo "setup: building Hummingbot needs a C compiler: 'apt-get install build-essential' or 'xcode-select --install'" >&2
        exit 2
    }
    echo "setup: building Hummingbot $HUMMINGBOT once, about six minutes; kept in $CACHE/wheels"
    mkdir -p "$CACHE/wheels"
    building=$(mktemp -d "$CACHE/building.XXXXXX")
    trap 'rm -rf "$building"' EXIT INT TERM
    pip wheel --quiet --no-deps --wheel-dir "$building" "hummingbot==$HUMMINGBOT"
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
echo "setup: done"
