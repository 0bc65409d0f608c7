"""Reports: the tables and figures that a configuration asks for, and the files that they are made of."""

from pathlib import Path

import pytest
import resulttree as tree
from megascience.planning.config.read import read_config
from megascience.planning.plan import Plan
from megascience.planning.reports import Reports

ROOT = Path(__file__).parents[3]
SOURCE = {"path": "x", "licence": "MIT", "mapping": {"question": "q"}, "shards": 2}
SELECTIONS = {
    "hard": {"of": "web", "method": "difficulty", "between": [2, 8]},
    "long": {"of": "web", "method": "response_length", "n": 3},
    "books": {"of": "textbook_reasoning", "method": "all"},
    "unused": {"of": "forum", "method": "difficulty"},
}
MIXED = {"mixture": [{"select": "hard"}, {"select": "books", "annotate": True}]}


def reports(folder: Path, dataset: str = "mixed", **changed: object) -> Reports:
    experiments = [{"name": "tuned", "base": "small", "dataset": dataset, "train": "t"}]
    sections = {
        "sources": {"web": SOURCE, "forum": SOURCE},
        "selections": SELECTIONS,
        "datasets": {"textbook_reasoning": {}, "mixed": MIXED, "lost": {"mixture": [{"select": "unused"}]}},
        "experiments": experiments,
    }
    return Reports(tree.plan(folder, **{**sections, **changed}), "r")


def test_what_is_counted_is_what_the_experiments_need(tmp_path: Path) -> None:
    plan = reports(tmp_path).plan
    assert list(plan.needed.config.sources) == ["web"] and list(plan.config.sources) == ["web", "forum"]
    assert list(plan.needed.config.datasets) == ["textbook_reasoning", "mixed"]
    assert plan.needed.book_shards is plan.book_shards and plan.needed is plan.needed
    assert plan.needed.needed.config == plan.needed.config


def test_tables_and_figures_are_those_that_the_experiments_allow(tmp_path: Path) -> None:
    mixed = reports(tmp_path)
    assert "sources.mixed" in mixed.tables and mixed.tables[-1] == "main"
    assert "difficulty" in mixed.figures and "source_length" not in mixed.figures
    plain = reports(tmp_path, dataset="textbook_reasoning")
    assert not any(name.startswith("sources.") for name in plain.tables) and "difficulty" not in plain.figures
    assert (mixed.difficulty_bounds, plain.difficulty_bounds) == ([2, 8], None)


def test_a_selection_goes_by_a_measure_of_each_shard(tmp_path: Path) -> None:
    made = reports(tmp_path)
    selections = made.plan.config.selections
    assert made.measures(selections["books"]) == {}
    assert made.measures(selections["long"]) == {
        "measures": [f"r/response_length/web/00{n}.parquet" for n in (0, 1)],
        "refused": [f"r/response_length/web/00{n}.dropped.parquet" for n in (0, 1)],
    }
    hard = made.measures(selections["hard"])
    assert hard["measures"] == [f"r/difficulty_score/web/00{n}.parquet" for n in (0, 1)] == made.measured("difficulty")
    assert hard["refused"] == [
        f"r/{stage}/web/00{n}.dropped.parquet" for stage in ("difficulty_score", "difficulty_sample") for n in (0, 1)
    ]
    assert made.taken("hard") == [f"r/decontaminate/web/00{n}.parquet" for n in (0, 1)]


def test_files_of_pools_and_mixtures(tmp_path: Path) -> None:
    made = reports(tmp_path)
    books, web = made.yields("textbook_reasoning"), made.yields("web", ".dropped.parquet")
    assert books[0].startswith("r/digitize/") and any(path.startswith("r/reference/physics/") for path in books)
    assert web[0] == "r/import_source/web/000.dropped.parquet" and len(web) == 2 * len(made.plan.pool_stages("web"))
    assert list(made.model_files("web")) == ["decontaminate"]
    assert made.mixture_parts("mixed") == [("web", "hard"), ("textbook_reasoning", "books")]
    files = made.mixture_files("mixed")
    assert files["part_0_rows"] == [f"r/select/web.hard/00{n}.parquet" for n in (0, 1)]
    assert files["part_1_rows"] == files["part_1_annotate"]


def test_files_of_models(tmp_path: Path) -> None:
    made = reports(tmp_path)
    assert made.scores(["small", "tuned"], ".parquet") == [
        "r/evaluate/small/mini.parquet", "r/evaluate/tuned/mini.parquet"
    ]  # fmt: skip
    assert made.trained_on(["small", "tuned"], "{dataset}!") == ["mixed!"]


@pytest.mark.parametrize("files", [["config.yaml"], ["config.yaml", "demo.yaml"]])
def test_shipped_configurations_ask_for_the_papers_reports(files: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    made = Reports(Plan(read_config([ROOT / "config" / name for name in files])), "r")
    assert {"main", "by_base", "ablation", "sources.megascience"} <= set(made.tables)
    assert "difficulty" in made.figures and made.difficulty_bounds == [1, 9]
