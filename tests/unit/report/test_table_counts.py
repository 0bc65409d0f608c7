"""Tables of counts: what extraction found and what was left, with the paper's numbers beside ours."""

from pathlib import Path

import pandas as pd
import pytest
import resulttree as tree
from megascience.report.conservation import yield_tables
from megascience.report.tables.counts import Part, counts_table, curation_table, extraction_table, sources_table
from megascience.storage.tables import table_of, write_table


def rows_of(table: pd.DataFrame) -> dict[str, dict]:
    return {row[table.columns[0]]: row for row in table.to_dict("records")}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tree.build(tmp_path / "results")


def test_extraction_by_discipline(root: Path) -> None:
    disciplines = ("physics", "biology", "medicine")
    chunks = {d: [tree.path(root, "chunk", d)] for d in disciplines}
    pairs = {d: [tree.path(root, "extract", d)] for d in disciplines}
    rows = rows_of(extraction_table(chunks, pairs, {("physics", "pairs_low"): 54263.0}))
    assert rows["physics"] == {
        "discipline": "physics",
        "books": 1,
        "chunks": 1,
        "chunks_with_pairs": 1,
        "pairs_high": 1,
        "pairs_low": 2,
        "pairs_low_paper": 54263,
    }
    assert (rows["all"]["books"], rows["all"]["chunks"]) == (2, 3)  # one book is of two disciplines
    assert (rows["all"]["pairs_high"], rows["all"]["pairs_low"]) == (2, 3)
    assert rows["all"]["pairs_low_paper"] is None


def test_curation_by_discipline(root: Path, tmp_path: Path) -> None:
    yields = tmp_path / "yield.tsv"
    yield_tables(kept=tree.kept(root), books=tree.BOOKS, yields=yields, reasons=tmp_path / "reasons.tsv")
    table = curation_table(yields, {("all", "extracted"): 945683.0})
    assert list(table) == [
        "discipline",
        "extracted",
        "extracted_paper",
        "deduplicated",
        "filtered",
        "decontaminated",
        "released",
    ]
    assert list(table["discipline"]) == ["biology", "medicine", "physics", "all"]
    rows = rows_of(table)
    assert [rows["physics"][c] for c in ("extracted", "deduplicated", "filtered", "released")] == [3, 2, 2, 2]
    assert [rows["all"][c] for c in ("extracted", "extracted_paper", "filtered")] == [5, 945683, 2]


def test_without_the_papers_numbers_there_are_no_columns_for_them() -> None:
    table = counts_table("source", pd.DataFrame({"raw": {"a": 3, "b": 4}}), {("c", "raw"): 9.0}, "Rows.")
    assert list(table) == ["source", "raw"]
    assert table.attrs["caption"] == "Rows."


def test_sources_of_a_mixture(tmp_path: Path) -> None:
    columns = ("stage", "discipline", "rows_in", "rows_out")
    web = [("import_source", "web", 100, 90), ("dedup", "web", 90, 80), ("decontaminate", "web", 80, 70)]
    books = [("extract", d, 9, 40) for d in ("physics", "biology")] + [("reference", "physics", 40, 30)]
    write_table(table_of(columns, web), tmp_path / "web.tsv")
    write_table(table_of(columns, books), tmp_path / "books.tsv")
    (tmp_path / "random.json").write_text('{"rows": 70, "eligible": 70, "selected": 20}')
    kept = [("random", "web", 19), ("textbook_reasoning", "textbook_reasoning", 30)]
    write_table(table_of(("part", "source", "rows_kept"), kept), tmp_path / "counts.tsv")
    parts = [
        Part("web", tmp_path / "web.tsv", tmp_path / "random.json"),
        Part("textbook_reasoning", tmp_path / "books.tsv"),
    ]
    table = sources_table("all_sources", parts, tmp_path / "counts.tsv", {("web", "raw"): 1145800.0})
    rows = rows_of(table)
    assert list(rows) == ["web", "textbook_reasoning", "all_sources"]
    assert rows["web"] == {
        "source": "web",
        "raw": 100,
        "raw_paper": 1145800,
        "deduplicated": 80,
        "decontaminated": 70,
        "selected": 20,
        "mixed": 19,
    }
    assert [rows["textbook_reasoning"][c] for c in ("raw", "decontaminated", "selected", "mixed")] == [30] * 4
    assert [rows["all_sources"][c] for c in ("raw", "selected", "mixed")] == [130, 50, 49]
