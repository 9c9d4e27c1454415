#!/bin/sh
# Renews requirements.lock: what Hummingbot's wheel asks for, what this project asks for, and the tools of its tests.
# Hummingbot's own wheel is built on each machine and has no stable hash: it is left out and installed apart.
set -eu
cd "$(dirname "$0")/.."
command -v uv >/dev/null 2>&1 || { echo "lock: needs uv ('pip install uv')" >&2; exit 2; }
wanted=$(mktemp)
trap 'rm -f "$wanted"' EXIT
.venv/bin/python - > "$wanted" <<'PY'
import importlib.metadata
import tomllib

project = tomllib.load(open("pyproject.toml", "rb"))["project"]
wanted = importlib.metadata.requires("hummingbot") + project["dependencies"]
wanted += [line for extra in project["optional-dependencies"].values() for line in extra]
print("\n".join(sorted({line for line in wanted if not line.startswith("hummingbot==")})))
PY
uv pip compile --quiet --generate-hashes --no-header --no-annotate --python-version 3.12 "$wanted" -o requirements.lock
