"""Comparisons: each model against the first of its block, marks, averages, the paper's numbers beside ours."""

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from megascience.evaluation.scores import summarize
from megascience.planning.comparisons import compared, comparison_faults, comparisons, needed, trained
from megascience.planning.config.benchmarks import load_registry
from megascience.planning.config.data import Dataset, Experiment, Mapping, ScoreTable, Selection, Source
from megascience.planning.config.model import Config
from megascience.planning.config.models import Model
from megascience.planning.config.read import read_config
from megascience.planning.config.section import checked
from megascience.report.tables.comparison import Comparison, Trained, by_model
from megascience.report.tables.paper import read_paper
from megascience.report.tables.scores import average_groups
from megascience.storage.errors import InputError
from megascience.storage.parquet import count_rows, write_records
from megascience.storage.tables import write_table

REGISTRY = {
    "mmlu": {"group": "general", "in_average": False},
    "gpqa": {"group": "general"},
    "medqa": {"group": "specific"},
    "gsm8k": {"group": "math"},
}

#: Model -> benchmark -> how many of its first items are right.
RIGHT = {
    "instruct": {"mmlu": 50, "gpqa": 20, "medqa": 40, "gsm8k": 90},
    "tuned": {"mmlu": 50, "gpqa": 60, "medqa": 40, "gsm8k": 91},
    "bare": {"mmlu": 10, "gpqa": 20, "medqa": 41},
}

SCHEMA = pa.schema([("item_id", pa.string()), ("item_score", pa.float64())])

TRAINED = {"tuned": Trained("seven", "books"), "bare": Trained("seven", "no_refine")}


def compare(tmp_path: Path, blocks: list[list[str]], paper: dict | None = None) -> Comparison:
    scores: dict[str, dict] = {}
    files = []
    for model, benchmarks in RIGHT.items():
        for benchmark, right in benchmarks.items():
            rows = [
                {
                    "item_id": f"{benchmark}{i}",
                    "verdict": "correct" if i < right else "wrong",
                    "item_score": float(i < right),
                    "finish_reason": "stop",
                    "completion_tokens": 10,
                }
                for i in range(100)
            ]
            files.append(tmp_path / model / f"{benchmark}.parquet")
            write_records(files[-1], rows, SCHEMA)
            scores.setdefault(model, {})[benchmark] = summarize(rows)
    return Comparison(blocks, scores, by_model(files), REGISTRY, TRAINED, {"books": 1234}, paper or {})


def rows_of(table: pd.DataFrame) -> dict[tuple, dict]:
    return {(row["model"], row["benchmark"]): row for row in table.to_dict("records")}


def test_each_is_set_against_the_first_of_its_block(tmp_path: Path) -> None:
    rows = rows_of(compare(tmp_path, [["instruct", "tuned", "bare"]]).long())
    gpqa = rows["tuned", "gpqa"]
    assert (gpqa["compared_with"], gpqa["n"], gpqa["significant"]) == ("instruct", 100, "yes")
    assert gpqa["difference"] == pytest.approx(40)
    assert gpqa["difference_low"] < 40 < gpqa["difference_high"]
    assert (gpqa["base"], gpqa["dataset"], gpqa["training_rows"]) == ("seven", "books", 1234)
    assert rows["tuned", "medqa"]["significant"] == "no"
    assert rows["instruct", "gpqa"]["significant"] is None
    assert (rows["instruct", "gpqa"]["base"], rows["instruct", "gpqa"]["dataset"]) == ("instruct", None)


def test_averages_are_compared_item_by_item_too(tmp_path: Path) -> None:
    rows = rows_of(compare(tmp_path, [["instruct", "tuned"]]).long())
    average = rows["tuned", "All"]
    assert average["score"] == pytest.approx((60 + 40 + 91) / 3)
    assert average["difference"] == pytest.approx(41 / 3)  # mmlu stands outside the averages
    assert (average["significant"], average["n"]) == ("yes", 300)
    assert rows["instruct", "All"]["n"] == 300
    assert rows["tuned", "Specific"]["significant"] == "no"


def test_a_model_that_lacks_a_benchmark_has_no_average(tmp_path: Path) -> None:
    rows = rows_of(compare(tmp_path, [["bare", "tuned"]]).long())
    assert ("bare", "All") not in rows
    assert ("bare", "Math") not in rows
    assert rows["tuned", "All"]["p_value"] is None  # there is nothing to set it against


def test_several_comparisons_in_a_block_are_corrected(tmp_path: Path) -> None:
    one = rows_of(compare(tmp_path, [["bare", "tuned"]]).long())["tuned", "gpqa"]
    two = rows_of(compare(tmp_path, [["bare", "tuned", "instruct"]]).long())["tuned", "gpqa"]
    assert two["p_value"] == one["p_value"] == one["p_holm"]
    assert two["p_holm"] == pytest.approx(2 * two["p_value"])


