"""Distill CoT: write the reasoning for an answer that has none; others pass through untouched."""

from typing import Any

from megascience.stages.pairs import REASONED
from megascience.stages.stage import Record

FIELDS = ("question", "answer")
ANSWER = {"answer": None}
SCHEMA = REASONED


def fields(record: Record) -> dict[str, Any] | None:
    """Return the prompt's variables for a pair without reasoning, None for one that has it."""
    if record["has_reasoning"]:
        return None
    return {"question": record["question"], "answer": record["answer"]}


def parse(answer: dict[str, str], record: Record) -> dict[str, Any]:
    """Return the answer with its reasoning."""
    return {"answer": answer["answer"], "has_reasoning": True}
