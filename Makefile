# Thin wrappers: they set the environments up (requirements/set-up.sh) and call the tools.
export PYTHON ?= python3
CORES ?= $(shell nproc)
BIN := .venv/main/bin

.PHONY: demo test check set-up set-up-test clean

# The whole workflow on the example shelf.
demo: set-up
	$(BIN)/snakemake --cores $(CORES) --configfile config/demo.yaml
	@$(BIN)/megascience summary results/demo

# All tests: first those without a real model, then those on a SLURM of their own, then those with a model.
test: set-up-test
	$(BIN)/python -m pytest -q -n $(CORES) --dist loadfile -m "not model and not slow and not cluster" tests
	$(BIN)/python -m pytest -q -rs -m "cluster and not model and not slow" tests/cluster
	MEGASCIENCE_VLLM_PYTHON=$(CURDIR)/.venv/vllm/bin/python $(BIN)/python -m pytest -q -m "model and not slow" tests

# Style, types and Snakemake's own advice.
check: set-up-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/snakefmt --check Snakefile rules
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
