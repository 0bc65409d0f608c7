"""Lengths: counted in batches, written and read back, and their density."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from megascience.report.token_lengths import (
    Lengths,
    column_lengths,
    count_answers,
    density,
    mean_length,
    read_lengths,
    write_lengths,
)
from megascience.storage.errors import InputError
from megascience.storage.parquet import write_records


def pairs(lengths: Lengths) -> dict[float, float]:
    return dict(zip(*(array.tolist() for array in lengths), strict=True))


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    file = tmp_path / "train.parquet"
    rows = [{"answer": "word " * n} for n in (300, 3, 30, 3, 0)]
    write_records(file, rows, pa.schema([("answer", pa.string())]))
    return file


def test_answers_are_counted_by_length(dataset: Path, tmp_path: Path) -> None:
    lengths = count_answers(dataset, lambda text: len(text.split()))
    assert pairs(lengths) == {1: 1, 3: 2, 30: 1, 300: 1}  # an empty answer has a place on the log axis
    assert mean_length(lengths) == pytest.approx(337 / 5)
    write_lengths(tmp_path / "lengths.tsv", lengths)
    assert pairs(read_lengths(tmp_path / "lengths.tsv")) == pairs(lengths)


def test_column_of_several_files(tmp_path: Path) -> None:
    files = []
    for i, values in enumerate(([5, None, 0], [5, 7])):
        files.append(tmp_path / f"{i}.parquet")
        write_records(files[-1], [{"n_tokens": n} for n in values], pa.schema([("n_tokens", pa.int64())]))
    assert pairs(column_lengths(files, "n_tokens")) == {1: 1, 5: 2, 7: 1}
    assert mean_length(column_lengths([], "n_tokens")) is None


def test_faulty_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.tsv").write_text("tokens\trows\n5\tmany\n")
    with pytest.raises(InputError, match=r"x\.tsv: cannot be read as a table: .*many"):
        read_lengths(tmp_path / "x.tsv")


def counted(values: np.ndarray) -> Lengths:
    return np.unique(values, return_counts=True)


@given(st.lists(st.integers(1, 100_000), min_size=1, max_size=50))
def test_density_integrates_to_one(lengths: list[int]) -> None:
    x, y = density(counted(np.array(lengths, dtype=float)))
    logs = np.log10(x)
    assert np.sum(y) * (logs[1] - logs[0]) == pytest.approx(1, abs=0.02)
    assert (y >= 0).all()


def test_density_has_the_shape_of_the_lengths() -> None:
    rng = np.random.default_rng(0)
    x, y = density(counted(10 ** rng.normal(2.5, 0.3, 5000)))
    logs = np.log10(x)
    weights = y * (logs[1] - logs[0])
    mean = np.sum(logs * weights)
    assert mean == pytest.approx(2.5, abs=0.02)
    assert np.sum((logs - mean) ** 2 * weights) ** 0.5 == pytest.approx(0.3, abs=0.02)


def test_density_weighs_lengths_by_their_texts() -> None:
    many = counted(np.array([10.0] * 300 + [1000.0] * 100))
    x, y = density(many)
    weights = y / y.sum()
    assert weights[x < 100].sum() == pytest.approx(0.75, abs=0.01)
