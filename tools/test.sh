#!/bin/sh
# Everything that needs Hummingbot, in five parts at once. "bots" and "e2e" run bots in processes of their own, in real
# time, and mostly wait: they go before the others. "warped" (faults, chaos, kill -9, soak), "venue" and "rest" want
# processor time; in nearly all of it time leaps, so that a busy machine changes nothing.
#
# A test that fails beside the others, but for those of "warped", is run once more, alone, when all is done; it passes with
# a loud word about it. More than three of a part, or anything else than a failed test, fails without a second chance.
set -u
cd "$(dirname "$0")/.."
. tools/parts.sh
BOTS="tests/e2e/test_e2e_start_routes.py tests/e2e/test_e2e_stop.py tests/e2e/test_e2e_client.py"
WARPED="tests/chaos tests/faults tests/kill9 tests/soak"
VENUE="tests/emulator tests/emulator_connector tests/wire tests/contract"

part_bots() { pytest_part bots 0 -m "hummingbot or slow" $BOTS; }
part_e2e() { pytest_part e2e 0 -m "hummingbot or slow" tests/e2e $(but $BOTS); }
part_warped() { pytest_part warped 5 -m "hummingbot or slow" $WARPED; }
part_venue() { pytest_part venue 5 -m "hummingbot or slow" $VENUE; }
part_rest() { pytest_part rest 5 -m "hummingbot or slow" $(but tests/e2e $WARPED $VENUE); }

start bots
start e2e
start warped
start venue
run rest
show venue
show e2e
show bots
show warped
judge rest may-be-repeated
judge venue may-be-repeated
judge e2e may-be-repeated
judge bots may-be-repeated
judge warped strict
end
