"""The bytes of every table, against files that were written once: no library changes what a reader of tables gets."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import resulttree as tree
from megascience.datasets.mixture import Portion, build_mixture
from megascience.evaluation.scores import summarize
from megascience.report.conservation import yield_tables
from megascience.report.tables.comparison import Comparison, Trained, by_model
from megascience.report.tables.contamination import contamination_table
from megascience.report.tables.cost import cost_table
from megascience.report.tables.counts import Part, curation_table, extraction_table, sources_table
from megascience.report.tables.scores import read_scores, score_table
from megascience.report.token_lengths import write_lengths
from megascience.storage.parquet import write_records
from megascience.storage.tables import write_table
from owned import SCHEMAS

EXPECTED = Path(__file__).parents[2] / "data" / "tables"

REGISTRY = {
    "mmlu": {"group": "general", "in_average": False},
    "gpqa": {"group": "general"},
    "medqa": {"group": "specific"},
    "gsm8k": {"group": "math"},
}

#: Model -> benchmark -> how many of its first items are right.
RIGHT = {
    "in_struct": {"mmlu": 50, "gpqa": 20, "medqa": 40, "gsm8k": 90},
    "tuned": {"mmlu": 50, "gpqa": 60, "medqa": 40, "gsm8k": 91},
    "bare": {"mmlu": 10, "gpqa": 20, "medqa": 41},
}

PAPER = {
    ("physics", "pairs_low"): 54263.0,
    ("all", "extracted"): 945683.0,
    ("seven/books", "General"): 39.58,
    ("web", "raw"): 1145800.0,
}


def write_counts(folder: Path) -> None:
    """Yields and reasons, extraction, curation, contamination, lengths."""
    root = tree.build(folder / "results")
    tables = folder / "results" / "tables"
    yields = tables / "yield.tsv"
    yield_tables(kept=tree.kept(root), books=tree.BOOKS, yields=yields, reasons=tables / "yield_reasons.tsv")
    disciplines = ("physics", "biology", "medicine")
    chunks = {d: [tree.path(root, "chunk", d)] for d in disciplines}
    pairs = {d: [tree.path(root, "extract", d)] for d in disciplines}
    for suffix in ("tsv", "md", "tex"):
        write_table(extraction_table(chunks, pairs, PAPER), tables / f"extraction.{suffix}")
        write_table(curation_table(yields, PAPER), tables / f"curation.{suffix}")
    verdicts = {"physics": sorted(root.glob("decontaminate/physics/*.verdicts.parquet"))}
    write_table(contamination_table(verdicts), tables / "contamination.tsv")
    write_lengths(tables / "lengths.tsv", (np.array([1.0, 40.0]), np.array([3.0, 2.0])))


def write_scores(folder: Path) -> None:
    """Scores and comparisons."""
    schema = pa.schema([("item_id", pa.string()), ("item_score", pa.float64())])
    files, summaries = [], []
    for model, benchmarks in RIGHT.items():
        for benchmark, right in benchmarks.items():
            verdicts = ["correct" if i < right else "unreadable" if i == 99 else "wrong" for i in range(100)]
            rows = [
                {"item_id": str(i), "verdict": v, "item_score": float(v == "correct"), "finish_reason": "stop"}
                for i, v in enumerate(verdicts)
            ]
            files.append(folder / "evaluate" / model / f"{benchmark}.parquet")
            write_records(files[-1], rows, schema)
            summaries.append(files[-1].with_suffix(".json"))
            tokens = [{**row, "completion_tokens": 10 + i} for i, row in enumerate(rows)]
            summaries[-1].write_text(json.dumps(summarize(tokens)))
    scores = read_scores(summaries)
    tables = folder / "results" / "tables"
    write_table(score_table(scores, REGISTRY), tables / "scores.tsv")
    trained = {"tuned": Trained("seven", "books"), "bare": Trained("seven", "no_refine")}
    blocks = [["in_struct", "tuned", "bare"], ["bare", "tuned"]]
    found = Comparison(blocks, scores, by_model(files), REGISTRY, trained, {"books": 1234}, PAPER)
    write_table(found.long(), tables / "comparison.tsv")
    for layout in ("averages", "benchmarks"):
        for suffix in ("md", "tex"):
            write_table(found.short(layout, "50 % of ours."), tables / f"comparison_{layout}.{suffix}")


def write_costs(folder: Path) -> None:
    """Costs."""
    spent = {"requests": 10, "retried": 1, "prompt_tokens": 3_000_000, "cached_tokens": 1_000_000}
    spent |= {"completion_tokens": 500_000, "wall_seconds": 1000.0, "startup_seconds": 80.0, "gpus": 4}
    files = []
    for i, (stage, model) in enumerate([("refine", "org/big"), ("refine", "org/big"), ("evaluate", "org/small")]):
        files.append(folder / "cost" / f"{i}.json")
        files[-1].parent.mkdir(exist_ok=True)
        files[-1].write_text(json.dumps({"stage": stage, "model": model, **spent}))
    prices = {"org/big": {"prompt_per_million": 0.5, "completion_per_million": 2.0, "gpu_hour": 1.5}}
    tables = folder / "results" / "tables"
    write_table(cost_table(files, prices), tables / "cost.tsv")
    write_table(cost_table(files[:2], prices), tables / "cost_priced.tsv")


def write_mixture(folder: Path) -> None:
    """A mixture's counts and the table of its sources."""
    shared = {"source": "web", "licence": "MIT", "reference_answer": "r", "file": "f.jsonl", "row": 7, "row_id": "own"}
    where = {"output": folder / "mixture", "dropped": folder / "dropped.parquet", "counts": folder / "counts.tsv"}
    text = "which of the {} forces does work on a body that slides down a rough slope of {} degrees"
    rows = [
        {**shared, "qa_id": name, "revision": "abc", "question": text.format(*words), "answer": answer}
        for name, words, answer in [("a", "ab", "A."), ("b", "ab", "B."), ("c", "cd", None)]
    ]
    path = folder / "web.parquet"
    write_records(path, rows, SCHEMAS["import_source"])
    build_mixture([Portion("all", "web", [path])], name="m_x", **where, threshold=0.6, bands=32, rows=4)
    tables = folder / "results" / "tables"
    (tables / "mixture_counts.tsv").write_bytes(where["counts"].read_bytes())
    lines = ["stage\tdiscipline\trows_in\trows_out", "import_source\tweb\t3\t3", "dedup\tweb\t3\t3"]
    (folder / "web.tsv").write_text("\n".join([*lines, "decontaminate\tweb\t3\t3", ""]))
    for suffix in ("tsv", "md", "tex"):
        table = sources_table("m_x", [Part("web", folder / "web.tsv")], where["counts"], PAPER)
        write_table(table, tables / f"sources.{suffix}")


MAKERS: list[Callable[[Path], None]] = [write_counts, write_scores, write_costs, write_mixture]


@pytest.mark.parametrize("make", MAKERS)
def test_every_byte_is_as_it_was(make: Callable[[Path], None], tmp_path: Path) -> None:
    tables = tmp_path / "results" / "tables"
    tables.mkdir(parents=True)
    make(tmp_path)
    for path in sorted(tables.iterdir()):
        assert path.read_text() == (EXPECTED / path.name).read_text(), path.name
