"""Figures: the numbers that they show, the same bytes each time, nothing heavy loaded before."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import jinja2
import numpy as np
import pyarrow as pa
import pytest
import resulttree as tree
from docutils.core import publish_parts
from megascience.planning.config.read import read_config
from megascience.report import figures
from megascience.report.conservation import yield_tables
from megascience.report.figures import yields as yield_drawing
from megascience.report.figures.contamination import contaminated, contamination_figure
from megascience.report.figures.cost import cost_by_stage, cost_figure
from megascience.report.figures.difficulty import EDGES, difficulty_figure, difficulty_shares
from megascience.report.figures.lengths import (
    density_figure,
    mean_response,
    response_length_figure,
    training_length_figure,
)
from megascience.report.figures.scores import score_figure
from megascience.report.figures.style import legend_columns, series
from megascience.report.figures.yields import left_by_discipline, yield_figure
from megascience.storage.errors import InputError
from megascience.storage.parquet import write_records
from megascience.storage.tables import table_of, write_table

FIGURES = Path(figures.__file__).parent

REGISTRY = {
    "gpqa": {"group": "general", "in_average": True},
    "mmlu": {"group": "general", "in_average": False},
    "gsm8k": {"group": "math", "in_average": True},
}


@pytest.fixture
def scores(tmp_path: Path) -> list[Path]:
    files = []
    for m, model in enumerate(("base", "base_tuned")):
        for b, benchmark in enumerate(REGISTRY):
            file = tmp_path / "evaluate" / model / f"{benchmark}.json"
            file.parent.mkdir(parents=True, exist_ok=True)
            accuracy = 0.2 + 0.1 * m + 0.2 * b
            summary = {"n": 10, "correct": 10 * accuracy, "score": accuracy, "mean_tokens": 100 * (b + 1)}
            file.write_text(json.dumps({**summary, "ci_low": accuracy - 0.1, "ci_high": accuracy + 0.1}))
            files.append(file)
    return files


@pytest.fixture
def yields(tmp_path: Path) -> Path:
    root = tree.build(tmp_path / "results")
    table = tmp_path / "yield.tsv"
    yield_tables(kept=tree.kept(root), books=tree.BOOKS, yields=table, reasons=tmp_path / "reasons.tsv")
    return table


def test_what_is_left_by_discipline(yields: Path) -> None:
    left = left_by_discipline(yields)
    assert list(left) == ["biology", "medicine", "physics", "all disciplines"]
    assert list(left["physics"].items())[:3] == [("extract", 3), ("dedup", 2), ("refine", 2)]
    assert left["medicine"]["refine"] == 0
    assert left["all disciplines"]["extract"] == 5
    assert left["all disciplines"]["reference"] == 2


def drawn(tmp_path: Path, name: str) -> list[Path]:
    return [tmp_path / f"{name}.pdf", tmp_path / f"{name}.png"]


def test_yield_figure_is_a_vector_and_a_raster(yields: Path, tmp_path: Path) -> None:
    outputs = drawn(tmp_path, "yield")
    yield_figure(yields, outputs)
    assert outputs[0].read_bytes().startswith(b"%PDF-")
    assert b"/CreationDate" not in outputs[0].read_bytes()
    assert outputs[1].read_bytes().startswith(b"\x89PNG")


@pytest.fixture
def drawings(
    yields: Path, scores: list[Path], contamination: Path, cost: Path, difficulty: Path
) -> dict[str, Callable[[list[Path]], None]]:
    """Each figure's name -> what draws it."""
    lengths = {"long": counted(300, 400, 500), "short": counted(10, 20), "none": counted()}
    trained = {"base_tuned": "long"}
    return {
        "yield": lambda outputs: yield_figure(yields, outputs),
        "scores": lambda outputs: score_figure(scores, REGISTRY, outputs),
        "density": lambda outputs: density_figure(lengths, outputs, "answer length"),
        "training": lambda outputs: training_length_figure(scores, REGISTRY, trained, lengths, outputs),
        "response": lambda outputs: response_length_figure(scores, REGISTRY, outputs),
        "difficulty": lambda outputs: difficulty_figure({"a": [difficulty], "b": []}, outputs, (1, 9)),
        "contamination": lambda outputs: contamination_figure(contamination, list(REGISTRY), ["web"], outputs),
        "cost": lambda outputs: cost_figure(cost, outputs),
    }


