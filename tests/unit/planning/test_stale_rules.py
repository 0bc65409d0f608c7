"""Which rules an edit of the library makes stale: what runs it, and no other. Told from the code hashes alone."""

import re
import shutil
from pathlib import Path

import pytest
from megascience.planning.code_hash import Known, Library

ROOT = Path(__file__).parents[3]
LIBRARY = "megascience"


def asked():
    """Return the script and the stage of each hash that the rules ask for."""
    text = "".join(path.read_text() for path in sorted((ROOT / "rules").glob("*.smk")))
    return {(script, stage or None) for script, stage in re.findall(r'code_hash\("(\w+)"(?:, stage="(\w+)")?\)', text)}


@pytest.fixture(scope="module")
def known():
    return Known()


@pytest.fixture(scope="module")
def before(known):
    return hashes(ROOT / "workflow/scripts", known)


def hashes(folder, known):
    library = Library(folder, known)
    return {" ".join(filter(None, names)): library.code_hash(*names) for names in asked()}


@pytest.fixture
def stale(tmp_path, known, before):
    """Edit a copy of the library, and return the scripts (with their stages) whose hash is another one then."""
    folder = tmp_path / "scripts"
    shutil.copytree(ROOT / "workflow/scripts", folder, ignore=shutil.ignore_patterns("__pycache__"))

    def stale(*edits):
        for name, old, new in edits:
            path = folder / LIBRARY / name
            text = path.read_text() if path.exists() else ""
            assert old in text, f"{name} has no {old!r}"
            path.write_text(text.replace(old, new, 1))
        after = hashes(folder, known)
        return {name for name in before if before[name] != after[name]}

    return stale


def test_every_script_of_a_rule_has_its_hash():
    text = "".join(path.read_text() for path in sorted((ROOT / "rules").glob("*.smk")))
    used = set(re.findall(r"workflow/scripts/(\w+)\.py", text))
    # What is fetched is checked whole against what the config pins; what is pending is temporary and no data.
    assert used - {script for script, _ in asked()} == {"fetch_model", "pending"}
    assert used == {path.stem for path in (ROOT / "workflow/scripts").glob("*.py")}


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("stages/filter.py", "the model's verdict was against the row", "the judge refused the row"),
        ("ingest/reasons.py", "the row has more bytes than the config allows", "the row is too large"),
        ("inference/reasons.py", "do not fit the model's context", "are too long for the model"),
        ("storage/parquet.py", "not a readable Parquet file", "not Parquet"),
        ("ingest/public/import_source.py", "none of {counts['read']} rows can be used", "no row is of use"),
        ("inference/generate.py", "engine %s is up after", "engine %s is ready after"),
        ("inference/progress.py", "import logging", "import logging\n\nEVERY = 5"),
        ("inference/journal/cost.py", "def write_cost", "EVERY = 5\n\n\ndef write_cost"),
        ("inference/engines/openai.py", "class OpenAIEngine", "EVERY = 5\n\n\nclass OpenAIEngine"),
        ("storage/logs.py", "import logging", "import logging\n\nEVERY = 5"),
        ("cli/reasons.py", "def all_reasons", "EVERY = 5\n\n\ndef all_reasons"),
        ("report/figures/another.py", "", "def another_figure(table, paths):\n    return table\n"),
        ("stages/translate.py", "", "FIELDS = ()\n\n\ndef fields(record):\n    return {}\n"),
    ],
)
def test_what_people_read_and_what_nobody_runs_yet_makes_nothing_stale(stale, name, old, new):
    assert stale((name, old, new)) == set()


@pytest.mark.parametrize(
    ("name", "old", "new", "expected"),
    [
        ("stages/filter.py", 'REASONS = {"rejected"', 'REASONS = {"odd": "…", "rejected"', {"parse filter"}),
        ("curation/reasons.py", "DEDUP_REASONS = {", 'DEDUP_REASONS = {\n    "odd": "…",', {"dedup"}),
        ("ingest/reasons.py", "IMPORT_REASONS = {", 'IMPORT_REASONS = {\n    "odd": "…",', {"import_source"}),
        ("stages/response_length.py", "n_tokens=INT", "n_tokens=INT, cut=INT", {"parse response_length"}),
        (
            "stages/annotate.py",
            'pa.field("annotated"',
            'pa.field("by", pa.string()), pa.field("annotated"',
            {"parse annotate"},
        ),
        ("ingest/schemas.py", "    contents=TEXT,", "    contents=TEXT,\n    pages=INT,", {"classify_books"}),
        (
            "curation/schemas.py",
            "    rationale=TEXT,",
            "    rationale=TEXT,\n    asked=INT,",
            {"decontaminate decontaminate"},
        ),
        ("evaluation/adapters.py", "        mmlu_pro, olympic", "        dict, mmlu_pro, olympic", {"benchmark_items"}),
        ("report/figures/yields.py", "def yield_figure", "@print\ndef yield_figure", {"figure_yield"}),
        ("stages/judge_cot.py", '== "YES"', '!= "NO"', {"parse judge_cot"}),
        ("ingest/pdf/text_layer/read.py", "def read_book", "@print\ndef read_book", {"digitize"}),
    ],
)
def test_an_edit_makes_stale_what_runs_it(stale, name, old, new, expected):
    assert stale((name, old, new)) == expected


def test_another_stage_makes_stale_the_tables_that_list_the_stages(stale):
    line = '    Place("filter", asks=True, optional=True),\n'
    edits = [
        ("stages/order.py", line, line + '    Place("translate", asks=True, optional=True),\n'),
        ("stages/translate.py", "", "FIELDS = ()\n\n\ndef fields(record):\n    return {}\n"),
    ]
    assert stale(*edits) == {"table_yield", "table_cost"}


def test_what_all_share_makes_stale_all_that_write_rows(stale):
    assert {"digitize", "parse filter", "dedup", "mixture"} <= stale(("storage/files.py", 'prefix=f".', 'prefix=f"..'))
