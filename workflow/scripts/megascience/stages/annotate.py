"""Annotate: write a step-by-step solution again, for rows whose own answers are not good enough to train on.

With `below`, only questions whose mean difficulty score is under it are solved again, and the others pass through
untouched: the paper's difficulty-aware distillation. A question without a score passes through, too.
"""

from typing import Any

import pyarrow as pa

from megascience.stages.stage import Record
from megascience.storage.drops import Drop

FIELDS = ("question",)
ANSWER = {"answer": None}
#: What rows of any kind get beside their own columns: true where the answer is new, null where the row passed through.
ADDED = pa.schema([pa.field("annotated", pa.bool_())])
REASONS = {"too_long": "the annotated response is longer than the config allows"}


def fields(record: Record) -> dict[str, Any] | None:
    """Return the prompt's variables for a question that is to be solved again."""
    below = record.get("below")
    if below is not None and (record["difficulty"] is None or record["difficulty"] >= below):
        return None
    return {"question": record["question"]}


def parse(answer: dict[str, str], record: Record) -> dict[str, Any] | Drop:
    """Return the solution, unless the model's response is longer than `max_response_tokens`."""
    if record["completion_tokens"] > record["max_response_tokens"]:
        return Drop("too_long", f"{record['completion_tokens']} tokens, {record['max_response_tokens']} are allowed")
    return {"answer": answer["answer"], "annotated": True}
