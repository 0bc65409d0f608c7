"""Response lengths: their densities, and mean length against the average score (the paper's Figures 1, 6 and 7)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from megascience.report.figures.style import COLOURS, LINES, WIDTH, canvas, errors, legend_columns, series
from megascience.report.tables.scores import ALL, Score, read_scores, with_averages
from megascience.report.token_lengths import Lengths, density, mean_length
from megascience.storage.errors import InputError


def density_figure(lengths: Mapping[str, Lengths], outputs: Sequence[str | Path], what: str) -> None:
    """Draw densities of lengths on a log axis, one line a dataset or source, with their means.

    Args:
        lengths: name -> lengths; one without texts is left out.
        outputs: .pdf and .png files.
        what: whose length it is, for the axis.
    """
    with canvas(outputs, figsize=(WIDTH * 0.75, 2.8 + 0.15 * len(lengths))) as (figure, axis):
        for i, (name, found) in enumerate(lengths.items()):
            mean = mean_length(found)
            if mean is None:
                continue
            style = {"color": COLOURS[i % len(COLOURS)], "linestyle": LINES[i % len(LINES)]}
            label = f"{name} (n = {found[1].sum():,.0f}, mean {mean:,.0f})"
            axis.plot(*density(found), **style, linewidth=1.3, label=label)
            axis.axvline(mean, color=style["color"], linewidth=1.3, ymax=0.05)
        axis.set_xscale("log")
        axis.xaxis.set_major_formatter("{x:,.0f}")
        axis.set_ylim(bottom=0)
        axis.margins(x=0)
        axis.set_xlabel(f"{what}, tokens")
        axis.set_ylabel("density per factor of ten")
        if axis.lines:
            figure.legend(loc="outside upper left")


def training_length_figure(
    scores: Sequence[str | Path],
    registry: Mapping[str, Mapping[str, Any]],
    trained_on: Mapping[str, str],
    lengths: Mapping[str, Lengths],
    outputs: Sequence[str | Path],
) -> None:
    """Draw each trained model's average score against the mean answer length of its training data.

    A model that was not trained here has no such length: its score is a horizontal line.

    Args:
        scores: `…/{model}/{benchmark}.json` files.
        registry: benchmark -> entry with `group` and `in_average`.
        trained_on: model -> dataset.
        lengths: dataset -> lengths of its answers.
        outputs: .pdf and .png files.
    """
    averages = _averages(scores, registry)
    points = {}
    for model, score in averages.items():
        mean = mean_length(lengths[trained_on[model]]) if model in trained_on else None
        points[model] = (mean, score)
    _trade_off(points, "mean length of the training data's answers, tokens", outputs)


def response_length_figure(
    scores: Sequence[str | Path], registry: Mapping[str, Mapping[str, Any]], outputs: Sequence[str | Path]
) -> None:
    """Draw each model's average score against its mean response length at evaluation.

    Args:
        scores: `…/{model}/{benchmark}.json` files, with `mean_tokens`.
        registry: benchmark -> entry with `group` and `in_average`.
        outputs: .pdf and .png files.
    """
    summaries = read_scores(scores)
    points = {
        model: (mean_response(summaries[model], registry), score)
        for model, score in _averages(scores, registry).items()
    }
    _trade_off(points, "mean response length at evaluation, tokens", outputs)


def _averages(scores: Sequence[str | Path], registry: Mapping[str, Mapping[str, Any]]) -> dict[str, Score]:
    _, table = with_averages(read_scores(scores), registry)
    return {model: row[ALL] for model, row in table.items() if ALL in row}


def _trade_off(points: Mapping[str, tuple[float | None, Score]], what: str, outputs: Sequence[str | Path]) -> None:
    width = WIDTH * 0.75
    columns = legend_columns(points, width)
    with canvas(outputs, figsize=(width, 2.6 + 0.16 * -(-len(points) // columns))) as (figure, axis):
        for i, (model, (length, score)) in enumerate(points.items()):
            style = series(i)
            if length is None:
                line = LINES[1 + i % (len(LINES) - 1)]
                axis.axhline(100 * score.value, color=style["color"], linestyle=line, linewidth=1.1, label=model)
            else:
                axis.errorbar(
                    [length],
                    [100 * score.value],
                    yerr=errors([score]),
                    **style,
                    linestyle="none",
                    markersize=6,
                    elinewidth=0.8,
                    capsize=2,
                    label=model,
                )
        axis.margins(0.2)
        axis.set_xlim(left=max(0, axis.get_xlim()[0]))
        axis.locator_params(nbins=6)
        axis.xaxis.set_major_formatter("{x:,.0f}")
        axis.set_xlabel(what)
        axis.set_ylabel("average score, % (95 % interval)")
        axis.grid(color="#e0e0e0", linewidth=0.4)
        axis.set_axisbelow(True)
        if points:
            figure.legend(loc="outside upper left", ncols=columns)


def mean_response(summaries: Mapping[str, Mapping[str, Any]], registry: Mapping[str, Mapping[str, Any]]) -> float:
    """Return a model's response length in tokens, averaged over the benchmarks as the score is (each weighs the same).

    Raises:
        InputError: a summary does not give its mean.
    """
    lengths = []
    for name, summary in summaries.items():
        if registry[name].get("in_average", True):
            if not isinstance(summary.get("mean_tokens"), (int, float)):
                raise InputError(f"the summary of benchmark {name!r} does not give mean_tokens; evaluate it again")
            lengths.append(summary["mean_tokens"])
    return sum(lengths) / len(lengths)
