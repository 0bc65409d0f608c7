"""What users type works for every config that the project ships."""

import re
from pathlib import Path

import pytest
import yaml

CONFIGS = {"paper": (), "demo": ("--configfile", "config/demo.yaml")}
RULES = ("digitize", "extract", "dedup", "refine", "judge_cot", "filter", "decontaminate", "reference", "dataset")


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_dry_run_plans_every_step(pristine, config):
    jobs = pristine.jobs(*config)
    assert {*RULES, "train", "evaluate", "table_comparison", "figure_scores"} <= set(jobs)


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
@pytest.mark.parametrize("flag", ["--dag", "--rulegraph"])
def test_stdout_is_a_graph_and_nothing_else(pristine, config, flag):
    out = pristine.snakemake(flag, *config).stdout
    assert out.startswith("digraph") and out.rstrip().endswith("}")
    assert '"refine' in out


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_lint_has_nothing_to_say(pristine, config):
    done = pristine.snakemake("--lint", *config, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_profile_slurm_plans_as_typed(pristine):
    assert "extract_generate" in pristine.jobs("--profile", "slurm")


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_logs_and_run_times_are_written_among_the_results(pristine, config):
    plan = pristine.snakemake("-n", *config).stdout
    written = re.findall(r"^    (?:log|benchmark): (\S+)", plan, re.MULTILINE)
    assert len(written) > 100
    assert [path for path in written if not path.startswith("results/")] == []


def test_one_figure_leaves_training_out(pristine):
    jobs = pristine.jobs("results/demo/figures/yield.pdf", "--configfile", "config/demo.yaml")
    assert "figure_yield" in jobs and "train" not in jobs and "evaluate_generate" not in jobs


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_what_is_evaluated_is_what_the_data_are_cleaned_of(pristine, config):
    """Every job that asks or scores a model, and every search for copies, gets the items of the same benchmarks."""
    read = pristine.inputs("--forceall", *config)
    benchmarks = {
        rule: {Path(path).stem for paths in jobs for path in paths if re.search(r"/benchmarks/[^/]+\.parquet$", path)}
        for rule, jobs in read.items()
    }
    registry = "examples/benchmarks.yaml" if config else "config/benchmarks.yaml"
    named = set(yaml.safe_load((pristine.root / registry).read_text()))
    assert named == benchmarks["evaluate_generate"] == benchmarks["evaluate"] == benchmarks["embed_benchmarks"]
    for paths in read["search"]:
        assert {Path(p).stem for p in paths if "/benchmarks/" in p and p.endswith(".parquet")} == named
    assert len(read["search"]) > 1
