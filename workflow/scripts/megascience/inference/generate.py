"""Generate: ask a model for each record of a shard what the shard's journal does not know yet.

First everything is planned: each request rendered, its key looked up in the journal, its length held
against the model's context. Only where something is pending does the engine start. It pulls requests
as it has room, so that nothing waits for a batch to end, and completions go to the journal as they
finish. One that has not the form which its prompt declares is asked again while the engine is up.
"""

import logging
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from megascience.inference.completions import COMPLETIONS
from megascience.inference.context import ContextCheck
from megascience.inference.engines.base import Completion, ModelSpec, Request, Sampling
from megascience.inference.engines.registry import make_engine
from megascience.inference.journal.budget import Budget, checkpoint
from megascience.inference.journal.cost import write_cost
from megascience.inference.journal.journal import Journal
from megascience.inference.progress import Progress
from megascience.inference.requests import RequestPlan, Unit
from megascience.stages.prompting.prompt import Prompt
from megascience.storage.errors import EngineError
from megascience.storage.files import write_text
from megascience.storage.parquet import id_column, iter_batches, record_writer

# Marks of units that are not asked, in the place of their keys.
_PASSED = "passed"
_OVERFLOW = "overflow"

logger = logging.getLogger(__name__)


def generate_shard(
    *,
    stage: str,
    records: Sequence[str | Path],
    prompts: Sequence[str | Path],
    output: str | Path,
    cost: str | Path,
    journal: str | Path,
    model: ModelSpec,
    sampling: Sampling,
    retries: int,
    constrain: bool,
    samples: int = 1,
    join: str | Path | None = None,
    given: Mapping[str, Any] | None = None,
    budget: Mapping[str, float] | None = None,
    prices: Mapping[str, Mapping[str, float]] | None = None,
    journals: str | Path | None = None,
    pending: str | Path | None = None,
) -> None:
    """Write the raw completions of a shard's records, in the records' order: one row a record, prompt and sample.

    Args:
        output: Parquet of `completions.COMPLETIONS`; what stays unreadable keeps its last raw text, and a
            prompt that does not fit the context has the finish reason "overflow" and no text.
        cost: JSON of what this shard has cost so far, see `cost.write_cost`.
        journal: the shard's journal.
        model: who answers.
        budget, prices: limits of the whole run, see `budget.Budget`.
        journals: the folder of all journals of the run, which the budget is for; the journal's own unless given.
        pending: the file with the number of requests to ask (see `pending.write_pending`), by which the profiles give
            GPUs. It is set right when the asking is over, so that another attempt at what is left gets none in vain.

    The other arguments are those of `request_plan.RequestPlan`.

    Raises:
        InputError: faulty records, prompts or journal, another job on this shard, or the budget is
            used up; what was answered is kept.
        EngineError: the engine cannot go on; what was answered is kept.
    """
    plan = RequestPlan(
        stage=stage,
        records=records,
        prompts=prompts,
        model=model.name,
        revision=model.revision,
        sampling=sampling,
        retries=retries,
        constrain=constrain,
        samples=samples,
        join=join,
        given=given,
    )
    with Journal(journal) as book:
        limits = Budget(budget or {}, prices or {}, model, book, journals or book.path.parent)
        shard = _Shard(plan, model, book, limits)
        shard.look_up()
        try:
            shard.ask()
        finally:
            write_cost(cost, stage, model, book)
            checkpoint(book)
            if pending is not None:
                write_text(pending, f"{len(shard.pending)}\n")
        shard.write(output)


class _Settled(NamedTuple):
    """The attempt that stands as a unit's answer, and its journal key."""

    attempt: int
    key: str


class _Due(NamedTuple):
    """A request that is due or in flight."""

    request: Request
    unit: Unit
    attempt: int


