# The verbs of this workspace. Only Python >= 3.10, git and make are expected.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := 0.13.9
# Every folder with a package in it, so that a new one is named nowhere; two of them with a driver that tests need.
MEMBERS := $(patsubst %/pyproject.toml,%,$(sort $(wildcard */pyproject.toml)))
WITH_POSTGRES := reverse-etl-core tap-warehouse-model
EDITABLE := $(foreach member,$(MEMBERS),-e './$(member)$(if $(filter $(member),$(WITH_POSTGRES)),[postgres])')
READY := $(VENV)/.ready
# Of tests: drivers of warehouses that cannot be installed together, nor beside the workspace's DuckDB.
WAREHOUSES := .venv-snowflake/.ready .venv-warehouses/.ready
# Of long tests: Spark takes half a gigabyte.
LONG := .venv-spark/.ready .venv-sqlalchemy/.ready
# Of benchmarks.
BENCHES := .venv-bench/.ready
# Of long tests too: Airflow and Dagster, which would hold back Meltano, and it them.
ORCHESTRATORS := .venv-airflow/.ready .venv-dagster/.ready
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
# Of `make new-target`.
NAME ?=
TITLE ?=
# Where it is set, each of the thousand processes of tests and benchmarks compiles all that it imports: 1.7 s.
unexport PYTHONDONTWRITEBYTECODE
# Of `make bench`: what else benchmarks/run.py is told, as `BENCH="--only tap,calls"`.
BENCH ?=

.DEFAULT_GOAL := help
.PHONY: help setup new-target warehouses demo test test-long bench bench-long bench-page bench-environment lint format types contracts docs site screenshots build lock clean

help: ## Show the verbs
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

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
	$(BIN)/uv pip compile --quiet --universal --python-version 3.10 --group bench --no-header --no-annotate -o constraints-bench.txt
	$(foreach name,snowflake spark sqlalchemy warehouses,$(BIN)/uv pip compile --quiet --universal --python-version 3.10 --group $(name)-tests \
	    tap-warehouse-model/pyproject.toml $(EXTRAS_$(name):%=--extra %) --no-header --no-annotate -o constraints-$(name).txt || exit 1;)
	$(foreach name,airflow dagster,$(BIN)/uv pip compile --quiet --universal --python-version 3.10 --group $(name)-tests \
	    --no-header --no-annotate -o constraints-$(name).txt || exit 1;)
	for path in tests/composition/requirements/*.in; do $(BIN)/uv pip compile --quiet --universal --python-version 3.10 \
	    "$$path" --no-header --no-annotate -o "$${path%.in}.txt" || exit 1; done

warehouses: $(WAREHOUSES) ## Environments with the drivers of other warehouses, for their tests

$(WAREHOUSES) $(LONG): .venv-%/.ready: constraints-%.txt tap-warehouse-model/pyproject.toml | $(READY)
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python .venv-$*
	$(BIN)/uv pip install --quiet --python .venv-$*/bin/python --constraint constraints-$*.txt \
	    --group $*-tests -e './tap-warehouse-model[$(subst $(SPACE),$(COMMA),$(EXTRAS_$*))]'
	@touch $@

$(ORCHESTRATORS): .venv-%/.ready: constraints-%.txt | $(READY)
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python .venv-$*
	$(BIN)/uv pip install --quiet --python .venv-$*/bin/python --constraint constraints-$*.txt --group $*-tests
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

test-long: $(READY) $(WAREHOUSES) $(LONG) $(ORCHESTRATORS) ## The long kill, fault and scale tests too
	$(BIN)/python -m pytest

demo: $(READY) ## Sample warehouse to a simulated account, three times (TARGET=target-salesforce, KEEP=1 leaves it up)
	@$(BIN)/python demo/run.py --target $(TARGET) $(if $(KEEP),--keep)

new-target: $(READY) ## A target with simulator and tests, see docs/new-target.md (NAME=acme TITLE="Acme")
	@$(BIN)/python templates/new_target.py --name "$(NAME)" $(if $(TITLE),--title "$(TITLE)")
	@$(MAKE) --no-print-directory docs > /dev/null  # so that what to do next stands last
	@touch $(READY)

bench: $(READY) $(BENCHES) ## Speed, calls and memory, beside the stock SDK and drt: a quarter of an hour (BENCH="--only tap")
	$(BIN)/python benchmarks/run.py bench $(BENCH)
	@$(MAKE) --no-print-directory bench-page

bench-long: $(READY) $(BENCHES) ## The same at full size: two and a half hours, 30 GB of disk
	$(BIN)/python benchmarks/run.py long $(BENCH)
	@$(MAKE) --no-print-directory bench-page

bench-page: $(READY) $(BENCHES) ## docs/benchmarks.md and its charts from benchmarks/results.json
	.venv-bench/bin/python benchmarks/draw.py
	$(BIN)/python docs/generate_benchmarks.py

bench-environment: $(BENCHES) ## .venv-bench: drt, and what draws the charts

$(BENCHES): constraints-bench.txt | $(READY)
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python .venv-bench
	$(BIN)/uv pip install --quiet --python .venv-bench/bin/python --constraint constraints-bench.txt --group bench
	@touch $@

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
