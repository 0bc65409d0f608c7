"""Records: the schema of every stage, content ids, drops, atomic files.

Every table between two stages is a Parquet file (zstd) with one explicit schema,
written atomically and without anything that changes from run to run: the same
inputs give the same bytes. This module uses none of our other modules.
"""

import errno
import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

SCHEMA_VERSION = 1

#: Rows that `record_writer` holds in memory before they go to disk.
ROW_GROUP = 2048

_TEXT = pa.string()
_INT = pa.int64()


def _schema(**columns: pa.DataType) -> pa.Schema:
    return pa.schema([pa.field(name, kind) for name, kind in columns.items()])


_PAIR = {
    "qa_id": _TEXT,
    "chunk_id": _TEXT,
    "book_id": _TEXT,
    "discipline": _TEXT,
    "standard": _TEXT,
    "question": _TEXT,
    "answer": _TEXT,
}

#: The columns of each stage's kept rows. The first column is the row's id.
SCHEMAS: dict[str, pa.Schema] = {
    "digitize": _schema(page_id=_TEXT, book_id=_TEXT, page=_INT, text=_TEXT, engine=_TEXT, engine_version=_TEXT),
    # What the model is shown of a book, with what the shelf says of it; `offered` are the workflow's disciplines.
    "classify_books": _schema(
        book_id=_TEXT,
        title=_TEXT,
        disciplines=pa.list_(_TEXT),
        level=_TEXT,
        offered=pa.list_(_TEXT),
        contents=_TEXT,
        sample=_TEXT,
    ),
    "classify": _schema(book_id=_TEXT, title=_TEXT, disciplines=pa.list_(_TEXT), level=_TEXT),
    "chunk": _schema(
        chunk_id=_TEXT,
        book_id=_TEXT,
        discipline=_TEXT,
        page_first=_INT,
        page_last=_INT,
        n_tokens=_INT,
        text=_TEXT,
    ),
    "extract": _schema(**_PAIR),
    "dedup": _schema(**_PAIR),
    "refine": _schema(**_PAIR),
    "judge_cot": _schema(**_PAIR, has_reasoning=pa.bool_()),
    "distill_cot": _schema(**_PAIR, has_reasoning=pa.bool_()),
    "filter": _schema(**_PAIR, has_reasoning=pa.bool_()),
    "decontaminate": _schema(**_PAIR, has_reasoning=pa.bool_()),
    "reference": _schema(**_PAIR, has_reasoning=pa.bool_(), reference_answer=_TEXT),
    # A public set's row: `row_id` is its own id, `file` and `row` (from 1) its place, where its answer may be null.
    "import_source": _schema(
        qa_id=_TEXT,
        source=_TEXT,
        question=_TEXT,
        answer=_TEXT,
        reference_answer=_TEXT,
        subject=_TEXT,
        licence=_TEXT,
        file=_TEXT,
        row=_INT,
        row_id=_TEXT,
        revision=_TEXT,
    ),
    # A row of ours beside a benchmark item that may be the same; `skipped` pairs are not judged.
    "search": _schema(
        pair_id=_TEXT,
        qa_id=_TEXT,
        question=_TEXT,
        benchmark=_TEXT,
        item_id=_TEXT,
        item_question=_TEXT,
        similarity=pa.float64(),
        ngram_overlap=pa.float64(),
        skipped=pa.bool_(),
    ),
    # The judge's verdict on each candidate: yes, no, unreadable or skipped.
    "verdicts": _schema(
        pair_id=_TEXT,
        qa_id=_TEXT,
        benchmark=_TEXT,
        item_id=_TEXT,
        similarity=pa.float64(),
        ngram_overlap=pa.float64(),
        verdict=_TEXT,
        rationale=_TEXT,
        model=_TEXT,
        revision=_TEXT,
    ),
    # A middling model's answers to a question, one row a sample; `id` is the question's row.
    "difficulty_sample": _schema(
        sample_id=_TEXT,
        id=_TEXT,
        sample=_INT,
        question=_TEXT,
        reference_answer=_TEXT,
        response=_TEXT,
        completion_tokens=_INT,
    ),
    # What these answers are worth, from 0 to 10: the mean and the standard deviation over those that have a score,
    # and all scores in the order of the samples, null where there is none.
    "difficulty_score": _schema(
        id=_TEXT,
        mean=pa.float64(),
        spread=pa.float64(),
        n_scored=_INT,
        n_unreadable=_INT,
        scores=pa.list_(_INT),
    ),
    "response_length": _schema(id=_TEXT, n_tokens=_INT),
    "evaluate": _schema(
        item_id=_TEXT,
        benchmark=_TEXT,
        sample=_INT,
        # What the item adds to its benchmark's score, by the benchmark's metric; the same in all its samples.
        item_score=pa.float64(),
        # The messages as JSON.
        prompt=_TEXT,
        completion=_TEXT,
        finish_reason=_TEXT,
        completion_tokens=_INT,
        extracted=_TEXT,
        rule=_TEXT,
        reference=_TEXT,
        verdict=_TEXT,
        reason=_TEXT,
    ),
}

