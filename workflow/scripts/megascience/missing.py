"""Missing: how many requests of a shard its journal does not answer, so that only jobs that will ask get a GPU."""

from pathlib import Path

from .context import ContextCheck
from .engines.base import ModelSpec
from .journal import JournalReader
from .records import write_text
from .request_plan import RequestPlan


def count_missing(plan: RequestPlan, journal: str | Path, model: ModelSpec) -> int:
    """Return how many requests a generate job would send, equal ones counted once and retries of one left out.

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
    missing = 0
    for unit in plan:
        if unit is None or unit.key in seen:
            continue
        seen.add(unit.key)
        _, settled = unit.look_up(known, model.context)
        missing += not settled and not check.overflows(unit.messages, unit.samplings[0].max_tokens)
    return missing


def write_missing(output: str | Path, plan: RequestPlan, journal: str | Path, model: ModelSpec) -> None:
    """Write the number of `count_missing`, which the profiles read to decide on GPUs."""
    write_text(output, f"{count_missing(plan, journal, model)}\n")
