"""Extract: find the questions of a chunk that have their answers in it.

One record is a chunk; it is asked with one prompt a standard (`<discipline>_high`, `<discipline>_low`).
"""

from typing import Any

from megascience.stages.pairs import PAIR
from megascience.stages.stage import Record
from megascience.storage.drops import Drop
from megascience.storage.ids import content_id

FIELDS = ("document", "discipline")
ANSWER = {"question": None, "answer": None}
SCHEMA = PAIR
REASONS = {
    "no_pairs": "the model found no question with an answer in the chunk",
    "repeated_pair": "the model gave the same pair more than once for one chunk",
    "incomplete_pair": "a question or its answer is empty",
    "copied_answer": "question and answer are the same text",
}


def standard(record: Record) -> str:
    """Return the standard that a record's prompt asks for, which is the end of the prompt's name."""
    return record["prompt"].rpartition("_")[2]


def unit_id(record: Record) -> str:
    """Return the id of a chunk and a standard."""
    return f"{record['chunk_id']}:{standard(record)}"


def fields(record: Record) -> dict[str, Any]:
    """Return the prompt's variables for a chunk."""
    return {"document": record["text"], "discipline": record["discipline"].replace("_", " ")}


def parse(answer: list[dict[str, str]], record: Record) -> list[dict[str, Any] | Drop] | Drop:
    """Return a new pair for each question with its answer; the k-th drop is the k-th pair of the answer."""
    if not answer:
        return Drop("no_pairs")
    seen: set[str] = set()
    return [_pair(group["question"], group["answer"], record, seen) for group in answer]


def _pair(question: str, answer: str, record: Record, seen: set[str]) -> dict[str, Any] | Drop:
    if not question or not answer:
        return Drop("incomplete_pair", question or answer)
    if " ".join(question.split()) == " ".join(answer.split()):
        return Drop("copied_answer", question)
    qa_id = content_id(record["chunk_id"], standard(record), question, answer)
    if qa_id in seen:
        return Drop("repeated_pair", qa_id)
    seen.add(qa_id)
    return {
        "qa_id": qa_id,
        "chunk_id": record["chunk_id"],
        "book_id": record["book_id"],
        "discipline": record["discipline"],
        "standard": standard(record),
        "question": question,
        "answer": answer,
    }
