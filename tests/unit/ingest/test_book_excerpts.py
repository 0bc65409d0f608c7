"""Classification of books: what the model sees, what it is asked, and what the shelf or its answer decides."""

import pytest
import resulttree as tree
from megascience.inference.completions import COMPLETIONS
from megascience.inference.parse import parse_shard
from megascience.ingest.book_excerpts import book_records, books_of, contents_of, sample_of
from megascience.ingest.books import Book
from megascience.report.conservation import check, conserve
from megascience.stages.prompting.prompt import load_prompt
from megascience.stages.stage import get_stage
from megascience.storage.drops import Drop
from megascience.storage.errors import ConservationError
from megascience.storage.layout import UNCLASSIFIED, completions_path, dropped_path
from megascience.storage.parquet import read_records, write_records
from owned import SCHEMAS

STAGE = get_stage("classify")
PROMPTS = tree.Path(__file__).parents[3] / "prompts"
OFFERED = ["physics", "biology", "medicine"]
SHOWN = {"contents_chars": 200, "sample_pages": 2, "page_chars": 50}


def book(book_id="waves", disciplines=("physics",), level="undergraduate"):
    return Book(book_id, disciplines, "Waves", "w.pdf", "", "MIT", "", level)


def record(disciplines=(), level="", offered=OFFERED):
    return {
        "book_id": "waves",
        "title": "Waves",
        "disciplines": list(disciplines),
        "level": level,
        "offered": offered,
        "contents": "1 Sound",
        "sample": "A wave …",
    }


def rendered(name, **known):
    return "\n".join(m["content"] for m in load_prompt(PROMPTS / name).render(STAGE.fields(record(**known))))


# --- who is asked


def test_what_the_shelf_says_is_not_asked():
    assert STAGE.fields(record(["physics"], "graduate")) is None
    assert STAGE.fields(record(["physics"], "school")) == Drop("below_university", "the shelf says so")
    assert STAGE.fields(record([], "school")) == Drop("below_university", "the shelf says so")
    both = STAGE.fields(record())
    assert both["subject"] is None and both["level"] is None
    assert STAGE.fields(record(["computer_science"]))["subject"] == "COMPUTER SCIENCE"
    assert STAGE.fields(record(["biology", "medicine"]))["subject"] == "BIOLOGY AND MEDICINE"
    assert STAGE.fields(record(["physics", "chemistry"]))["subject"] in ("PHYSICS", "CHEMISTRY")
    assert STAGE.fields(record(level="graduate"))["level"] == "GRADUATE"


@pytest.mark.parametrize("name", ["classify.j2", "small/classify.j2"])
def test_the_prompt_tells_what_is_settled(name):
    assert "settled" not in rendered(name) and "The subject is" not in rendered(name)
    subject, level = rendered(name, disciplines=["medicine"]), rendered(name, level="graduate")
    assert ("judge the level only" if name == "classify.j2" else "The subject is MEDICINE.") in subject
    assert ("judge the subject only" if name == "classify.j2" else "The level is GRADUATE.") in level


# --- what is decided


@pytest.mark.parametrize(
    ("known", "answer", "decided"),
    [
        ({}, ("PHYSICS", "UNDERGRADUATE"), (["physics"], "undergraduate")),
        ({}, ("BIOLOGY AND MEDICINE", "GRADUATE"), (["biology", "medicine"], "graduate")),
        ({"offered": ["biology"]}, ("BIOLOGY AND MEDICINE", "GRADUATE"), (["biology"], "graduate")),
        ({"disciplines": ["physics"]}, ("OTHER", "GRADUATE"), (["physics"], "graduate")),
        ({"level": "graduate"}, ("BIOLOGY", "SCHOOL"), (["biology"], "graduate")),
        ({}, ("PHYSICS", "SCHOOL"), "below_university"),
        ({"disciplines": ["physics"]}, ("PHYSICS", "SCHOOL"), "below_university"),
        ({}, ("OTHER", "GRADUATE"), "other_subject"),
        ({}, ("ECONOMICS", "GRADUATE"), "other_subject"),
    ],
)
def test_the_shelf_wins_and_the_answer_fills_what_it_leaves_open(known, answer, decided):
    subject, level = answer
    outcome = STAGE.parse({"subject": subject, "level": level, "analysis": "as it looks"}, record(**known))
    if isinstance(decided, str):
        assert outcome == Drop(decided, f"{subject}, {level}: as it looks")
    else:
        assert (outcome["disciplines"], outcome["level"]) == decided


def test_an_unreadable_verdict_lets_no_book_through(tmp_path):
    rows = [{**record(), "book_id": f"b{n}"} for n in range(5)] + [record(["physics"], "graduate")]
    answers = [
        "<subject>PHYSICS</subject><level>GRADUATE</level>",
        "<subject>PHYSICS</subject><level>COLLEGE</level>",
        "It is a fine book of physics, for students.",
        "<subject>ALCHEMY</subject><level>GRADUATE</level>",
        "<level>GRADUATE</level>",
    ]
    prompt = PROMPTS / "small" / "classify.j2"
    loaded = load_prompt(prompt)
    said = [
        {**tree.completion(f"b{n}", "classify", text), "prompt_hash": loaded.hash} for n, text in enumerate(answers)
    ]
    files = {name: tmp_path / f"{name}.parquet" for name in ("records", "completions", "kept", "dropped")}
    write_records(files["records"], rows, SCHEMAS["classify_books"])
    write_records(files["completions"], said, COMPLETIONS)
    parse_shard(
        stage="classify",
        records=[files["records"]],
        completions=files["completions"],
        prompts=[prompt],
        kept=files["kept"],
        dropped=files["dropped"],
    )
    kept = read_records(files["kept"], SCHEMAS["classify"])
    assert [(r["book_id"], r["disciplines"], r["level"]) for r in kept] == [
        ("b0", ["physics"], "graduate"),
        ("waves", ["physics"], "graduate"),
    ]
    assert {r["id"]: r["reason"] for r in read_records(files["dropped"])} == dict.fromkeys(
        ("b1", "b2", "b3", "b4"), "unreadable"
    )


