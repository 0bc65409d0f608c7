"""Schemas of what becomes of the shelf and of public sets. The first column is the row's id."""

import pyarrow as pa

from megascience.storage.schema import INT, TEXT, record_schema

#: The kept rows of digitize. `unknown` counts the characters that no font names (U+FFFD); `agreement` is the share of
#: words that the text has in common with what it was `compared_with`, null where there is nothing to compare.
PAGES = record_schema(
    page_id=TEXT,
    book_id=TEXT,
    page=INT,
    text=TEXT,
    engine=TEXT,
    engine_version=TEXT,
    language=TEXT,
    unknown=INT,
    compared_with=TEXT,
    agreement=pa.float64(),
)

#: What the model is shown of a book, with what the shelf says of it; `offered` are the workflow's disciplines.
BOOKS = record_schema(
    book_id=TEXT,
    title=TEXT,
    disciplines=pa.list_(TEXT),
    level=TEXT,
    offered=pa.list_(TEXT),
    contents=TEXT,
    sample=TEXT,
)

#: The kept rows of chunk.
CHUNKS = record_schema(
    chunk_id=TEXT,
    book_id=TEXT,
    discipline=TEXT,
    page_first=INT,
    page_last=INT,
    n_tokens=INT,
    text=TEXT,
)

#: A public set's row: `row_id` is its own id, `file` and `row` (from 1) its place, where its answer may be null.
SOURCE_ROWS = record_schema(
    qa_id=TEXT,
    source=TEXT,
    question=TEXT,
    answer=TEXT,
    reference_answer=TEXT,
    subject=TEXT,
    licence=TEXT,
    file=TEXT,
    row=INT,
    row_id=TEXT,
    revision=TEXT,
)
