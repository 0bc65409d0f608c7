"""The released dataset: its files, the provenance of each row, the card."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import resulttree as tree
import yaml
from hypothesis import given
from hypothesis import strategies as st
from megascience.datasets.card import front_matter
from megascience.datasets.decontamination_quality import read_measured, record_measured
from megascience.datasets.textbooks import provenance_schema, sorted_blocks
from megascience.report.conservation import yield_tables
from megascience.storage.errors import InputError
from megascience.storage.layout import stage_files
from megascience.storage.parquet import read_records, write_records
from owned import SCHEMAS

MODEL_STAGES = ("extract", "refine", "judge_cot", "distill_cot", "filter", "decontaminate", "reference")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tree.build(tmp_path / "results")


def test_rows_are_released_in_the_order_of_ids(root: Path, tmp_path: Path) -> None:
    output = tree.release(root, tmp_path / "out")
    rows = read_records(output / "train.parquet")
    assert pq.read_schema(output / "train.parquet").names == ["question", "answer", "subject", "reference_answer", "id"]
    assert [(row["id"], row["subject"]) for row in rows] == [("p1", "physics"), ("p2", "physics")]
    assert rows[0]["question"] == "What is p1 in physics?"
    assert rows[1]["answer"].startswith("Since one follows")
    assert [json.loads(line) for line in (output / "train.jsonl").read_text().splitlines()] == rows


def test_provenance_of_each_row(root: Path, tmp_path: Path) -> None:
    output = tree.release(root, tmp_path / "out")
    assert pq.read_schema(output / "provenance.parquet").names == provenance_schema(MODEL_STAGES).names
    p1, p2 = read_records(output / "provenance.parquet")
    assert (p1["id"], p1["book_id"], p1["title"], p1["sha256"]) == ("p1", "waves", "Waves", "ab" * 32)
    assert (p1["page_first"], p1["page_last"], p1["chunk_id"], p1["standard"]) == (1, 2, "c1", "high")
    assert (p1["extract_prompt_hash"], p2["extract_prompt_hash"]) == ("high-hash", "low-hash")
    assert (p1["refine_prompt_hash"], p1["refine_model"], p1["refine_revision"]) == (
        "refine-hash",
        "teacher/base",
        "r1",
    )
    # p1 had its reasoning, so that the model which writes it was not asked.
    assert (p1["distill_cot_model"], p1["distill_cot_prompt_hash"]) == (None, None)
    assert p2["distill_cot_model"] == "teacher/base"


def test_same_bytes_whatever_the_order_of_the_files(root: Path, tmp_path: Path) -> None:
    first = tree.release(root, tmp_path / "a")
    second = tree.release(
        root,
        tmp_path / "b",
        references=stage_files(root, "reference")[::-1],
        chunks=stage_files(root, "chunk")[::-1],
        books=tree.BOOKS[::-1],
    )
    for file in ("train.parquet", "train.jsonl", "provenance.parquet", "README.md"):
        assert (first / file).read_bytes() == (second / file).read_bytes(), file


def test_card(root: Path, tmp_path: Path) -> None:
    yields = tmp_path / "yield.tsv"
    yield_tables(kept=tree.kept(root), books=tree.BOOKS, yields=yields, reasons=tmp_path / "reasons.tsv")
    text = (tree.release(root, tmp_path / "out", yields=yields) / "README.md").read_text()
    _, head, body = text.split("---\n", 2)
    matter = yaml.safe_load(head)
    assert matter["license"] == ["cc-by-4.0"]
    assert matter["size_categories"] == ["n<1K"]
    assert [config["data_files"][0]["path"] for config in matter["configs"]] == ["train.parquet", "provenance.parquet"]
    assert "| physics   |      2 |" in body
    assert "| extract " in body
    assert "| Waves   | CC-BY-4.0 |" in body
    assert "| refine        | teacher/base | r1         |" in body
    assert "Cells" not in body  # nothing of it was released
    assert "1 pairs of a question and a near benchmark item were judged" in body


def test_card_tells_the_measured_quality_of_those_that_were_used(root: Path, tmp_path: Path) -> None:
    relations = {"relation": "light_paraphrase", "contaminated": True, "pairs": 47}
    found = {**relations, "embedding": 1.0, "n-grams": 0.25, "both": 1.0}
    said = {**relations, "yes": 40, "no": 6, "unreadable": 1}
    measured = tmp_path / "measured.json"
    judge = {"model": "teacher/base", "revision": "r1", "prompt_hash": "h", "precision": 0.5, "recall": 0.871}
    record_measured(measured, "retrieval", {"model": "m", "revision": "1", "k": 5, "items": 20000, "rows": [found]})
    record_measured(measured, "judge", {**judge, "rows": [said]})
    record_measured(measured, "judge", {**judge, "prompt_hash": "of another prompt", "precision": 0.9, "rows": []})
    (verdicts,) = root.glob("decontaminate/*/*.verdicts.parquet")
    made = {"model": "teacher/base", "revision": "r1", "prompt_hash": "h"}
    write_records(verdicts, read_records(verdicts), SCHEMAS["verdicts"], made)

    def body(name: str, **used) -> str:
        return (tree.release(root, tmp_path / name, measured=measured, **used) / "README.md").read_text()

    text = body("one", embedder=("m", "1"))
    assert "| light paraphrase | yes            |      47 |       1.000 |     0.250 |  1.000 |" in text
    assert "searched in an index of 20,000 items with m" in text
    assert "its precision is 0.500 and its recall 0.871" in text
    assert "| light paraphrase | yes            |      47 |    40 |    6 |            1 |" in text
    text = body("two", embedder=("m", "2"))
    assert "The retrieval of m was not measured" in text and "0.250" not in text
    write_records(verdicts, read_records(verdicts), SCHEMAS["verdicts"], {**made, "prompt_hash": "new"})
    assert "The judge of teacher/base was not measured" in body("three", embedder=("m", "1"))
    record_measured(measured, "judge", {**judge, "prompt_hash": "new", "precision": None, "recall": 0.0, "rows": []})
    assert "it dropped none, so that its precision is not defined, and its recall 0.000" in body("five")
    assert "Quality of the decontamination" not in body("four", embedder=("m", "1"), verdicts=[])


def test_a_measurement_replaces_the_earlier_one_of_the_same_model(tmp_path: Path) -> None:
    path = tmp_path / "measured.json"
    for model, items in (("b", 1), ("a", 2), ("b", 3)):
        entry = {"model": model, "revision": "1", "k": 5, "items": items, "rows": []}
        record_measured(path, "retrieval", entry)
    found = read_measured(path)
    assert [(entry["model"], entry["items"]) for entry in found["retrieval"]] == [("a", 2), ("b", 3)]
    path.write_text('{"retrieval": [{}], "judge": []}')
    with pytest.raises(InputError, match="measured.json: cannot be read as measured quality"):
        read_measured(path)


def test_titles_are_no_markup(root: Path, tmp_path: Path) -> None:
    books = [*tree.BOOKS]
    books[0] = type(books[0])(**{**vars(books[0]), "title": "<img src=x onerror=alert(1)>|](y)\n# head"})
    text = (tree.release(root, tmp_path / "out", books=books) / "README.md").read_text()
    assert "<img" not in text
    assert "\n# head" not in text
    assert r"\|\](y)" in text


def test_empty_dataset_is_still_a_dataset(root: Path, tmp_path: Path) -> None:
    write_records(tree.path(root, "reference", "physics"), [], SCHEMAS["reference"], tree.FILES)
    output = tree.release(root, tmp_path / "out")
    assert pq.read_table(output / "train.parquet").num_rows == 0
    assert pq.read_schema(output / "provenance.parquet").names[0] == "id"
    assert (output / "train.jsonl").read_bytes() == b""


def test_doubled_id_is_refused(root: Path, tmp_path: Path) -> None:
    row = read_records(tree.path(root, "reference", "physics"))[0]
    write_records(tree.path(root, "reference", "biology"), [row], SCHEMAS["reference"], tree.FILES)
    with pytest.raises(
        InputError, match=r"id p1 is released twice, in .*biology/000.parquet and .*physics/000.parquet"
    ):
        tree.release(root, tmp_path / "out")
    assert not (tmp_path / "out" / "train.parquet").exists()


def test_what_is_missing_is_named(root: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="book 'waves' of a released row is not on the shelf"):
        tree.release(root, tmp_path / "out", books=[])
    with pytest.raises(InputError, match="the chunk of row p1 is not among the chunk files"):
        tree.release(root, tmp_path / "out", chunks=[tree.path(root, "chunk", "biology")])
    with pytest.raises(InputError, match="refine: no file of shard medicine/000"):
        tree.release(root, tmp_path / "out", stage_files={"refine": [tree.path(root, "refine", "biology")]})
    write_records(tree.path(root, "filter", "physics"), [], SCHEMAS["filter"])
    with pytest.raises(InputError, match=r"filter/physics/000.parquet: its footer does not tell the prompt_hash"):
        tree.release(root, tmp_path / "out")


@given(st.sets(st.text("abc01", min_size=1, max_size=3)), st.integers(1, 7), st.integers(1, 3))
def test_blocks_hold_every_row_once_in_order(
    tmp_path_factory: pytest.TempPathFactory, ids: set[str], block: int, files: int
) -> None:
    folder = tmp_path_factory.mktemp("blocks")
    shuffled = sorted(ids, key=lambda i: i[::-1])
    paths = [folder / f"{n}.parquet" for n in range(files)]
    for n, path in enumerate(paths):
        rows = [{**tree.pair(i, "c", "b", "physics", "low"), "reference_answer": i} for i in shuffled[n::files]]
        write_records(path, rows, SCHEMAS["reference"])
    blocks = list(sorted_blocks(paths, block))
    assert [i for b in blocks for i in b.column("qa_id").to_pylist()] == sorted(ids)
    assert all(len(b) == block for b in blocks[:-1])
    for b in blocks:
        for row in b.to_pylist():
            assert row["reference_answer"] == row["qa_id"] in shuffled[row["source"] :: files]


@pytest.mark.parametrize(
    ("rows", "size"), [(0, "n<1K"), (999, "n<1K"), (1000, "1K<n<10K"), (651_840, "100K<n<1M"), (2_000_000, "1M<n<10M")]
)
def test_size_category(rows: int, size: str) -> None:
    matter = yaml.safe_load(front_matter("x", rows, ["MIT", "Own terms"]).split("---")[1])
    assert matter["size_categories"] == [size]
    assert matter["license"] == ["mit", "other"]