#: The columns that a stage adds to rows of any kind, whose own columns stay.
ADDED: dict[str, pa.Schema] = {
    # `annotated` is true where the answer is new, null where the row passed through.
    "annotate": _schema(annotated=pa.bool_()),
}

#: A row that a stage left out.
DROPPED = _schema(id=_TEXT, stage=_TEXT, reason=_TEXT, detail=_TEXT)

#: A raw answer of a model: one row for each record, prompt and sample (counted from 0), in the records' order.
COMPLETIONS = _schema(
    id=_TEXT,
    prompt=_TEXT,
    sample=_INT,
    prompt_hash=_TEXT,
    text=_TEXT,
    finish_reason=_TEXT,
    attempts=_INT,
    model=_TEXT,
    revision=_TEXT,
    prompt_tokens=_INT,
    completion_tokens=_INT,
)

#: One benchmark item in the form that prompts, search and scoring share.
ITEMS = _schema(
    item_id=_TEXT,
    benchmark=_TEXT,
    question=_TEXT,
    options=pa.list_(_TEXT),
    context=_TEXT,
    answer=_TEXT,
    kind=_TEXT,
    unit=_TEXT,
    tolerance=pa.float64(),
)

#: The closed list of reasons for a drop, with what each means to a reader of the ledger.
REASONS: dict[str, str] = {
    "missing_field": "the row has not the field that the mapping names",
    "empty_field": "the row's question, answer or id is null or empty",
    "malformed_row": "the line is no JSON object",
    "row_too_long": "the row has more bytes than the config allows",
    "repeated_id": "an earlier row of the source bears the same id",
    "repeated_row": "an earlier row of the source says the same",
    "not_english": "the question is written in another language",
    "book_unreadable": "the PDF is corrupt, encrypted or has no pages",
    "page_empty": "no text was found on the page",
    "page_failed": "the digitizing engine gave up on the page",
    "below_university": "the book is written for a school, not for a university",
    "other_subject": "the book's subject is none of the disciplines",
    "no_text": "only running heads, page numbers or white space were on the page",
    "repeated_chunk": "the same text stands twice on the same pages of the book",
    "no_pairs": "the model found no question with an answer in the chunk",
    "repeated_pair": "the model gave the same pair more than once for one chunk",
    "incomplete_pair": "a question or its answer is empty",
    "copied_answer": "question and answer are the same text",
    "near_duplicate": "another pair of the corpus asks the same question",
    "empty_question": "no word is left of the question after normalisation",
    "not_self_contained": "the model found that the question cannot be mended from the document",
    "rejected": "the model's verdict was against the row",
    "contaminated": "the row is a benchmark item in disguise",
    "no_reference": "the answer states no short final result",
    "missing_reference": "the row has no reference answer that sampled answers could be scored against",
    "unscored": "no sampled answer has a readable score",
    "not_selected": "the selection or the mixture took other rows",
    "too_long": "the annotated response is longer than the config allows",
    "context_overflow": "the rendered prompt and its answer do not fit the model's context",
    "unreadable": "the completion had not the declared form after all retries",
    "truncated": "the completion ended at the token limit before its answer was complete",
}


@dataclass(frozen=True)
class Drop:
    """A parser's decision to leave a row out, with a reason of the closed list.

    Raises:
        ValueError: the reason is not in `REASONS`.
    """

    reason: str
    detail: str = ""

    def __post_init__(self) -> None:
        if self.reason not in REASONS:
            raise ValueError(f"drop reason {self.reason!r} is not in records.REASONS; add it there with its meaning")


class InputError(ValueError):
    """Bad input from outside: the message names the file, the row and the fix."""


def content_id(*parts: str) -> str:
    """Return 16 hex digits of SHA-256 over the parts, unambiguous in how they are split."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)
    return digest.hexdigest()[:16]


def shard_of(identifier: str, shards: int) -> int:
    """Return the shard, 0 ≤ shard < shards, that an id belongs to, whatever other ids exist."""
    return int(hashlib.sha256(identifier.encode()).hexdigest()[:15], 16) % shards


def file_sha256(path: str | Path) -> str:
    """Return the hex SHA-256 of a file's bytes."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


@contextmanager
def atomic_file(path: str | Path) -> Iterator[BinaryIO]:
    """Open a temporary file beside `path`; on success it is synced and takes its place at once.

    Raises:
        InputError: the disk or the quota is full; what stood at `path` still does.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False)
    try:
        with handle:
            yield handle  # type: ignore[misc]
            handle.flush()
            os.fsync(handle.fileno())
        os.chmod(handle.name, 0o644)
        os.replace(handle.name, path)
    except BaseException as error:
        Path(handle.name).unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise InputError(f"{path}: cannot be written ({error.strerror}); make room and run again") from error
        raise


def write_text(path: str | Path, text: str) -> None:
    """Write a text file atomically (UTF-8)."""
    with atomic_file(path) as handle:
        handle.write(text.encode())


def write_json(path: str | Path, value: Any) -> None:
    """Write JSON atomically, with sorted keys, so that equal values give equal bytes."""
    write_text(path, json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n")


def to_table(rows: Iterable[Mapping[str, Any]], schema: pa.Schema) -> pa.Table:
    """Return a table of the schema's columns; keys that the schema lacks are left out."""
    rows = list(rows)
    return pa.table([pa.array([row.get(f.name) for row in rows], f.type) for f in schema], schema=schema)


