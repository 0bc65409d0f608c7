"""Conservation: every row is kept or dropped, at every stage and between the stages."""

from pathlib import Path

import pytest
import resulttree as tree
from hypothesis import given
from hypothesis import strategies as st
from megascience.report.conservation import check, conserve, unit_of, yield_tables
from megascience.storage.drops import Drop
from megascience.storage.errors import ConservationError, InputError
from megascience.storage.layout import dropped_path
from megascience.storage.parquet import write_records
from megascience.storage.tables import read_tsv
from owned import SCHEMAS, write_dropped


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tree.build(tmp_path)


def run(root: Path):
    return conserve(tree.kept(root), tree.BOOKS)


def numbers(counts):
    return (counts.rows_in, counts.rows_kept, counts.rows_dropped, counts.rows_out)


def test_counts_of_each_stage(root: Path) -> None:
    counts = run(root)
    assert numbers(counts["digitize", "physics"]) == (4, 3, 1, 3)
    assert numbers(counts["digitize", "biology"]) == (3, 2, 1, 2)  # two pages and an unreadable book
    assert numbers(counts["chunk", "physics"]) == (3, 2, 1, 1)
    assert numbers(counts["chunk", "medicine"]) == (2, 2, 0, 1)  # pages of a book at home in biology
    assert numbers(counts["extract", "physics"]) == (2, 2, 0, 3)
    assert numbers(counts["extract", "biology"]) == (2, 1, 1, 1)
    assert numbers(counts["dedup", "physics"]) == (3, 2, 1, 2)
    assert numbers(counts["filter", "biology"]) == (1, 0, 1, 0)
    assert numbers(counts["reference", "physics"]) == (2, 2, 0, 2)
    assert counts["extract", "physics"].reasons == {"incomplete_pair": 1}


def test_tables_add_up(root: Path, tmp_path: Path) -> None:
    yields, reasons = tmp_path / "yield.tsv", tmp_path / "yield_reasons.tsv"
    yield_tables(kept=tree.kept(root), books=tree.BOOKS, yields=yields, reasons=reasons)
    counts = dict.fromkeys(("rows_in", "rows_kept", "rows_dropped"), int)
    rows = read_tsv(yields, counts)
    assert list(rows["stage"][:5]) == [*["digitize"] * 2, *["classify"] * 2, "chunk"]
    assert (rows["rows_in"] == rows["rows_kept"] + rows["rows_dropped"]).all()
    by_reason = read_tsv(reasons, {"rows": int}).set_index(["stage", "discipline", "reason"])["rows"]
    assert by_reason["filter", "biology", "rejected"] == 1
    assert by_reason["digitize", "biology", "book_unreadable"] == 1
    first = yields.read_bytes()
    yield_tables(kept=list(reversed(tree.kept(root))), books=tree.BOOKS, yields=yields, reasons=reasons)
    assert yields.read_bytes() == first


def without(root: Path, stage: str, discipline: str, identifier: str) -> None:
    """Take a row out of a stage's kept file."""
    from megascience.storage.parquet import read_records

    file = tree.path(root, stage, discipline)
    key = SCHEMAS[stage].names[0]
    write_records(file, [row for row in read_records(file) if row[key] != identifier], SCHEMAS[stage])


@pytest.mark.parametrize(
    ("stage", "discipline", "identifier"),
    [
        ("refine", "physics", "p1"),
        ("dedup", "physics", "p2"),
        ("extract", "biology", "p4"),
        ("chunk", "physics", "c1"),
        ("reference", "physics", "p1"),
    ],
)
def test_lost_row_is_named(root: Path, stage: str, discipline: str, identifier: str) -> None:
    without(root, stage, discipline, identifier)
    with pytest.raises(ConservationError) as error:
        run(root)
    shown = {"p4": "c3:low", "c1": "waves:1, waves:2"}.get(identifier, identifier)
    assert stage in str(error.value)
    assert shown in str(error.value)


def test_lost_page_is_noticed(root: Path) -> None:
    without(root, "digitize", "biology", "cells:1")
    with pytest.raises(ConservationError, match="chunks begin or end on pages that never came in: cells:1"):
        run(root)


def test_book_without_pages_is_noticed(root: Path) -> None:
    write_dropped(dropped_path(tree.path(root, "digitize", "biology")), "digitize", [])
    with pytest.raises(ConservationError, match="a book without a page, kept or dropped: torn"):
        run(root)


def test_row_both_kept_and_dropped(root: Path) -> None:
    dropped = dropped_path(tree.path(root, "filter", "physics"))
    write_dropped(dropped, "filter", [("p1", Drop("rejected"))])
    with pytest.raises(ConservationError, match="both kept and dropped: p1"):
        run(root)


