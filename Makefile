# make demo, make test: everything a fresh machine needs is set up first; both are safe to repeat.
SHELL := /bin/sh
PY := .venv/bin/python
MINUTES ?= 3
TAPE ?=
AT ?=
SEED ?= 1
RECORDED_DELAYS ?=

.PHONY: demo test check bench proof build setup lock clean

setup:
	@sh tools/setup.sh

demo: setup
	@$(PY) -m hummingbot_extensions.cli.main demo --minutes $(MINUTES) --seed $(SEED) \
	  $(if $(TAPE),--tape "$(TAPE)") $(if $(AT),--at "$(AT)") $(if $(RECORDED_DELAYS),--recorded-delays)

test: setup check
	@sh tools/test.sh

# The tests that need no Hummingbot, and every lint; under two minutes.
check: setup
	@sh tools/check.sh

bench: setup
	$(PY) -m tests.bench

# What takes longer than a test run may: ten thousand cases for every property, mutants of what keeps the account, kills
# at every point, a day's soak. docs/proof.md says what each proves and how long it takes.
proof: setup
	HBX_HYPOTHESIS_PROFILE=proof HBX_REQUIRE_COMPILED=1 $(PY) -m pytest -q --timeout 0 tests/property tests/kernels
	$(PY) -m tools.mutation --jobs 2
	$(PY) -m tests.kill9 --points all
	$(PY) -m tests.soak --hours 24
	$(PY) -m tests.chaos --seeds 1:2000 --jobs 2
	$(PY) -m tests.chaos --bugs --jobs 2

build: setup
	$(PY) -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .
	@ls dist

# Renew requirements.lock and requirements-proof.lock; needs uv. Hummingbot itself is built here and has no hash.
lock:
	sh tools/lock.sh

clean:
	rm -rf .venv build dist var *.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis
	rm -f hummingbot_extensions/kernels/*.so hummingbot_extensions/kernels/*.c
