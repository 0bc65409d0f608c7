# Thin wrappers: they set the environments up (requirements/set-up.sh) and call the tools.
export PYTHON ?= python3
export CORES ?= $(shell nproc)
BIN := .venv/main/bin

.PHONY: demo test quick check docs set-up set-up-dev set-up-test clean

# The whole workflow on the example shelf.
demo: set-up
	$(BIN)/snakemake --cores $(CORES) --configfile config/demo.yaml
	@$(BIN)/megascience summary results/demo

# All tests. tests/run.py knows the options.
test: set-up-test
	@$(BIN)/python tests/run.py all

# For every save: unit tests and dry-runs, two minutes. The environments must be there: `make set-up-test` once.
quick:
	@$(BIN)/python tests/run.py quick

# Style, types and Snakemake's own advice.
check: set-up-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/snakefmt --check Snakefile rules
	PYTHONPATH=workflow/scripts $(BIN)/lint-imports --no-cache
	$(BIN)/snakemake --lint --configfile config/demo.yaml

# The pages of docs/, into site/; without a network.
docs: set-up-dev
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

set-up:
	@requirements/set-up.sh main
	@requirements/set-up.sh train

set-up-dev:
	@requirements/set-up.sh main dev

set-up-test: set-up set-up-dev
	@requirements/set-up.sh vllm
	@requirements/set-up.sh olmocr
	@requirements/set-up-slurm.sh

# What was computed, and the environments.
clean:
	find results -mindepth 1 -maxdepth 1 ! -name README.md -exec rm -rf {} +
	rm -rf .snakemake .venv site .pytest_cache .ruff_cache .mypy_cache .hypothesis
