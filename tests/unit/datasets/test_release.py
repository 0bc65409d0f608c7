"""A release's files can be read by other people's loaders, whatever is null in them."""

import json
import subprocess
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.json
import pyarrow.parquet as pq
import pytest
from megascience.datasets.release import Release
from megascience.datasets.textbooks import TRAIN

TRAINING = Path(__file__).parents[3] / ".venv/train/bin/python"

#: More than a loader looks at before it decides on the columns' types.
MANY, LONG = 3000, "x" * 3500


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    """Rows whose subject and reference are null but for the last one."""
    folder = tmp_path_factory.mktemp("release")
    rows = [{"question": f"What is {n}? {LONG}", "answer": f"It is {n}.", "id": f"{n:016x}"} for n in range(MANY)] + [
        {"question": "Late?", "answer": "Yes.", "subject": "physics", "reference_answer": "yes", "id": "f" * 16}
    ]
    provenance = pa.schema([("id", pa.string())])
    with Release(folder, TRAIN, provenance) as made:
        made.add(pa.Table.from_pylist(rows, TRAIN), pa.table({"id": [row["id"] for row in rows]}))
    return folder


def test_a_null_text_is_empty_in_jsonl_and_null_in_parquet(release):
    first = json.loads((release / "train.jsonl").open().readline())
    assert (first["subject"], first["reference_answer"]) == ("", "")
    assert pq.read_table(release / "train.parquet").schema.remove_metadata() == TRAIN
    assert pq.read_table(release / "train.parquet")["subject"].null_count == MANY


def test_pandas_and_arrow_read_both_files(release):
    lines = pd.read_json(release / "train.jsonl", lines=True, dtype=False)
    table = pd.read_parquet(release / "train.parquet")
    assert list(lines["reference_answer"]) == [""] * MANY + ["yes"]
    assert table["reference_answer"].isna().sum() == MANY and list(table["id"]) == list(lines["id"])
    assert pyarrow.json.read_json(release / "train.jsonl").num_rows == MANY + 1


LOADERS = """
import sys
from datasets import load_dataset
for kind, name in (("json", "train.jsonl"), ("parquet", "train.parquet")):
    rows = load_dataset(kind, data_files=sys.argv[1] + "/" + name, cache_dir=sys.argv[2] + "/" + kind, split="train")
    print(len(rows), rows[-1]["reference_answer"])
"""


@pytest.mark.model
@pytest.mark.skipif(not TRAINING.is_file(), reason="needs `make set-up`: the training environment")
def test_the_datasets_library_reads_both_files(release, tmp_path):
    done = subprocess.run(
        [TRAINING, "-c", LOADERS, release, tmp_path],
        capture_output=True,
        text=True,
        env={"HF_HUB_OFFLINE": "1", "HOME": str(tmp_path)},
    )
    assert done.stdout.split("\n")[:2] == [f"{MANY + 1} yes"] * 2, done.stderr
