"""The mixture: which rows of its parts are released, why the others are not, and what vouches for each."""

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from megascience.datasets.mixture import Portion, build_mixture, draw
from megascience.datasets.release import BLOCK_ROWS
from megascience.datasets.selection import order_key
from megascience.datasets.textbooks import TRAIN
from megascience.storage.errors import InputError
from megascience.storage.parquet import read_records, write_records
from megascience.storage.tables import read_tsv
from owned import SCHEMAS

WORDS = [f"w{k}" for k in range(400)]


def question(number: int, words: int = 30) -> str:
    return " ".join(random.Random(number).choices(WORDS, k=words)) + "?"


def changed(text: str, words: int) -> str:
    """The text with so many of its words exchanged, evenly spread."""
    tokens = text.split()
    for k in range(words):
        tokens[(2 * k + 1) * len(tokens) // (2 * words)] = f"other{k}"
    return " ".join(tokens)


def public(identifier: str, text: str, **given: Any) -> dict[str, Any]:
    row = {"qa_id": identifier, "source": "s", "question": text, "answer": f"Answer {identifier}.", "licence": "MIT"}
    return {**row, "reference_answer": "r", "file": "f.jsonl", "row": 7, "row_id": "own", "revision": "abc", **given}


def textbook(identifier: str, text: str, **given: Any) -> dict[str, Any]:
    row = {"qa_id": identifier, "chunk_id": "c", "book_id": "b", "discipline": "physics", "standard": "high"}
    return {**row, "question": text, "answer": f"Answer {identifier}.", "reference_answer": "r", **given}


ANNOTATED = SCHEMAS["import_source"].append(pa.field("annotated", pa.bool_()))


class Mix:
    """A folder with the files of some parts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.portions: list[Portion] = []
        self.out = folder / "out"

    def files(self, name: str, rows: Sequence[dict], schema: pa.Schema, shards: int, **footer: str) -> list[Path]:
        paths = []
        for k in range(shards):
            paths.append(self.folder / name / f"{k:03d}.parquet")
            write_records(paths[-1], rows[k::shards], schema, footer)
        return paths

    def public(self, name: str, rows: Sequence[dict], shards: int = 2, **given: Any) -> None:
        files = self.files(name, rows, ANNOTATED, shards, prompt_hash="p-annotate", model="deep", revision="r3")
        footer = {"prompt_hash": "p", "model": "m", "revision": "r"}
        judged = self.files(f"{name}-judged", [], SCHEMAS["import_source"], shards, **footer)
        self.portions.append(Portion(name, name, files, {"decontaminate": judged, "annotate": files}, **given))

    def textbooks(self, rows: Sequence[dict], shards: int = 2, **given: Any) -> None:
        files = self.files("books", rows, SCHEMAS["reference"], shards)
        schema = pa.schema(
            [(n, pa.string()) for n in ("id", "book_id", "title", "decontaminate_model", "reference_model")]
            + [("page_first", pa.int64())]
        )
        told = [
            {"id": row["qa_id"], "book_id": "b", "title": "Waves", "decontaminate_model": "judge", "page_first": 3}
            for row in sorted(rows, key=lambda row: row["qa_id"])
        ]
        provenance = self.folder / "provenance.parquet"
        write_records(provenance, told, schema)
        self.portions.append(Portion("textbook_reasoning", "textbook_reasoning", files, {}, provenance, **given))

    def build(self, **given: Any) -> list[dict[str, Any]]:
        settings = {"threshold": 0.6, "bands": 32, "rows": 4, **given}
        build_mixture(
            self.portions,
            name="mega",
            output=self.out,
            dropped=self.folder / "dropped.parquet",
            counts=self.folder / "counts.tsv",
            **settings,
        )
        return read_records(self.out / "train.parquet")

    def dropped(self) -> dict[str, tuple[str, str]]:
        rows = read_records(self.folder / "dropped.parquet")
        assert {row["stage"] for row in rows} <= {"mixture"}
        return {row["id"]: (row["reason"], row["detail"]) for row in rows}


@pytest.fixture
def mix(tmp_path: Path) -> Mix:
    mix = Mix(tmp_path)
    mix.textbooks([textbook(f"t{k}", question(k)) for k in range(4)])
    mix.public("nature", [public(f"n{k}", question(10 + k), annotated=True, subject="law") for k in range(5)])
    return mix


def test_rows_of_all_parts_in_the_order_of_ids(mix: Mix) -> None:
    rows = mix.build()
    assert [row["id"] for row in rows] == ["n0", "n1", "n2", "n3", "n4", "t0", "t1", "t2", "t3"]
    assert pq.read_schema(mix.out / "train.parquet").names == [*TRAIN.names, "source"]
    assert {(row["id"][0], row["source"], row["subject"]) for row in rows} == {
        ("n", "nature", "law"),
        ("t", "textbook_reasoning", "physics"),
    }
    assert [json.loads(line) for line in (mix.out / "train.jsonl").read_text().splitlines()] == [
        {name: "" if value is None else value for name, value in row.items()} for row in rows
    ]
    assert mix.dropped() == {}


def test_provenance_of_each_row(mix: Mix) -> None:
    mix.build()
    told = {row["id"]: row for row in read_records(mix.out / "provenance.parquet")}
    assert list(told) == [f"n{k}" for k in range(5)] + [f"t{k}" for k in range(4)]
    own, book = told["n1"], told["t1"]
    assert (own["source"], own["file"], own["row"], own["row_id"], own["revision"], own["licence"]) == (
        ("nature", "f.jsonl", 7, "own", "abc", "MIT")
    )
    assert (own["annotate_model"], own["annotate_prompt_hash"], own["annotate_revision"]) == (
        "deep",
        "p-annotate",
        "r3",
    )
    assert (own["decontaminate_model"], own["title"], own["page_first"]) == ("m", None, None)
    assert (book["title"], book["page_first"], book["decontaminate_model"]) == ("Waves", 3, "judge")
    assert (book["file"], book["annotate_model"]) == (None, None)


def test_what_passed_the_annotation_untouched_was_not_asked_about(tmp_path: Path) -> None:
    mix = Mix(tmp_path)
    mix.public("nature", [public("a", question(1), annotated=True), public("b", question(2))])
    mix.build()
    told = {row["id"]: row["annotate_model"] for row in read_records(mix.out / "provenance.parquet")}
    assert told == {"a": "deep", "b": None}


def test_of_near_duplicates_the_row_of_the_earlier_part_is_kept(mix: Mix) -> None:
    near, far = changed(question(2), 1), changed(question(3), 6)
    mix.public("later", [public("z-near", near), public("z-far", far), public("z-same", question(11))])
    rows = {row["id"] for row in mix.build()}
    assert rows >= {"t2", "t3", "z-far", "n1"} and not rows & {"z-near", "z-same"}
    dropped = mix.dropped()
    assert dropped["z-near"][0] == "near_duplicate"
    assert dropped["z-near"][1].startswith("t2 of textbook_reasoning (similarity 0.")
    assert dropped["z-same"] == ("near_duplicate", "n1 of nature (similarity 1.000)")


def test_rows_of_one_part_are_not_compared(tmp_path: Path) -> None:
    mix = Mix(tmp_path)
    mix.public("one", [public("a", question(1)), public("b", question(1)), public("c", question(2))])
    mix.public("two", [public("d", question(3)), public("e", question(1))])
    assert [row["id"] for row in mix.build()] == ["a", "b", "c", "d"]


def test_a_copy_of_a_dropped_row_is_kept(tmp_path: Path) -> None:
    """b resembles a and is dropped for it; c resembles only b, so that nothing that is released repeats it."""
    mix = Mix(tmp_path)
    first = question(1, 40)
    second = changed(first, 3)
    third = " ".join(f"late{k}" if k % 13 == 0 else w for k, w in enumerate(second.split()))
    mix.public("two", [public("b", second)])
    mix.public("three", [public("c", third)])
    assert [row["id"] for row in mix.build()] == ["b"]
    mix.public("one", [public("a", first)])
    mix.portions = [mix.portions[2], *mix.portions[:2]]
    assert [row["id"] for row in mix.build()] == ["a", "c"]


def test_a_row_without_an_answer_is_left_out_and_keeps_no_other_out(tmp_path: Path) -> None:
    mix = Mix(tmp_path)
    mix.public("one", [public("a", question(1), answer=None), public("b", question(2), answer=" ")])
    mix.public("two", [public("c", question(1)), public("d", question(2))])
    assert [row["id"] for row in mix.build()] == ["c", "d"]
    assert mix.dropped() == dict.fromkeys("ab", ("incomplete_pair", "one: no question or no answer"))


def test_rows_in_are_rows_kept_and_rows_dropped(tmp_path: Path) -> None:
    mix = Mix(tmp_path)
    mix.public("one", [public(f"a{k}", question(k)) for k in range(8)], n=5)
    mix.public("two", [public(f"b{k}", question(k + 6), answer=None if k == 9 else "x") for k in range(10)])
    rows = mix.build()
    counts = read_tsv(mix.folder / "counts.tsv", {})
    assert list(counts) == ["part", "source", "rows_in", "incomplete", "duplicates", "not_drawn", "rows_kept"]
    assert counts.to_numpy().tolist() == [
        ["one", "one", "8", "0", "0", "3", "5"],
        ["two", "two", "10", "1", "2", "0", "7"],
    ]
    gone = mix.dropped()
    assert len(rows) == 12 and len(gone) == 6 and not gone.keys() & {row["id"] for row in rows}


def test_n_draws_the_smallest_hashes_of_what_is_left(tmp_path: Path) -> None:
    mix = Mix(tmp_path)
    mix.public("one", [public("a0", question(0))])
    mix.public("two", [public(f"b{k}", question(k)) for k in range(9)], n=4)
    wanted = sorted((f"b{k}" for k in range(1, 9)), key=lambda i: order_key(5, i))[:4]
    assert {row["id"] for row in mix.build(seed=5)} == {"a0", *wanted}
    assert [r for r, _ in mix.dropped().values()].count("not_selected") == 4


def sizes(there: Sequence[int], parts: Sequence[dict[str, Any]]) -> list[int]:
    portions = [Portion(f"p{k}", "s", [], **part) for k, part in enumerate(parts)]
    owners = np.repeat(np.arange(len(there)), there)
    ids = pa.array([f"{k}" for k in range(len(owners))])
    taken = draw("mega", portions, ids, owners, np.ones(len(owners), bool), 0)
    return np.bincount(owners[taken], minlength=len(there)).tolist()


@pytest.mark.parametrize(
    ("there", "parts", "expected"),
    [
        ([10, 20], [{}, {}], [10, 20]),
        ([10, 20], [{}, {"n": 5}], [10, 5]),
        ([30, 100], [{}, {"share": 0.25}], [30, 10]),
        ([30, 100, 100], [{"n": 20}, {"share": 0.5}, {"share": 0.25}], [20, 40, 20]),
        ([100, 30], [{"share": 0.75}, {"share": 0.25}], [90, 30]),
        ([0, 5], [{"share": 0.5}, {"share": 0.5}], [0, 0]),
    ],
)
def test_sizes_of_the_parts(there: list[int], parts: list[dict[str, Any]], expected: list[int]) -> None:
    assert sizes(there, parts) == expected


def test_more_rows_than_there_are(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"datasets.mega.mixture, part 2 \(p1\): share asks for 30 rows, but of 20"):
        sizes([30, 20], [{}, {"share": 0.5}])
    mix = Mix(tmp_path)
    mix.public("one", [public("a", question(0))])
    mix.public("two", [public("b", question(0)), public("c", question(1))], n=2)
    message = "n asks for 2 rows, but of 2 that came in 1 have an answer and repeat no earlier part; lower n"
    with pytest.raises(InputError, match=message):
        mix.build()
    assert not mix.out.exists()


def test_an_id_in_two_parts(tmp_path: Path) -> None:
    mix = Mix(tmp_path)
    mix.public("one", [public("a", question(0))])
    mix.public("two", [public("a", question(1))])
    with pytest.raises(InputError, match="id a comes twice; two of its parts take the same rows"):
        mix.build()


def test_a_textbook_row_without_provenance(mix: Mix) -> None:
    table = pq.read_table(mix.folder / "provenance.parquet")
    pq.write_table(table.slice(1), mix.folder / "provenance.parquet")
    with pytest.raises(InputError, match="row t0 is not in it; release its dataset again"):
        mix.build()
    assert not (mix.out / "train.parquet").exists()


def test_same_bytes_however_the_rows_are_sharded(tmp_path: Path) -> None:
    found = []
    for run, shards in (("a", 1), ("b", 3)):
        mix = Mix(tmp_path / run)
        mix.public("one", [public(f"n{k}", question(k)) for k in range(20)], shards, n=15)
        mix.public("two", [public(f"m{k}", question(k)) for k in range(10, 40)], shards)
        mix.build(seed=3)
        names = ("train.parquet", "train.jsonl", "provenance.parquet", "README.md")
        found.append([(mix.out / name).read_bytes() for name in names])
    assert found[0] == found[1]


def test_more_rows_than_a_block_holds(tmp_path: Path) -> None:
    mix = Mix(tmp_path)
    ids = [f"{k:06d}" for k in range(BLOCK_ROWS + 500)]
    random.Random(0).shuffle(ids)
    mix.public("one", [public(i, question(int(i), 5)) for i in ids], 3)
    assert [row["id"] for row in mix.build()] == sorted(ids)
    told = pq.read_table(mix.out / "provenance.parquet", columns=["id"])["id"].to_pylist()
    assert told == sorted(ids)


def test_card(mix: Mix) -> None:
    mix.public("more", [public("z", question(11), licence="CC-BY-NC-4.0"), public("y", question(60))])
    mix.build()
    text = (mix.out / "README.md").read_text()
    _, head, body = text.split("---\n", 2)
    assert yaml.safe_load(head)["license"] == ["mit", "other"]
    assert "10 questions with worked answers, mixed of 3 parts" in body
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in body.splitlines() if line.startswith("|")]
    assert ["more", "more", "2", "0", "1", "0", "1"] in lines
    assert ["law", "5"] in lines and ["not stated", "1"] in lines and ["all", "10"] in lines
    assert ["annotate", "deep", "r3"] in lines and ["decontaminate", "m", "r"] in lines
    assert ["nature", "MIT", "5"] in lines and [r"textbook\_reasoning", "see its books", "4"] in lines


def test_no_row_at_all_is_still_a_dataset(tmp_path: Path) -> None:
    mix = Mix(tmp_path)
    mix.public("one", [])
    mix.public("two", [])
    assert mix.build() == []
    assert (mix.out / "train.jsonl").read_bytes() == b""
