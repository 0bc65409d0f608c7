"""Dropped rows: what a stage left out, and why."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from megascience.stages.order import SELECTING_STAGES, SOURCE_STAGES, STAGES
from megascience.storage.drops import DROPPED
from megascience.storage.errors import InputError
from megascience.storage.parquet import read_columns
from megascience.storage.reasons import REASONS
from megascience.storage.text import one_line

#: The stages that keep their dropped rows, in the order of the data.
STAGES_WITH_DROPS = tuple(dict.fromkeys((*STAGES, *SOURCE_STAGES, *SELECTING_STAGES, "select", "mixture")))


def dropped(results: str | Path, stage: str, reason: str | None = None, limit: int | None = None) -> Iterator[str]:
    """Yield the dropped rows of a stage as tab-separated lines: id, subset, shard, reason, detail.

    Args:
        reason: only drops for this reason.
        limit: at most so many lines.

    Raises:
        InputError: no such stage or reason, or the stage has recorded none in the results.
    """
    if stage not in STAGES_WITH_DROPS:
        raise InputError(f"{stage!r} is not a stage; known: {', '.join(STAGES_WITH_DROPS)}")
    if reason is not None and reason not in REASONS:
        raise InputError(f"{reason!r} is not a reason for a drop; known: {', '.join(REASONS)}")
    files = sorted(Path(results, stage).glob("*/*.dropped.parquet"))
    if not files:
        raise InputError(
            f"{Path(results, stage)}: no dropped rows are recorded; run the stage first, or correct --results"
        )
    return _lines(files, reason, limit)


def _lines(files: Sequence[Path], reason: str | None, limit: int | None) -> Iterator[str]:
    left = limit
    for path in files:
        subset, shard = path.parent.name, path.name.split(".")[0]
        for row in read_columns(path, DROPPED.names).to_pylist():
            if reason in (None, row["reason"]):
                if left == 0:
                    return
                left = None if left is None else left - 1
                yield "\t".join((row["id"], subset, shard, row["reason"], one_line(row["detail"])))


def drop_line(row: dict[str, Any]) -> str:
    """Return a dropped row in words."""
    meaning = REASONS.get(row["reason"], "")
    detail = f"\n    {one_line(row['detail'])}" if row["detail"] else ""
    return f"dropped: {row['reason']} ({meaning}){detail}"
