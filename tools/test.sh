#!/bin/sh
# Everything that needs Hummingbot, in three parts at once. The part on the warp loop (faults, chaos, kill -9, soak) only
# wants processor time, which it takes from what the others, waiting on real clocks, leave over; bots in processes of
# their own (e2e) mostly wait for each other.
set -eu
PY=.venv/bin/python
WARPED="tests/chaos tests/faults tests/kill9 tests/soak"
export HBX_REQUIRE_COMPILED=1

logs=$(mktemp -d)
nice -n 19 "$PY" -m pytest -q -m "hummingbot or slow" $WARPED >"$logs/warped" 2>&1 &
warped=$!
nice -n 5 "$PY" -m pytest -q -m "hummingbot or slow" tests/e2e >"$logs/e2e" 2>&1 &
e2e=$!
trap 'kill "$warped" "$e2e" 2>/dev/null || true; rm -rf "$logs"' EXIT INT TERM

ignored="--ignore=tests/e2e"
for folder in $WARPED; do ignored="$ignored --ignore=$folder"; done
failed=0
"$PY" -m pytest -q -m "hummingbot or slow" $ignored || failed=1
wait "$e2e" || failed=1
echo "== bots in processes of their own =="
cat "$logs/e2e"
wait "$warped" || failed=1
echo "== faults, chaos, kill -9, soak =="
cat "$logs/warped"
exit "$failed"
