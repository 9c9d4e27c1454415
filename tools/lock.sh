#!/bin/sh
# Renews the locks. requirements.lock: what Hummingbot's wheel asks for, what this project asks for, and the tools of its tests.
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

# What only `make proof` needs, at the versions of the lock above; what stands there is left out here.
names=$(sed -n 's/^\([A-Za-z0-9_.-]*\)==.*/\1/p' requirements.lock)
uv pip compile --quiet --generate-hashes --no-header --no-annotate --python-version 3.12 --constraint requirements.lock \
    $(for name in $names; do printf -- '--no-emit-package %s ' "$name"; done) \
    tools/mutation/requirements.in -o requirements-proof.lock
