"""The curation, end to end, on a model whose answers we wrote: what comes out, and what is redone after a change."""

import json
from collections import Counter

import pyarrow.parquet as pq
import pytest
from canned import BARE, FIGURE, LEAKED, write_answers
from checkout import ROOT, Checkout

CONFIG = ("--configfile", "config/demo.yaml", "tests/data/canned/config.yaml")
TARGETS = ("dataset_only", "results/canned/figures/yield.pdf", "results/canned/tables/contamination.tsv")
MODEL_STAGES = ("extract", "refine", "judge_cot", "distill_cot", "filter", "decontaminate", "reference")
AFTER_DEDUP = MODEL_STAGES[1:]


@pytest.fixture(scope="module")
def run(tmp_path_factory, models):
    """A finished run that tests only look at."""
    models / "minilm"
    checkout = Checkout(tmp_path_factory.mktemp("canned"))
    (checkout.root / "results").mkdir(exist_ok=True)
    (checkout.root / "results/models").symlink_to(ROOT / "results/models")
    write_answers(checkout.root / "answers.yaml")
    checkout.snakemake(*TARGETS, *CONFIG)
    return checkout


@pytest.fixture
def edited(run, tmp_path):
    """A copy of the run, and a way to edit a file of it."""
    copy = run.copy(tmp_path / "copy")

    def edit(name, old, new):
        copy.edit(name, old, new)
        return copy

    return edit


def rows(run, pattern):
    return [r for path in sorted(run.root.glob(f"results/canned/{pattern}")) for r in pq.read_table(path).to_pylist()]


def requests(run):
    path = run.root / "requests.jsonl"
    return len(path.read_text().splitlines()) if path.exists() else 0


def test_released_rows_are_the_ones_that_ought_to_be_left(run):
    released = rows(run, "dataset/textbook_reasoning/train.parquet")
    text = " ".join(row["question"] for row in released)
    assert len(released) == len({row["id"] for row in released}) >= 5
    assert "A rope pulls a crate" in text and BARE in text
    assert FIGURE not in text and LEAKED not in text


def test_near_duplicates_of_two_books_leave_one(run):
    dropped = [row for row in rows(run, "dedup/*/*.dropped.parquet") if row["reason"] == "near_duplicate"]
    thrown = [row for row in rows(run, "dedup/*/000.parquet") if "thrown straight up" in row["question"]]
    assert len(thrown) == 1
    assert thrown[0]["qa_id"] in " ".join(row["detail"] for row in dropped)


def test_the_bare_answer_got_its_reasoning(run):
    (row,) = [row for row in rows(run, "distill_cot/*/000.parquet") if BARE in row["question"]]
    assert row["answer"].startswith("A pairs with T") and row["has_reasoning"]


def test_drops_have_their_reasons(run):
    reasons = Counter(row["reason"] for row in rows(run, "*/*/*.dropped.parquet"))
    assert {"no_pairs", "near_duplicate", "rejected", "unreadable", "contaminated"} <= set(reasons)


def test_an_unreadable_verdict_is_asked_again_and_then_drops_the_row(run):
    asked = {row["id"]: row for row in rows(run, "filter/chemistry/000.completions.parquet")}
    dropped = {row["id"]: row["reason"] for row in rows(run, "filter/chemistry/000.dropped.parquet")}
    assert "unreadable" in dropped.values()
    assert all(asked[i]["attempts"] == 3 for i, reason in dropped.items() if reason == "unreadable")


def test_yield_adds_up(run):
    lines = (run.root / "results/canned/tables/yield.tsv").read_text().splitlines()
    header = lines[0].split("\t")
    table = [dict(zip(header, line.split("\t"), strict=True)) for line in lines[1:]]
    assert {row["stage"] for row in table} >= {"digitize", "chunk", "dedup", *MODEL_STAGES}
    for row in table:
        assert int(row["rows_in"]) == int(row["rows_kept"]) + int(row["rows_dropped"])


def test_a_second_run_has_nothing_to_do(run):
    assert run.jobs(*TARGETS, *CONFIG) == {}


def test_touching_files_makes_nothing_stale(edited):
    run = edited("README.md", "#", "#")
    for name in ("prompts/refine.j2", "workflow/scripts/megascience/curation/dedup.py", "workflow/scripts/parse.py"):
        (run.root / name).touch()
    for path in (run.root / "tests/data/canned/prompts").iterdir():
        path.touch()
    assert run.jobs(*TARGETS, *CONFIG) == {}


