"""Comparisons: blocks of models on the same benchmarks, each set against the first of its block.

One table object in two forms: long for machines (TSV), a row a model and benchmark; short for readers (Markdown,
LaTeX), with a mark where a model differs significantly from its block's first.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from megascience.evaluation.paired_comparison import compare_averages, compare_items, holm, item_scores
from megascience.report.tables.paper import PaperNumbers
from megascience.report.tables.scores import Score, average_groups, with_averages
from megascience.storage.errors import InputError
from megascience.storage.parquet import read_columns
from megascience.storage.tables import table_of

if TYPE_CHECKING:
    import pandas as pd

#: Behind a score that differs significantly from that of its block's first.
MARK = "†"

_NOTE = (
    "Score in percent (accuracy where the benchmark names no other metric) with its 95 % interval; averages are "
    "unweighted over the benchmarks of a group. "
    f"{MARK} differs from the first of its block (p below 0.05, paired by item, Holm's correction within the block)."
)


@dataclass(frozen=True)
class Trained:
    """What an experiment is: a base model, trained on a dataset."""

    base: str
    dataset: str


@dataclass(frozen=True)
class Cell:
    """A model's score in one column, what separates it from its block's first, and the paper's number."""

    score: Score
    difference: Mapping[str, Any] | None
    adjusted: float | None
    paper: float | None

    @property
    def significant(self) -> bool:
        return self.adjusted is not None and self.adjusted < 0.05