@pytest.mark.long
def test_same_input_same_bytes(drawings: dict[str, Callable[[list[Path]], None]], tmp_path: Path) -> None:
    for name, draw in drawings.items():
        first, second = drawn(tmp_path, f"{name}1"), drawn(tmp_path, f"{name}2")
        draw(first)
        draw(second)
        for a, b in zip(first, second, strict=True):
            assert a.read_bytes() == b.read_bytes(), a
        assert b"Date" not in first[0].read_bytes(), name


def counted(*lengths: int) -> tuple[np.ndarray, np.ndarray]:
    """Return lengths of one text each."""
    return np.array(lengths, dtype=float), np.ones(len(lengths))


@pytest.fixture
def contamination(tmp_path: Path) -> Path:
    rows = [
        ("biology", "gpqa", 40, 3),
        ("biology", "all", 50, 4),
        ("physics", "gpqa", 10, 2),
        ("physics", "mmlu", 10, 1),
        ("web", "gsm8k", 1000, 1234),
    ]
    table = tmp_path / "contamination.tsv"
    write_table(table_of(("discipline", "benchmark", "rows", "rows_contaminated"), rows), table)
    return table


def test_disciplines_are_added_up_and_sources_are_not(contamination: Path) -> None:
    found = contaminated(contamination, list(REGISTRY), ["web"])
    assert found == {
        "textbook_reasoning": {"gpqa": 5, "mmlu": 1, "gsm8k": 0},
        "web": {"gpqa": 0, "mmlu": 0, "gsm8k": 1234},
    }


@pytest.fixture
def cost(tmp_path: Path) -> Path:
    names = ("stage", "model", "prompt_tokens", "completion_tokens", "gpu_hours", "wall_hours", "startup_hours")
    rows = [
        ("extract", "a", 1000, 100, 0.5, 0.2, 0.1),
        ("extract", "b", 2000, 200, 0.25, 0.3, 0.1),
        ("filter", "a", 10, 1, 0.0, 0.1, 0.0),
        ("all", None, 3010, 301, 0.75, 0.6, 0.2),
    ]
    table = tmp_path / "cost.tsv"
    write_table(table_of(names, rows), table)
    return table


def test_cost_is_added_up_by_stage(cost: Path) -> None:
    found = cost_by_stage(cost)
    assert list(found) == ["extract", "filter"]
    assert (found["extract"]["prompt_tokens"], found["extract"]["gpu_hours"]) == (3000, 0.75)


@pytest.fixture
def difficulty(tmp_path: Path) -> Path:
    file = tmp_path / "difficulty.parquet"
    write_records(file, [{"mean": m} for m in (0.0, 0.4, 5.1, 10.0, None)], pa.schema([("mean", pa.float64())]))
    return file


def test_difficulty_is_shared_out_over_scores(difficulty: Path) -> None:
    shares, n = difficulty_shares([difficulty, difficulty])
    assert n == 8  # a question without a score has no place
    assert {float(EDGES[i]): share for i, share in enumerate(shares) if share} == {0.0: 0.5, 5.0: 0.25, 9.5: 0.25}
    empty, none = difficulty_shares([])
    assert (empty.sum(), none) == (0, 0)


class Recorder:
    """Stands in for an axis and keeps what was drawn."""

    def __init__(self) -> None:
        self.bars: list[tuple[list[float], list[float]]] = []
        self.texts: list[str] = []

    def barh(self, places: object, widths: list[float], left: object = 0, **_: object) -> None:
        self.bars.append((list(widths), left if isinstance(left, list) else [0.0] * len(widths)))

    def text(self, x: float, y: float, text: str, **_: object) -> None:
        self.texts.append(text)

    def __getattr__(self, name: str) -> object:
        return lambda *_, **__: None


