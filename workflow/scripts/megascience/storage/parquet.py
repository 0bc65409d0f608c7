"""Parquet: tables between stages, written atomically and read with one set of messages.

Every table between two stages is a Parquet file (zstd) with one explicit schema, and nothing in it changes from
run to run: the same inputs give the same bytes.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from megascience.storage.errors import InputError
from megascience.storage.files import atomic_file

SCHEMA_VERSION = 1

#: Rows that `record_writer` holds in memory before they go to disk.
ROW_GROUP = 2048


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


#: Rows of a batch: enough that the cost of a batch does not count, few enough to be held as Python objects.
BATCH_ROWS = 2048


def iter_batches(path: str | Path, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a Parquet file in batches of at most `BATCH_ROWS`.

    Raises:
        InputError: the file is not Parquet, is cut off, or lacks a column.
    """
    try:
        with pq.ParquetFile(path) as file:
            missing = [name for name in columns or () if name not in file.schema_arrow.names]
            if missing:
                raise InputError(f"{path}: column {missing[0]!r} is missing; delete the file and run again")
            yield from file.iter_batches(batch_size=BATCH_ROWS, columns=columns)
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{path}: not a readable Parquet file ({error}); delete it and run again") from error


def id_column(path: str | Path) -> str:
    """Return the name of a Parquet file's first column, which holds its rows' ids."""
    try:
        return pq.read_schema(path).names[0]
    except (pa.ArrowInvalid, OSError, IndexError) as error:
        raise InputError(f"{path}: not a readable Parquet file ({error}); delete it and run again") from error


def read_columns(path: str | Path, names: Sequence[str]) -> pa.Table:
    """Read some columns of a Parquet file, so that a look at ids does not load the texts.

    Raises:
        InputError: the file is not Parquet, is cut off, or lacks a column.
    """
    try:
        with pq.ParquetFile(path) as file:
            missing = [name for name in names if name not in file.schema_arrow.names]
            if missing:
                raise InputError(f"{path}: column {missing[0]!r} is missing; delete the file and run again")
            return file.read(columns=list(names)).select(list(names))
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{path}: not a readable Parquet file ({error}); delete it and run again") from error


def find_rows(paths: Iterable[str | Path], column: str, value: str) -> list[tuple[Path, dict[str, Any]]]:
    """Return (file, row) of every row whose `column` has the value, in the order of the paths.

    Only that column is read of files that do not hold the value; files that are not there are passed over.

    Raises:
        InputError: a file cannot be read or lacks the column.
    """
    found = []
    for path in map(Path, paths):
        if not path.exists():
            continue
        # Whatever takes a value of Python's in the place of an option (equal, scalar, filters) imports pandas.
        maybe = pc.starts_with(read_columns(path, [column]).column(0), value)
        if pc.any(maybe).as_py():
            found += [(path, row) for row in _rows_where(path, maybe) if row[column] == value]
    return found


def _rows_where(path: Path, mask: pa.ChunkedArray) -> Iterator[dict[str, Any]]:
    """Yield the rows of a file that a mask marks, reading only the groups that hold one."""
    with pq.ParquetFile(path) as file:
        start = 0
        for group in range(file.num_row_groups):
            marked = mask.slice(start, file.metadata.row_group(group).num_rows)
            start += len(marked)
            if pc.any(marked).as_py():
                yield from file.read_row_group(group).filter(marked).to_pylist()