def stale(run):
    return set(run.jobs(*TARGETS, *CONFIG))


FROM_REFINE = {f"{stage}{part}" for stage in AFTER_DEDUP for part in ("_pending", "_generate", "")} | {
    *("embed", "search", "table_yield", "table_contamination", "dataset", "dataset_only", "figure_yield")
}
FROM_FILTER = {
    f"{stage}{part}" for stage in ("decontaminate", "reference") for part in ("_pending", "_generate", "")
} | {
    *(
        "filter",
        "embed",
        "search",
        "table_yield",
        "table_contamination",
        "dataset",
        "dataset_only",
        "figure_yield",
    )
}


def test_an_edited_prompt_redoes_its_stage_and_what_follows(edited):
    run = edited("tests/data/canned/prompts/refine.j2", "Answer: ", "The answer: ")
    assert stale(run) == FROM_REFINE


def test_an_edited_parser_redoes_its_stage_without_a_request(edited):
    run = edited("workflow/scripts/megascience/stages/filter.py", '== "KEEP"', 'in ("KEEP",)')
    assert stale(run) == FROM_FILTER
    before = requests(run)
    run.snakemake(*TARGETS, *CONFIG)
    assert requests(run) == before


def test_a_reworded_reason_redoes_nothing_and_a_further_one_its_stage_and_what_follows(edited):
    run = edited("workflow/scripts/megascience/stages/filter.py", "the model's verdict was", "the judge was")
    assert stale(run) == set()
    run.edit(
        "workflow/scripts/megascience/stages/filter.py", 'REASONS = {"rejected"', 'REASONS = {"odd": "", "rejected"'
    )
    assert stale(run) == FROM_FILTER


def test_a_comment_redoes_nothing(edited):
    run = edited("workflow/scripts/megascience/stages/filter.py", "def parse", "# a remark\ndef parse")
    assert stale(run) == set()


def test_a_changed_parameter_redoes_what_uses_it(edited):
    run = edited("tests/data/canned/config.yaml", "similarity_floor: 0.5", "similarity_floor: 0.45")
    assert stale(run) == (FROM_FILTER - {"filter", "embed"})


def test_serving_and_speed_are_no_data(edited):
    run = edited("tests/data/canned/config.yaml", "engine: canned\n", "engine: canned\n    concurrency: 2\n")
    assert stale(run) == set()


def test_an_unrelated_module_redoes_nothing_of_the_curation(edited):
    run = edited("workflow/scripts/megascience/report/figures/yields.py", '"""', '"""Changed. ')
    assert stale(run) == set()
    run = edited("workflow/scripts/megascience/report/figures/cost.py", "\nfrom ", "\nEXTRA = 1\nfrom ")
    assert stale(run) == set()
    run = edited("workflow/scripts/megascience/report/figures/yields.py", "set_xlim(0, 135)", "set_xlim(0, 136)")
    assert stale(run) == {"figure_yield"}


def test_an_edited_book_redoes_its_discipline_and_asks_only_about_its_chunks(edited):
    run = edited(
        "examples/books/microeconomics.typ", "A monopolist faces the demand", "Now. A monopolist faces the demand"
    )
    jobs = run.jobs(*TARGETS, *CONFIG)
    for rule in ("digitize", "chunk", "extract_generate", "extract", "dedup_sketch"):
        assert [w for w in jobs[rule] if "economics" not in w] == []
    assert "embed_benchmarks" not in jobs and "benchmark_items" not in jobs
    before = requests(run)
    run.snakemake(*TARGETS, *CONFIG)
    log = [json.loads(line) for line in (run.root / "requests.jsonl").read_text().splitlines()][before:]
    # One chunk changed. It is read at two standards, and its one pair goes through refine; the question did not
    # change, so that no later stage has anything to ask.
    assert len({entry["key"] for entry in log}) == 3


def test_a_prompt_edited_together_with_a_benchmark_may_wait_for_the_next_run_which_is_said(edited):
    run = edited("tests/data/canned/prompts/refine.j2", "Answer: ", "The answer: ")
    run.edit("examples/benchmarks/gsm8k.jsonl", "A baker fills", "One baker fills")
    target = "results/canned/refine/economics/000.parquet"
    said = "Run the same command once more"
    assert said in run.snakemake(target, *CONFIG).stderr
    if "refine_generate" in run.jobs(target, *CONFIG):
        assert said not in run.snakemake(target, *CONFIG).stderr
    assert run.jobs(target, *CONFIG) == {}
