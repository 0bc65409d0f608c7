"""Reference: the short final result of an answer, by which another answer can be checked."""

from typing import Any

import pyarrow as pa

from megascience.stages.pairs import REASONED
from megascience.stages.stage import Record
from megascience.storage.drops import Drop

FIELDS = ("question", "answer")
ANSWER = {"reference": None}
SCHEMA = REASONED.append(pa.field("reference_answer", pa.string()))
REASONS = {"no_reference": "the answer states no short final result"}


def fields(record: Record) -> dict[str, Any]:
    """Return the prompt's variables for a pair."""
    return {"question": record["question"], "answer": record["answer"]}


def parse(answer: dict[str, str], record: Record) -> dict[str, Any] | Drop:
    """Return the reference answer; `none` says that the answer states no result."""
    return {"reference_answer": answer["reference"]} if answer else Drop("no_reference")
