"""Schemas of benchmark items and of scored answers."""

import pyarrow as pa

from megascience.storage.schema import INT, TEXT, record_schema

#: One benchmark item in the form that prompts, search and scoring share.
ITEMS = record_schema(
    item_id=TEXT,
    benchmark=TEXT,
    question=TEXT,
    options=pa.list_(TEXT),
    context=TEXT,
    answer=TEXT,
    kind=TEXT,
    unit=TEXT,
    tolerance=pa.float64(),
)

#: An item's scored answer, one row a sample.
SCORED = record_schema(
    item_id=TEXT,
    benchmark=TEXT,
    sample=INT,
    # What the item adds to its benchmark's score, by the benchmark's metric; the same in all its samples.
    item_score=pa.float64(),
    # The messages as JSON.
    prompt=TEXT,
    completion=TEXT,
    finish_reason=TEXT,
    completion_tokens=INT,
    extracted=TEXT,
    rule=TEXT,
    reference=TEXT,
    verdict=TEXT,
    reason=TEXT,
)
