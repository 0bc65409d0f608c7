"""Row files: the rows of JSONL and Parquet files one by one, in bounded memory however long a file or a row is."""

import gzip
import io
import json
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from megascience.storage.drops import Drop
from megascience.storage.errors import InputError
from megascience.storage.parquet import open_parquet

#: A line of JSON holds fields that nobody maps, and escapes of six bytes a letter; past this it is not a row.
LINE_SHARE = 16

#: Rows of a Parquet file that are turned into Python at a time.
_BATCH = 256
_AGAIN = "fetch the file again or take it out"
_COMPRESSION = {".gz": "gzip", ".zst": "zstd"}
_LINES = (".jsonl", ".ndjson")


def check_suffix(path: str | Path) -> str:
    """Return "parquet" or "jsonl", the format that a file's name tells.

    Raises:
        InputError: it tells of another format.
    """
    suffixes = Path(path).suffixes[-2:]
    if suffixes and suffixes[-1] == ".parquet":
        return "parquet"
    plain = suffixes[:-1] if suffixes and suffixes[-1] in _COMPRESSION else suffixes
    if plain and plain[-1] in _LINES:
        return "jsonl"
    raise InputError(f"{path}: neither JSONL nor Parquet by its name; give .jsonl, .jsonl.gz, .jsonl.zst or .parquet")


def iter_rows(path: str | Path, columns: Sequence[str], max_bytes: int) -> Iterator[tuple[int, dict[str, Any] | Drop]]:
    """Yield (number from 1, row) of a file; a row that cannot be read is a Drop in its place.

    Args:
        path: a file of JSON objects, one a line (`.jsonl`, also with `.gz` or `.zst`), or of Parquet.
        columns: the fields that are needed; of Parquet only these are read, and those that it lacks are left out.
        max_bytes: the most that a row's texts may have. What counts is the UTF-8 of the mapped texts, whatever the
            format, and the caller counts it; a line that is `LINE_SHARE` times longer is passed over unread
            (`row_too_long`), so that one endless line cannot fill the memory.

    Raises:
        InputError: the file is missing, cut off or of another format.
    """
    if check_suffix(path) == "parquet":
        return _parquet_rows(Path(path), columns)
    return _json_rows(Path(path), LINE_SHARE * max_bytes)


def _parquet_rows(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, dict[str, Any] | Drop]]:
    number = 0
    with open_parquet(path, fix=_AGAIN) as file:
        wanted = [name for name in columns if name in file.schema_arrow.names]
        for batch in file.iter_batches(batch_size=_BATCH, columns=wanted, use_threads=False):
            for row in batch.to_pylist():
                number += 1
                yield number, row


def _json_rows(path: Path, max_bytes: int) -> Iterator[tuple[int, dict[str, Any] | Drop]]:
    number = 0
    try:
        with _open(path) as lines:
            while line := lines.readline(max_bytes + 1):
                number += 1
                if len(line) > max_bytes and not line.endswith(b"\n"):
                    yield number, Drop("row_too_long", f"{_rest_of_line(lines) + len(line)} bytes")
                elif line.strip():
                    yield number, _object(line)
    except (OSError, EOFError, zlib.error, pa.ArrowInvalid) as error:
        raise InputError(f"{path}: cannot be read after row {number} ({error}); {_AGAIN}") from error


def _open(path: Path) -> io.BufferedIOBase:
    if path.suffix == ".gz":
        return gzip.open(path, "rb")  # type: ignore[return-value]
    return io.BufferedReader(pa.input_stream(str(path), compression=_COMPRESSION.get(path.suffix)), 1 << 20)


def _rest_of_line(lines: io.BufferedIOBase) -> int:
    length = 0
    while part := lines.readline(1 << 20):
        length += len(part)
        if part.endswith(b"\n"):
            break
    return length


def _object(line: bytes) -> dict[str, Any] | Drop:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError is a ValueError
        return Drop("malformed_row", f"no valid JSON ({error})")
    return row if isinstance(row, dict) else Drop("malformed_row", "no JSON object")
