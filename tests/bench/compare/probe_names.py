"""Names that the probe in the bot and the benchmark outside share."""

SAMPLES = "bench.jsonl"
RULE_VARIABLE = "HBX_BENCH_RULE"
STOPS_FLAG = "bench.stops"
"""While this file is in the workspace, one executor after the other is stopped."""
