"""Schemas of benchmark items and of scored answers."""

import pyarrow as pa

from megascience.storage.schema import TEXT, record_schema

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
