"""Parse: a shard's raw completions become kept rows and dropped rows, each with its reason.

Completions join their records by record id, prompt and sample, never by position. Both files are read in
their order, batch by batch, so that memory does not grow with the number of rows as long as they
stand in the same order, which is how `generate` writes them.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from megascience.inference.reasons import COMPLETION_REASONS
from megascience.ingest.text_checks import text_fault
from megascience.stages.prompting.joins import completer
from megascience.stages.prompting.prompt import Prompt, load_prompt
from megascience.stages.stage import Outcome, Stage, get_stage, identity, unit_id
from megascience.storage.drops import DROPPED, Drop, dropped_row
from megascience.storage.errors import InputError
from megascience.storage.parquet import iter_records, read_schema, record_writer

#: The columns that are trained on, or that answers are scored against.
_TRAINED_ON = ("question", "answer", "reference_answer")

_BATCH = 512
_COLUMNS = ["id", "prompt", "sample", "prompt_hash", "text", "finish_reason", "completion_tokens"]


class Parsed(NamedTuple):
    """What became of one record under one prompt, in one sample.

    Attributes:
        unit: the record's id, for a stage with several prompts or samples the id of them together.
        record: the record that was asked about (with `prompt`, `sample` and `completion_tokens`), passed through
            or left out.
        outcome: the record with its new columns, or a list of new records and drops, or a drop.
    """

    unit: str
    record: dict[str, Any]
    outcome: Outcome


def iter_parsed(
    *,
    stage: str,
    records: Sequence[str | Path],
    completions: str | Path,
    prompts: Sequence[str | Path],
    samples: int = 1,
    join: str | Path | None = None,
    given: Mapping[str, Any] | None = None,
) -> Iterator[Parsed]:
    """Yield the outcome of every record under every prompt in every sample, in the records' order.

    Args:
        stage: the name of a model stage that has a parser.
        records: Parquet files whose first column is the record's id.
        completions: a Parquet file of `completions.COMPLETIONS`.
        prompts: the stage's prompt files; they declare the form of the completions.
        samples: how many answers each record and prompt was to get.
        join, given: what gives the records further columns, see `batches.completer`.

    Raises:
        InputError: a record lacks its completion, a completion lacks its record or is there twice, or
            was made with another version of its prompt.
    """
    module = get_stage(stage)
    loaded = [load_prompt(path) for path in prompts]
    complete = completer(join, given)
    answers = _Completions(completions, loaded)
    for path in records:
        for record in iter_records(path, rows=_BATCH):
            record = complete(record, path)
            fields = module.fields({**record, "prompt": loaded[0].name})
            if fields is None or isinstance(fields, Drop):
                yield Parsed(identity(record), record, record if fields is None else fields)
                continue
            for prompt, sample in product(loaded, range(samples)):
                completion = answers.take((identity(record), prompt.name, sample), path)
                tokens = completion["completion_tokens"]
                asked = {**record, "prompt": prompt.name, "sample": sample, "completion_tokens": tokens}
                unit = unit_id(module, asked) + (f":{sample}" if samples > 1 else "")
                yield Parsed(unit, asked, _outcome(module, prompt, completion, asked))
    answers.finish()


def parse_shard(
    *,
    stage: str,
    records: Sequence[str | Path],
    completions: str | Path,
    prompts: Sequence[str | Path],
    kept: str | Path,
    dropped: str | Path,
    samples: int = 1,
    join: str | Path | None = None,
    given: Mapping[str, Any] | None = None,
) -> None:
    """Write a stage's kept and dropped rows; see `iter_parsed` for the arguments and errors.

    Every unit (record and prompt) ends in the kept rows, or in the dropped ones under its id; the k-th
    part of a list of outcomes is dropped as `<unit>#k`, counted from 1.
    """
    reasons = {**getattr(get_stage(stage), "REASONS", {}), **COMPLETION_REASONS}
    with ExitStack() as stack:
        metadata = made_by(stage, completions, prompts)
        keep = stack.enter_context(record_writer(kept, kept_schema(stage, records), metadata))
        leave = stack.enter_context(record_writer(dropped, DROPPED, {"stage": stage}))

        def settle(identifier: str, outcome: dict[str, Any] | Drop) -> None:
            if isinstance(outcome, Drop):
                leave(dropped_row(identifier, stage, outcome, reasons))
            else:
                keep(outcome)

        parsed = iter_parsed(
            stage=stage,
            records=records,
            completions=completions,
            prompts=prompts,
            samples=samples,
            join=join,
            given=given,
        )
        for unit, _, outcome in parsed:
            if isinstance(outcome, list):
                for k, part in enumerate(outcome, 1):
                    settle(f"{unit}#{k}", part)
            else:
                settle(unit, outcome)


def _outcome(module: Stage, prompt: Prompt, completion: dict[str, Any], record: dict[str, Any]) -> Outcome:
    if completion["finish_reason"] == "overflow":
        return Drop("context_overflow")
    groups = prompt.answer.read(completion["text"])
    if groups is None:
        cut = completion["finish_reason"] == "length"
        return Drop("truncated" if cut else "unreadable", completion["text"][:200])
    if prompt.answer.repeat:
        outcome = module.parse(groups, record)
    else:
        outcome = module.parse(groups[0] if groups else {}, record)
    if isinstance(outcome, list):
        return [_checked(part) for part in outcome]
    checked = _checked(outcome)
    return {**record, **checked} if isinstance(checked, dict) else checked


def _checked(outcome: dict[str, Any] | Drop) -> dict[str, Any] | Drop:
    """Return new columns, or a drop where one of their texts must not be trained on."""
    if isinstance(outcome, dict):
        for name in _TRAINED_ON:
            if isinstance(outcome.get(name), str) and (fault := text_fault(outcome[name])):
                why, found = fault
                return Drop(why, f"{name}: {found}")
    return outcome


class _Completions:
    """The completions of one file, taken by id, prompt and sample; what comes too early is kept until asked for."""

    def __init__(self, path: str | Path, prompts: Sequence[Prompt]) -> None:
        self.path = path
        self.hashes = {prompt.name: prompt.hash for prompt in prompts}
        self.rows = iter_records(path, _COLUMNS, _BATCH)
        self.early: dict[tuple[str, str, int], dict[str, Any]] = {}

    def take(self, wanted: tuple[str, str, int], records: str | Path) -> dict[str, Any]:
        if wanted in self.early:
            return self.early.pop(wanted)
        for row in self.rows:
            key = (row["id"], row["prompt"], row["sample"])
            if key in self.early:
                raise InputError(f"{self.path}: row {key[0]} with prompt {key[1]} is there twice; {_AGAIN}")
            if row["prompt_hash"] != self.hashes.get(row["prompt"]):
                raise InputError(f"{self.path}: row {key[0]} was made with another version of {key[1]}; {_AGAIN}")
            if key == wanted:
                return row
            self.early[key] = row
        identifier, prompt, sample = wanted
        which = f"prompt {prompt}" + (f", sample {sample}" if sample else "")
        raise InputError(f"{self.path}: no completion for row {identifier} of {records} with {which}; {_AGAIN}")

    def finish(self) -> None:
        left = next(iter(self.early.values()), None) or next(self.rows, None)
        if left is not None:
            raise InputError(f"{self.path}: row {left['id']} with prompt {left['prompt']} has no record; {_AGAIN}")


_AGAIN = "delete the file and run its generate job again, which asks only what its journal lacks"


def made_by(stage: str, completions: str | Path, prompts: Sequence[str | Path]) -> dict[str, str]:
    """Return the footer of a stage's kept rows: stage, hashes of the prompts, and the model and its revision.

    The latter two are empty where the model was not asked.
    """
    first = next(iter_records(completions, ["model", "revision"], _BATCH), None)
    return {
        "stage": stage,
        "prompt_hash": ",".join(load_prompt(path).hash for path in prompts),
        **{key: (first or {}).get(key) or "" for key in ("model", "revision")},
    }


def kept_schema(stage: str, records: Sequence[str | Path]) -> pa.Schema:
    """Return the columns of a stage's kept rows: its own, or those of the records and what it adds to any of them."""
    module = get_stage(stage)
    if hasattr(module, "SCHEMA"):
        return module.SCHEMA
    schema = read_schema(records[0])
    for field in module.ADDED:
        schema = schema if field.name in schema.names else schema.append(field)
    return schema
