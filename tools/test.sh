#!/bin/sh
# Everything that needs Hummingbot, in two halves at once. The half on the warp loop (faults, chaos, kill -9, soak) only
# wants processor time, which it takes from what the other half, waiting on real clocks, leaves over.
set -eu
PY=.venv/bin/python
WARPED="tests/chaos tests/faults tests/kill9 tests/soak"
export HBX_REQUIRE_COMPILED=1

log=$(mktemp)
nice -n 19 "$PY" -m pytest -q -m "hummingbot or slow" $WARPED >"$log" 2>&1 &
warped=$!
trap 'kill "$warped" 2>/dev/null || true; rm -f "$log"' EXIT INT TERM

ignored=""
for folder in $WARPED; do ignored="$ignored --ignore=$folder"; done
real=0
"$PY" -m pytest -q -m "hummingbot or slow" $ignored || real=$?
echo "== faults, chaos, kill -9, soak =="
half=0
wait "$warped" || half=$?
cat "$log"
[ "$real" -eq 0 ] && [ "$half" -eq 0 ]
