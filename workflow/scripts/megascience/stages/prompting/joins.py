"""Records of a shard, batch by batch, so that memory does not grow with the number of rows."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from megascience.storage.errors import InputError
from megascience.storage.parquet import id_column, read_table

#: Makes a record complete by what its stage joins and is given: (record, the file that it is of) → record.
Complete = Callable[[dict[str, Any], str | Path], dict[str, Any]]

#: First column of a joined file → the column that is read of it, what records call that, and whether each record
#: must have one.
_JOINS = {
    "chunk_id": (pa.field("text", pa.string()), "chunk_text", True),
    "id": (pa.field("mean", pa.float64()), "difficulty", False),
}


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
    column, name, needed = _JOINS[key]
    table = read_table(join, pa.schema([pa.field(key, pa.string()), column]))
    place = {identifier: i for i, identifier in enumerate(table[key].to_pylist())}
    values = table[column.name]

    def complete(record: dict[str, Any], path: str | Path) -> dict[str, Any]:
        found = place.get(record[key] if key in record else record[next(iter(record))])
        if found is None and needed:
            raise InputError(f"{join}: chunk {record[key]} of {path} is not there; delete both files and run again")
        return {**record, name: None if found is None else values[found].as_py(), **extra}

    return complete
