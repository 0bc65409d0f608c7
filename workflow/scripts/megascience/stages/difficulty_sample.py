"""Difficulty, first half: a middling model answers each question several times; its answers are scored afterwards."""

from typing import Any

from megascience.stages.stage import Record, identity
from megascience.storage.drops import Drop
from megascience.storage.schema import INT, TEXT, record_schema

FIELDS = ("question",)
ANSWER: dict[str, tuple[str, ...] | None] = {}
#: `id` is the question's row.
SCHEMA = record_schema(
    sample_id=TEXT,
    id=TEXT,
    sample=INT,
    question=TEXT,
    reference_answer=TEXT,
    response=TEXT,
    completion_tokens=INT,
)
REASONS = {"missing_reference": "the row has no reference answer that sampled answers could be scored against"}


def fields(record: Record) -> dict[str, Any] | Drop:
    """Return the prompt's variables for a question; one without a reference answer cannot be scored."""
    if not (record["reference_answer"] or "").strip():
        return Drop("missing_reference")
    return {"question": record["question"]}


def parse(answer: dict[str, str], record: Record) -> dict[str, Any]:
    """Return a sampled answer. One that was cut off at the token limit stays, and is scored as it stands."""
    question = identity(record)
    return {"sample_id": f"{question}:{record['sample']}", "id": question, "response": answer["text"]}