def test_table_of_averages(tmp_path: Path) -> None:
    paper = {("seven/books", "General"): 39.58, ("instruct", "All"): 58.8}
    table = compare(tmp_path, [["instruct", "tuned"]], paper).short("averages", "Ours.")
    assert list(table) == ["model", "training rows", "General", "Specific", "Math", "All"]
    rows = table.to_numpy().tolist()
    assert [row[:2] for row in rows] == [["instruct", None], ["tuned", 1234]]
    assert rows[1][2] == "60.00† (50.2–69.1; paper 39.58)"
    assert rows[0][5].endswith("; paper 58.80)")
    assert rows[0][2] == "20.00 (13.3–28.9)"
    assert table.attrs["caption"].startswith("Ours. Score in percent")


def test_table_of_benchmarks(tmp_path: Path) -> None:
    table = compare(tmp_path, [["instruct", "tuned"], ["bare"]]).short("benchmarks")
    assert list(table) == ["benchmark", "instruct", "tuned", "bare"]
    rows = table.to_numpy().tolist()
    assert [row[0] for row in rows] == ["mmlu", "gpqa", "medqa", "gsm8k", "General", "Specific", "Math", "All"]
    assert rows[1][2].startswith("60.00† ")
    assert rows[3][3] is None
    for suffix in ("tsv", "md", "tex"):
        write_table(table, tmp_path / f"table.{suffix}")
    assert "| 60.00† (50.2–69.1) |" in (tmp_path / "table.md").read_text()


def test_model_without_scores_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="'other' is to be compared but was not evaluated; known: instruct"):
        compare(tmp_path, [["instruct", "other"]])


def test_rows_of_a_dataset(tmp_path: Path) -> None:
    write_records(tmp_path / "train.parquet", [{"item_id": "x"}] * 7, SCHEMA)
    assert count_rows(tmp_path / "train.parquet") == 7


# The paper's numbers


def test_paper_numbers(tmp_path: Path) -> None:
    file = tmp_path / "paper.tsv"
    file.write_text("paper_table\trow\tcolumn\tvalue\n6\tseven/books\tAll\t61.01\n2\tphysics\textracted\t59094\n")
    assert read_paper(file) == {("seven/books", "All"): 61.01, ("physics", "extracted"): 59094}
    assert read_paper(None) == {}
    for fault, message in (("6\tseven/books\tAll\t60", "is there twice"), ("6\tx\ty\tz", "a number as value")):
        file.write_text(f"paper_table\trow\tcolumn\tvalue\n6\tseven/books\tAll\t61.01\n{fault}\n")
        with pytest.raises(InputError, match=rf"paper\.tsv:3: .*{message}"):
            read_paper(file)


ROOT = Path(__file__).parents[3]


def test_the_papers_averages_are_those_of_its_benchmarks() -> None:
    """A slip of the pen in config/paper.tsv would show here: averages against benchmarks, sums against rows."""
    numbers = read_paper(ROOT / "config/paper.tsv")
    registry = {name: entry.plain() for name, entry in load_registry(ROOT / "config/benchmarks.yaml").items()}
    groups = average_groups(registry, registry)
    models = [row for row, column in numbers if column == "gsm8k"]
    assert len(models) == 22
    for model in models:
        for title, names in groups.items():
            mean = sum(numbers[model, name] for name in names) / len(names)
            assert numbers[model, title] == pytest.approx(mean, abs=0.011), (model, title)
    disciplines = {row for row, column in numbers if column == "extracted"} - {"all"}
    for column in ("chunks", "pairs_high", "pairs_low", "extracted", "deduplicated", "filtered", "decontaminated"):
        assert numbers["all", column] == sum(numbers[d, column] for d in disciplines), column


def test_every_number_of_the_paper_stands_beside_one_of_ours() -> None:
    """A renamed dataset, model or benchmark would leave its numbers without a place."""
    config = read_config([ROOT / "config/config.yaml"])
    models = {model for table in comparisons(config) for model in compared(config, table)}
    made = trained(config, models)
    rows = {f"{made[m]['base']}/{made[m]['dataset']}" if m in made else m for m in models}
    others = {*config.shards, *config.sources, "textbook_reasoning", "megascience", "all"}
    numbers = read_paper(ROOT / "config/paper.tsv")
    assert {row for row, _ in numbers} - others == rows
    columns = {column for row, column in numbers if row in rows}
    registry = {name: entry.plain() for name, entry in load_registry(ROOT / "config/benchmarks.yaml").items()}
    assert columns == {*registry, *average_groups(registry, registry)} - {"mmlu"}


# What the configuration asks for

