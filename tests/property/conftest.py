"""Hypothesis profiles, chosen by HBX_HYPOTHESIS_PROFILE: ``dev`` for every run, ``proof`` for `make proof`."""

import os
import sys
from datetime import timedelta
from pathlib import Path

from hypothesis import HealthCheck, settings

for _folder in (Path(__file__).parent, Path(__file__).parents[1] / "unit" / "core"):
    sys.path.insert(0, str(_folder))

_SLOW_IS_FINE = [HealthCheck.too_slow, HealthCheck.data_too_large]
settings.register_profile(
    "dev", max_examples=200, deadline=timedelta(seconds=2), suppress_health_check=_SLOW_IS_FINE, print_blob=True)
settings.register_profile("proof", parent=settings.get_profile("dev"), max_examples=10_000)
settings.load_profile(os.environ.get("HBX_HYPOTHESIS_PROFILE", "dev"))
