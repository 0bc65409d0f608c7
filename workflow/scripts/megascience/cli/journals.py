"""Journals: their size, and the removal of completions that nothing uses any more."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from megascience.inference.journal import journal as journals
from megascience.inference.journal.journal import JournalReader
from megascience.planning.jobs import model_identity, request_plan, shards_of
from megascience.planning.plan import Plan
from megascience.storage.errors import InputError
from megascience.storage.layout import Layout, results_folder
from megascience.storage.tables import table_of

if TYPE_CHECKING:
    import pandas as pd


def collect_garbage(plan: Plan, results: str | Path) -> Iterator[tuple[Path, int]]:
    """Drop what nothing uses any more from each journal of the configuration; yield (journal, completions dropped).

    Left alone: journals of shards whose records are not there, of models that are not trained, and those
    that the configuration does not know.

    Raises:
        InputError: there is no such folder, a job is working on a journal, or a file is faulty.
    """
    for shard in shards_of(plan, results_folder(results)):
        identity = model_identity(plan, results, shard.model)
        if identity and shard.ready and shard.journal.exists():
            units = request_plan(plan, shard, identity)
            live = {key for unit in units if unit is not None for key in unit.keys}
            yield shard.journal, journals.gc(shard.journal, live)


def journal_stats(results: str | Path) -> "pd.DataFrame":
    """Return completions and megabytes of the journals by stage.

    Raises:
        InputError: there are no journals.
    """
    folder = Layout(results).journals
    rows: list[Sequence[Any]] = []
    for stage in sorted(path for path in folder.glob("*") if path.is_dir()):
        files = sorted(stage.rglob("*.jsonl"))
        if files:
            readers = [JournalReader(file) for file in files]
            counts = (sum(r.completions for r in readers), len({key for r in readers for key in r.keys()}))
            rows.append((stage.name, len(files), *counts, sum(file.stat().st_size for file in files) / 1e6))
    if not rows:
        raise InputError(f"{folder}: there is no journal; correct --results, or run a model stage first")
    return table_of(("stage", "journals", "completions", "different requests", "MB"), rows, {"MB": 1})
