"""The model stages, one small module each: what its prompt gets, and what becomes of the answer.

A stage module has
    FIELDS        the variables that `fields` gives a prompt
    ANSWER        the tags that `parse` reads, each with its words or None for free text
    SCHEMA        the columns of the kept rows, the id first; or, for rows of any kind,
    ADDED         the columns that they get beside their own
    REASONS       why `fields` and `parse` leave rows out: reason → what it means to a reader, where they do
    fields(record)         the prompt's variables, None where the record passes through untouched, or a drop where
                           it is left out without a question
    parse(answer, record)  the new columns, or a list of new records and drops, or one drop. The answer is
                           the group of tags, {} where the model said the prompt's `none` word, and for a
                           prompt with `repeat` the list of groups.
`evaluate` has no parse: scoring takes its place. A stage that asks several prompts about one record, or draws
several samples, also has
    unit_id(record)        the id of record, prompt and sample, by `record["prompt"]` (its name) and `record["sample"]`
`parse` also finds `completion_tokens` in the record, and both find what the stage's config gives every record.
"""

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, cast

import pyarrow as pa

from megascience.stages.order import ASKING_STAGES
from megascience.storage.drops import Drop
from megascience.storage.errors import InputError

Record = Mapping[str, Any]
Answer = Any  # dict[str, str], or list[dict[str, str]] where the prompt's group repeats
Outcome = dict[str, Any] | list[dict[str, Any] | Drop] | Drop


class Stage(Protocol):
    """What a stage module gives."""

    FIELDS: tuple[str, ...]
    ANSWER: Mapping[str, tuple[str, ...] | None]
    SCHEMA: pa.Schema
    ADDED: pa.Schema
    REASONS: Mapping[str, str]

    def fields(self, record: Record) -> dict[str, Any] | Drop | None: ...

    def parse(self, answer: Answer, record: Record) -> Outcome: ...


def get_stage(name: str) -> Stage:
    """Return a stage's module.

    Raises:
        InputError: there is no such stage.
    """
    try:
        module = importlib.import_module(f"{__package__}.{name}")
    except ModuleNotFoundError:
        module = None
    if not hasattr(module, "fields"):
        raise InputError(f"there is no stage {name!r}; known: {', '.join(ASKING_STAGES)}")
    return cast(Stage, module)


def identity(record: Record) -> str:
    """Return a record's id, which is its first column."""
    return record[next(iter(record))]


def unit_id(stage: Stage, record: Record) -> str:
    """Return the id of a record, its prompt and its sample: the record's id, unless the stage says more."""
    return stage.unit_id(record) if hasattr(stage, "unit_id") else identity(record)


def prompt_faults(name: str, path: str | Path) -> list[str]:
    """Return one message a fault of a prompt file: faulty itself, or at odds with what its stage gives and reads."""
    from megascience.stages.prompting.prompt import load_prompt  # jinja2, which who only looks a stage up need not load

    stage = get_stage(name)
    try:
        prompt = load_prompt(path)
    except InputError as error:
        return [str(error)]
    faults = [
        f"{path}: asks for {variable!r}, which the stage {name} does not give; it gives {', '.join(stage.FIELDS)}"
        for variable in sorted(prompt.variables.difference(stage.FIELDS))
    ]
    declared = prompt.answer.tags
    for tag, words in stage.ANSWER.items():
        wanted = "text" if words is None else f"[{', '.join(words)}]"
        if tag not in declared or declared[tag] != words:
            faults.append(f"{path}: front matter: the stage {name} reads the tag {tag!r}; declare `{tag}: {wanted}`")
    return faults
