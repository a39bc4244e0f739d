# The verbs of this workspace. Only Python >= 3.10, git and make are expected.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := 0.13.9
MEMBERS := reverse-etl-core target-hubspot target-mailchimp target-salesforce tap-warehouse-model saas-simulators
EDITABLE := -e './reverse-etl-core[postgres]' -e ./target-hubspot -e ./target-mailchimp -e ./target-salesforce \
    -e './tap-warehouse-model[postgres]' -e ./saas-simulators
READY := $(VENV)/.ready
# Of tests: drivers of warehouses that cannot be installed together, nor beside the workspace's DuckDB.
WAREHOUSES := .venv-snowflake/.ready .venv-warehouses/.ready
# Of long tests: Spark takes half a gigabyte.
LONG := .venv-spark/.ready .venv-sqlalchemy/.ready
EXTRAS_snowflake := snowflake
EXTRAS_sqlalchemy := postgres
EXTRAS_spark := databricks
EXTRAS_warehouses := postgres snowflake redshift bigquery databricks
COMMA := ,
EMPTY :=
SPACE := $(EMPTY) $(EMPTY)
# Of `make demo`.
TARGET ?= target-hubspot
KEEP ?=
# Of `make test`: files of tests that run side by side.
WORKERS ?= 3
# Of `make bench`.
ROWS ?= 1000000

.DEFAULT_GOAL := help
.PHONY: help setup warehouses demo test test-long bench lint format types contracts docs site screenshots build lock clean

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
	    $(MEMBERS:%=%/pyproject.toml) --extra duckdb --extra postgres --no-emit-package reverse-etl-core --no-header --no-annotate -o constraints.txt
	$(foreach name,snowflake spark sqlalchemy warehouses,$(BIN)/uv pip compile --quiet --universal --python-version 3.10 --group $(name)-tests \
	    tap-warehouse-model/pyproject.toml $(EXTRAS_$(name):%=--extra %) --no-header --no-annotate -o constraints-$(name).txt || exit 1;)

warehouses: $(WAREHOUSES) ## Environments with the drivers of other warehouses, for their tests

$(WAREHOUSES) $(LONG): .venv-%/.ready: constraints-%.txt tap-warehouse-model/pyproject.toml | $(READY)
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python .venv-$*
	$(BIN)/uv pip install --quiet --python .venv-$*/bin/python --constraint constraints-$*.txt \
	    --group $*-tests -e './tap-warehouse-model[$(subst $(SPACE),$(COMMA),$(EXTRAS_$*))]'
	@touch $@

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

test: $(READY) $(WAREHOUSES) ## Everything that CI runs
	$(BIN)/python -m pytest -m "not long" -n $(WORKERS) --dist loadfile

test-long: $(READY) $(WAREHOUSES) $(LONG) ## The long kill, fault and scale tests too
	$(BIN)/python -m pytest

demo: $(READY) ## Sample warehouse to a simulated account, three times (TARGET=target-salesforce, KEEP=1 leaves it up)
	@$(BIN)/python demo/run.py --target $(TARGET) $(if $(KEEP),--keep)

bench: $(READY) ## Speed and memory of tap and target beside the stock SDK (minutes; ROWS=100000 for fewer)
	@mkdir -p benchmarks/.work
	$(BIN)/python benchmarks/tap.py --rows $(ROWS) --repeat 2 --json benchmarks/.work/tap.json
	$(BIN)/python benchmarks/diff.py --rows $(ROWS) --json benchmarks/.work/diff.json
	$(BIN)/python benchmarks/target.py --records $(ROWS) --json benchmarks/.work/target.json
	$(BIN)/python benchmarks/ledger.py --records $(ROWS) --json benchmarks/.work/ledger.json

docs: $(READY) ## Write the generated pages anew (docs/settings.md, docs/targets, docs/hub, outputs in docs/command.md)
	$(BIN)/python docs/generate_settings.py
	$(BIN)/python docs/generate_targets.py
	$(BIN)/python docs/generate_command.py
	$(BIN)/python docs/generate_hub.py

site: $(READY) ## The documents as a site, in docs/_build/html; a warning fails it
	$(BIN)/python -m sphinx -b html -E -n -W --keep-going -q -d docs/_build/read docs docs/_build/html
	@echo "Open docs/_build/html/index.html"

screenshots: $(READY) ## Pictures of the pages that the demo makes, in docs/images (needs chromium)
	$(BIN)/python docs/screenshots.py

build: $(READY) ## Wheels and source packages of all members, in dist/
	rm -rf dist
	$(BIN)/uv build --quiet --all-packages --no-sources
