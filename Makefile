# Thin wrappers: they set the environments up (requirements/set-up.sh) and call the tools.
export PYTHON ?= python3
export CORES ?= $(shell nproc)
BIN := .venv/main/bin

.PHONY: demo test quick check set-up set-up-test clean

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

set-up:
	@requirements/set-up.sh main
	@requirements/set-up.sh train

set-up-test: set-up
	@requirements/set-up.sh main dev
	@requirements/set-up.sh vllm
	@requirements/set-up.sh olmocr
	@requirements/set-up-slurm.sh

# What was computed, and the environments.
clean:
	rm -rf results .snakemake .venv .pytest_cache .ruff_cache .mypy_cache .hypothesis