class Comparison:
    """Models in blocks, with all that the two forms of the table show.

    Args:
        blocks: names of evaluated models; the first of a block is what the others are compared with.
        scores: model -> benchmark -> summary, see `scores.read_scores`.
        verdicts: model -> benchmark -> Parquet of its scored items (evaluate schema).
        registry: benchmark -> entry with `group` and `in_average`.
        trained: the models that are experiments.
        sizes: dataset -> its rows.
        paper: the paper's numbers.

    Raises:
        InputError: a block names a model that was not evaluated, or the items of two models do not match.
    """

    def __init__(
        self,
        blocks: Sequence[Sequence[str]],
        scores: Mapping[str, Mapping[str, Mapping[str, Any]]],
        verdicts: Mapping[str, Mapping[str, str | Path]],
        registry: Mapping[str, Mapping[str, Any]],
        trained: Mapping[str, Trained],
        sizes: Mapping[str, int],
        paper: PaperNumbers,
    ) -> None:
        self.blocks = [list(block) for block in blocks]
        self.models = list(dict.fromkeys(model for block in self.blocks for model in block))
        for model in self.models:
            if model not in scores:
                raise InputError(f"{model!r} is to be compared but was not evaluated; known: {', '.join(scores)}")
        self.columns, averaged = with_averages({model: scores[model] for model in self.models}, registry)
        self.groups = average_groups([c for c in self.columns if c in registry], registry)
        self.trained, self.sizes, self.scores = trained, sizes, scores
        self.cells: dict[tuple[int, str, str], Cell] = {}
        scores_of = _ItemScores(verdicts)
        for b, block in enumerate(self.blocks):
            for column in self.columns:
                present = [model for model in block if column in averaged[model]]
                found = {
                    model: self._compare(scores_of, column, model, block[0])
                    for model in present
                    if model != block[0] and block[0] in present
                }
                adjusted = dict(zip(found, holm([d["p_value"] for d in found.values()])))
                for model in present:
                    number = paper.get((self._paper_row(model), column))
                    self.cells[b, model, column] = Cell(
                        averaged[model][column], found.get(model), adjusted.get(model), number
                    )

    def _compare(self, scores_of: "_ItemScores", column: str, model: str, first: str) -> dict[str, Any]:
        if column in self.groups:
            return compare_averages([(scores_of(model, n), scores_of(first, n)) for n in self.groups[column]])
        return compare_items(scores_of(model, column), scores_of(first, column))

    def _paper_row(self, model: str) -> str:
        return f"{self.trained[model].base}/{self.trained[model].dataset}" if model in self.trained else model

    def size(self, model: str) -> int | None:
        """Return the rows that a model was trained on, None where nothing was trained or the size is not known."""
        return self.sizes.get(self.trained[model].dataset) if model in self.trained else None

    def long(self) -> "pd.DataFrame":
        """Return one row a block, model and benchmark or average; scores and differences in percent."""
        rows = []
        for (b, model, column), cell in self.cells.items():
            found = cell.difference or {}
            percent = [100 * x for x in (cell.score.value, cell.score.low, cell.score.high)]
            apart = [100 * found[key] if found else None for key in ("difference", "ci_low", "ci_high")]
            made = self.trained.get(model)
            rows.append(
                [
                    b + 1,
                    model,
                    made.base if made else model,
                    made.dataset if made else None,
                    self.size(model),
                    column,
                    *percent,
                    sum(self.scores[model][name]["n"] for name in self.groups.get(column, [column])),
                    self.blocks[b][0],
                    *apart,
                    found.get("p_value"),
                    cell.adjusted,
                    ("yes" if cell.significant else "no") if found else None,
                    cell.paper,
                ]
            )
        digits = dict.fromkeys(_PERCENT, 2) | {"p_value": 6, "p_holm": 6}
        return table_of(_LONG, rows, digits)

    def short(self, layout: str, caption: str = "") -> "pd.DataFrame":
        """Return the table for readers.

        Args:
            layout: "averages" for a column an average, "benchmarks" for a row a benchmark and average.
            caption: what the table is about; what its marks mean is added.
        """
        text = f"{caption} {_NOTE}".strip()
        entries = [(b, model) for b, block in enumerate(self.blocks) for model in block]
        if layout == "averages":
            columns = [name for name in self.columns if name in self.groups]
            rows = [[m, self.size(m), *(self._text(b, m, c) for c in columns)] for b, m in entries]
            return table_of(("model", "training rows", *columns), rows, caption=text)
        return table_of(
            ("benchmark", *(model for _, model in entries)),
            [[column, *(self._text(b, m, column) for b, m in entries)] for column in self.columns],
            caption=text,
        )

    def _text(self, block: int, model: str, column: str) -> str | None:
        cell = self.cells.get((block, model, column))
        if cell is None:
            return None
        value, low, high = (100 * x for x in (cell.score.value, cell.score.low, cell.score.high))
        mark = MARK if cell.significant else ""
        paper = "" if cell.paper is None else f"; paper {cell.paper:.2f}"
        return f"{value:.2f}{mark} ({low:.1f}–{high:.1f}{paper})"


_PERCENT = ("score", "ci_low", "ci_high", "difference", "difference_low", "difference_high", "paper")
_LONG = (
    "block",
    "model",
    "base",
    "dataset",
    "training_rows",
    "benchmark",
    *_PERCENT[:3],
    "n",
    "compared_with",
    *_PERCENT[3:6],
    "p_value",
    "p_holm",
    "significant",
    "paper",
)


class _ItemScores:
    """Item -> score by model and benchmark, each file read once."""

    def __init__(self, verdicts: Mapping[str, Mapping[str, str | Path]]) -> None:
        self.verdicts = verdicts
        self.read: dict[tuple[str, str], dict[str, float]] = {}

    def __call__(self, model: str, benchmark: str) -> dict[str, float]:
        if (model, benchmark) not in self.read:
            path = self.verdicts[model][benchmark]
            self.read[model, benchmark] = item_scores(read_columns(path, ("item_id", "item_score")).to_pylist())
        return self.read[model, benchmark]


def by_model(paths: Iterable[str | Path]) -> dict[str, dict[str, Path]]:
    """Return model -> benchmark -> path of `…/{model}/{benchmark}.parquet` files."""
    found: dict[str, dict[str, Path]] = {}
    for path in map(Path, paths):
        found.setdefault(path.parent.name, {})[path.stem] = path
    return found