def test_row_dropped_twice(root: Path) -> None:
    dropped = dropped_path(tree.path(root, "filter", "biology"))
    write_dropped(dropped, "filter", [("p4", Drop("rejected")), ("p4", Drop("rejected"))])
    with pytest.raises(ConservationError, match="more than once: p4"):
        run(root)


def test_unit_both_barren_and_fruitful(root: Path) -> None:
    dropped = dropped_path(tree.path(root, "extract", "physics"))
    write_dropped(dropped, "extract", [("c1:low", Drop("no_pairs"))])
    with pytest.raises(ConservationError, match="units both dropped and kept: c1:low"):
        run(root)


def test_unit_whose_pairs_were_all_left_out_counts_as_dropped(root: Path) -> None:
    without(root, "extract", "biology", "p4")
    dropped = dropped_path(tree.path(root, "extract", "biology"))
    drops = [("c3:high", Drop("no_pairs")), ("c3:low#1", Drop("copied_answer")), ("c3:low#2", Drop("copied_answer"))]
    write_dropped(dropped, "extract", drops)
    counts = check("extract", [tree.path(root, "chunk", "biology")], [tree.path(root, "extract", "biology")], [dropped])
    assert numbers(counts) == (2, 0, 2, 0)
    assert counts.reasons == {"no_pairs": 1, "copied_answer": 2}


def test_repeated_chunk_is_no_lost_page(root: Path) -> None:
    drops = [("waves:3", Drop("no_text")), ("c1", Drop("repeated_chunk")), ("c1", Drop("repeated_chunk"))]
    write_dropped(dropped_path(tree.path(root, "chunk", "physics")), "chunk", drops)
    assert numbers(run(root)["chunk", "physics"]) == (3, 2, 1, 1)


def test_row_that_never_came_in(root: Path) -> None:
    file = tree.path(root, "refine", "biology")
    extra = tree.pair("p9", "c3", "cells", "biology", "low")
    write_records(file, [tree.pair("p4", "c3", "cells", "biology", "low"), extra], SCHEMAS["refine"])
    with pytest.raises(ConservationError, match="kept but never came in: p9"):
        run(root)


def test_shard_that_is_not_there(root: Path) -> None:
    files = [f for f in tree.kept(root) if f != tree.path(root, "refine", "biology")]
    with pytest.raises(ConservationError, match="biology"):
        conserve(files, tree.BOOKS)


def test_same_id_in_two_disciplines_after_dedup(root: Path) -> None:
    double = tree.pair("p1", "c3", "cells", "biology", "low")
    for stage in ("extract", "dedup", "refine"):
        write_records(tree.path(root, stage, "biology"), [double], SCHEMAS[stage])
    for stage in ("judge_cot", "distill_cot"):
        write_records(tree.path(root, stage, "biology"), [{**double, "has_reasoning": True}], SCHEMAS[stage])
    write_dropped(dropped_path(tree.path(root, "filter", "biology")), "filter", [("p1", Drop("rejected"))])
    with pytest.raises(ConservationError, match="dedup.*more than once: p1"):
        run(root)


def test_branch_without_a_stage_adds_up(root: Path) -> None:
    files = [f for f in tree.kept(root) if f.parent.parent.name in ("digitize", "chunk", "extract", "dedup")]
    assert len(conserve(files, tree.BOOKS)) == 2 + 3 + 3 + 3


def test_torn_file_is_bad_input(root: Path) -> None:
    tree.path(root, "refine", "physics").write_bytes(b"PAR1")
    with pytest.raises(InputError, match="refine/physics/000.parquet"):
        run(root)


@given(
    rows=st.sets(st.integers(0, 40), max_size=25),
    kept=st.sets(st.integers(0, 40), max_size=25),
    lost=st.sets(st.integers(0, 40), max_size=25),
)
def test_law_of_conservation(tmp_path_factory: pytest.TempPathFactory, rows: set, kept: set, lost: set) -> None:
    """The check passes if and only if the rows are the disjoint union of kept and dropped ones."""
    folder = tmp_path_factory.mktemp("law")
    files = [folder / "in.parquet", folder / "kept.parquet", folder / "lost.parquet"]
    for file, ids in zip(files[:2], (rows, kept), strict=True):
        write_records(file, [{"qa_id": str(i)} for i in ids], SCHEMAS["dedup"])
    write_dropped(files[2], "dedup", [(str(i), Drop("near_duplicate")) for i in lost])
    good = kept | lost == rows and not kept & lost
    try:
        counts = check("dedup", files[:1], files[1:2], files[2:])
        assert good
        assert numbers(counts) == (len(rows), len(kept), len(lost), len(kept))
    except ConservationError:
        assert not good


def test_unit_of() -> None:
    assert unit_of("c1:low#3") == unit_of("c1:low") == "c1:low"
