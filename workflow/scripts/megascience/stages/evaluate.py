"""Evaluate: ask a benchmark item. Scoring takes the place of a parser, so that the completion is kept as it is."""

from string import ascii_uppercase
from typing import Any

from megascience.stages.stage import Record
from megascience.storage.errors import InputError

#: What the config gives every item beside its own columns: the name of the prompt that each benchmark is asked with.
GIVEN = "prompts"
FIELDS = ("question", "options", "context", "kind", "unit")
ANSWER: dict[str, tuple[str, ...] | None] = {}


def fields(record: Record) -> dict[str, Any] | None:
    """Return the prompt's variables for an item: options as {"letter", "text"}, and never the item's answer.

    None where another prompt is the one of the item's benchmark.
    """
    own = record.get(GIVEN, {}).get(record["benchmark"])
    if own is not None and own != record["prompt"]:
        return None
    options = record["options"] or []
    if len(options) > len(ascii_uppercase):
        raise InputError(f"item {record['item_id']}: has {len(options)} options; there are letters for 26")
    return {
        "question": record["question"],
        "options": [{"letter": a, "text": text} for a, text in zip(ascii_uppercase, options, strict=False)],
        "context": record["context"] or "",
        "kind": record["kind"],
        "unit": record["unit"] or "",
    }
