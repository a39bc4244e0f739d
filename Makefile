# The verbs of this workspace. Only Python >= 3.10, git and make are expected.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := 0.13.9
MEMBERS := reverse-etl-core target-hubspot target-mailchimp target-salesforce tap-warehouse-model saas-simulators
EDITABLE := -e './reverse-etl-core[postgres]' -e ./target-hubspot -e ./target-mailchimp -e ./target-salesforce \
    -e './tap-warehouse-model[postgres]' -e ./saas-simulators
READY := $(VENV)/.ready
# Of `make demo`.
TARGET ?= target-hubspot
KEEP ?=
# Of `make bench`.
ROWS ?= 1000000

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-long bench lint format types contracts docs build lock clean

help: ## Show the verbs
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(READY) ## Create .venv with everything that tests and demo need

$(READY): pyproject.toml constraints.txt $(MEMBERS:%=%/pyproject.toml)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
	    { echo "Python 3.10 or newer is needed; '$(PYTHON)' is older. Run: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 78; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	$(BIN)/uv pip install --quiet --python $(BIN)/python --constraint constraints.txt --group dev $(EDITABLE)
	@touch $(READY)

lock: ## Renew constraints.txt, the exact versions that setup installs
	$(BIN)/uv pip compile --quiet --universal --python-version 3.10 --group dev \
	    $(MEMBERS:%=%/pyproject.toml) --all-extras --no-emit-package reverse-etl-core --no-header --no-annotate -o constraints.txt

lint: $(READY) ## Style, spelling
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell

format: $(READY) ## Let ruff mend what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(READY) ## mypy --strict
	$(BIN)/mypy

contracts: $(READY) ## Who may import whom
	$(BIN)/lint-imports

test: $(READY) ## Everything that CI runs
	$(BIN)/python -m pytest -m "not long"

test-long: $(READY) ## The long kill, fault and scale tests too
	$(BIN)/python -m pytest

demo: $(READY) ## Sample warehouse to a simulated account, three times (TARGET=target-salesforce, KEEP=1 leaves it up)
	@$(BIN)/python demo/run.py --target $(TARGET) $(if $(KEEP),--keep)

bench: $(READY) ## Speed and memory of tap and target beside the stock SDK (minutes; ROWS=100000 for fewer)
	@mkdir -p benchmarks/.work
	$(BIN)/python benchmarks/tap.py --rows $(ROWS) --repeat 2 --json benchmarks/.work/tap.json
	$(BIN)/python benchmarks/target.py --records $(ROWS) --json benchmarks/.work/target.json

docs: $(READY) ## Write the generated pages anew (docs/settings.md)
	$(BIN)/python docs/generate_settings.py

build: $(READY) ## Wheels and source packages of all members, in dist/
	rm -rf dist
	$(BIN)/uv build --quiet --all-packages --no-sources