def write_table(path: str | Path, table: pa.Table, metadata: Mapping[str, str] | None = None) -> None:
    """Write a table atomically as Parquet (zstd) with `metadata` and the schema version in its footer."""
    footer = {"schema_version": str(SCHEMA_VERSION), **(metadata or {})}
    table = table.replace_schema_metadata(dict(sorted(footer.items())))
    with atomic_file(path) as handle:
        pq.write_table(table, handle, compression="zstd")


def write_records(
    path: str | Path,
    rows: Iterable[Mapping[str, Any]],
    schema: pa.Schema,
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write rows (mappings) as a Parquet file of the given schema; see `write_table`."""
    write_table(path, to_table(rows, schema), metadata)


@contextmanager
def record_writer(
    path: str | Path, schema: pa.Schema, metadata: Mapping[str, str] | None = None, group_bytes: int | None = None
) -> Iterator[Callable[[Mapping[str, Any]], None]]:
    """Open a function that appends one row, for tables that need not fit in memory.

    The file takes its place when the block ends without an error. Rows go out in groups of a fixed
    size, or sooner where their texts reach `group_bytes` characters, so that equal rows give equal bytes.
    """
    footer = {"schema_version": str(SCHEMA_VERSION), **(metadata or {})}
    schema = schema.with_metadata(dict(sorted(footer.items())))
    rows: list[Mapping[str, Any]] = []
    size = 0
    with atomic_file(path) as handle, pq.ParquetWriter(handle, schema, compression="zstd") as writer:

        def append(row: Mapping[str, Any]) -> None:
            nonlocal size
            rows.append(row)
            if group_bytes is not None:
                size += sum(len(value) for value in row.values() if isinstance(value, str))
            if len(rows) == ROW_GROUP or (group_bytes is not None and size >= group_bytes):
                writer.write_table(to_table(rows, schema))
                rows.clear()
                size = 0

        yield append
        if rows:
            writer.write_table(to_table(rows, schema))


@contextmanager
def table_writer(
    path: str | Path, schema: pa.Schema, metadata: Mapping[str, str] | None = None
) -> Iterator[Callable[[pa.Table], None]]:
    """Open a function that appends a table, for Parquet files (zstd) that need not fit in memory.

    As `record_writer`: rows go out in groups of a fixed size, whatever tables they come in.
    """
    footer = {"schema_version": str(SCHEMA_VERSION), **(metadata or {})}
    schema = schema.with_metadata(dict(sorted(footer.items())))
    waiting = schema.empty_table()
    with atomic_file(path) as handle, pq.ParquetWriter(handle, schema, compression="zstd") as writer:

        def append(table: pa.Table) -> None:
            nonlocal waiting
            waiting = pa.concat_tables([waiting, table.select(schema.names).cast(schema)])
            whole = len(waiting) - len(waiting) % ROW_GROUP
            if whole:
                writer.write_table(waiting.slice(0, whole).combine_chunks(), row_group_size=ROW_GROUP)
                waiting = waiting.slice(whole)

        yield append
        if len(waiting):
            writer.write_table(waiting.combine_chunks())


def write_dropped(path: str | Path, stage: str, drops: Iterable[tuple[str, Drop]]) -> None:
    """Write a stage's ledger of dropped rows from (row id, Drop) pairs."""
    rows = ({"id": i, "stage": stage, "reason": d.reason, "detail": d.detail} for i, d in drops)
    write_records(path, rows, DROPPED, {"stage": stage})


def read_table(path: str | Path, schema: pa.Schema | None = None) -> pa.Table:
    """Read a Parquet file and, where a schema is given, check that it has its columns.

    Raises:
        InputError: the file is not Parquet, is cut off, or lacks a column.
    """
    try:
        table = pq.read_table(path, partitioning=None)
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{path}: not a readable Parquet file ({error}); delete it and run again") from error
    if schema is not None:
        missing = [name for name in schema.names if name not in table.column_names]
        if missing:
            raise InputError(f"{path}: column {missing[0]!r} is missing; delete the file and run again")
    return table


def read_records(path: str | Path, schema: pa.Schema | None = None) -> list[dict[str, Any]]:
    """Read a Parquet file as a list of dicts; see `read_table`."""
    return read_table(path, schema).to_pylist()


def read_metadata(path: str | Path) -> dict[str, str]:
    """Return the metadata that `write_table` put into a Parquet file's footer."""
    raw = pq.read_schema(path).metadata or {}
    return {k.decode(): v.decode() for k, v in raw.items() if not k.startswith(b"ARROW:")}
