"""One reader of Parquet files, with one set of messages."""

import re
from pathlib import Path

import pyarrow as pa
import pytest
from megascience.storage import parquet
from megascience.storage.errors import InputError

LIBRARY = Path(parquet.__file__).parents[1]
SCHEMA = pa.schema([("id", pa.string()), ("text", pa.string())])
ROWS = [{"id": f"r{n}", "text": f"text {n}"} for n in range(5)]
OTHER = pa.schema([("id", pa.string()), ("answer", pa.string())])

#: Every way to read a file: how, and whether it asks for the column `answer`.
READERS = {
    "read_table": lambda path: parquet.read_table(path, OTHER),
    "read_records": lambda path: parquet.read_records(path, OTHER),
    "read_columns": lambda path: parquet.read_columns(path, ["answer"]),
    "iter_batches": lambda path: list(parquet.iter_batches(path, ["answer"])),
    "iter_records": lambda path: list(parquet.iter_records(path, ["answer"])),
    "find_rows": lambda path: parquet.find_rows([path], "answer", "r1"),
    "read_schema": parquet.read_schema,
    "read_metadata": parquet.read_metadata,
    "count_rows": parquet.count_rows,
    "id_column": parquet.id_column,
}
ASKING = [name for name in READERS if not READERS[name] == getattr(parquet, name)]


@pytest.fixture
def path(tmp_path):
    parquet.write_records(tmp_path / "rows.parquet", ROWS, SCHEMA, {"stage": "refine"})
    return tmp_path / "rows.parquet"


def test_what_was_written_is_read(path):
    assert parquet.read_records(path, SCHEMA) == ROWS == list(parquet.iter_records(path, rows=2))
    assert [len(batch) for batch in parquet.iter_batches(path, ["text"], rows=2)] == [2, 2, 1]
    assert parquet.read_columns(path, ["text", "id"]).column_names == ["text", "id"]
    assert parquet.read_schema(path) == SCHEMA and not parquet.read_schema(path).metadata
    assert parquet.read_metadata(path) == {"schema_version": "1", "stage": "refine"}
    assert (parquet.count_rows(path), parquet.id_column(path)) == (5, "id")


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("content", [b"", b"text", b"PAR1 and no end"])
def test_a_file_that_is_not_parquet(path, name, content):
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"rows\.parquet: not a readable Parquet file \(.*\); delete it and run again"):
        READERS[name](path)


@pytest.mark.parametrize("name", READERS)
def test_a_file_that_is_cut_off(path, name):
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match=r"rows\.parquet: not a readable Parquet file"):
        READERS[name](path)


@pytest.mark.parametrize("name", ASKING)
def test_a_file_without_a_column(path, name):
    message = r"rows\.parquet: column 'answer' is missing \(it has id, text\); delete it and run again"
    with pytest.raises(InputError, match=message):
        READERS[name](path)


@pytest.mark.parametrize("name", [name for name in READERS if name != "find_rows"])
def test_a_file_that_is_not_there(tmp_path, name):
    with pytest.raises(InputError, match=r"none\.parquet: not a readable Parquet file"):
        READERS[name](tmp_path / "none.parquet")


def test_a_users_own_file_is_not_to_be_deleted(path):
    path.write_bytes(b"text")
    with pytest.raises(InputError, match=r"; fetch it again$"):
        parquet.read_records(path, fix="fetch it again")


def test_a_table_without_columns_has_no_ids(tmp_path):
    parquet.write_table(tmp_path / "bare.parquet", pa.table({}))
    with pytest.raises(InputError, match=r"bare\.parquet: a table without columns"):
        parquet.id_column(tmp_path / "bare.parquet")


def test_nobody_else_reads_parquet():
    """But for scoring, which imports nothing of ours."""
    own = [Path(parquet.__file__), *(LIBRARY / "scoring").rglob("*.py")]
    reading = re.compile(r"\bpq\.(read_\w+|ParquetFile\()|parquet\.read_table")
    found = [str(file.relative_to(LIBRARY)) for file in LIBRARY.rglob("*.py") if reading.search(file.read_text())]
    assert [name for name in found if LIBRARY / name not in own] == []
