"""Dropped records: rows that a stage left out, with a reason.

Who drops rows declares why: a mapping whose name ends in REASONS, from each reason to what it means to a reader. A
reason that is not declared is an error of ours. The meanings are never part of a code hash.
"""

from collections.abc import Container, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from megascience.storage.parquet import write_records
from megascience.storage.schema import TEXT, record_schema

#: A row that a stage left out.
DROPPED = record_schema(id=TEXT, stage=TEXT, reason=TEXT, detail=TEXT)


@dataclass(frozen=True)
class Drop:
    """A decision to leave a row out, with one of the reasons that its stage declares."""

    reason: str
    detail: str = ""


def dropped_row(identifier: str, stage: str, drop: Drop, reasons: Container[str]) -> dict[str, Any]:
    """Return a row of `DROPPED`.

    Raises:
        ValueError: the stage does not declare the reason.
    """
    if drop.reason not in reasons:
        raise ValueError(f"stage {stage}: drop reason {drop.reason!r} is not declared; add it to the stage's REASONS")
    return {"id": identifier, "stage": stage, "reason": drop.reason, "detail": drop.detail}


def write_dropped(path: str | Path, stage: str, drops: Iterable[tuple[str, Drop]], reasons: Container[str]) -> None:
    """Write a stage's file of dropped rows from (row id, Drop) pairs; see `dropped_row`."""
    rows = (dropped_row(identifier, stage, drop, reasons) for identifier, drop in drops)
    write_records(path, rows, DROPPED, {"stage": stage})
