"""Staleness as Snakemake itself sees it, on two jobs that are done."""

import pytest
from checkout import Checkout

CONFIG = ("--configfile", "config/demo.yaml", "tests/data/canned/config.yaml")
PAGES = "results/canned/digitize/economics/000.parquet"
REASONS = "workflow/scripts/megascience/ingest/reasons.py"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    checkout = Checkout(tmp_path_factory.mktemp("pages"))
    checkout.snakemake(PAGES, *CONFIG)
    assert checkout.jobs(PAGES, *CONFIG) == {}
    return checkout


def test_reworded_reasons_moved_code_and_what_others_own_redo_nothing(run, tmp_path):
    copy = run.copy(tmp_path / "copy")
    copy.edit(REASONS, "no text was found on the page", "the page has no text")
    copy.edit(REASONS, "CHUNK_REASONS = {", 'CHUNK_REASONS = {\n    "odd": "…",')
    copy.edit("workflow/scripts/megascience/stages/pairs.py", "question=TEXT,", "question=TEXT,\n    hint=TEXT,")
    pages = copy.root / "workflow/scripts/megascience/ingest/pdf/pages.py"
    pages.rename(pages.with_name("rows.py"))
    for path in (copy.root / "workflow/scripts/megascience").rglob("*.py"):
        path.write_text(path.read_text().replace("megascience.ingest.pdf.pages", "megascience.ingest.pdf.rows"))
    assert copy.jobs(PAGES, *CONFIG) == {}


def test_a_further_reason_of_its_own_redoes_the_stage(run, tmp_path):
    copy = run.copy(tmp_path / "copy")
    copy.edit(REASONS, "DIGITIZE_REASONS = {", 'DIGITIZE_REASONS = {\n    "odd": "…",')
    assert set(copy.jobs(PAGES, *CONFIG)) == {"digitize"}


def test_a_program_that_is_started_is_part_of_the_rule(run, tmp_path):
    copy = run.copy(tmp_path / "copy")
    copy.edit("workflow/scripts/megascience/ingest/pdf/text_layer/__main__.py", "8 * 2**30", "7 * 2**30")
    assert set(copy.jobs(PAGES, *CONFIG)) == {"digitize"}
