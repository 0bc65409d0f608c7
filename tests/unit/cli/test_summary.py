"""Summary: where the results are, the yield in brief, three rows in full."""

from pathlib import Path

import pytest
import resulttree as tree
from megascience.cli.summary import summary
from megascience.datasets.textbooks import TRAIN
from megascience.report.conservation import yield_tables
from megascience.storage.errors import InputError
from megascience.storage.parquet import record_writer


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tree.build(tmp_path / "results")


def test_everything_is_named(root: Path) -> None:
    tree.release(root, root / "dataset" / "mini")
    tables = root / "tables"
    yield_tables(
        kept=tree.kept(root), books=tree.BOOKS, yields=tables / "yield.tsv", reasons=tables / "yield_reasons.tsv"
    )
    for name in ("tables/main.tsv", "tables/cost.tsv", "figures/yield.pdf", "train/tuned/model.json"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("")
    text = summary(root)
    for line in (
        f"dataset      {root}/dataset/mini",
        f"checkpoint   {root}/train/tuned",
        f"score table  {root}/tables/main.tsv",
        f"yield table  {root}/tables/yield_reasons.tsv",
        f"figure       {root}/figures/yield.pdf",
    ):
        assert line in text.splitlines()
    yields = {line.split()[0]: line.split()[1:] for line in text.splitlines() if line.startswith(("extract", "filter"))}
    assert yields["extract"] == ["6", "2", "5"]
    assert yields["filter"] == ["3", "1", "2"]
    assert "2 rows in" in text
    assert (
        "question:\n    What is p1 in physics?\nanswer:\n    It is p1. That is all.\nreference_answer:\n    p1" in text
    )


def test_unfinished_run_shows_what_is_there(root: Path) -> None:
    assert summary(root) == ""
    with pytest.raises(InputError, match="no such folder"):
        summary(root / "nowhere")


def many(root: Path, count: int) -> None:
    with record_writer(root / "dataset" / "many" / "train.parquet", TRAIN) as append:
        for n in range(count):
            row = dict.fromkeys(TRAIN.names, f"text {n}")
            append({**row, "id": f"{n:05d}", "answer": "\x1b[2J" if n == 1500 else "plain", "reference_answer": None})


def test_rows_of_public_sources_may_have_no_subject(root: Path) -> None:
    with record_writer(root / "dataset" / "mixture" / "train.parquet", TRAIN) as append:
        append({"question": "Why?", "answer": "So.", "subject": None, "reference_answer": None, "id": "a"})
    assert "== a (no subject)" in summary(root)


def test_shown_rows_are_spread_and_harmless(root: Path) -> None:
    many(root, 9000)  # three groups of rows
    text = summary(root)
    assert [line.split()[1] for line in text.splitlines() if line.startswith("== ")] == ["01500", "04500", "07500"]
    assert "\\x1b[2J" in text
    assert "\x1b" not in text
    assert text == summary(root)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_fewer_rows_than_are_shown(root: Path, count: int) -> None:
    many(root, count)
    assert summary(root).count("== ") == count
    assert f"{count} rows in" in summary(root)
