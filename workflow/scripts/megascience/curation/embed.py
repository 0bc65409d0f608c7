"""Embeddings: normalised fp16 rows in a `.npy` memory map, with the ids beside it.

The text that is embedded is the question with its options where it has any. The same question may come
without the list, which would then blur the likeness: a benchmark item with options is embedded a second
time without them (`bare`), and the nearer of the two counts. Text beyond the model's window is not seen;
the n-gram net (search.py) sees it.
"""

import json
import logging
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from megascience.storage.errors import InputError
from megascience.storage.parquet import read_table, write_table

log = logging.getLogger(__name__)

#: Columns that go from the records to the ids beside the row's id, where the records have them.
BESIDE = ("benchmark",)
_CHUNK = 8192


def with_options(question: str | None, options: Sequence[str] | None) -> str:
    """Return the question and its options, lettered, one a line."""
    lines = [question or ""]
    lines += [f"{chr(ord('A') + i)}. {option}" for i, option in enumerate(options or ())]
    return "\n".join(lines)


def texts_of(table: pa.Table, text_columns: Sequence[str], path: str | Path) -> list[str]:
    """Return the text of each row: the columns joined by a blank line, then the row's options.

    Raises:
        InputError: a column is missing.
    """
    for column in text_columns:
        if column not in table.column_names:
            raise InputError(f"{path}: column {column!r} is missing (it has {', '.join(table.column_names)})")
    columns = [table.column(name).to_pylist() for name in text_columns]
    questions = ["\n\n".join(str(v) for v in values if v) for values in zip(*columns, strict=True)]
    if "options" not in table.column_names:
        return questions
    options = table.column("options").to_pylist()
    return [with_options(q, o) for q, o in zip(questions, options, strict=True)]


@lru_cache(maxsize=1)
def load_encoder(model_path: str, device: str) -> Any:
    """Return the sentence-transformers model of a folder; the last one stays loaded.

    Raises:
        InputError: the folder is missing or holds no such model.
    """
    if not Path(model_path).is_dir():
        raise InputError(f"{model_path}: no such folder; run rule fetch_model for the embedding model")
    from sentence_transformers import SentenceTransformer

    try:
        return SentenceTransformer(model_path, device=device, local_files_only=True)
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{model_path}: not a sentence-transformers model ({error})") from error


def embed_shard(
    records: Sequence[str | Path],
    output: str | Path,
    ids: str | Path,
    *,
    model_path: str | Path,
    text_columns: Sequence[str] = ("question",),
    batch_size: int = 64,
    device: str = "cpu",
    bare: bool = False,
) -> None:
    """Embed the rows of Parquet files.

    Args:
        records: files whose first column is the row's id.
        output: the `.npy` file, float16 [n, dimensions], rows of length 1.
        ids: the Parquet file of the ids in the same order (and `BESIDE`, where the records have it).
        model_path: a sentence-transformers folder.
        bare: a row with options has a second embedding under its id, after all others of its file: that of
            its text without them.

    Raises:
        InputError: a file or column is missing, or an embedding is not finite or zero.
    """
    encoder = load_encoder(str(model_path), device)
    dimensions = encoder.get_embedding_dimension()
    tables = [(path, _with_bare(read_table(path)) if bare else read_table(path)) for path in records]
    total = sum(len(table) for _, table in tables)
    with _atomic_array(output, (total, dimensions)) as array:
        row = 0
        for path, table in tables:
            texts, names = texts_of(table, text_columns, path), table.column(0)
            for start in range(0, len(texts), _CHUNK):
                vectors = encoder.encode(
                    texts[start : start + _CHUNK],
                    batch_size=batch_size,
                    normalize_embeddings=True,
                    convert_to_numpy=True,
                    show_progress_bar=False,
                )
                _check(vectors, path, names, start)
                array[row : row + len(vectors)] = vectors
                row += len(vectors)
                log.info("embedded %d of %d rows", row, total)
    beside = [n for n in BESIDE if all(n in table.column_names for _, table in tables)]
    columns = {"id": [table.column(0).cast(pa.string()) for _, table in tables]}
    columns |= {name: [table.column(name) for _, table in tables] for name in beside}
    flat = {
        name: pa.chunked_array([c for part in parts for c in part.chunks], pa.string())
        for name, parts in columns.items()
    }
    write_table(ids, pa.table(flat), {"stage": "embed", **_made_by(Path(model_path))})


def _with_bare(table: pa.Table) -> pa.Table:
    """Return the rows, then those with options once more without them."""
    if "options" not in table.column_names:
        return table
    listed = table.filter(pc.greater(pc.list_value_length(table.column("options")), 0))
    place = table.column_names.index("options")
    none = pa.nulls(len(listed), table.schema.field("options").type)
    return pa.concat_tables([table, listed.set_column(place, table.schema.field("options"), none)])


def _made_by(folder: Path) -> dict[str, str]:
    """Return the name and revision of a model that rule fetch_model brought, nothing of another folder."""
    try:
        manifest = json.loads((folder / "model.json").read_text())
    except (OSError, ValueError):
        return {}
    return {"model": str(manifest.get("name", "")), "revision": str(manifest.get("revision", ""))}


def _check(vectors: np.ndarray, path: str | Path, names: Any, start: int) -> None:
    lengths = np.linalg.norm(vectors.astype(np.float32), axis=1)
    bad = np.flatnonzero(~(np.isfinite(lengths) & (lengths > 0.5)))
    if len(bad):
        row = start + int(bad[0])
        raise InputError(
            f"{path}: row {row + 1} (id {names[row].as_py()}): its embedding is zero or not a number; "
            "check the row's text, and that the model folder is whole"
        )


@contextmanager
def _atomic_array(path: str | Path, shape: tuple[int, int]) -> Iterator[np.ndarray]:
    """Yield a float16 memory map beside `path` that takes its place when all rows are written."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with open(handle, "wb") as file:
            np.lib.format.write_array_header_1_0(file, {"descr": "<f2", "fortran_order": False, "shape": shape})
            start = file.tell()
            file.truncate(start + 2 * shape[0] * shape[1])
        if shape[0]:  # an empty map cannot be made
            array = np.memmap(temporary, np.float16, "r+", start, shape)
            yield array
            array.flush()
        else:
            yield np.empty(shape, np.float16)
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    finally:
        Path(temporary).unlink(missing_ok=True)


def open_vectors(vectors: str | Path, ids: str | Path) -> tuple[np.ndarray, pa.Table]:
    """Return the float16 memory map [n, dimensions] and the table of its n ids.

    Raises:
        InputError: a file is missing or cut off, or the two do not belong together.
    """
    table = read_table(ids)
    try:
        array = np.load(vectors, mmap_mode="r") if len(table) else np.load(vectors)
    except (OSError, ValueError) as error:
        raise InputError(f"{vectors}: not a readable .npy file ({error}); delete it and run again") from error
    if array.ndim != 2 or len(array) != len(table):
        raise InputError(f"{vectors}: {array.shape} embeddings do not belong to the {len(table)} ids of {ids}")
    return array, table


def blocks(array: np.ndarray, size: int, path: str | Path) -> Iterator[tuple[int, np.ndarray]]:
    """Yield (first row, float32 copy) of blocks of `size` rows.

    Raises:
        InputError: a row is not a number.
    """
    for start in range(0, len(array), size):
        block = np.ascontiguousarray(array[start : start + size], dtype=np.float32)
        finite = np.isfinite(block.sum(axis=1))
        if not finite.all():
            row = start + int(np.flatnonzero(~finite)[0])
            raise InputError(f"{path}: row {row + 1} is not a number; delete the file and embed again")
        yield start, block
