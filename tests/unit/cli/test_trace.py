"""Trace: a row's whole life, dropped rows, the evidence of contamination, all harmless at a terminal."""

from pathlib import Path

import pyarrow as pa
import pytest
import resulttree as tree
from hypothesis import given
from hypothesis import strategies as st
from megascience.cli.contamination import contamination
from megascience.cli.dropped import dropped
from megascience.cli.terminal import changes, side_by_side
from megascience.cli.trace import trace
from megascience.inference.completions import COMPLETIONS
from megascience.stages.prompting.prompt import load_prompt
from megascience.storage.drops import Drop
from megascience.storage.errors import InputError
from megascience.storage.layout import completions_path, dropped_path
from megascience.storage.parquet import find_rows, read_records, write_records
from owned import SCHEMAS, write_dropped

PROMPT = """---
answer:
  question: text
  answer: text
---
{% block user %}Fix {{ question }} by {{ document }}{% endblock %}
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tree.build(tmp_path / "results")


def section(text: str, name: str) -> str:
    return text.split(f"== {name}\n")[1].split("\n\n== ")[0]


def test_life_of_a_released_row(root: Path) -> None:
    text = trace(root, "p1")
    assert text.startswith("pair p1 (physics/000, high standard): released\nbook waves, pages 1 to 2\n")
    assert "read by pdftext 1.0" in text
    assert "    The text of c1.\n    Its second line.\n" in text
    order = [text.index(f"== {stage}") for stage in tree_stages()]
    assert order == sorted(order)
    extracted = section(text, "extract")
    assert "hash physics_high-hash" in extracted
    assert "model teacher/base, revision r1" in extracted
    assert "    <question>raw p1" in extracted
    assert "raw low" not in extracted  # that is what the other standard's prompt gave
    refined = section(text, "refine")
    assert "  - What is p1?\n  + What is p1 in physics?" in refined
    assert "raw completion:\n    refined p1" in refined
    assert "set reference_answer: p1" in section(text, "reference")
    assert "the model was not asked" in section(text, "distill_cot")
    assert "mini i7: no (similarity 0.7500" in section(text, "decontaminate")


def tree_stages() -> list[str]:
    return ["extract", "dedup", "refine", "judge_cot", "distill_cot", "filter", "decontaminate", "reference"]


def test_preferred_copy_names_what_it_displaced(root: Path) -> None:
    assert "preferred to p3 (physics/000; p2 (similarity 0.800))" in section(trace(root, "p2"), "dedup")
    assert "preferred" not in trace(root, "p1")


def test_life_of_a_dropped_row_ends_with_the_reason(root: Path) -> None:
    text = trace(root, "p4")
    assert text.startswith("pair p4 (biology/000, low standard): dropped by filter\n")
    assert text.endswith("dropped: rejected (the model's verdict was against the row)\n    it contradicts itself")
    assert "== decontaminate" not in text


def test_row_on_its_way_and_row_that_was_lost(root: Path) -> None:
    tree.path(root, "reference", "physics").unlink()
    assert "still on its way" in trace(root, "p1")
    tree.write(root, "filter", "physics", [])
    assert trace(root, "p1").endswith("lost by filter: neither kept nor dropped")


def branch(root: Path, left_out: str, stages: tuple[str, ...], released: bool = True) -> None:
    """Give physics a branch: p1 goes through it unchanged, p2 is dropped at its first stage."""
    rows = {row["qa_id"]: row for row in read_records(tree.path(root, "dedup", "physics"))}
    for number, stage in enumerate(stages):
        own = root / stage / "physics.no_refine" / "000.parquet"
        drops = [("p2", Drop("unreadable", "not in this branch"))] if number == 0 else []
        more = {"reference_answer": "p1", "has_reasoning": True}
        write_records(own, [{**rows["p1"], **more}], SCHEMAS[stage])
        write_dropped(dropped_path(own), stage, drops)
    if released:
        names = [f"{stage}_model" for stage in tree_stages()[2:] if stage != left_out]
        schema = pa.schema([("id", pa.string()), ("title", pa.string()), ("book_id", pa.string())])
        schema = pa.schema([*schema, *((name, pa.string()) for name in names)])
        row = {"id": "p1", "title": "Waves", "book_id": "waves"}
        write_records(root / "dataset" / "no_refine" / "provenance.parquet", [row], schema)


def test_branches_are_told_from_where_they_leave_the_trunk(root: Path) -> None:
    branch(root, "refine", tree_stages()[3:])
    trunk, rest = trace(root, "p1").split("\n\n==== branch no_refine: released\n")
    assert "== refine" in trunk and "What is p1 in physics?" in trunk
    assert "== refine" not in rest and "in physics" not in rest, "the branch never saw what refine made"
    assert [line for line in rest.splitlines() if line.startswith("== ")] == [f"== {s}" for s in tree_stages()[3:]]
    assert rest.endswith("in the datasets no_refine")
    trunk, rest = trace(root, "p2").split("\n\n==== branch no_refine: ")
    assert rest.startswith("dropped by judge_cot\n") and "not in this branch" in rest
    assert trunk.startswith("pair p2 (physics/000, low standard): released")
    assert "branch" not in trace(root, "p3"), "it was dropped before"


def test_branch_that_is_not_released_yet(root: Path) -> None:
    branch(root, "refine", tree_stages()[3:4], released=False)
    assert "==== branch no_refine: not released yet" in trace(root, "p1")


def source(root: Path) -> dict:
    """Write a public source of two rows, of which s1 is selected for a mixture and s2 a copy of it."""
    place = {"source": "web", "licence": "CC-BY-4.0", "file": "full.jsonl", "row": 7, "row_id": "w7", "revision": "abc"}
    row = {"qa_id": "s1", "question": "Why?", "answer": None, "reference_answer": "So.", **place}
    for stage in ("import_source", "dedup", "decontaminate"):
        rows = [row, {**row, "qa_id": "s2"}] if stage == "import_source" else [row]
        write_records(root / stage / "web" / "000.parquet", rows, SCHEMAS["import_source"])
        drops = [("s2", Drop("near_duplicate", "s1 (similarity 1.000)"))] if stage == "dedup" else []
        write_dropped(root / stage / "web" / "000.dropped.parquet", stage, drops)
    score = {"id": "s1", "mean": 6.5, "spread": 1.0, "n_scored": 16, "n_unreadable": 0, "scores": [6] * 16}
    write_records(root / "difficulty_score" / "web" / "000.parquet", [score], SCHEMAS["difficulty_score"])
    write_records(root / "select" / "web.hard" / "000.parquet", [row], SCHEMAS["import_source"])
    write_records(root / "select" / "web.random" / "000.parquet", [], SCHEMAS["import_source"])
    write_dropped(root / "select" / "web.random" / "000.dropped.parquet", "select", [("s1", Drop("not_selected"))])
    annotated = root / "annotate" / "web.hard" / "000.parquet"
    write_records(annotated, [{**row, "answer": "Because."}], SCHEMAS["import_source"])
    completion = tree.completion("s1", "annotate", "<answer>Because.</answer>")
    write_records(completions_path(annotated), [completion], COMPLETIONS)
    schema = pa.schema([("id", pa.string()), ("file", pa.string())])
    write_records(root / "dataset" / "mixed" / "provenance.parquet", [{"id": "s1", "file": "full.jsonl"}], schema)
    return row


def test_life_of_a_row_of_a_public_source(root: Path) -> None:
    source(root)
    text = trace(root, "s1")
    assert text.startswith("row s1 (web/000): released\nsource web, revision abc, licence CC-BY-4.0\n")
    assert "\nfile full.jsonl, row 7, its own id w7\n" in text
    assert "  question:\n    Why?\n  answer:\n    (none)" in section(text, "import_source")
    assert "preferred to s2 (web/000" in section(text, "dedup")
    assert "mean 6.5, spread 1.0, n_scored 16" in section(text, "difficulty_score of web")
    assert section(text, "select hard") == "taken"
    assert section(text, "select random").startswith("dropped: not_selected")
    annotated = section(text, "annotate hard")
    assert "model teacher/base, revision r1" in annotated and "    <answer>Because.</answer>" in annotated
    assert "set answer: Because." in annotated
    assert text.endswith("in the datasets mixed")
    assert trace(root, "s2").startswith("row s2 (web/000): dropped by dedup\n")


def test_dropped_rows_of_a_source(root: Path) -> None:
    source(root)
    assert list(dropped(root, "select")) == ["s1\tweb.random\t000\tnot_selected\t"]


def test_title_comes_from_the_provenance(root: Path) -> None:
    tree.release(root, root / "dataset" / "mini")
    assert "book waves “Waves”, pages 1 to 2" in trace(root, "p2")


def test_prompt_file_is_found_by_its_hash(root: Path, tmp_path: Path) -> None:
    prompts = tmp_path / "prompts"
    prompts.mkdir()
    (prompts / "refine.j2").write_text(PROMPT)
    assert "prompt refine, which is not in" in trace(root, "p1", prompts)
    made = {**tree.completion("p1", "refine", "x"), "prompt_hash": load_prompt(prompts / "refine.j2").hash}
    tree.completions(root, "refine", "physics", [made])
    assert f"prompt {prompts}/refine.j2, hash {made['prompt_hash']}" in trace(root, "p1", prompts)
    assert "user message" not in trace(root, "p1", prompts)
    shown = section(trace(root, "p1", prompts, render=True), "refine")
    assert "user message:\n    Fix What is p1? by The text of c1.\n    Its second line." in shown


def test_chunk_and_unit(root: Path) -> None:
    chunk = trace(root, "c1")
    assert "extract, high standard" in chunk
    assert "raw low" in chunk
    assert "pairs of this chunk: p1, p2, p3" in chunk
    unit = trace(root, "c3:low")
    assert "extract, high standard" not in unit
    assert "dropped: unreadable" in unit
    assert "\\x1b[2Jwiped" in unit
    assert "dropped: incomplete_pair" in trace(root, "c1:low#3")


def test_book_and_page(root: Path) -> None:
    assert "== digitize: biology/000\ndropped: book_unreadable" in trace(root, "torn")
    assert "dropped: page_empty" in trace(root, "waves:4")


def test_unknown_id_and_folder(root: Path) -> None:
    with pytest.raises(InputError, match="p99: no row, chunk or dropped row"):
        trace(root, "p99")
    with pytest.raises(InputError, match="nowhere: no such folder"):
        trace(root / "nowhere", "p1")


def test_dropped_rows(root: Path) -> None:
    lines = [line.split("\t") for line in dropped(root, "extract")]
    assert ["c3:low", "medicine", "000", "unreadable", "\\x1b[2Jwiped"] in lines
    assert len(lines) == 3
    assert len(list(dropped(root, "extract", limit=2))) == 2
    assert list(dropped(root, "extract", limit=0)) == []
    assert [line.split("\t")[0] for line in dropped(root, "extract", "no_pairs")] == ["c3:high"]


def test_dropped_rows_of_what_is_not_there(root: Path) -> None:
    with pytest.raises(InputError, match="'sketch' is not a stage; known: digitize"):
        dropped(root, "sketch")
    with pytest.raises(InputError, match="'boredom' is not a reason for a drop"):
        dropped(root, "filter", "boredom")
    with pytest.raises(InputError, match="no dropped rows are recorded"):
        dropped(root / "other", "filter")


def test_evidence_stands_side_by_side(root: Path) -> None:
    text = contamination(root, "p1", 60)
    assert "QUESTION" in text
    assert "What is p1 in physics?" in text
    assert "| What is q in physics?" in text
    assert "\\x1b[31m different things" in text
    assert "\x1b" not in text
    with pytest.raises(InputError, match="p2: no pair of this id was compared"):
        contamination(root, "p2")


def test_what_the_search_left_out_was_judged_by_nobody(root: Path) -> None:
    file = tree.path(root, "search", "physics")
    (near,) = read_records(file, SCHEMAS["search"])
    far = {**near, "pair_id": "p1-far", "item_id": "i9", "similarity": 0.25, "skipped": True}
    write_records(file, [near, far], SCHEMAS["search"])
    text = contamination(root, "p1", 60)
    assert "mini i9: skipped (similarity 0.2500" in text
    assert text.count("judged by") == 1 and "no rationale" not in text


def test_find_rows_reads_only_where_the_value_is(root: Path) -> None:
    files = [tree.path(root, "extract", d) for d in ("biology", "physics")] + [root / "no.parquet"]
    assert [(p.parent.name, r["qa_id"]) for p, r in find_rows(files, "chunk_id", "c1")] == [
        ("physics", "p1"),
        ("physics", "p2"),
        ("physics", "p3"),
    ]
    assert find_rows(files, "qa_id", "p") == []
    assert find_rows(files[1:2], "qa_id", "p1")[0][1] == read_records(files[1])[0]


@given(st.text("ab. \n", max_size=60), st.text("ab. \n", max_size=60))
def test_changes_hold_both_texts(before: str, after: str) -> None:
    lines = changes(before, after)

    def words(signs: str) -> list[str]:
        return [w for line in lines if line[0] in signs for w in line[2:].split()]

    assert words(" -") == before.split()
    assert words(" +") == after.split()


@given(st.text(), st.text(), st.integers(20, 100))
def test_columns_keep_to_the_width(left: str, right: str, width: int) -> None:
    assert all(len(line) <= width for line in side_by_side(left, right, width).split("\n"))


def test_what_annotation_and_mixture_did_to_a_row(root: Path) -> None:
    row = source(root)
    hard = root / "annotate" / "web.hard_below_6" / "000.parquet"
    write_records(hard, [{**row, "answer": "Therefore."}], SCHEMAS["import_source"])
    dropped_by = root / "annotate" / "web.random" / "000.parquet"
    write_records(dropped_by, [], SCHEMAS["import_source"])
    write_dropped(dropped_by.with_suffix(".dropped.parquet"), "annotate", [("s1", Drop("too_long", "9000 tokens"))])
    copy = ("s1", Drop("near_duplicate", "p1 of textbook_reasoning (similarity 0.900)"))
    write_dropped(root / "mixture" / "mega" / "000.dropped.parquet", "mixture", [copy])
    text = trace(root, "s1")
    assert "set answer: Therefore." in section(text, "annotate hard_below_6")  # against the row that was selected
    assert section(text, "annotate random").endswith("9000 tokens")
    assert "p1 of textbook_reasoning (similarity 0.900)" in section(text, "mixture mega")
    assert len(list(dropped(root, "mixture"))) == 1
