"""Decontaminate: is a question of ours a benchmark item in disguise? One record is one candidate pair."""

from typing import Any

from megascience.stages.stage import Record
from megascience.storage.drops import Drop

FIELDS = ("question", "item_question")
ANSWER = {"decision": ("YES", "NO")}
REASONS = {"contaminated": "the row is a benchmark item in disguise"}


def fields(record: Record) -> dict[str, Any] | None:
    """Return the prompt's variables for a candidate; one that the search marked as skipped is not judged."""
    if record["skipped"]:
        return None
    return {"question": record["question"], "item_question": record["item_question"]}


def parse(answer: dict[str, str], record: Record) -> dict[str, Any] | Drop:
    """Return no new column for a clear NO; everything else counts as contaminated."""
    if answer["decision"] == "NO":
        return {}
    return Drop("contaminated", f"{record['benchmark']} {record['item_id']}")
