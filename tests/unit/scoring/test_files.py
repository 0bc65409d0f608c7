"""Scoring of files: formats, columns that stay, faults that name their row."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from megascience.scoring.files import score_file

ROWS = [
    {"id": 1, "completion": "The answer is \\boxed{B}.", "reference": "B", "kind": "choice", "options": ["x", "y"]},
    {"id": 2, "completion": "So v = 72 km/h.", "reference": "20", "kind": "quantity", "unit": "m/s"},
    {"id": 3, "completion": "The answer is 6.", "reference": "5"},
    {"id": 4, "completion": "No idea.", "reference": "5"},
    {"id": 5, "completion": "The answer is 5.2.", "reference": "5", "kind": "number", "preset": "paper"},
]


def write(path, rows=ROWS):
    if path.suffix == ".parquet":
        names = dict.fromkeys(name for row in rows for name in row)
        pq.write_table(pa.table({name: [row.get(name) for row in rows] for name in names}), path)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.parquet"])
@pytest.mark.parametrize("out", ["out.jsonl", "out.parquet"])
def test_rows_are_scored_and_kept(tmp_path, name, out):
    summary = score_file(write(tmp_path / name), tmp_path / out)
    assert summary == {"n": 5, "correct": 3, "wrong": 1, "unreadable": 1, "accuracy": 0.6}
    if out.endswith("parquet"):
        rows = pq.read_table(tmp_path / out).to_pylist()
    else:
        rows = [json.loads(line) for line in (tmp_path / out).read_text(encoding="utf-8").splitlines()]
    assert [row["id"] for row in rows] == [1, 2, 3, 4, 5]
    assert rows[1]["unit"] == "m/s"
    assert [row["verdict"] for row in rows] == ["correct", "correct", "wrong", "unreadable", "correct"]
    assert rows[0]["extracted"] == "B" and rows[0]["rule"] == "box"
    assert rows[3]["extracted"] is None


def test_without_output_nothing_is_written(tmp_path):
    score_file(write(tmp_path / "rows.jsonl"))
    assert [path.name for path in tmp_path.iterdir()] == ["rows.jsonl"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"completion": None}, "column 'completion' is missing"),
        ({"reference": 5}, "column 'reference' is missing or no text"),
        ({"kind": "letter"}, "kind 'letter' does not exist"),
        ({"preset": "strict"}, "preset 'strict' does not exist"),
        ({"options": "x, y"}, "column 'options' is not a list of texts"),
        ({"unit": 5}, "column 'unit' is not a text"),
        ({"tolerance": "2 %"}, "column 'tolerance' is '2 %'; give a share"),
    ],
)
def test_faults_name_file_row_and_column(tmp_path, change, message):
    with pytest.raises(ValueError, match="rows.jsonl, row 2") as caught:
        score_file(write(tmp_path / "rows.jsonl", [ROWS[0], {**ROWS[1], **change}]))
    assert message in str(caught.value)


def test_broken_lines_name_their_row(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(ROWS[0]) + "\n{", encoding="utf-8")
    with pytest.raises(ValueError, match="row 2: no JSON object"):
        score_file(path)


def test_an_empty_file_has_no_accuracy(tmp_path):
    assert score_file(write(tmp_path / "rows.jsonl", []))["accuracy"] is None
