"""What the cluster profile asks SLURM for, as a recording sbatch sees it, and what engines are started with."""

import json
import os
import re
import subprocess

import pytest
from checkout import ROOT
from megascience.models.manifest import model_spec
from megascience.planning.config.read import read_config
from megascience.planning.jobs import shards_of
from megascience.planning.plan import Plan

PROFILE = ROOT / "profiles/slurm/config.yaml"
SERVING = sorted(path.stem for path in (ROOT / "examples/serving").glob("*.yaml"))


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    """A SLURM that takes nothing: sbatch writes down what it was asked and refuses."""
    folder = tmp_path / "bin"
    folder.mkdir()
    programs = {
        "sbatch": f'printf "%s\\n" "$*" >> {tmp_path}/submitted; echo refused >&2; exit 1',
        "sinfo": "echo cpu; echo gpu",
        **dict.fromkeys(("squeue", "sacctmgr", "sshare", "scontrol", "sacct"), "exit 0"),
    }
    for name, text in programs.items():
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return tmp_path / "submitted"


@pytest.fixture
def submitted(checkout, slurm):
    """A way to have one job of a rule submitted whose inputs are there, and to get its sbatch line."""
    checkout.edit("profiles/slurm/config.yaml", "account: CHANGE_ME", "account: physics")

    def submit(rule, target, *inputs, pending="7", configs=(), retries=0):
        for path in (*inputs, "results/preflight.txt"):
            (checkout.root / path).parent.mkdir(parents=True, exist_ok=True)
            (checkout.root / path).write_text(pending if "/pending/" in path else "{}")
        configs = ("--configfile", *configs) if configs else ()
        options = ("--profile", "slurm", "--retries", str(retries), "--allowed-rules", rule)
        checkout.snakemake(target, *options, *configs, check=False)
        *lines, line = slurm.read_text().splitlines()
        assert len(lines) == retries
        slurm.unlink()
        return (*lines, line) if lines else line

    submit.checkout = checkout
    return submit


def plan():
    return Plan(read_config([ROOT / "config/config.yaml"]))


def first_job(stage):
    return next(shard for shard in shards_of(plan(), "results") if shard.stage == stage)


def generate(submitted, stage, **how):
    job = first_job(stage)
    inputs = [*map(str, job.records), *([str(job.join)] if job.join else []), str(job.pending)]
    return submitted(f"{stage}_generate", str(job.completions), *inputs, **how)


def test_a_70b_model_on_four_gpus(submitted):
    line = generate(submitted, "extract", configs=["examples/serving/llama_70b_four_gpus.yaml"])
    assert " -A physics " in line and " -p gpu " in line and " --gpus=4" in line
    assert " --mem 200000 " in line and " -t 1440 " in line and " --cpus-per-task=16" in line and "--requeue" in line


def test_nothing_to_ask_needs_no_gpu(submitted):
    line = generate(submitted, "extract", pending="0")
    assert " -p cpu " in line and "--gpus" not in line and " --mem 8000 " in line and " -t 60 " in line


def test_each_attempt_asks_for_gpus_by_what_is_left(submitted, tmp_path):
    count = submitted.checkout.root / first_job("extract").pending
    sbatch = tmp_path / "bin/sbatch"
    sbatch.write_text(sbatch.read_text().replace("echo refused", f"echo 0 > {count}; echo refused"))
    first, second = generate(submitted, "extract", retries=1)
    assert " -p gpu " in first and " --gpus=4" in first
    assert " -p cpu " in second and "--gpus" not in second and " --mem 16000 " in second


@pytest.mark.parametrize("config", ["deepseek_v3_hosted", "deepseek_v3_two_nodes"])
def test_a_model_behind_a_server_needs_no_gpu_here(submitted, config):
    line = generate(submitted, "refine", configs=[f"examples/serving/{config}.yaml"])
    assert " -p cpu " in line and "--gpus" not in line


def test_training_on_one_node_and_on_four(submitted):
    experiment = plan().config.experiments[0]
    inputs = (
        f"results/models/{experiment.base}/model.json",
        f"results/dataset/{experiment.dataset}/train.parquet",
    )
    target = f"results/train/{experiment.name}/model.json"
    line = submitted("train", target, *inputs)
    assert " --gpus=8" in line and "--nodes" not in line
    submitted.checkout.edit("profiles/slurm/config.yaml", "?gpus(8, 64, 800, 48)", "?gpus(32, 64, 800, 48, nodes=4)")
    line = submitted("train", target, *inputs)
    assert " --nodes=4 " in line and " --gpus=32" in line and " --mem 800000 " in line
    assert " --ntasks-per-node=2 " in line and " --cpus-per-task=32 " in line


@pytest.mark.parametrize("name", SERVING)
def test_each_example_plans(pristine, name):
    assert "refine_generate" in pristine.jobs("--profile", "slurm", "--configfile", f"examples/serving/{name}.yaml")


def spec(tmp_path, name, model, gpus):
    config = read_config([ROOT / "config/config.yaml", ROOT / f"examples/serving/{name}.yaml"]).plain()
    folder = tmp_path / model
    folder.mkdir()
    entry = config["models"][model]
    (folder / "model.json").write_text(json.dumps({"name": entry["name"], "revision": entry["revision"], "path": "."}))
    return model_spec(folder / "model.json", config, 16, gpus)


def test_the_tensor_parallel_size_follows_the_gpus(tmp_path):
    made = spec(tmp_path, "llama_70b_four_gpus", "llama-3.3-70b", 4)
    assert made.engine == "vllm" and made.serving["tensor_parallel_size"] == 4 and made.serving["max_num_seqs"] == 512


@pytest.mark.parametrize("name", ["deepseek_v3_hosted", "deepseek_v3_two_nodes"])
def test_a_served_model_is_talked_to(tmp_path, name):
    made = spec(tmp_path, name, "deepseek-v3", 0)
    assert made.engine == "openai" and made.serving["base_url"].endswith("/v1")


def test_the_server_asks_for_as_many_gpus_as_it_uses():
    text = (ROOT / "examples/serving/deepseek_v3_server.sh").read_text()
    numbers = {name: int(re.search(rf"--{name}[= ](\d+)", text)[1]) for name in ("nodes", "gpus-per-node")}
    sizes = [int(re.search(rf"--{name} (\d+)", text)[1]) for name in ("tensor-parallel-size", "pipeline-parallel-size")]
    assert numbers["nodes"] * numbers["gpus-per-node"] == sizes[0] * sizes[1]
    assert plan().config.models["deepseek-v3"].revision in text
    subprocess.run(["bash", "-n", ROOT / "examples/serving/deepseek_v3_server.sh"], check=True)


def test_every_job_that_asks_a_model_has_its_place_in_the_profile(pristine):
    rules = set(pristine.snakemake("--list-rules").stdout.split())
    named = set(re.findall(r"^  (\w+): \?", PROFILE.read_text(), re.MULTILINE))
    assert {rule for rule in rules if rule.endswith("_generate") and rule != "generate"} <= named
    assert named - {"slurm_account", "slurm_partition"} <= rules, "the profile names rules that there are not"
