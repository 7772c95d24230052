# Every target works on a fresh machine with Python 3.11+, git and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo test test-fast lint format bench clean install lock screenshot

install: $(STAMP)

# One resolver run with one constraints file: ministack pins botocore exactly, so boto3 and
# aiobotocore must be chosen together with it.
$(STAMP): pyproject.toml requirements.lock
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing gammaray-tui into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --constraint requirements.lock pip --upgrade
	@$(BIN)/python -m pip install --quiet --constraint requirements.lock \
	    --editable '.[local,graph]' --group dev
	@touch $@

demo: $(STAMP)
	@$(BIN)/gammaray-tui demo

test: $(STAMP)
	$(BIN)/python -m pytest -n 2 --dist loadgroup tests

test-fast: $(STAMP)
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m "not slow and not local_aws" tests

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(STAMP)
	$(BIN)/python -m pytest benchmarks --benchmark-only --benchmark-columns=min,median,mean,rounds

clean:
	rm -rf $(VENV) dist build .mypy_cache .pytest_cache .ruff_cache .benchmarks .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
