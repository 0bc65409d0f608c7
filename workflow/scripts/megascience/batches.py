"""Records of a shard, batch by batch, so that memory does not grow with the number of rows."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from .records import SCHEMAS, InputError, read_table

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


#: Makes a record complete by what its stage joins and is given: (record, the file that it is of) → record.
Complete = Callable[[dict[str, Any], str | Path], dict[str, Any]]

#: First column of a joined file → its stage, the column that is read of it, and what records call that.
_JOINS = {"chunk_id": ("chunk", "text", "chunk_text"), "id": ("difficulty_score", "mean", "difficulty")}


def completer(join: str | Path | None = None, given: Mapping[str, Any] | None = None) -> Complete:
    """Return a function that gives a record further columns.

    Args:
        join: chunks, whose text becomes the column `chunk_text` by the record's chunk_id; or difficulty
            scores, whose mean becomes the column `difficulty` by the record's id, None where it has none.
            The values stay in Arrow's memory.
        given: settings of the stage that become columns of every record.

    Raises:
        InputError: the joined file cannot be read; the function raises it for a chunk that is not there.
    """
    extra = dict(given or {})
    if join is None:
        return lambda record, path: {**record, **extra}
    key = id_column(join)
    if key not in _JOINS:
        raise InputError(f"{join}: holds neither chunks nor difficulty scores, but begins with the column {key!r}")
    stage, column, name = _JOINS[key]
    table = read_table(join, pa.schema([SCHEMAS[stage].field(key), SCHEMAS[stage].field(column)]))
    place = {identifier: i for i, identifier in enumerate(table[key].to_pylist())}
    values = table[column]

    def complete(record: dict[str, Any], path: str | Path) -> dict[str, Any]:
        found = place.get(record[key] if key in record else record[next(iter(record))])
        if found is None and stage == "chunk":
            raise InputError(f"{join}: chunk {record[key]} of {path} is not there; delete both files and run again")
        return {**record, name: None if found is None else values[found].as_py(), **extra}

    return complete
