"""The requests that a shard's records call for: planned in this one place for all who ask, count or clean up.

A unit is a record under one prompt, for one sample. `RequestPlan` gives the units in the records' order with
the messages and the keys of each, and tells from a journal which of them is settled. It sends nothing.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from megascience.inference.engines.base import Completion, Message, Request, Sampling
from megascience.inference.journal.journal import conversation_id, request_key
from megascience.stages.prompting.joins import completer
from megascience.stages.prompting.prompt import Prompt, load_prompt
from megascience.stages.stage import get_stage
from megascience.storage.drops import Drop
from megascience.storage.errors import InputError
from megascience.storage.parquet import iter_batches

#: The temperature of a retry where the first attempt was greedy: another seed alone would change nothing.
RETRY_TEMPERATURE = 0.7

#: How far the seeds of two samples of one record lie apart: further than any number of retries.
SAMPLE_STRIDE = 1000

#: Columns whose rows share a long prefix of their prompts, the most telling first.
GROUP_COLUMNS = ("chunk_id", "qa_id", "id")


class Completions(Protocol):
    """What a journal gives: the latest completion of a key, or None."""

    def get(self, key: str) -> Completion | None: ...


def attempt_sampling(sampling: Sampling, attempt: int, sample: int = 0) -> Sampling:
    """Return the sampling of an attempt: a seed of its own, and for a retry a temperature at which a seed matters."""
    seed = sampling.seed + sample * SAMPLE_STRIDE + attempt
    if attempt == 0:
        return replace(sampling, seed=seed)
    return replace(sampling, seed=seed, temperature=sampling.temperature or RETRY_TEMPERATURE)


@dataclass(frozen=True)
class Unit:
    """One question to a model that a record calls for.

    Attributes:
        record: the record's id.
        sample: 0 ≤ sample < samples of the stage.
        samplings: of each attempt.
        group: what its record shares a long prefix of its prompt with, see `GROUP_COLUMNS`.
    """

    record: str
    prompt: Prompt
    sample: int
    messages: tuple[Message, ...]
    conversation: str
    samplings: tuple[Sampling, ...]
    grammar: str | None
    group: str

    @cached_property
    def key(self) -> str:
        """The journal's key of the first attempt; equal units have equal keys."""
        return request_key(self.conversation, self.samplings[0])

    @property
    def keys(self) -> tuple[str, ...]:
        """The journal's keys of all attempts."""
        return tuple(request_key(self.conversation, sampling) for sampling in self.samplings)

    @property
    def size(self) -> int:
        """The messages' size in bytes."""
        return sum(len(message["content"].encode()) for message in self.messages)

    def request(self, attempt: int) -> Request:
        """Return the request of an attempt."""
        sampling = self.samplings[attempt]
        key = request_key(self.conversation, sampling) if attempt else self.key
        return Request(key, self.messages, sampling, self.grammar, self.group)

    def wants_retry(self, completion: Completion, attempt: int) -> bool:
        """Return whether an attempt's completion has not the form that the prompt declares, and another is left."""
        if completion.finish_reason == "overflow" or attempt == len(self.samplings) - 1:
            return False
        # Free text has no end that could be missed: there only the token limit tells that it is cut off.
        cut = completion.finish_reason == "length" and not self.prompt.answer.tags
        return cut or self.prompt.answer.read(completion.text) is None

    def look_up(self, journal: Completions, context: int) -> tuple[int, bool]:
        """Return the attempt that settles the unit by the journal, or the next one to ask, and which it is.

        An overflow of a context that has been widened since settles nothing; its tokens are a lower bound.
        """
        for attempt, sampling in enumerate(self.samplings):
            completion = journal.get(request_key(self.conversation, sampling) if attempt else self.key)
            if completion is None:
                return attempt, False
            fits = completion.prompt_tokens + sampling.max_tokens <= context
            if completion.finish_reason == "overflow" and fits:
                return attempt, False
            if not self.wants_retry(completion, attempt):
                return attempt, True
        raise AssertionError("the last attempt settles")


