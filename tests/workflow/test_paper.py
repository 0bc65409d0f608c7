"""Tables and figures by their rules, from results that we wrote, with the demo's configuration."""

import json
import random

import pyarrow as pa
import pytest
from checkout import ROOT, Checkout
from megascience.evaluation.scores import summarize
from megascience.planning.config.read import read_config
from megascience.planning.plan import Plan
from megascience.storage.parquet import write_records
from megascience.storage.tables import read_tsv, table_of, write_table
from owned import SCHEMAS
from traces import Traces, traced

DEMO = ("--configfile", "config/demo.yaml")
CONFIG = (*DEMO, "more.yaml")
#: The datasets of the demo's experiments and one more, whose selection is by response length.
EXPERIMENTS = ("textbook_reasoning", "megascience", "no_cot", "natural_reasoning_length")
MODELS = ("student", *(f"student_{dataset}" for dataset in EXPERIMENTS))
FIGURES = (
    *("yield", "contamination", "cost", "scores", "answer_length", "training_length", "response_length"),
    *("difficulty", "source_length"),
)
TABLES = ("extraction", "curation", "sources.megascience", "main", "by_base", "ablation")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A checkout in which the rules of tables and figures have run, and no other."""
    checkout = traced(Checkout(tmp_path_factory.mktemp("paper")))
    rows = [{"name": f"student_{d}", "base": "student", "dataset": d, "train": "demo"} for d in EXPERIMENTS]
    (checkout.root / "more.yaml").write_text(json.dumps({"experiments": rows}))
    configs = [ROOT / "config/config.yaml", ROOT / "config/demo.yaml", checkout.root / "more.yaml"]
    write_results(checkout.root / "results/demo", Plan(read_config(configs)).needed)
    checkout.snakemake(*targets(), *CONFIG, "--allowed-rules", *allowed())
    return checkout


def targets():
    tables = [f"results/demo/tables/{name}.{form}" for name in TABLES for form in ("tsv", "md", "tex")]
    figures = [f"results/demo/figures/{name}.{form}" for name in FIGURES for form in ("pdf", "png")]
    return [*tables, "results/demo/tables/scores.tsv", *figures]


def allowed():
    tables = [f"table_{name}" for name in ("extraction", "curation", "sources", "scores", "comparison")]
    return [*tables, *(f"figure_{name}" for name in FIGURES)]


def write_results(root, plan):
    """Write what the tables and figures read: counts that add up to nothing in particular."""
    chance = random.Random(0)

    def rows_of(stage, count, **more):
        schema = SCHEMAS[stage]
        made = [{schema.names[0]: f"{stage}{i}", **{k: v(i) for k, v in more.items()}} for i in range(count)]
        return made, schema

    for place in plan.pool_shards("textbook_reasoning"):
        for stage, columns in {
            "chunk": {"book_id": lambda i: f"book{i % 2}"},
            "extract": {"chunk_id": lambda i: f"chunk{i // 2}", "standard": lambda i: ("high", "low")[i % 2]},
        }.items():
            write_records(root.joinpath(stage, *place).with_suffix(".parquet"), *rows_of(stage, 4, **columns))
    for pool, measures in plan.mixtures.measured().items():
        for place in plan.pool_shards(pool):
            for measure in measures:
                stage, column = {
                    "difficulty": ("difficulty_score", {"mean": lambda i: chance.uniform(0, 10)}),
                    "response_length": ("response_length", {"n_tokens": lambda i: chance.randint(20, 900)}),
                }[measure]
                write_records(root.joinpath(stage, *place).with_suffix(".parquet"), *rows_of(stage, 9, **column))
    for model in plan.evaluated:
        for benchmark in plan.benchmarks:
            rows = [
                {
                    "item_id": f"{benchmark}{i}",
                    "benchmark": benchmark,
                    "item_score": float(right := chance.random() < 0.5),
                    "verdict": "correct" if right else "wrong",
                    "finish_reason": "stop",
                    "completion_tokens": chance.randint(10, 100),
                }
                for i in range(6)
            ]
            place = root / "evaluate" / model / benchmark
            write_records(place.with_suffix(".parquet"), rows, SCHEMAS["evaluate"])
            place.with_suffix(".json").write_text(json.dumps(summarize(rows)))
    for dataset in {row.dataset for row in plan.experiments.values()}:
        answers = [{"answer": "x"}] * 12
        write_records(root / "dataset" / dataset / "train.parquet", answers, pa.schema([("answer", pa.string())]))
        lengths = [[chance.randint(10, 400), 1] for _ in range(12)]
        (root / "lengths").mkdir(exist_ok=True)
        write_table(table_of(("tokens", "rows"), lengths), root / "lengths" / f"{dataset}.tsv")
    write_tables(root, plan)


def write_tables(root, plan):
    yields = ("stage", "discipline", "rows_in", "rows_kept", "rows_dropped", "rows_out", "row")
    stages = ("extract", "dedup", "filter", "decontaminate", "reference")
    books = [(s, d, 9, 9, 0, 9 - i, "pair") for i, s in enumerate(stages) for d in plan.disciplines]
    write_table(table_of(yields, books), root / "tables" / "yield.tsv")
    for source in plan.config.sources:
        rows = [
            (s, source, 20, 20, 0, 20 - i, "row") for i, s in enumerate(("import_source", "dedup", "decontaminate"))
        ]
        write_table(table_of(yields, rows), root / "tables" / f"yield.{source}.tsv")
    for selection in plan.config.selections:
        file = root / "select" / f"{selection}.json"
        file.parent.mkdir(exist_ok=True)
        file.write_text(
            json.dumps({"selection": selection, "method": "all", "rows": 18, "eligible": 18, "selected": 7})
        )
    parts = [(p.name, plan.part_pool(p), 7) for p in plan.mixtures.parts["megascience"]]
    write_table(table_of(("part", "source", "rows_kept"), parts), root / "mixture" / "megascience" / "counts.tsv")
    found = [("physics", "gsm8k", 5, 2), (next(iter(plan.config.sources)), "mmlu", 5, 1)]
    write_table(
        table_of(("discipline", "benchmark", "rows", "rows_contaminated"), found), root / "tables/contamination.tsv"
    )
    names = ("stage", "model", "prompt_tokens", "completion_tokens", "gpu_hours", "wall_hours", "startup_hours")
    spent = [("extract", "teacher", 900, 100, 0.0, 0.1, 0.1), ("all", None, 900, 100, 0.0, 0.1, 0.1)]
    write_table(table_of(names, spent), root / "tables/cost.tsv")


def test_every_table_and_figure_is_made(run):
    for target in targets():
        assert (run.root / target).stat().st_size > 100, target


def test_models_are_set_against_their_baseline(run):
    rows = read_tsv(run.root / "results/demo/tables/main.tsv", {}).to_dict("records")
    assert tuple(dict.fromkeys(row["model"] for row in rows)) == MODELS
    assert {row["compared_with"] for row in rows} == {"student"}
    assert {"General", "Specific", "Math", "All"} <= {row["benchmark"] for row in rows}
    assert len((run.root / "results/demo/tables/main.md").read_text().split("\n")[0].split("|")) == len(MODELS) + 3


def test_the_ablation_is_set_against_the_whole(run):
    rows = read_tsv(run.root / "results/demo/tables/ablation.tsv", {}).to_dict("records")
    assert {row["model"] for row in rows} == {"student_textbook_reasoning", "student_no_cot"}
    assert {row["compared_with"] for row in rows} == {"student_textbook_reasoning"}
    assert {row["training_rows"] for row in rows} == {"12"}


def test_the_papers_number_stands_beside_ours(run):
    rows = read_tsv(run.root / "results/demo/tables/curation.tsv", {}).set_index("discipline").to_dict("index")
    assert (rows["physics"]["extracted"], rows["physics"]["extracted_paper"]) == ("9", "59094")
    rows = read_tsv(run.root / "results/demo/tables/sources.megascience.tsv", {}).set_index("source").to_dict("index")
    assert (rows["nemotron_science"]["raw"], rows["nemotron_science"]["raw_paper"]) == ("20", "708900")
    assert (rows["nemotron_science"]["selected"], rows["nemotron_science"]["mixed"]) == ("7", "7")


def test_the_same_results_give_the_same_bytes(run):
    before = {name: (run.root / name).read_bytes() for name in targets()}
    for name in before:
        (run.root / name).unlink()
    run.snakemake(*targets(), *CONFIG, "--allowed-rules", *allowed())
    assert [name for name, data in before.items() if (run.root / name).read_bytes() != data] == []


def test_one_table_needs_only_what_it_shows(pristine):
    jobs = pristine.jobs("results/demo/tables/ablation.tsv", *DEMO)
    assert {w.partition("=")[2] for w in jobs["train"]} == {"student_textbook_reasoning", "student_no_cot"}
    assert not {"mixture", "import_source", "difficulty_score"} & set(jobs)
    jobs = pristine.jobs("results/demo/figures/difficulty.pdf", *DEMO)
    assert "difficulty_score" in jobs and not {"train", "evaluate", "annotate", "mixture"} & set(jobs)
    jobs = pristine.jobs("results/demo/tables/curation.md", *DEMO)
    assert not {"train", "evaluate", "import_source", "difficulty_sample"} & set(jobs)


def test_what_jobs_ran_is_covered_by_their_code_hashes(run):
    traces = Traces(run)
    assert traces.names() == set(allowed())
    assert traces.uncovered() == []
