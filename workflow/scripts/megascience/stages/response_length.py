"""Response length: a strong model answers each question, and how long it takes stands for how hard the question is."""

from typing import Any

from megascience.stages.stage import Record, identity
from megascience.storage.schema import INT, TEXT, record_schema

FIELDS = ("question",)
ANSWER: dict[str, tuple[str, ...] | None] = {}
SCHEMA = record_schema(id=TEXT, n_tokens=INT)


def fields(record: Record) -> dict[str, Any]:
    """Return the prompt's variables for a question."""
    return {"question": record["question"]}


def parse(answer: dict[str, str], record: Record) -> dict[str, Any]:
    """Return the answer's length in tokens, as the engine counted them; one that was cut off has the token limit."""
    return {"id": identity(record), "n_tokens": record["completion_tokens"]}
