"""The whole workflow on real small models: PDF in, fine-tuned model, score table, figures and report out."""

import json
import os
import subprocess
import sys

import pyarrow.parquet as pq
import pytest
from checkout import ROOT, Checkout
from megascience.storage.tables import read_tsv
from traces import Traces, traced

CONFIG = ("--configfile", "config/demo.yaml", "tests/data/real/config.yaml")
pytestmark = [
    pytest.mark.model,
    pytest.mark.skipif(
        not (ROOT / ".venv/train/bin/llamafactory-cli").exists(), reason="NO TRAINING ENVIRONMENT: run `make test`"
    ),
]


@pytest.fixture(scope="module")
def run(tmp_path_factory, models):
    for name in ("teacher", "student", "minilm"):
        models / name
    checkout = traced(Checkout(tmp_path_factory.mktemp("real")))
    (checkout.root / "results").mkdir(exist_ok=True)
    (checkout.root / "results/models").symlink_to(ROOT / "results/models")
    (checkout.root / ".venv").symlink_to(ROOT / ".venv")
    checkout.snakemake(*CONFIG)
    return checkout


def megascience(run, *arguments):
    done = subprocess.run(
        [sys.executable, "-m", "megascience", *arguments],
        cwd=run.root,
        env={**os.environ, "PYTHONPATH": str(run.root / "workflow/scripts")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_released_rows_come_from_the_book(run):
    rows = pq.read_table(run.root / "results/real/dataset/textbook_reasoning/train.parquet").to_pylist()
    assert rows
    pages = pq.read_table(run.root / "results/real/digitize/physics/000.parquet")["text"].to_pylist()
    book = set(" ".join(pages).lower().split())
    for row in rows:
        words = row["question"].lower().split()
        assert len(words) > 3
        assert sum(word in book for word in words) > len(words) / 2, row["question"]


def test_a_released_row_can_be_traced_to_its_raw_completions(run):
    row = pq.read_table(run.root / "results/real/dataset/textbook_reasoning/train.parquet").to_pylist()[0]
    text = megascience(run, "trace", row["id"], "--results", "results/real")
    assert "Motion and Energy" in text and "Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF" in text
    for stage in ("extract", "refine", "judge_cot", "filter", "decontaminate", "reference"):
        assert stage in text


def test_training_changed_the_student(run):
    base = json.loads((run.root / "results/models/student/model.json").read_text())
    tuned = json.loads((run.root / "results/real/train/student_textbook_reasoning/model.json").read_text())
    weights = [{v for k, v in m["files"].items() if k.endswith(".safetensors")} for m in (base, tuned)]
    assert weights[0] and weights[1] and weights[0] != weights[1]


def test_all_models_have_scores(run):
    rows = read_tsv(run.root / "results/real/tables/main.tsv", {}).to_dict("records")
    models = {"student", "student_textbook_reasoning", "student_megascience"}
    assert {row["model"] for row in rows} == models
    for model in models:
        found = {row["benchmark"]: row for row in rows if row["model"] == model}
        assert {"mmlu", "gsm8k", "scibench", "All"} <= set(found)
        assert all(0 <= float(row["ci_low"]) <= float(row["score"]) <= 100 for row in found.values())
    assert all(row["compared_with"] == "student" for row in rows)


def test_figures_and_report(run):
    for name in ("yield", "contamination", "cost", "scores", "answer_length", "training_length", "response_length"):
        assert (run.root / f"results/real/figures/{name}.pdf").read_bytes().startswith(b"%PDF")
    run.snakemake("--report", "report.html", *CONFIG)
    report = (run.root / "report.html").read_text()
    for figure in ("yield.png", "scores.png", "cost.png", "training_length.png", "training_loss.png"):
        assert figure in report


def test_the_summary_shows_where_things_are(run):
    text = megascience(run, "summary", "results/real")
    assert "dataset/textbook_reasoning" in text and "tables/main.tsv" in text


def test_a_second_run_has_nothing_to_do(run):
    assert run.jobs(*CONFIG) == {}


def test_what_jobs_ran_is_covered_by_their_code_hashes(run):
    traces = Traces(run)
    assert traces.names() >= {"train", "evaluate", "answer_lengths", "table_cost", "table_contamination"}
    assert traces.uncovered() == []
