# Everything a checkout needs: `make` lists it. Nothing but Python 3.11 to 3.13 and make has to be there first.

SHELL  := /bin/sh
BIN    := .venv/bin
STAMP  := .venv/.installed
DEMO   ?= demo
PYTEST_ARGS ?=

# What the environment says about a seller, a provider or an instance never reaches a test or the demo.
CLEAN_ENV := unset $$(env | sed -nE 's/^((STRIPE|MONETIZATION)_[A-Za-z0-9_]*|DAGSTER_HOME|PYTHONDONTWRITEBYTECODE)=.*/\1/p');

.DEFAULT_GOAL := help
.PHONY: help demo test dev bench check format lock clean install

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

check: $(STAMP) ## format, lint, types and import rules; changes nothing
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright
	$(BIN)/lint-imports

format: $(STAMP) ## format the code and mend what ruff can mend
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

lock: $(STAMP) ## write requirements.lock anew from pyproject.toml
	@deploy/lock.sh $(BIN)/uv

clean: ## remove the virtual environment, the demo and every cache
	rm -rf .venv demo build dist .pytest_cache .ruff_cache .hypothesis .import_linter_cache .benchmarks .tmp_dagster_home_*
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

install: $(STAMP) ## set up .venv from requirements.lock (the other targets do it by themselves)

$(STAMP): requirements.lock pyproject.toml
	@deploy/install.sh .venv
	@touch $@
