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


#: Rows of a batch: enough that the cost of a batch does not count, few enough to be held as Python objects.
BATCH_ROWS = 2048

#: What to do about a file of this workflow that cannot be read; a user's own file needs another word.
AGAIN = "delete it and run again"


@contextmanager
def open_parquet(path: str | Path, columns: Iterable[str] = (), fix: str = AGAIN) -> Iterator[pq.ParquetFile]:
    """Open a Parquet file, for those who read it in their own way; all other readers here go by this one.

    Args:
        columns: what it must have.
        fix: what to do about a file that cannot be read, as the message says it.

    Raises:
        InputError: the file is not Parquet, is cut off, or lacks a column; also while it is being read.
    """
    try:
        with pq.ParquetFile(path) as file:
            names = file.schema_arrow.names
            for name in columns:
                if name not in names:
                    raise InputError(f"{path}: column {name!r} is missing (it has {', '.join(names)}); {fix}")
            yield file
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{path}: not a readable Parquet file ({error}); {fix}") from error


def read_table(path: str | Path, schema: pa.Schema | None = None, fix: str = AGAIN) -> pa.Table:
    """Read a Parquet file and, where a schema is given, check that it has its columns; see `open_parquet`."""
    with open_parquet(path, schema.names if schema is not None else (), fix) as file:
        return file.read()


def read_records(path: str | Path, schema: pa.Schema | None = None, fix: str = AGAIN) -> list[dict[str, Any]]:
    """Read a Parquet file as a list of dicts; see `read_table`."""
    return read_table(path, schema, fix).to_pylist()


def read_columns(path: str | Path, names: Sequence[str]) -> pa.Table:
    """Read some columns of a Parquet file, so that a look at ids does not load the texts; see `open_parquet`."""
    with open_parquet(path, names) as file:
        return file.read(columns=list(names)).select(list(names))


def read_schema(path: str | Path, fix: str = AGAIN) -> pa.Schema:
    """Return the columns of a Parquet file, without the metadata of its footer; see `open_parquet`."""
    with open_parquet(path, fix=fix) as file:
        return file.schema_arrow.remove_metadata()


def read_metadata(path: str | Path) -> dict[str, str]:
    """Return the metadata that `write_table` put into a Parquet file's footer; see `open_parquet`."""
    with open_parquet(path) as file:
        raw = file.schema_arrow.metadata or {}
        return {k.decode(): v.decode() for k, v in raw.items() if not k.startswith(b"ARROW:")}


def count_rows(path: str | Path) -> int:
    """Return the number of rows of a Parquet file without reading them; see `open_parquet`."""
    with open_parquet(path) as file:
        return file.metadata.num_rows


def id_column(path: str | Path) -> str:
    """Return the name of a Parquet file's first column, which holds its rows' ids; see `open_parquet`."""
    names = read_schema(path).names
    if not names:
        raise InputError(f"{path}: a table without columns; {AGAIN}")
    return names[0]


def iter_batches(
    path: str | Path, columns: Sequence[str] | None = None, rows: int = BATCH_ROWS, fix: str = AGAIN
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a Parquet file in batches of at most `rows`; see `open_parquet`."""
    with open_parquet(path, columns or (), fix) as file:
        yield from file.iter_batches(batch_size=rows, columns=columns)


def iter_records(
    path: str | Path, columns: Sequence[str] | None = None, rows: int = BATCH_ROWS, fix: str = AGAIN
) -> Iterator[dict[str, Any]]:
    """Yield the rows of a Parquet file as dicts, of which at most `rows` are in memory; see `open_parquet`."""
    for batch in iter_batches(path, columns, rows, fix):
        yield from batch.to_pylist()


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
    with open_parquet(path) as file:
        start = 0
        for group in range(file.num_row_groups):
            marked = mask.slice(start, file.metadata.row_group(group).num_rows)
            start += len(marked)
            if pc.any(marked).as_py():
                yield from file.read_row_group(group).filter(marked).to_pylist()
