"""Difficulty, second half: another model scores each sampled answer from 0 to 10 against the reference answer."""

from typing import Any

from megascience.stages.stage import Record

FIELDS = ("question", "reference_answer", "response")
ANSWER = {"score": tuple(str(score) for score in range(11))}


def fields(record: Record) -> dict[str, Any]:
    """Return the prompt's variables for a sampled answer."""
    return {name: record[name] for name in FIELDS}


def parse(answer: dict[str, str], record: Record) -> dict[str, Any]:
    """Return the score. One that stays unreadable is left out of the question's mean, see `difficulty`."""
    return {"score": int(answer["score"])}
