"""What of a dataset is trained on: one schema, and no answer without its end."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from megascience.models.training_rows import SCHEMA, TEMPLATE_TOKENS, write_training_rows
from megascience.storage.errors import InputError
from megascience.storage.parquet import read_records
from tokenizers import Tokenizer, models, pre_tokenizers

ROOM = 10
CUTOFF = ROOM + TEMPLATE_TOKENS


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    """One token a word, whatever the word."""
    made = Tokenizer(models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    path = tmp_path_factory.mktemp("base") / "tokenizer.json"
    made.save(str(path))
    return path


def run(folder, rows, tokenizer, **changes):
    columns = ("question", "answer", "id")
    table = {name: pa.array([row[k] for row in rows], pa.string()) for k, name in enumerate(columns)}
    pq.write_table(pa.table(table), folder / "train.parquet")
    given = {"tokenizer": tokenizer, "cutoff_len": CUTOFF, **changes}
    counts = write_training_rows(folder / "train.parquet", folder / "out.parquet", folder / "gone.parquet", **given)
    return counts, read_records(folder / "out.parquet"), read_records(folder / "gone.parquet")


ROWS = [
    ("What is it?", "It is what it is.", "fits"),
    ("word " * 4, "word " * 6, "just fits"),
    ("word " * 4, "word " * 7, "one too many"),
    ("unbreakable" * 9, "a", "long in letters only"),
]


def test_a_row_that_would_lose_its_end_is_left_out(tmp_path, tokenizer):
    counts, kept, gone = run(tmp_path, ROWS, tokenizer)
    assert (counts.rows_in, counts.too_long, counts.trained) == (4, 1, 3)
    assert [row["question"] for row in kept] == [row[0] for row in ROWS if row[2] != "one too many"]
    assert gone == [{"id": "one too many", "stage": "train", "reason": "too_long_to_train", "detail": "11 tokens"}]


def test_or_is_kept_for_the_trainer_to_cut(tmp_path, tokenizer):
    counts, kept, gone = run(tmp_path, ROWS, tokenizer, too_long="cut")
    assert (counts.too_long, counts.trained, len(kept), gone) == (1, 4, 4, [])


def test_or_stops_the_training(tmp_path, tokenizer):
    with pytest.raises(InputError, match=r"train\.parquet, row 3: 11 tokens .*more than cutoff_len 74; raise it"):
        run(tmp_path, ROWS, tokenizer, too_long="refuse")
    assert not (tmp_path / "out.parquet").exists()


def test_nothing_left_is_an_error(tmp_path, tokenizer):
    with pytest.raises(InputError, match="each of its 1 rows is longer"):
        run(tmp_path, ROWS[2:3], tokenizer)


def test_a_tokenizer_is_needed_only_for_long_texts(tmp_path):
    assert run(tmp_path, [("Why?", "So.", "a")], tmp_path / "none.json")[0].trained == 1
    with pytest.raises(InputError, match=r"none\.json: not a readable tokenizer"):
        run(tmp_path, ROWS, tmp_path / "none.json")


@given(st.lists(st.tuples(st.integers(1, 12), st.integers(1, 12)), min_size=1, max_size=8))
def test_rows_in_are_rows_trained_on_and_rows_dropped(tmp_path_factory, tokenizer, sizes):
    folder = tmp_path_factory.mktemp("rows")
    rows = [("word " * q, "word " * a, str(n)) for n, (q, a) in enumerate(sizes)]
    long = [str(n) for n, (q, a) in enumerate(sizes) if q + a > ROOM]
    if len(long) == len(rows):
        return
    counts, kept, gone = run(folder, rows, tokenizer)
    assert [row["id"] for row in gone] == long
    assert counts.rows_in == len(rows) == len(kept) + len(gone) and counts.trained == len(kept)


def test_what_the_trainer_reads_has_its_types_in_the_file(tmp_path, tokenizer):
    run(tmp_path, ROWS, tokenizer)
    assert pq.read_schema(tmp_path / "out.parquet").remove_metadata() == SCHEMA