def test_bars_are_shares_of_the_extracted_pairs() -> None:
    axis = Recorder()
    yield_drawing._yield_panel(axis, "Physics", ["extract", "dedup", "filter"], [200, 150, 50])
    (left, _), (lost, starts) = axis.bars
    assert left == [100, 75, 25]
    assert lost == [0, 25, 50]
    assert starts == left  # what was dropped stands where what is left ends
    assert axis.texts == ["200", "150", "50"]


def test_series_can_be_told_apart() -> None:
    looks = [tuple(series(i).values()) for i in range(64)]
    assert len(set(looks)) == 64
    assert len({marker for _, marker in looks[:8]}) == 8  # by the marker alone, in grey


def test_legends_fit() -> None:
    assert legend_columns(["base", "tuned"]) == 2
    assert legend_columns([f"model{i}" for i in range(9)]) == 4
    assert legend_columns(["qwen2.5-7b_nemotron_science_no_decontam"] * 6, width=4.9) == 1
    assert legend_columns([]) == 1


def test_discipline_without_pairs_is_drawn(tmp_path: Path) -> None:
    axis = Recorder()
    yield_drawing._yield_panel(axis, "Economics", ["extract", "dedup"], [0, 0])
    assert axis.bars[0][0] == [0, 0]


def test_scores_without_any_model(tmp_path: Path) -> None:
    score_figure([], REGISTRY, drawn(tmp_path, "none"))
    assert (tmp_path / "none.pdf").stat().st_size > 500


@pytest.mark.long
def test_untrained_models_and_empty_data_are_drawn(tmp_path: Path, scores: list[Path]) -> None:
    lengths = {"empty": counted()}
    training_length_figure(scores, REGISTRY, {"base_tuned": "empty"}, lengths, drawn(tmp_path, "lines"))
    training_length_figure([], REGISTRY, {}, {}, drawn(tmp_path, "nothing"))
    density_figure(lengths, drawn(tmp_path, "density"), "length")
    for name in ("lines", "nothing", "density"):
        assert (tmp_path / f"{name}.pdf").stat().st_size > 500


def test_mean_response_weighs_benchmarks_as_the_score_does() -> None:
    summaries = {"gpqa": {"mean_tokens": 100}, "mmlu": {"mean_tokens": 9000}, "gsm8k": {"mean_tokens": 300}}
    assert mean_response(summaries, REGISTRY) == 200  # mmlu stands outside the average
    with pytest.raises(InputError, match="'gpqa' does not give mean_tokens"):
        mean_response({"gpqa": {}}, REGISTRY)


def test_libraries_of_tables_and_figures_are_loaded_only_to_make_one() -> None:
    """They take half a second, which every start of the command and every planning would pay."""
    report = [f"report.{path.parent.name}.{path.stem}" for path in FIGURES.parent.glob("*/[!_]*.py")]
    names = ["cli.forecast", "cli.summary", "datasets.card", "planning.plan", "report.conservation", *report]
    modules = ", ".join(f"megascience.{name}" for name in names)
    code = f"import sys, {modules}; print({{'matplotlib', 'pandas', 'scipy', 'statsmodels'}} & set(sys.modules))"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout == "set()\n"


CAPTIONS = sorted(path.stem for path in (Path(__file__).parents[3] / "workflow/report").glob("*.rst"))


@pytest.mark.parametrize("configs", [["config.yaml"], ["config.yaml", "demo.yaml"]])
@pytest.mark.parametrize("caption", CAPTIONS)
def test_captions_can_be_rendered(configs: list[str], caption: str) -> None:
    """As `snakemake --report` does it, but strictly: nothing undefined, no fault of the markup."""
    root = Path(__file__).parents[3]
    settings = read_config([root / "config" / name for name in configs]).plain()
    text = (root / "workflow" / "report" / f"{caption}.rst").read_text()
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    job = SimpleNamespace(config=settings, wildcards=SimpleNamespace(experiment="tuned"))
    rendered = environment.from_string(text).render(snakemake=job)
    html = publish_parts(rendered, writer="html", settings_overrides={"halt_level": 2})["body"]
    assert "<p>" in html
    assert "{{" not in html
    if caption == "workflow":
        assert html.count("<li>") == 7
        assert settings["models"][settings["refine"]["model"]]["name"] in html