EXPERIMENTS = [
    {"name": "seven_books", "base": "seven", "baseline": "instruct", "dataset": "books"},
    {"name": "seven_bare", "base": "seven", "baseline": "instruct", "dataset": "bare"},
    {"name": "one_books", "base": "one", "dataset": "books"},
    {"name": "two_bare", "base": "two", "dataset": "bare"},
]
MODEL = Model(name="m", revision="r", format="served", context=1000)


def config_of(
    experiments: list[dict],
    datasets: dict,
    selections: dict | None = None,
    sources: tuple = (),
    tables: dict | None = None,
) -> Config:
    """A configuration of which only these sections are there."""
    source = Source(path="x", licence="MIT", mapping=Mapping(question="q"), shards=1)
    return Config.model_construct(
        models=dict.fromkeys(("seven", "instruct", "one", "two"), MODEL),
        experiments=checked(list[Experiment], [{"train": "t", **row} for row in experiments], "experiments"),
        datasets=checked(dict[str, Dataset], datasets, "datasets"),
        selections=checked(dict[str, Selection], selections or {}, "selections"),
        sources=dict.fromkeys(sources, source),
        tables=checked(dict[str, ScoreTable], tables or {}, "tables"),
    )


def with_tables(bases: dict | None = None, **tables: list[list[str]]) -> Config:
    entries = {name: {"datasets": blocks, **(bases or {}).get(name, {})} for name, blocks in tables.items()}
    return config_of(EXPERIMENTS, {"books": {}, "bare": {}, "mixed": {}}, tables=entries)


CONFIG = with_tables()


def test_main_table_shows_each_baseline_beside_its_experiments() -> None:
    assert comparisons(CONFIG)["main"]["blocks"] == [
        ["instruct", "seven_books", "seven_bare"],
        ["one", "one_books"],
        ["two", "two_bare"],
    ]
    assert compared(CONFIG, "main")[:3] == ["instruct", "seven_books", "seven_bare"]
    own = with_tables(main=[["books", "bare"]])
    assert compared(own, "main") == ["seven_books", "seven_bare"]
    # One that has nothing to show gives way to the whole.
    assert comparisons(with_tables(main=[["mixed", "bare"]]))["main"] == comparisons(CONFIG)["main"]


def test_tables_are_made_of_the_experiments_that_there_are() -> None:
    config = with_tables(
        ablation=[["books", "mixed", "bare"]], by_base=[["baseline", "books"]], none=[["mixed", "bare"]]
    )
    tables = comparisons(config)
    assert tables["ablation"]["blocks"] == [["seven_books", "seven_bare"]]
    assert tables["by_base"]["blocks"] == [["instruct", "seven_books"], ["one", "one_books"]]
    assert list(tables) == ["main", "ablation", "by_base"]
    config = with_tables({"by_base": {"bases": ["one"]}}, by_base=[["baseline", "books"]])
    assert comparisons(config)["by_base"]["blocks"] == [["one", "one_books"]]


def test_what_models_were_trained_on() -> None:
    assert trained(CONFIG, ["instruct", "seven_bare"]) == {"seven_bare": {"base": "seven", "dataset": "bare"}}


def test_faults_of_tables_are_named() -> None:
    assert comparison_faults(with_tables(ablation=[["baseline", "books", "bare"]])) == []
    blocks = [["books", "barer"], ["barer", "mixed"]]
    config = with_tables({"mine": {"bases": ["eight"]}}, cost=[["books", "bare"]], mine=blocks)
    assert comparison_faults(config) == [
        "config: tables.cost has the name of another table; rename it",
        "config: tables.mine names the dataset 'barer'; known: baseline, books, bare, mixed",
        "config: tables.mine names the model 'eight'; known: seven, instruct, one, two",
    ]


def test_only_what_experiments_are_trained_on_is_needed() -> None:
    experiments = [{"name": "e", "base": "b", "dataset": "mixed"}]
    sections = {
        "datasets": {
            "textbook_reasoning": {},
            "no_refine": {"without": ["refine"]},
            "no_cot": {"without": ["judge_cot"]},
            "mixed": {"mixture": [{"select": "hard"}, {"select": "same"}]},
            "other": {"mixture": [{"select": "odd"}]},
        },
        "selections": {
            "hard": {"of": "no_refine", "method": "difficulty"},
            "same": {"of": "web", "method": "random", "n": "many"},
            "many": {"of": "forum", "method": "difficulty"},
            "odd": {"of": "attic", "method": "all"},
        },
        "sources": ("web", "forum", "attic"),
    }
    config = config_of(experiments, **sections)
    found = needed(config)
    assert list(found.datasets) == ["textbook_reasoning", "no_refine", "mixed"]
    assert set(found.selections) == {"hard", "same", "many"}
    assert list(found.sources) == ["web", "forum"]
    assert found.experiments == config.experiments
    assert set(needed(config_of([], **sections)).datasets) == {"textbook_reasoning"}
