"""Difficulty: the mean of the scores that a middling model's sampled answers get, one row a question.

A score that stays unreadable after its retries is left out of the mean and counted; a question without any
readable score is dropped. The scores of all samples stay with the mean, and the sampled answers in
difficulty_sample, by the question's id.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from .layout import results_folder, stage_files
from .lookup import find_rows
from .parse import Parsed, iter_parsed, made_by
from .records import DROPPED, SCHEMAS, Drop, InputError, record_writer
from .terminal import indented, one_line

STAGE = "difficulty_score"


def score_shard(
    *,
    records: Sequence[str | Path],
    completions: str | Path,
    prompts: Sequence[str | Path],
    kept: str | Path,
    dropped: str | Path,
) -> None:
    """Write a shard's difficulty scores, one row a question, and the ledger of questions without any.

    Args:
        records: the sampled answers of difficulty_sample; those of one question follow each other.
        completions: what the scoring model said of them.
        prompts, kept, dropped: as of every model stage, see `parse.parse_shard`.

    Raises:
        InputError: the answers of one question do not follow each other, or as `parse.iter_parsed`.
    """
    parsed = iter_parsed(stage=STAGE, records=records, completions=completions, prompts=prompts)
    seen: set[str] = set()
    with (
        record_writer(kept, SCHEMAS[STAGE], made_by(STAGE, completions, prompts)) as keep,
        record_writer(dropped, DROPPED, {"stage": STAGE}) as leave,
    ):
        for identifier, samples in groupby(parsed, key=lambda one: one.record["id"]):
            if identifier in seen:
                raise InputError(f"{records[0]}: the answers to question {identifier} are apart; sample them again")
            seen.add(identifier)
            row = summarise(identifier, list(samples))
            if row["n_scored"]:
                keep(row)
            else:
                detail = f"{row['n_unreadable']} unreadable scores"
                leave({"id": identifier, "stage": STAGE, "reason": "unscored", "detail": detail})


def summarise(identifier: str, samples: Sequence[Parsed]) -> dict[str, Any]:
    """Return a row of `records.SCHEMAS["difficulty_score"]`; mean and spread are None where no score can be read.

    The spread is the standard deviation of the scores themselves, not an estimate for other samples.
    """
    scores = [None if isinstance(one.outcome, Drop) else _score(one.outcome) for one in samples]
    read = [score for score in scores if score is not None]
    mean = sum(read) / len(read) if read else None
    spread = math.sqrt(sum((score - mean) ** 2 for score in read) / len(read)) if mean is not None else None
    return {
        "id": identifier,
        "mean": mean,
        "spread": spread,
        "n_scored": len(read),
        "n_unreadable": len(scores) - len(read),
        "scores": scores,
    }


def _score(outcome: Any) -> int:
    assert isinstance(outcome, Mapping)
    return int(outcome["score"])


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
    scored = find_rows([path.parents[2] / STAGE / path.parent.name / path.name], "id", identifier)
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
