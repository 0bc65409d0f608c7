"""Judge CoT: does an answer show the reasoning that leads to its result?"""

from typing import Any

from megascience.stages.pairs import REASONED
from megascience.stages.stage import Record

FIELDS = ("question", "answer")
ANSWER = {"decision": ("YES", "NO")}
SCHEMA = REASONED


def fields(record: Record) -> dict[str, Any]:
    """Return the prompt's variables for a pair."""
    return {"question": record["question"], "answer": record["answer"]}


def parse(answer: dict[str, str], record: Record) -> dict[str, Any]:
    """Return the verdict; what is not a clear YES gets its reasoning written."""
    return {"has_reasoning": answer["decision"] == "YES"}
