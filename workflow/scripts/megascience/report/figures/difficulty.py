"""Difficulty: how hard the questions of each source are, by the mean score of the sampled answers."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from megascience.report.figures.style import COLOURS, LINES, WIDTH, canvas
from megascience.storage.parquet import read_columns

#: Width of a bin in points of the score, which goes from 0 to 10.
BIN = 0.5
EDGES = np.arange(0, 10 + BIN, BIN)


def difficulty_shares(paths: Sequence[str | Path]) -> tuple[np.ndarray, int]:
    """Return the share of questions in each bin of the mean score, and the questions that have one.

    Args:
        paths: a source's files of kept rows of difficulty_score.
    """
    counts = np.zeros(len(EDGES) - 1)
    for path in paths:
        scores = [score for score in read_columns(path, ("mean",))["mean"].to_pylist() if score is not None]
        counts += np.histogram(scores, EDGES)[0]
    n = int(counts.sum())
    return (counts / n if n else counts), n


def difficulty_figure(
    scores: Mapping[str, Sequence[str | Path]],
    outputs: Sequence[str | Path],
    between: tuple[float, float] | None = None,
) -> None:
    """Draw the histogram of mean scores, one line a source; low scores are hard questions.

    Args:
        scores: source -> its files of kept rows of difficulty_score.
        outputs: .pdf and .png files.
        between: the least and the greatest mean that difficulty selection keeps, shaded.
    """
    with canvas(outputs, figsize=(WIDTH * 0.75, 2.6 + 0.15 * len(scores))) as (figure, axis):
        if between:
            axis.axvspan(*between, color="#efefef", linewidth=0, zorder=0)
        for i, (name, paths) in enumerate(scores.items()):
            found, n = difficulty_shares(paths)
            style = {"color": COLOURS[i % len(COLOURS)], "linestyle": LINES[i % len(LINES)]}
            axis.stairs(100 * found, EDGES, baseline=None, **style, linewidth=1.4, label=f"{name} (n = {n:,})")
        axis.set_xlim(0, 10)
        axis.set_ylim(bottom=0)
        axis.set_xlabel("mean score of the sampled answers (0: none is right, 10: all are)")
        axis.set_ylabel(f"questions, % per {BIN:g} points")
        if scores:
            figure.legend(loc="outside upper left")
