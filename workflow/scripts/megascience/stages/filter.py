"""Filter: leave out pairs with contradictions, references to what is not there, or no real answer."""

from typing import Any

from megascience.stages.pairs import REASONED
from megascience.stages.stage import Record
from megascience.storage.drops import Drop

FIELDS = ("question", "answer")
ANSWER = {"decision": ("KEEP", "REJECT")}
SCHEMA = REASONED
REASONS = {"rejected": "the model's verdict was against the row"}


def fields(record: Record) -> dict[str, Any]:
    """Return the prompt's variables for a pair."""
    return {"question": record["question"], "answer": record["answer"]}


def parse(answer: dict[str, str], record: Record) -> dict[str, Any] | Drop:
    """Return no new column for a pair that is kept; only a clear KEEP keeps it."""
    if answer["decision"] == "KEEP":
        return {}
    return Drop("rejected", answer.get("analysis", ""))
