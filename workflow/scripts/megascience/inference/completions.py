"""Completions: the schema of the raw answers of a model."""

from megascience.storage.schema import INT, TEXT, record_schema

#: A raw answer of a model: one row for each record, prompt and sample (counted from 0), in the records' order.
COMPLETIONS = record_schema(
    id=TEXT,
    prompt=TEXT,
    sample=INT,
    prompt_hash=TEXT,
    text=TEXT,
    finish_reason=TEXT,
    attempts=INT,
    model=TEXT,
    revision=TEXT,
    prompt_tokens=INT,
    completion_tokens=INT,
)
