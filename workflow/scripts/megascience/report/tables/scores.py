"""Scores: what the evaluation's JSON files say of each model, with averages and intervals. Nothing is scored here."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from megascience.storage.errors import InputError
from megascience.storage.files import read_json
from megascience.storage.tables import table_of

if TYPE_CHECKING:
    import pandas as pd

#: The paper's groups (Table 5), by the registry's `group`, in the order of their columns.
GROUPS: dict[str, str] = {"general": "General", "specific": "Specific", "math": "Math"}

ALL = "All"


@dataclass(frozen=True)
class Score:
    """A model's score on one benchmark or an average of several, as shares of 1, with its 95 % interval."""

    value: float
    low: float
    high: float


def read_scores(paths: Iterable[str | Path]) -> dict[str, dict[str, dict[str, Any]]]:
    """Read `…/{model}/{benchmark}.json` files into model -> benchmark -> summary, in the order of the paths.

    Raises:
        InputError: a file is not JSON or lacks a number that the tables need.
    """
    scores: dict[str, dict[str, dict[str, Any]]] = {}
    for path in map(Path, paths):
        summary = read_json(path)
        for key in ("n", "correct", "score", "ci_low", "ci_high"):
            if not isinstance(summary.get(key), (int, float)):
                raise InputError(f"{path}: {key!r} is missing or not a number; delete the file and evaluate again")
        scores.setdefault(path.parent.name, {})[path.stem] = summary
    return scores


def average(parts: Sequence[Score]) -> Score:
    """Return the unweighted mean of independent scores with its 95 % interval.

    The interval recovers each part's variance from its own limits, so that it stays inside [0, 1]
    and does not vanish where a score is 0 or 1 (MOVER: Zou & Donner, Stat. Med. 27, 2008, eq. 2).
    """
    k = len(parts)
    mean = math.fsum(p.value for p in parts) / k
    low = math.sqrt(math.fsum((p.value - p.low) ** 2 for p in parts)) / k
    high = math.sqrt(math.fsum((p.high - p.value) ** 2 for p in parts)) / k
    return Score(mean, max(0.0, mean - low), min(1.0, mean + high))


def average_groups(benchmarks: Iterable[str], registry: Mapping[str, Mapping[str, Any]]) -> dict[str, list[str]]:
    """Return the averages that these benchmarks allow: title -> benchmarks; those with `in_average: false` are out."""
    averaged = [name for name in benchmarks if registry[name].get("in_average", True)]
    groups = {title: [n for n in averaged if registry[n]["group"] == key] for key, title in GROUPS.items()}
    groups[ALL] = averaged
    return {title: names for title, names in groups.items() if names}


def with_averages(
    scores: Mapping[str, Mapping[str, Mapping[str, Any]]], registry: Mapping[str, Mapping[str, Any]]
) -> tuple[list[str], dict[str, dict[str, Score]]]:
    """Return the columns (benchmarks in the registry's order, then averages) and model -> column -> score.

    A group's average is over those of its benchmarks that were evaluated at all; a model that lacks one
    of them gets no average, since it could not be compared. Benchmarks with `in_average: false` are shown only.

    Raises:
        InputError: an evaluated benchmark is not in the registry.
    """
    seen = {name for summaries in scores.values() for name in summaries}
    for name in sorted(seen):
        if name not in registry:
            raise InputError(f"benchmark {name!r} was evaluated but is not in the registry of benchmarks; add it there")
    benchmarks = [name for name in registry if name in seen]
    groups = average_groups(benchmarks, registry)
    table: dict[str, dict[str, Score]] = {}
    for model, summaries in scores.items():
        row = {n: Score(s["score"], s["ci_low"], s["ci_high"]) for n, s in summaries.items()}
        for title, names in groups.items():
            if all(n in row for n in names):
                row[title] = average([row[n] for n in names])
        table[model] = row
    return [*benchmarks, *groups], table


def score_table(
    scores: Mapping[str, Mapping[str, Mapping[str, Any]]], registry: Mapping[str, Mapping[str, Any]]
) -> "pd.DataFrame":
    """Return score (percent) and 95 % interval with metric and counts, one row a model and benchmark or average."""
    columns, found = with_averages(scores, registry)
    counts = ("n", "correct", "unreadable", "truncated", "mean_tokens")
    rows = []
    for model, row in found.items():
        for column in columns:
            if column in row:
                score, summary = row[column], scores[model].get(column, {})
                percent = [100 * value for value in (score.value, score.low, score.high)]
                rows.append([model, column, summary.get("metric"), *percent, *(summary.get(key) for key in counts)])
    digits = {"score": 2, "ci_low": 2, "ci_high": 2, "mean_tokens": 1}
    return table_of(("model", "benchmark", "metric", "score", "ci_low", "ci_high", *counts), rows, digits)
