"""Pairs: the columns of questions and answers that several stages keep. The first column is the pair's id."""

import pyarrow as pa

from megascience.storage.schema import TEXT, record_schema

#: A pair as it was extracted.
PAIR = record_schema(
    qa_id=TEXT,
    chunk_id=TEXT,
    book_id=TEXT,
    discipline=TEXT,
    standard=TEXT,
    question=TEXT,
    answer=TEXT,
)

#: A pair whose answer was judged to show its reasoning or not.
REASONED = PAIR.append(pa.field("has_reasoning", pa.bool_()))
