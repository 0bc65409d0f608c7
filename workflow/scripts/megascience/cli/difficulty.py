"""Difficulty: a question's sampled answers and their scores."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from megascience.cli.terminal import indented
from megascience.datasets.difficulty import STAGE
from megascience.storage.errors import InputError
from megascience.storage.layout import at_stage, results_folder, stage_files
from megascience.storage.parquet import find_rows
from megascience.storage.text import one_line


def difficulty(results: str | Path, identifier: str) -> str:
    """Return a question's difficulty for a terminal: mean, spread and counts, then each sampled answer with its score.

    Args:
        results: the results folder.
        identifier: the id of a row of a dataset or a source.

    Raises:
        InputError: there is no such folder, or the question was never sampled in it.
    """
    lines = [
        line
        for path in stage_files(results_folder(results), "difficulty_sample")
        for line in _of_shard(path, identifier)
    ]
    if not lines:
        raise InputError(f"{identifier}: no answer to a question of this id was sampled in {Path(results)}")
    return "\n".join(lines)


def difficulty_line(row: Mapping[str, Any]) -> str:
    """Return a row of difficulty scores in one line."""
    unreadable = f", {row['n_unreadable']} unreadable" if row["n_unreadable"] else ""
    return f"mean score {row['mean']:.2f}, spread {row['spread']:.2f}, of {row['n_scored']} scores{unreadable}"


def _of_shard(path: Path, identifier: str) -> Iterator[str]:
    answers = [row for _, row in find_rows([path], "id", identifier)]
    if not answers:
        return
    scored = find_rows([at_stage(path, STAGE)], "id", identifier)
    yield f"question {identifier} ({path.parent.name}/{path.stem})"
    yield indented(answers[0]["question"])
    yield "reference answer:"
    yield indented(answers[0]["reference_answer"])
    yield difficulty_line(scored[0][1]) if scored else "no score"
    scores = scored[0][1]["scores"] if scored else [None] * len(answers)
    for answer, score in zip(answers, scores, strict=True):
        said = "no readable score" if score is None else f"score {score}"
        yield one_line(f"sample {answer['sample']}: {said}, {answer['completion_tokens']} tokens")
        yield indented(answer["response"])
