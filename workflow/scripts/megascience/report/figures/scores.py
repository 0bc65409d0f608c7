"""Scores of the models on the benchmarks."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from megascience.report.figures.style import WIDTH, canvas, errors, legend_columns, series
from megascience.report.tables.scores import read_scores, with_averages


def score_figure(
    scores: Sequence[str | Path], registry: Mapping[str, Mapping[str, Any]], outputs: Sequence[str | Path]
) -> None:
    """Draw each model's score on each benchmark, and its averages, with 95 % intervals.

    Args:
        scores: `…/{model}/{benchmark}.json` files.
        registry: benchmark -> entry with `group` and `in_average`.
        outputs: .pdf and .png files.
    """
    columns, table = with_averages(read_scores(scores), registry)
    benchmarks = [name for name in columns if name in registry]
    averages = [name for name in columns if name not in registry]
    models = list(table)
    step = 0.8 / max(len(models), 1)
    places = {name: i + (0.6 if name in averages else 0) for i, name in enumerate(columns)}
    size = (WIDTH, 0.8 + len(columns) * max(0.2, 0.075 * len(models)))
    with canvas(outputs, figsize=size) as (figure, axis):
        for i, model in enumerate(models):
            shown = [name for name in columns if name in table[model]]
            values = [table[model][name] for name in shown]
            axis.errorbar(
                [100 * value.value for value in values],
                [places[name] + (i - (len(models) - 1) / 2) * step for name in shown],
                xerr=errors(values),
                **series(i),
                linestyle="none",
                markersize=3.6,
                elinewidth=0.9,
                capsize=1.5,
                label=model,
            )
        for name in benchmarks[1::2]:
            axis.axhspan(places[name] - 0.5, places[name] + 0.5, color="#f1f1f1", zorder=0, linewidth=0)
        if averages:
            axis.axhline(places[averages[0]] - 0.8, color="black", linewidth=0.6)
        axis.set_yticks([places[name] for name in columns], [_average_label(n, n in averages) for n in columns])
        axis.tick_params(axis="y", length=0)
        axis.set_ylim(max(places.values(), default=0) + 0.6, -0.6)
        axis.set_xlim(-2, 102)
        axis.set_xlabel("score, % (95 % interval)")
        axis.grid(axis="x", color="#d5d5d5", linewidth=0.4)
        axis.set_axisbelow(True)
        if models:
            figure.legend(loc="outside upper center", ncols=legend_columns(models))


def _average_label(name: str, is_average: bool) -> str:
    return f"average, {name}" if is_average else name
