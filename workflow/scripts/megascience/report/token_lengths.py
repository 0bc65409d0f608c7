"""Lengths: how many texts have how many tokens, counted once a dataset and read by every figure that needs them."""

from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from megascience.storage.parquet import iter_batches, read_columns
from megascience.storage.tables import read_tsv, table_of, write_table

#: (lengths in tokens, ascending and distinct; how many texts have each)
Lengths = tuple[np.ndarray, np.ndarray]


def count_answers(dataset: str | Path, count_tokens: Callable[[str], int]) -> Lengths:
    """Return the lengths of a dataset's answers; an answer without a token counts as 1, to have a place on a log axis.

    Args:
        dataset: `train.parquet`, read in batches.
        count_tokens: the length of a text in tokens.
    """
    counts: Counter[int] = Counter()
    for batch in iter_batches(dataset, ["answer"]):
        counts.update(max(1, count_tokens(text)) for text in batch.column(0).to_pylist())
    return _arrays(counts)


def column_lengths(paths: Iterable[str | Path], column: str) -> Lengths:
    """Return the lengths that a column of Parquet files holds, nulls left out, none under 1."""
    counts: Counter[int] = Counter()
    for path in paths:
        counts.update(max(1, n) for n in read_columns(path, (column,))[column].to_pylist() if n is not None)
    return _arrays(counts)


def mean_length(lengths: Lengths) -> float | None:
    """Return the mean, None of no texts."""
    values, counts = lengths
    return float(values @ counts / counts.sum()) if len(values) else None


def write_lengths(path: str | Path, lengths: Lengths) -> None:
    """Write the columns tokens and rows."""
    write_table(table_of(("tokens", "rows"), [[int(n), int(rows)] for n, rows in zip(*lengths)]), path)


def read_lengths(path: str | Path) -> Lengths:
    """Read what `write_lengths` wrote.

    Raises:
        InputError: a column is missing or not a number.
    """
    frame = read_tsv(path, {"tokens": int, "rows": int}).sort_values("tokens")
    return frame["tokens"].to_numpy(float), frame["rows"].to_numpy(float)


def _arrays(counts: Counter[int]) -> Lengths:
    lengths = sorted(counts)
    return np.array(lengths, dtype=float), np.array([counts[n] for n in lengths], dtype=float)


def density(lengths: Lengths, points: int = 256) -> tuple[np.ndarray, np.ndarray]:
    """Return (lengths, density per factor of ten) of a Gaussian kernel estimate on the log axis.

    The bandwidth follows Scott's rule, σ n^(-1/5) (Scott, Multivariate Density Estimation, 1992), on log10 of the
    length, and is at least 0.02, so that equal lengths give a peak instead of a division by zero. The data are
    binned first, so that the cost does not grow with rows × points.

    Args:
        lengths: of at least one text.
    """
    values, counts = lengths
    logs, n = np.log10(values), counts.sum()
    mean = logs @ counts / n
    spread = float(np.sqrt((logs - mean) ** 2 @ counts / n))
    width = max(0.02, spread * n**-0.2)
    edges = np.linspace(logs.min() - 4 * width, logs.max() + 4 * width, points + 1)
    binned, _ = np.histogram(logs, edges, weights=counts)
    centres = (edges[1:] + edges[:-1]) / 2
    kernel = np.exp(-0.5 * ((centres[:, None] - centres[None, :]) / width) ** 2) / (width * np.sqrt(2 * np.pi))
    return 10**centres, kernel @ binned / n
