"""Ablations are branches of the DAG: they share what comes before their first difference, and differ after it."""

import pyarrow.parquet as pq
import pytest
from canned import LEAKED, write_answers
from checkout import ROOT, Checkout

CONFIG = ("--configfile", "config/demo.yaml", "tests/data/canned/config.yaml", "tests/data/canned/branches.yaml")
DATASETS = ("textbook_reasoning", "no_refine", "no_cot", "no_decontam", "other_refine")
TARGETS = tuple(f"results/branches/dataset/{name}/train.parquet" for name in DATASETS)


@pytest.fixture(scope="module")
def run(tmp_path_factory, models):
    models / "minilm"
    checkout = Checkout(tmp_path_factory.mktemp("branches"))
    (checkout.root / "results").mkdir(exist_ok=True)
    (checkout.root / "results/models").symlink_to(ROOT / "results/models")
    write_answers(checkout.root / "answers.yaml")
    checkout.snakemake(*TARGETS, *CONFIG)
    return checkout


def released(run, name, file="train"):
    return pq.read_table(run.root / f"results/branches/dataset/{name}/{file}.parquet").to_pylist()


def test_the_trunk_is_made_once(run):
    folders = {path.name for path in (run.root / "results/branches/extract").iterdir()}
    assert folders == {"physics", "computer_science"}
    refined = {path.name for path in (run.root / "results/branches/refine").iterdir()}
    assert refined == {"physics", "computer_science", "physics.other_refine", "computer_science.other_refine"}


def test_without_decontamination_the_leaked_item_stays(run):
    assert not any(LEAKED in row["question"] for row in released(run, "textbook_reasoning"))
    assert any(LEAKED in row["question"] for row in released(run, "no_decontam"))


def test_provenance_names_only_the_stages_that_a_row_went_through(run):
    whole, bare = (released(run, name, "provenance")[0] for name in ("textbook_reasoning", "no_refine"))
    assert "refine_prompt_hash" in whole and "refine_prompt_hash" not in bare
    again = released(run, "other_refine", "provenance")[0]
    assert again["refine_prompt_hash"] != whole["refine_prompt_hash"]
    assert again["discipline"] == whole["discipline"]


def test_each_dataset_has_its_own_yield_that_adds_up(run):
    for name in DATASETS[1:]:
        lines = (run.root / f"results/branches/tables/yield.{name}.tsv").read_text().splitlines()
        header = lines[0].split("\t")
        rows = [dict(zip(header, line.split("\t"), strict=True)) for line in lines[1:]]
        assert all(int(r["rows_in"]) == int(r["rows_kept"]) + int(r["rows_dropped"]) for r in rows)
        out = sum(int(r["rows_out"]) for r in rows if r["stage"] == "reference")
        assert out == len(released(run, name))
        assert ("refine" in {r["stage"] for r in rows}) == (name != "no_refine")


def test_a_prompt_of_one_branch_redoes_that_branch_alone(run, tmp_path):
    copy = run.copy(tmp_path / "copy")
    copy.edit("tests/data/canned/prompts/refine_again.j2", "Answer: ", "The answer: ")
    jobs = copy.jobs(*TARGETS, *CONFIG)
    subsets = {part for ws in jobs.values() for w in ws for part in w.split(", ") if part.startswith("subset=")}
    assert subsets == {"subset=physics.other_refine", "subset=computer_science.other_refine"}
    assert jobs["dataset"] == ["dataset=other_refine"]
