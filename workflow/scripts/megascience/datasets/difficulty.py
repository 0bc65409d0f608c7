"""Difficulty: the mean of the scores that a middling model's sampled answers get, one row a question.

A score that stays unreadable after its retries is left out of the mean and counted; a question without any
readable score is dropped. The scores of all samples stay with the mean, and the sampled answers in
difficulty_sample, by the question's id.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from megascience.datasets.reasons import DIFFICULTY_REASONS
from megascience.datasets.schemas import DIFFICULTY
from megascience.inference.parse import Parsed, iter_parsed, made_by
from megascience.storage.drops import DROPPED, Drop, dropped_row
from megascience.storage.errors import InputError
from megascience.storage.parquet import record_writer

STAGE = "difficulty_score"


def score_shard(
    *,
    records: Sequence[str | Path],
    completions: str | Path,
    prompts: Sequence[str | Path],
    kept: str | Path,
    dropped: str | Path,
) -> None:
    """Write a shard's difficulty scores, one row a question, and the dropped questions.

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
        record_writer(kept, DIFFICULTY, made_by(STAGE, completions, prompts)) as keep,
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
                leave(dropped_row(identifier, STAGE, Drop("unscored", detail), DIFFICULTY_REASONS))


def summarise(identifier: str, samples: Sequence[Parsed]) -> dict[str, Any]:
    """Return a row of `schemas.DIFFICULTY`; mean and spread are None where no score can be read.

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
