# Every target works on a fresh machine with Python 3.11+, git and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# What a user needs, and what a developer needs as well.
STAMP := $(VENV)/.installed
DEV_STAMP := $(VENV)/.installed-dev
SPARK_STAMP := $(VENV)/.installed-spark
PIP := $(BIN)/python -m pip
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# All pins in one place, also for what pip builds with. One constraints file for one resolver
# run matters: ministack pins botocore exactly, so boto3 and aiobotocore must fit it.
export PIP_CONSTRAINT := $(CURDIR)/requirements.lock
export PIP_BUILD_CONSTRAINT := $(CURDIR)/requirements.lock

.PHONY: demo install test test-slow test-spark test-fast lint format bench screenshot reference lock clean

demo: $(STAMP)
	@$(BIN)/gammaray-tui demo

install: $(STAMP)

$(STAMP): pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "Python 3.11 or newer is needed: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@echo "Installing gammaray-tui into $(VENV) (once, a minute or so) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) install --quiet pip
	@$(PIP) install --quiet --editable '.[local,graph,web,history]'
	@touch $@

$(DEV_STAMP): $(STAMP)
	@echo "Installing the tools for development ..."
	@$(PIP) install --quiet --editable '.[local,graph,web,history]' --group dev
	@touch $@

# Spark is 400 MB, and nothing but its own tests wants it.
$(SPARK_STAMP): $(DEV_STAMP)
	@echo "Installing Spark ..."
	@$(PIP) install --quiet --editable '.[spark]'
	@touch $@

# Tests start hundreds of processes: each would compile all that it imports.
test test-slow test-spark test-fast: export PYTHONDONTWRITEBYTECODE :=

test: $(DEV_STAMP)
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m "not slow and not spark" tests

# What takes minutes: long random scenarios.
test-slow: $(DEV_STAMP)
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m slow tests

# Starts Spark in this machine's Java: it has to answer as DuckDB and the live engine do.
test-spark: $(SPARK_STAMP)
	$(BIN)/python -m pytest -m spark tests/unit/history

# Leaves out what starts the local AWS, too.
test-fast: $(DEV_STAMP)
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m "not slow and not spark and not local_aws" tests

lint: $(DEV_STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(DEV_STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# What a user feels, then the parts alone (pytest ends with 5 when there are none to measure).
bench: $(DEV_STAMP)
	$(BIN)/python -m benchmarks.figures
	$(BIN)/python -m benchmarks.recorder_overhead
	$(BIN)/gammaray-tui overhead
	$(BIN)/python -m benchmarks.screen
	$(BIN)/python -m benchmarks.collector
	$(BIN)/python -m benchmarks.collected_view
	$(BIN)/python -m pytest benchmarks --benchmark-only \
	    --benchmark-columns=min,median,mean,rounds || test $$? -eq 5

# The pictures of the documentation: the real application over recorded data.
screenshot: $(DEV_STAMP)
	$(BIN)/python -m tests.screenshot docs/images

# What the code says of its commands, keys and settings.
reference: $(DEV_STAMP)
	$(BIN)/python -m tests.reference docs/reference.md

# Moves every pin to the newest version that the ranges of pyproject.toml allow.
lock: export PIP_CONSTRAINT :=
lock: export PIP_BUILD_CONSTRAINT :=
lock:
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT \
	    && $(PYTHON) -m venv "$$folder" \
	    && "$$folder/bin/python" -m pip install --quiet --upgrade pip \
	    && "$$folder/bin/python" -m pip install --quiet '.[local,graph,web,history]' --group dev hatchling \
	    && "$$folder/bin/python" -m pip freeze --all --exclude gammaray-tui --exclude setuptools \
	        >"$$folder/lock" \
	    && LC_ALL=C sort -f "$$folder/lock" >requirements.lock
	@git --no-pager diff --stat requirements.lock

clean:
	rm -rf $(VENV) dist build .mypy_cache .pytest_cache .ruff_cache .benchmarks \
	    .import_linter_cache .hypothesis snapshot_report.html
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
