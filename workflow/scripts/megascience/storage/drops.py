"""Dropped records: rows that a stage left out, with a reason."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from megascience.storage.parquet import write_records
from megascience.storage.reasons import REASONS
from megascience.storage.schema import TEXT, record_schema

#: A row that a stage left out.
DROPPED = record_schema(id=TEXT, stage=TEXT, reason=TEXT, detail=TEXT)


@dataclass(frozen=True)
class Drop:
    """A parser's decision to leave a row out, with a reason of the closed list.

    Raises:
        ValueError: the reason is not in `REASONS`.
    """

    reason: str
    detail: str = ""

    def __post_init__(self) -> None:
        if self.reason not in REASONS:
            raise ValueError(f"drop reason {self.reason!r} is not in records.REASONS; add it there with its meaning")


def write_dropped(path: str | Path, stage: str, drops: Iterable[tuple[str, Drop]]) -> None:
    """Write a stage's ledger of dropped rows from (row id, Drop) pairs."""
    rows = ({"id": i, "stage": stage, "reason": d.reason, "detail": d.detail} for i, d in drops)
    write_records(path, rows, DROPPED, {"stage": stage})
