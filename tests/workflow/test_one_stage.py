"""One model stage, asked about one book, in a results folder whose own path holds the names of the folders in it."""

import json

import pytest
import yaml
from checkout import Checkout

CONFIG = ("--configfile", "config/demo.yaml", "tests/data/canned/config.yaml", "awkward.yaml")
RESULTS = "results/cost/journal/pending/digitize/run"
TARGET = f"{RESULTS}/classify/unclassified/000.parquet"
ANSWER = {"contains": "Motion and Energy", "text": "<subject>PHYSICS</subject><level>UNDERGRADUATE</level>"}
SHELF = f"""\
book_id\tdisciplines\ttitle\tpath\tsha256\tlicence\tlevel
mechanics\t\tMotion and Energy\t{RESULTS}/books/mechanics.pdf\t\tMIT\t
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    checkout = Checkout(tmp_path_factory.mktemp("one"))
    (checkout.root / "tests/data/canned/books.tsv").write_text(SHELF)
    (checkout.root / "answers.yaml").write_text(yaml.safe_dump([ANSWER]))
    named = yaml.safe_load((checkout.root / CONFIG[2]).read_text())["pathvars"]
    places = {name: f"{RESULTS}/{name}" for name in named} | {"results": RESULTS}
    (checkout.root / "awkward.yaml").write_text(yaml.safe_dump({"pathvars": places}))
    checkout.snakemake(TARGET, *CONFIG)
    return checkout


def test_every_file_is_below_the_results_folder(run):
    made = [path.relative_to(run.root) for path in (run.root / "results").rglob("*") if path.is_file()]
    assert [str(path) for path in made if not path.is_relative_to(RESULTS)] == ["results/README.md"]  # shipped
    root = run.root / RESULTS
    journals = [str(path.relative_to(root)) for path in root.rglob("*.jsonl")]
    assert journals == ["journal/classify/unclassified/000.jsonl"]
    assert json.loads((root / "cost/classify/unclassified/000.json").read_text())["requests"] == 1


def test_a_model_makes_its_stage_stale_by_its_content(run, tmp_path):
    copy = run.copy(tmp_path / "copy")
    manifest = copy.root / RESULTS / "models/canned/model.json"
    manifest.touch()
    assert copy.jobs(TARGET, *CONFIG) == {}
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "revision": "2"}))
    assert set(copy.jobs(TARGET, *CONFIG)) == {"classify_pending", "classify_generate", "classify"}
