"""Refine: make the question self-contained, and the answer checked and explained, from the pair's own chunk."""

from typing import Any

from megascience.stages.pairs import PAIR
from megascience.stages.stage import Record
from megascience.storage.drops import Drop

FIELDS = ("document", "question", "answer")
ANSWER = {"question": None, "answer": None}
SCHEMA = PAIR
REASONS = {
    "not_self_contained": "the model found that the document does not hold what the question lacks",
    "copied_answer": "question and answer are the same text",
}


def fields(record: Record) -> dict[str, Any]:
    """Return the prompt's variables for a pair that carries its chunk's text."""
    return {"document": record["chunk_text"], "question": record["question"], "answer": record["answer"]}


def parse(answer: dict[str, str], record: Record) -> dict[str, Any] | Drop:
    """Return the fixed question and answer; `none` says that the document does not hold what is missing."""
    if not answer:
        return Drop("not_self_contained")
    if " ".join(answer["question"].split()) == " ".join(answer["answer"].split()):
        return Drop("copied_answer", answer["question"])
    return {"question": answer["question"], "answer": answer["answer"]}