class RequestPlan:
    """The units of a shard.

    Args:
        stage: the model stage, whose `fields` fills the prompts; a record that it passes or drops calls for nothing.
        records: Parquet files whose first column is the record's id.
        prompts: the stage's prompt files, each asked of every record.
        model, revision: who answers.
        sampling: how the first attempt of the first sample is drawn, see `attempt_sampling`.
        retries: how often an unreadable or cut-off completion is asked again.
        constrain: hold the model to the prompt's answer format, where the engine can.
        samples: how many answers each record and prompt gets, drawn with different seeds.
        join, given: what gives the records further columns, see `batches.completer`.

    Raises:
        InputError: a faulty prompt, or several samples of a greedy draw, which would all be one.
            Iterating raises it for faulty records.
    """

    def __init__(
        self,
        *,
        stage: str,
        records: Sequence[str | Path],
        prompts: Sequence[str | Path],
        model: str,
        revision: str,
        sampling: Sampling,
        retries: int,
        constrain: bool,
        samples: int = 1,
        join: str | Path | None = None,
        given: Mapping[str, Any] | None = None,
    ) -> None:
        if samples > 1 and sampling.temperature == 0:
            raise InputError(f"{stage}: {samples} samples at temperature 0 would be one; raise the temperature")
        if retries >= SAMPLE_STRIDE:
            raise InputError(f"{stage}: {retries} retries; at most {SAMPLE_STRIDE - 1} are possible")
        self.fields = get_stage(stage).fields
        self.records = [Path(path) for path in records]
        self.prompts = [load_prompt(path) for path in prompts]
        self.grammars = [prompt.answer.grammar() if constrain else None for prompt in self.prompts]
        self.identity = (model, revision)
        self.samplings = [
            tuple(attempt_sampling(sampling, attempt, sample) for attempt in range(retries + 1))
            for sample in range(samples)
        ]
        self.complete = completer(join, given)

    @property
    def width(self) -> int:
        """Units of one record, passed ones counted: prompts × samples."""
        return len(self.prompts) * len(self.samplings)

    def __iter__(self) -> Iterator[Unit | None]:
        """Yield the units in the records' order, None for each that is not asked: passed through, or left out."""
        for path in self.records:
            for batch in iter_batches(path):
                group = _group_column(batch.schema.names)
                for record in batch.to_pylist():
                    yield from self._units(record, group, path)

    def due(self, wanted: Callable[[int], bool]) -> Iterator[Unit]:
        """Yield the units of records that have a wanted one, those about one document next to each other.

        Args:
            wanted: whether the unit of a number, counted as `__iter__` yields them, is to be asked. It is
                called when a batch of records is reached. Further units of a record come along.
        """
        first = 0
        for path in self.records:
            for batch in iter_batches(path):
                numbers = range(first, first + batch.num_rows * self.width)
                first = numbers.stop
                rows = list(dict.fromkeys((n - numbers.start) // self.width for n in numbers if wanted(n)))
                group = _group_column(batch.schema.names)
                for record in _grouped(batch.take(rows).to_pylist() if rows else [], group):
                    yield from (unit for unit in self._units(record, group, path) if unit is not None)

    def _units(self, record: dict[str, Any], group: str | None, path: Path) -> Iterator[Unit | None]:
        identifier = record[next(iter(record))]
        # Samples have the whole prompt in common, which is more than the rows about one document have.
        shared = identifier if len(self.samplings) > 1 else str(record[group]) if group else ""
        record = self.complete(record, path)
        for prompt, grammar in zip(self.prompts, self.grammars, strict=True):
            fields = self.fields({**record, "prompt": prompt.name})
            if fields is None or isinstance(fields, Drop):
                yield from (None for _ in self.samplings)
                continue
            messages = prompt.render(fields)
            conversation = conversation_id(*self.identity, messages, grammar)
            for sample, samplings in enumerate(self.samplings):
                if prompt.stop:
                    samplings = tuple(replace(sampling, stop=prompt.stop) for sampling in samplings)
                yield Unit(identifier, prompt, sample, messages, conversation, samplings, grammar, shared)


def _group_column(names: Sequence[str]) -> str | None:
    return next((name for name in GROUP_COLUMNS if name in names), None)


def _grouped(rows: list[dict[str, Any]], group: str | None) -> list[dict[str, Any]]:
    """Return the rows with those of one group next to each other, otherwise in their order."""
    if group is None:
        return rows
    groups: dict[Any, list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(row[group], []).append(row)
    return [row for members in groups.values() for row in members]
