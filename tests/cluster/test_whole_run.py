"""The whole curation through `--profile slurm`, from the PDF to the dataset; and a job over its time."""

import pyarrow.parquet as pq
from clusterrun import COMPLETIONS

MODEL_STAGES = ("extract", "refine", "judge_cot", "distill_cot", "filter", "decontaminate", "reference")
#: Rules of the canned run's stages whose jobs get GPUs by the profile (those that embed are taken off, see
#: conftest.py). The one pair has no benchmark item near it: decontaminate asks nothing, and needs none either.
ON_GPUS = {*("digitize", "extract_generate", "judge_cot_generate", "filter_generate", "reference_generate")}


def test_the_whole_curation_and_again_without_a_gpu(long_runs):
    run, process = long_runs["whole"]
    run.finish(process)
    jobs = run.jobs()
    rules = {job["comment"].removeprefix("rule_").split("_wildcards_")[0] for job in jobs}
    assert {f"{stage}_generate" for stage in MODEL_STAGES} < rules
    assert not {"preflight", "fetch_model", "dataset_only"} & rules, "local rules stay local"
    for job in jobs:
        rule = job["comment"].removeprefix("rule_").split("_wildcards_")[0]
        asked = run.cluster.asked(job["id"])
        assert ("gpu" in asked.get("TresPerJob", "")) == (rule in ON_GPUS), (rule, asked)
        assert job["node"].startswith("gpu" if rule in ON_GPUS else "cpu"), (rule, job)
    released = pq.read_table(run.root / "results/cluster/dataset/textbook_reasoning/train.parquet")
    assert released.num_rows == 1  # what the canned model finds in the one book

    # An edited parser, and completions that were lost: all is in the journals, so that no GPU is asked for.
    before = len(run.requests())
    stage = "workflow/scripts/megascience/stages/extract.py"
    text = (run.root / stage).read_text()
    edited = text.replace("if not answer:", "if len(answer) == 0:")
    assert edited != text
    (run.root / stage).write_text(edited)
    (run.root / COMPLETIONS).unlink()
    last = jobs[0]["id"]
    run("results/cluster/refine/economics/000.parquet")
    again = [job for job in run.jobs() if int(job["id"]) > int(last)]
    assert {job["comment"].split("_wildcards_")[0] for job in again} >= {"rule_extract_generate", "rule_refine"}
    assert {job["partition"] for job in again} == {"cpu"}
    assert not any("TresPerJob" in run.cluster.asked(job["id"]) for job in again)
    assert len(run.requests()) == before


def test_a_job_runs_over_its_time(long_runs):
    """It is ended by SLURM, asked for again with more time, and goes on from its journal."""
    run, process = long_runs["late"]
    first = run.job("extract_generate", "TIMEOUT")
    assert "TIMEOUT" in run.finish(process)
    run.check()
    last, *_ = run.jobs("extract_generate")
    assert last["id"] != first["id"] and last["state"] == "COMPLETED"
    assert run.cluster.asked(last["id"])["TimeLimit"] == "02:00:00"
