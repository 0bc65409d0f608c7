"""Upkeep: which requests the records on disk call for, which of them a journal knows, and which it knows in vain."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import journal as journals
from .batches import chunk_texts, iter_batches
from .engines.base import Sampling
from .generate import retry_sampling
from .layout import split_corpus
from .plan import MODEL_STAGES, Plan
from .prompts import load_prompt
from .records import InputError
from .stages import get_stage
from .tabular import Table


@dataclass(frozen=True)
class Wanted:
    """One request that a record calls for: the journal's key of each attempt, and the prompt's size in bytes."""

    keys: tuple[str, ...]
    size: int


@dataclass(frozen=True)
class Shard:
    """A generate job: what it reads, whom it asks, and where its journal is.

    Attributes:
        corpus: the corpus that the shard is of; for evaluate the model.
        model: the config's name of the model.
        records: its input files; they may not be there yet.
        join: chunks that give the column `chunk_text`, or None.
    """

    stage: str
    corpus: str
    model: str
    records: tuple[Path, ...]
    prompts: tuple[str, ...]
    completions: Path
    cost: Path
    journal: Path
    join: Path | None = None

    @property
    def ready(self) -> bool:
        """Whether its input is there."""
        return all(path.exists() for path in self.records) and (self.join is None or self.join.exists())


def shards_of(plan: Plan, results: str | Path) -> Iterator[Shard]:
    """Yield every generate job of the configuration, stage by stage, evaluation last."""
    results = Path(results)
    for stage in MODEL_STAGES:
        for corpus in (c for pool in plan.chains.pools for c in plan.chains.corpora(pool)):
            if stage not in plan.chains.own(corpus):
                continue
            source, holder = plan.chains.before(stage, corpus)
            if stage == "decontaminate":  # asks about the candidates of its rows
                source, holder = "search", corpus
            for shard in plan.shards_of(corpus):
                place = Path(corpus, shard)
                chunks = results / "chunk" / split_corpus(corpus)[0] / f"{shard}.parquet"
                yield Shard(
                    stage=stage,
                    corpus=corpus,
                    model=plan.model(stage, corpus),
                    records=(results / source / holder / f"{shard}.parquet",),
                    prompts=tuple(plan.prompts(stage, corpus)),
                    completions=results / stage / place.with_suffix(".completions.parquet"),
                    cost=results / "cost" / stage / place.with_suffix(".json"),
                    journal=results / "journal" / stage / place.with_suffix(".jsonl"),
                    join=chunks if stage == "refine" else None,
                )
    for model in plan.evaluated:
        yield Shard(
            stage="evaluate",
            corpus=model,
            model=model,
            records=tuple(results / "benchmarks" / f"{name}.parquet" for name in plan.benchmarks),
            prompts=tuple(plan.prompts("evaluate")),
            completions=results / "evaluate" / model / "completions.parquet",
            cost=results / "cost" / "evaluate" / f"{model}.json",
            journal=results / "journal" / "evaluate" / f"{model}.jsonl",
        )


def model_identity(plan: Plan, results: str | Path, model: str) -> tuple[str, str] | None:
    """Return the name and revision that a model's records carry, None for a checkpoint that is not trained yet."""
    if model not in plan.experiments:
        entry = plan.config["models"][model]
        return entry["name"], entry["revision"]
    manifest = Path(results, "train", model, "model.json")
    if not manifest.exists():
        return None
    entry = json.loads(manifest.read_text(encoding="utf-8"))
    return entry["name"], entry["revision"]


def wanted(plan: Plan, shard: Shard, identity: tuple[str, str]) -> Iterator[Wanted]:
    """Yield the requests that a shard's records call for, one a record and prompt that is asked at all.

    Raises:
        InputError: a file or a prompt is faulty.
    """
    settings = plan.settings(shard.stage, None if shard.stage == "evaluate" else shard.corpus)
    prompts = [load_prompt(path) for path in shard.prompts]
    grammars = [prompt.answer.grammar() if settings["constrain"] else None for prompt in prompts]
    samplings = [retry_sampling(Sampling(**settings["sampling"]), n) for n in range(settings["retries"] + 1)]
    fields = get_stage(shard.stage).fields
    text_of = chunk_texts(shard.join) if shard.join else None
    for path in shard.records:
        for batch in iter_batches(path):
            for record in batch.to_pylist():
                if text_of:
                    record["chunk_text"] = text_of(record["chunk_id"], path)
                for prompt, grammar in zip(prompts, grammars, strict=True):
                    given = fields({**record, "prompt": prompt.name})
                    if given is None:
                        continue
                    messages = prompt.render(given)
                    asked = journals.conversation_id(*identity, messages, grammar)
                    keys = tuple(journals.request_key(asked, sampling) for sampling in samplings)
                    yield Wanted(keys, sum(len(message["content"].encode()) for message in messages))


def journal_keys(path: str | Path) -> Iterator[str]:
    """Yield the keys of a journal's completions without taking its lock, so that a job may be at work on it.

    A line that is torn, as the last one of a running job may be, is passed over.
    """
    try:
        with open(path, "rb") as lines:
            for line in lines:
                try:
                    entry = json.loads(line)
                except ValueError:
                    continue
                if isinstance(entry, dict) and isinstance(entry.get("key"), str):
                    yield entry["key"]
    except FileNotFoundError:
        return


def collect_garbage(plan: Plan, results: str | Path) -> Iterator[tuple[Path, int]]:
    """Drop what nothing uses any more from each journal of the configuration; yield (journal, completions dropped).

    Left alone: journals of shards whose records are not there, of models that are not trained, and those
    that the configuration does not know.

    Raises:
        InputError: a job is working on a journal, or a file is faulty.
    """
    for shard in shards_of(plan, results):
        identity = model_identity(plan, results, shard.model)
        if identity and shard.ready and shard.journal.exists():
            live = {key for request in wanted(plan, shard, identity) for key in request.keys}
            yield shard.journal, journals.gc(shard.journal, live)


def journal_stats(results: str | Path) -> Table:
    """Return completions and megabytes of the journals by stage.

    Raises:
        InputError: there are no journals.
    """
    folder = Path(results, "journal")
    rows: list[Sequence[Any]] = []
    for stage in sorted(path for path in folder.glob("*") if path.is_dir()):
        files = sorted(stage.rglob("*.jsonl"))
        if files:
            keys = [key for file in files for key in journal_keys(file)]
            size = sum(file.stat().st_size for file in files) / 1e6
            rows.append((stage.name, len(files), len(keys), len(set(keys)), size))
    if not rows:
        raise InputError(f"{folder}: there is no journal; mend --results, or run a model stage first")
    return Table(("stage", "journals", "completions", "different requests", "MB"), rows, {"MB": 1})
