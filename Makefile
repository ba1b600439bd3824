# Everything a checkout needs: `make` lists it. Nothing but Python 3.11 to 3.13 and make has to be there first.

SHELL  := /bin/sh
BIN    := .venv/bin
STAMP  := .venv/.installed
DEMO   ?= demo
PYTEST_ARGS ?=
LOCK_ARGS ?=
MINUTES ?= 20
ROOMS ?=
# Folders that the tests import from by bare names, as in pyproject's pythonpath.
TEST_HELPERS := tests/support tests/cli tests/dagster tests/kill tests/publishing

# What the environment says about a seller, a provider or an instance never reaches a test or the demo.
CLEAN_ENV := unset $$(env | sed -nE 's/^((STRIPE|MONETIZATION)_[A-Za-z0-9_]*|DAGSTER_HOME|PYTHONDONTWRITEBYTECODE)=.*/\1/p');

.DEFAULT_GOAL := help
.PHONY: help demo test dev bench mutants docs check dependencies format lock clean install

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "%-16s%s\n", $$1, $$2}'

demo: $(STAMP) ## make a sample, run the whole pipeline on it, issue its invoices to a sandbox
	@$(CLEAN_ENV) $(BIN)/python examples/demo/run.py $(DEMO)

test: $(STAMP) ## run every test, in parallel
	@$(CLEAN_ENV) $(BIN)/python -m pytest -n auto $(PYTEST_ARGS)

dev: $(STAMP) ## open Dagster's UI on the demo's data (http://localhost:3000)
	@test -f $(DEMO)/.monetization/dagster/dagster.yaml || $(MAKE) --no-print-directory demo
	@$(CLEAN_ENV) export MONETIZATION_HOME="$$(cd $(DEMO) && pwd)"; \
	  export DAGSTER_HOME="$$MONETIZATION_HOME/.monetization/dagster" PATH="$$PWD/$(BIN):$$PATH" VIRTUAL_ENV="$$PWD/.venv"; \
	  exec $(BIN)/dg dev

bench: $(STAMP) ## print how the pipeline compares with bare DuckDB and pandas (15 minutes)
	@$(CLEAN_ENV) $(BIN)/python -m benchmarks

docs: $(STAMP) ## write the pages that are made from code
	@$(CLEAN_ENV) $(BIN)/python -m docs.made

mutants: $(STAMP) ## change the rooms of money and list what no test notices; MINUTES=20, ROOMS="money rating"
	@$(CLEAN_ENV) $(BIN)/python tests/support/mutants.py $(MINUTES) $(ROOMS)

check: $(STAMP) ## format, lint, types, import rules and dependencies; changes nothing
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright
	$(BIN)/lint-imports
	@$(MAKE) --no-print-directory dependencies

# The package is held to what it declares; its tests may use the dev extra as well.
dependencies: $(STAMP)
	$(BIN)/deptry monetization_pipeline examples
	$(BIN)/deptry tests benchmarks $(TEST_HELPERS) --ignore DEP002,DEP004

format: $(STAMP) ## format the code and mend what ruff can mend
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

lock: $(STAMP) ## write requirements.lock from pyproject.toml; LOCK_ARGS=--upgrade takes newer versions
	@deploy/lock.sh $(BIN)/uv $(LOCK_ARGS)

clean: ## remove the virtual environment, the demo and every cache
	rm -rf .venv demo build dist .pytest_cache .ruff_cache .hypothesis .import_linter_cache .benchmarks .coverage .coverage.* .mutants .tmp_dagster_home_*
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

install: $(STAMP) ## set up .venv from requirements.lock (the other targets do it by themselves)

$(STAMP): requirements.lock pyproject.toml
	@deploy/install.sh .venv
	@touch $@
