"""Dropped rows: what a stage left out, and why."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from megascience.cli.reasons import all_reasons, reasons_of
from megascience.stages.order import DROPPING_STAGES
from megascience.storage.drops import DROPPED
from megascience.storage.errors import InputError
from megascience.storage.parquet import read_columns
from megascience.storage.text import one_line


def dropped(results: str | Path, stage: str, reason: str | None = None, limit: int | None = None) -> Iterator[str]:
    """Yield the dropped rows of a stage as tab-separated lines: id, subset, shard, reason, detail.

    Args:
        reason: only drops for this reason.
        limit: at most so many lines.

    Raises:
        InputError: no such stage or reason, or the stage has recorded none in the results.
    """
    if stage not in DROPPING_STAGES:
        raise InputError(f"{stage!r} is not a stage; known: {', '.join(DROPPING_STAGES)}")
    if reason is not None and reason not in all_reasons():
        raise InputError(f"{reason!r} is not a reason for a drop; known: {', '.join(all_reasons())}")
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
    meaning = reasons_of(row["stage"]).get(row["reason"]) or all_reasons().get(row["reason"], "")
    detail = f"\n    {one_line(row['detail'])}" if row["detail"] else ""
    return f"dropped: {row['reason']} ({meaning}){detail}"
