"""Pending: requests that a shard's journal does not answer, for forecasts, and so that only jobs that ask get a GPU."""

from collections.abc import Iterator
from pathlib import Path

from megascience.inference.context import ContextCheck
from megascience.inference.engines.base import ModelSpec
from megascience.inference.journal.journal import JournalReader
from megascience.inference.requests import RequestPlan, Unit
from megascience.storage.files import write_text


def pending_units(plan: RequestPlan, journal: str | Path, model: ModelSpec) -> Iterator[Unit]:
    """Yield what a generate job would ask, equal units once.

    Args:
        plan: what the shard's records call for.
        journal: the shard's journal; there need be none. No lock is taken.
        model: who is asked; prompts that do not fit its context are not asked.

    Raises:
        InputError: faulty records.
    """
    known = JournalReader(journal)
    check = ContextCheck(model)
    seen: set[str] = set()
    for unit in plan:
        if unit is None or unit.key in seen:
            continue
        seen.add(unit.key)
        _, settled = unit.look_up(known, model.context)
        if not settled and not check.overflows(unit.messages, unit.samplings[0].max_tokens):
            yield unit


def count_pending(plan: RequestPlan, journal: str | Path, model: ModelSpec) -> int:
    """Return how many requests a generate job would send, their retries left out; see `pending_units`."""
    return sum(1 for _ in pending_units(plan, journal, model))


def write_pending(output: str | Path, plan: RequestPlan, journal: str | Path, model: ModelSpec) -> None:
    """Write the number of `count_pending`, which the profiles read to decide on GPUs."""
    write_text(output, f"{count_pending(plan, journal, model)}\n")
