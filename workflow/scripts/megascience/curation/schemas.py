"""Schemas of the search for benchmark items and of the verdicts on what it found. The first column is the row's id."""

import pyarrow as pa

from megascience.storage.schema import TEXT, record_schema

#: A row of ours beside a benchmark item that may be the same; `skipped` pairs are not judged.
CANDIDATES = record_schema(
    pair_id=TEXT,
    qa_id=TEXT,
    question=TEXT,
    benchmark=TEXT,
    item_id=TEXT,
    item_question=TEXT,
    similarity=pa.float64(),
    ngram_overlap=pa.float64(),
    skipped=pa.bool_(),
)

#: The judge's verdict on each candidate: yes, no, unreadable or skipped.
VERDICTS = record_schema(
    pair_id=TEXT,
    qa_id=TEXT,
    benchmark=TEXT,
    item_id=TEXT,
    similarity=pa.float64(),
    ngram_overlap=pa.float64(),
    verdict=TEXT,
    rationale=TEXT,
    model=TEXT,
    revision=TEXT,
)
