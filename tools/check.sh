#!/bin/sh
# Every lint and the tests that need no Hummingbot, in two processes of about equal length.
set -u
cd "$(dirname "$0")/.."
. tools/parts.sh
ONE="tests/property tests/kernels"

part_lints() {
    "$PY" -m ruff check . || exit
    "$PY" -m mypy || exit
    PATH="$PWD/.venv/bin:$PATH" exec cython-lint --max-line-length 120 hummingbot_extensions/kernels
}
part_one() { pytest_part one 0 -m "not hummingbot and not slow" $ONE; }
part_two() { pytest_part two 0 -m "not hummingbot and not slow" $(but $ONE); }

start lints
start one
run two
show one
show lints
judge lints strict
judge one strict
judge two strict
end
