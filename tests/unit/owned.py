"""What the stages own, by the stages' names: the columns of their rows, and why they leave rows out."""

from megascience.cli.reasons import reasons_of
from megascience.curation.schemas import CANDIDATES, VERDICTS
from megascience.datasets.schemas import DIFFICULTY
from megascience.evaluation.schemas import SCORED
from megascience.ingest.schemas import BOOKS, CHUNKS, PAGES, SOURCE_ROWS
from megascience.stages.order import ASKING_STAGES
from megascience.stages.pairs import PAIR, REASONED
from megascience.stages.stage import get_stage
from megascience.storage import drops

SCHEMAS = {
    **{stage: get_stage(stage).SCHEMA for stage in ASKING_STAGES if hasattr(get_stage(stage), "SCHEMA")},
    "digitize": PAGES,
    "classify_books": BOOKS,
    "chunk": CHUNKS,
    "dedup": PAIR,
    "decontaminate": REASONED,
    "import_source": SOURCE_ROWS,
    "search": CANDIDATES,
    "verdicts": VERDICTS,
    "difficulty_score": DIFFICULTY,
    "evaluate": SCORED,
}


def write_dropped(path, stage, dropped):
    """Write a stage's dropped; each reason must be one of the stage's own."""
    drops.write_dropped(path, stage, dropped, reasons_of(stage))
