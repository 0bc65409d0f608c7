"""A shelf that leaves subjects and levels open, on a model whose answers we wrote."""

import pyarrow.parquet as pq
import pytest
import yaml
from checkout import ROOT, Checkout

CONFIG = ("--configfile", "config/demo.yaml", "tests/data/canned/config.yaml")
DISCIPLINES = ("physics", "mathematics", "computer_science")
TARGETS = [f"results/canned/chunk/{d}/000.parquet" for d in DISCIPLINES]
HEADER = ("book_id", "disciplines", "title", "path", "sha256", "licence", "level")
BOOKS = [
    ("mechanics", "", "Motion and Energy", ""),
    ("everyday_electricity", "", "Electricity Around Us", ""),
    ("calculus", "mathematics", "Calculus of One Variable", ""),
    ("algorithms", "computer_science", "Algorithms and Their Cost", "undergraduate"),
    ("genetics", "", "Principles of Heredity", "graduate"),
]
ANSWERS = [
    {"contains": "Motion and Energy", "text": "<subject>PHYSICS</subject><level>UNDERGRADUATE</level>"},
    {"contains": "Electricity Around", "text": "<subject>PHYSICS</subject><level>SCHOOL</level>"},
    {"contains": "Calculus", "text": "<subject>PHYSICS</subject><level>UNDERGRADUATE</level>"},
    {"contains": "Heredity", "text": "I cannot tell."},
]


@pytest.fixture(scope="module")
def run(tmp_path_factory, models):
    models / "minilm"
    checkout = Checkout(tmp_path_factory.mktemp("classify"))
    (checkout.root / "results").mkdir(exist_ok=True)
    (checkout.root / "results/models").symlink_to(ROOT / "results/models")
    (checkout.root / "answers.yaml").write_text(yaml.safe_dump(ANSWERS))
    rows = [
        (name, subjects, title, f"results/canned/books/{name}.pdf", "", "MIT", level)
        for name, subjects, title, level in BOOKS
    ]
    shelf = "".join("\t".join(row) + "\n" for row in [HEADER, *rows])
    (checkout.root / "tests/data/canned/books.tsv").write_text(shelf)
    checkout.snakemake(*TARGETS, *CONFIG)
    return checkout


def read(run, pattern):
    return [r for path in sorted(run.root.glob(f"results/canned/{pattern}")) for r in pq.read_table(path).to_pylist()]


def test_each_book_goes_where_the_shelf_or_the_model_puts_it(run):
    assert {row["book_id"] for row in read(run, "digitize/unclassified/000.parquet")} == {
        *("mechanics", "everyday_electricity", "genetics")
    }
    chunks = {d: {row["book_id"] for row in read(run, f"chunk/{d}/000.parquet")} for d in DISCIPLINES}
    assert chunks == {"physics": {"mechanics"}, "mathematics": {"calculus"}, "computer_science": {"algorithms"}}


def test_a_book_below_university_level_and_one_that_nobody_can_place_are_dropped(run):
    dropped = {row["id"]: row["reason"] for row in read(run, "classify/*/*.dropped.parquet")}
    assert dropped == {"everyday_electricity": "below_university", "genetics": "unreadable"}


def test_what_the_shelf_settles_is_not_asked(run):
    assert {row["id"] for row in read(run, "classify/*/*.completions.parquet")} == {
        *("mechanics", "everyday_electricity", "calculus", "genetics")
    }


def test_settling_a_book_on_the_shelf_moves_it_and_asks_nothing_about_it(run, tmp_path):
    copy = run.copy(tmp_path / "copy")
    before = len((copy.root / "requests.jsonl").read_text().splitlines())
    copy.edit(
        "tests/data/canned/books.tsv",
        "mechanics\t\tMotion and Energy\tresults/canned/books/mechanics.pdf\t\tMIT\t\n",
        "mechanics\tphysics\tMotion and Energy\tresults/canned/books/mechanics.pdf\t\tMIT\tgraduate\n",
    )
    copy.snakemake(*TARGETS, *CONFIG)
    assert {row["book_id"] for row in read(copy, "chunk/physics/000.parquet")} == {"mechanics"}
    assert read(copy, "digitize/physics/000.parquet")[0]["book_id"] == "mechanics"
    assert len((copy.root / "requests.jsonl").read_text().splitlines()) == before