# --- what is shown


def page(number, text, book_id="waves"):
    return {"page_id": f"{book_id}:{number}", "book_id": book_id, "page": number, "text": text}


def test_a_record_shows_a_book_only_where_something_is_open():
    pages = [page(n, f"Page {n} of the book.") for n in (3, 1, 2)] + [page(1, "Cells.", "cells")]
    books = [book(level=""), book("cells"), book("torn", level="")]
    waves, cells = book_records(pages, books, OFFERED, **SHOWN)  # the torn book has no page: digitize has dropped it
    assert waves["sample"] == "Page 1 of the book.\n\n[…]\n\nPage 3 of the book."
    assert waves["offered"] == OFFERED and waves["disciplines"] == ["physics"]
    assert cells["contents"] == cells["sample"] == "" and cells["level"] == "undergraduate"


def test_contents_are_the_table_of_contents_and_go_on_while_pages_look_like_it():
    front = "Waves\n\nA course"
    first = "CONTENTS\n1 Sound . . . . 3\n2 Light . . . . 17"
    second = "3 Matter waves   40\n4 Answers   90"
    text = "1 Sound\n\nA string vibrates with a wave length of two metres, which is what we hear."
    assert contents_of([front, first, second, text], 200) == f"{first}\n{second}"
    assert contents_of([front, first, text], 200) == first
    assert contents_of([front, first, second, text], 30) == "CONTENTS\n1 Sound . . . . 3\n2 …"


def test_without_a_table_of_contents_the_headings_stand_for_it():
    pages = ["CHAPTER 1\n\nSound in the air\n\nA string vibrates.\n\n1.1 Pitch\n\nIt is high.", "CHAPTER 2\n\nLight"]
    assert contents_of(pages, 200) == "CHAPTER 1\nSound in the air\n1.1 Pitch\nCHAPTER 2\nLight"
    assert contents_of(["only text here."], 200) == ""


@pytest.mark.parametrize(("pages", "count", "expected"), [(9, 3, "2 5 8"), (1, 3, "1"), (2, 3, "1 2"), (10, 1, "6")])
def test_sample_pages_are_spread_evenly(pages, count, expected):
    texts = [str(n) for n in range(1, pages + 1)]
    assert sample_of(texts, count, 10).replace("\n\n[…]\n\n", " ") == expected


# --- who takes which book


def test_a_shard_takes_the_candidates_that_are_of_its_discipline(tmp_path):
    rows = [
        {"book_id": "a", "title": "A", "disciplines": ["physics"], "level": "graduate"},
        {"book_id": "b", "title": "B", "disciplines": ["biology", "medicine"], "level": "graduate"},
        {"book_id": "c", "title": "C", "disciplines": ["physics"], "level": "graduate"},
    ]
    write_records(tmp_path / "one.parquet", rows[:2], SCHEMAS["classify"])
    write_records(tmp_path / "two.parquet", rows[2:], SCHEMAS["classify"])
    files = [tmp_path / "one.parquet", tmp_path / "two.parquet"]
    assert books_of("physics", ["c", "b", "gone"], files) == ["c"]
    assert books_of("medicine", ["a", "b"], files) == ["b"]


def test_a_book_without_disciplines_stands_in_a_shard_of_each_and_is_digitized_once(tmp_path):
    plan = tree.plan(tmp_path)
    book_shards = plan.book_shards
    open_book = book("open", disciplines=())
    book_shards.books.append(open_book)
    assert book_shards.home(open_book) == (UNCLASSIFIED, "000") and (UNCLASSIFIED, "000") in book_shards.home_shards
    assert book_shards.books_at_home(UNCLASSIFIED, "000") == [open_book]
    for discipline in ("physics", "biology", "medicine"):
        assert open_book in book_shards.books_of(discipline, book_shards.shard(open_book, discipline))
        assert (UNCLASSIFIED, "000") in book_shards.homes(discipline, "000")
    assert (UNCLASSIFIED, "000") in plan.asked("classify") and (UNCLASSIFIED, "000") not in plan.asked("extract")


# --- nothing vanishes


def test_books_are_counted_where_they_are_at_home(tmp_path):
    root = tree.build(tmp_path)
    counts = conserve(tree.kept(root), tree.BOOKS)
    assert (counts["classify", "physics"].rows_in, counts["classify", "physics"].rows_kept) == (1, 1)
    place = tree.path(root, "classify", "physics")
    write_records(place, [], SCHEMAS["classify"])
    with pytest.raises(ConservationError, match="1 ids are books neither kept nor dropped: waves"):
        check("classify", [tree.path(root, "digitize", "physics")], [place], [dropped_path(place)])
    assert completions_path(place).exists()


def test_the_pages_of_a_book_that_was_left_out_are_not_missed(tmp_path):
    root = tree.build(tmp_path)
    for stage in ("classify", "chunk"):
        tree.write(root, stage, "physics", [], [("waves", Drop("below_university"))] if stage == "classify" else [])
    files = [f for f in tree.kept(root) if f.parent.parent.name in ("digitize", "classify", "chunk")]
    counts = conserve(files, tree.BOOKS)
    assert counts["classify", "physics"].reasons == {"below_university": 1}
    assert counts["chunk", "physics"].rows_in == 0 and counts["chunk", "medicine"].rows_in == 2
