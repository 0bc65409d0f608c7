"""Reasons: why rows are left out, from all who leave rows out, with what each reason means to a reader."""

from megascience.curation.reasons import DEDUP_REASONS
from megascience.datasets.reasons import DIFFICULTY_REASONS, MIXTURE_REASONS, SELECT_REASONS
from megascience.inference.reasons import COMPLETION_REASONS
from megascience.ingest.reasons import CHUNK_REASONS, DIGITIZE_REASONS, IMPORT_REASONS
from megascience.models.reasons import TRAIN_REASONS
from megascience.stages.order import ASKING_STAGES, DROPPING_STAGES
from megascience.stages.stage import get_stage

_BESIDE_MODELS = {
    "digitize": DIGITIZE_REASONS,
    "chunk": CHUNK_REASONS,
    "import_source": IMPORT_REASONS,
    "dedup": DEDUP_REASONS,
    "difficulty_score": DIFFICULTY_REASONS,
    "select": SELECT_REASONS,
    "mixture": MIXTURE_REASONS,
    "train": TRAIN_REASONS,
}


def reasons_of(stage: str) -> dict[str, str]:
    """Return each reason for which a stage leaves rows out, with its meaning."""
    asked = {}
    if stage in ASKING_STAGES:
        asked = {**getattr(get_stage(stage), "REASONS", {}), **COMPLETION_REASONS}
    return {**asked, **_BESIDE_MODELS.get(stage, {})}


def all_reasons() -> dict[str, str]:
    """Return all reasons with their meanings, in the order of the data."""
    return {reason: meaning for stage in DROPPING_STAGES for reason, meaning in reasons_of(stage).items()}
