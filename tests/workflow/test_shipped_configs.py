"""What users type works for every config that the project ships."""

import pytest

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


def test_one_figure_leaves_training_out(pristine):
    jobs = pristine.jobs("results/demo/figures/yield.pdf", "--configfile", "config/demo.yaml")
    assert "figure_yield" in jobs and "train" not in jobs and "evaluate_generate" not in jobs