class _Shard:
    def __init__(self, plan: RequestPlan, model: ModelSpec, journal: Journal, budget: Budget) -> None:
        self.plan = plan
        self.model = model
        self.journal = journal
        self.budget = budget
        # Of each unit, in order: its key (of the first attempt) or a mark.
        self.units: list[str] = []
        # Unit's key → what stands, once no further attempt is due.
        self.settled: dict[str, _Settled] = {}
        # Unit's key → the attempt to ask, while one is due.
        self.pending: dict[str, int] = {}
        # Request's key → what is in flight.
        self.in_flight: dict[str, _Due] = {}
        # What to ask next, before anything new.
        self.again: deque[_Due] = deque()

    def look_up(self) -> None:
        """Fill `units`, and sort them into settled and pending ones."""
        check = ContextCheck(self.model)
        overflowing = 0
        for unit in self.plan:
            if unit is None:
                self.units.append(_PASSED)
                continue
            key = unit.key
            if key not in self.settled and key not in self.pending:
                attempt, settled = unit.look_up(self.journal, self.model.context)
                if settled:
                    self.settled[key] = _Settled(attempt, unit.request(attempt).key)
                elif check.overflows(unit.messages, unit.samplings[0].max_tokens):
                    overflowing += 1
                    key = _OVERFLOW
                else:
                    self.pending[key] = attempt
            self.units.append(key)
        logger.info(
            "%d records, %d completions wanted: %d answered in the journal, %d to ask, %d do not fit the context",
            len(self.units) // max(1, self.plan.width),
            len(self.units) - self.units.count(_PASSED),
            len(self.settled),
            len(self.pending),
            overflowing,
        )

    def ask(self) -> None:
        """Ask what is pending; start no engine where nothing is."""
        if not self.pending:
            return
        self.budget.check()
        engine = make_engine(self.model)
        try:
            began = time.monotonic()
            engine.start()
            startup = time.monotonic() - began
            logger.info("engine %s is up after %.1f s", self.model.engine, startup)
            self.journal.start_session(
                model=self.model.name,
                revision=self.model.revision,
                engine=self.model.engine,
                startup_seconds=startup,
                gpus=float(self.model.serving.get("gpus", 0)),
            )
            progress = Progress(len(self.pending))
            todo = self.plan.due(lambda number: self.units[number] in self.pending)
            for completion in engine.run(lambda: self._next(todo)):
                self._receive(completion)
                progress.update(completion, len(self.pending))
            progress.report()
        finally:
            engine.close()
        if self.pending and self.budget.refused:
            raise self.budget.error(len(self.pending))
        if self.pending:
            raise EngineError(
                f"engine {self.model.engine} ended with {len(self.pending)} requests unanswered; run again, "
                "which asks only those"
            )

    def write(self, output: str | Path) -> None:
        """Write the completions in the order of the records."""
        units = iter(self.units)
        samples = range(len(self.plan.samplings))
        with record_writer(output, COMPLETIONS) as append:
            for path in self.plan.records:
                column = id_column(path)
                for batch in iter_batches(path, [column]):
                    for identifier in batch[column].to_pylist():
                        for prompt in self.plan.prompts:
                            for sample in samples:
                                key = next(units)
                                if key != _PASSED:
                                    append(self._row(identifier, prompt, sample, key))

    def _row(self, identifier: str, prompt: Prompt, sample: int, key: str) -> dict[str, Any]:
        row = {
            "id": identifier,
            "prompt": prompt.name,
            "sample": sample,
            "prompt_hash": prompt.hash,
            "model": self.model.name,
            "revision": self.model.revision,
        }
        if key == _OVERFLOW:
            return {**row, "text": "", "finish_reason": "overflow", "attempts": 0}
        settled = self.settled[key]
        completion = self.journal.get(settled.key)
        assert completion is not None
        return {
            **row,
            "text": completion.text,
            "finish_reason": completion.finish_reason,
            "attempts": settled.attempt + 1,
            "prompt_tokens": completion.prompt_tokens,
            "completion_tokens": completion.completion_tokens,
        }

    def _next(self, todo: Iterator[Unit]) -> Request | None:
        """Give the engine its next request: a retry, whose prefix the engine may still hold, before a new one."""
        if not self.again:
            new = next((unit for unit in todo if self._is_due(unit)), None)
            if new is None:
                return None
            attempt = self.pending[new.key]
            self.again.append(_Due(new.request(attempt), new, attempt))
        due = self.again[0]
        if not self.budget.reserve(due.request):
            return None
        self.again.popleft()
        self.in_flight[due.request.key] = due
        return due.request

    def _is_due(self, unit: Unit) -> bool:
        """Return whether a unit is still pending and no equal one is in flight."""
        attempt = self.pending.get(unit.key)
        return attempt is not None and unit.request(attempt).key not in self.in_flight

    def _receive(self, completion: Completion) -> None:
        """Journal a completion, and settle its unit or line up its retry."""
        request, unit, attempt = self.in_flight.pop(completion.key)
        self.journal.append(completion, attempt)
        self.budget.release(request)
        settled = True
        if unit.wants_retry(completion, attempt):
            attempt, settled = unit.look_up(self.journal, self.model.context)
        if settled:
            del self.pending[unit.key]
            self.settled[unit.key] = _Settled(attempt, unit.request(attempt).key)
            return
        self.pending[unit.key] = attempt
        self.again.append(_Due(unit.request(attempt), unit, attempt))
