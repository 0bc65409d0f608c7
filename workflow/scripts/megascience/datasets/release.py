"""Release: a dataset's files in the order of ids, in bounded memory however many rows there are."""

import json
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from megascience.storage.files import atomic_file
from megascience.storage.parquet import table_writer

#: Rows that are sorted and written at a time: bounds the memory, about 2.5 KB a row.
BLOCK_ROWS = 20_000

_FOOTER = {"stage": "dataset"}


class Release:
    """The files `train.parquet`, `train.jsonl` and `provenance.parquet` of a folder, which is made.

    A context manager: the files take their places when it ends without an error.

    Args:
        schema: the released columns, the id last.
        provenance: the provenance's columns.
    """

    def __init__(self, folder: str | Path, schema: pa.Schema, provenance: pa.Schema) -> None:
        self.folder = Path(folder)
        self.schema = schema
        self.provenance = provenance
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._rows = stack.enter_context(table_writer(self.folder / "train.parquet", self.schema, _FOOTER))
            self._vouchers = stack.enter_context(
                table_writer(self.folder / "provenance.parquet", self.provenance, _FOOTER)
            )
            self._lines = stack.enter_context(atomic_file(self.folder / "train.jsonl"))
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def add(self, rows: pa.Table, vouchers: pa.Table) -> None:
        """Append rows and what vouches for them.

        In the JSONL a null text is "": loaders guess a column's type from its first rows, and one that is null
        there and a text later breaks them. The Parquet file keeps the null.
        """
        self._rows(rows)
        self._vouchers(vouchers)
        texts = [name for name, kind in zip(rows.schema.names, rows.schema.types) if pa.types.is_string(kind)]
        for name in texts:
            rows = rows.set_column(rows.schema.get_field_index(name), name, pc.fill_null(rows.column(name), ""))
        for row in rows.to_pylist():
            self._lines.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")


def sorted_tables(
    tables: Iterable[pa.Table],
    schema: pa.Schema,
    key: str,
    starts: Sequence[str] | np.ndarray,
    scratch: str | Path | None = None,
) -> Iterator[pa.Table]:
    """Yield the rows of all tables in the order of their ids, block by block.

    The rows are first dealt out by id into files in a temporary folder, one a block, so that only one block
    at a time is in memory. A block without rows is yielded, too.

    Args:
        schema: the tables' columns.
        key: the column of ids.
        starts: the first id of each block, ascending; the first of them is not above any row's id.
        scratch: where the temporary folder is made, else where the system has its own, which may be small.
    """
    borders = np.asarray(starts, dtype=np.str_)
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    with tempfile.TemporaryDirectory(dir=scratch) as folder, ExitStack() as stack:
        spills = [Path(folder) / f"{n}.arrow" for n in range(len(borders))]
        writers = [stack.enter_context(pa.ipc.new_file(path, schema, options=options)) for path in spills]
        for table in tables:
            blocks = np.searchsorted(borders, id_array(table.column(key)), side="right") - 1
            order = np.argsort(blocks, kind="stable")
            dealt = table.take(pa.array(order))
            ends = np.searchsorted(blocks[order], np.arange(len(borders)), side="right")
            start = 0
            for n in np.unique(blocks):
                writers[n].write_table(dealt.slice(start, ends[n] - start))
                start = ends[n]
        for writer in writers:
            writer.close()
        for path in spills:
            with pa.ipc.open_file(path) as spill:
                yield spill.read_all().sort_by(key)
            path.unlink()


def id_array(column: pa.Array | pa.ChunkedArray) -> np.ndarray:
    """Return ids as numpy strings."""
    return np.asarray(column.to_numpy(zero_copy_only=False), dtype=np.str_)
