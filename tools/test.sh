#!/bin/sh
# Everything that needs Hummingbot, in three parts at once. "rest" and "e2e" have clocks, processes or threads that do not
# wait for a busy machine; "warped" (faults, chaos, kill -9, soak) runs in time that leaps, wants processor time alone,
# and takes what the others leave over.
#
# A test of the first two that fails beside the others is run once more, alone, when all is done; it passes with a loud
# word about it. More than three of them in a part, or anything else than a failed test, fails without a second chance.
set -u
cd "$(dirname "$0")/.."
. tools/parts.sh
WARPED="tests/chaos tests/faults tests/kill9 tests/soak"

part_rest() {
    ignored="--ignore=tests/e2e"
    for folder in $WARPED; do ignored="$ignored --ignore=$folder"; done
    pytest_part rest 0 -m "hummingbot or slow" $ignored
}
part_e2e() { pytest_part e2e 5 -m "hummingbot or slow" tests/e2e; }
part_warped() { pytest_part warped 19 -m "hummingbot or slow" $WARPED; }

start warped
start e2e
run rest
show e2e
show warped
judge rest may-be-repeated
judge e2e may-be-repeated
judge warped strict
end
