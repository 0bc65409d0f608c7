"""Upkeep: which requests the records on disk call for, which of them a journal knows, and which it knows in vain."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import journal as journals
from .engines.base import ModelSpec, Sampling
from .journal import JournalReader
from .layout import results_folder, split_corpus
from .missing import missing_units
from .plan import MODEL_STAGES, Plan
from .records import InputError
from .request_plan import RequestPlan, Unit
from .tabular import Table


@dataclass(frozen=True)
class Shard:
    """A generate job: what it reads, whom it asks, and where its journal is.

    Attributes:
        corpus: the corpus that the shard is of; for evaluate the model.
        model: the config's name of the model.
        records: its input files; they may not be there yet.
        join: chunks or difficulty scores, see `batches.completer`, or None.
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
        yield from (find_shard(plan, results, stage, corpus, shard) for corpus, shard in plan.asked(stage))
    for stage, corpora in _selecting(plan).items():
        for corpus in corpora:
            yield from (find_shard(plan, results, stage, corpus, shard) for shard in plan.shards_of(corpus))
    for model in plan.evaluated:
        yield Shard(
            stage="evaluate",
            corpus=model,
            model=model,
            records=tuple(results / "benchmarks" / f"{name}.parquet" for name in plan.benchmarks),
            prompts=tuple(plan.prompts("evaluate", evaluated=model)),
            completions=results / "evaluate" / model / "completions.parquet",
            cost=results / "cost" / "evaluate" / f"{model}.json",
            journal=results / "journal" / "evaluate" / f"{model}.jsonl",
        )


def _selecting(plan: Plan) -> dict[str, list[str]]:
    """Return the corpora of each stage that selections and mixtures need, in the order of the stages."""
    measured = plan.recipes.measured()
    hard = [c for pool, how in measured.items() if "difficulty" in how for c in plan.chains.corpora(pool)]
    long = [c for pool, how in measured.items() if "response_length" in how for c in plan.chains.corpora(pool)]
    annotated = [c for name in plan.recipes.annotations for c in plan.chains.selected(name)]
    return {"difficulty_sample": hard, "difficulty_score": hard, "response_length": long, "annotate": annotated}


def find_shard(plan: Plan, results: str | Path, stage: str, corpus: str, shard: str) -> Shard:
    """Return one generate job of a stage; `shard` are its three digits."""
    results = Path(results)
    source, holder = plan.chains.before(stage, corpus)
    if stage == "decontaminate":  # asks about the candidates of its rows
        source, holder = "search", corpus
    records = results / source / holder / f"{shard}.parquet"
    if stage == "classify":  # asks about books, not about their pages
        records = results / stage / corpus / f"{shard}.books.parquet"
    place = Path(corpus, shard)
    join = None
    settings = plan.settings(stage, corpus)
    if stage == "refine":
        join = results / "chunk" / split_corpus(corpus)[0] / f"{shard}.parquet"
    elif "below" in settings.get("given", {}):
        join = results / "difficulty_score" / plan.chains.pool_corpus(corpus) / f"{shard}.parquet"
    return Shard(
        stage=stage,
        corpus=corpus,
        model=plan.model(stage, corpus),
        records=(records,),
        prompts=tuple(plan.prompts(stage, corpus)),
        completions=results / stage / f"{place}.completions.parquet",
        cost=results / "cost" / stage / f"{place}.json",
        journal=results / "journal" / stage / f"{place}.jsonl",
        join=join,
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


def request_plan(plan: Plan, shard: Shard, identity: tuple[str, str]) -> RequestPlan:
    """Return what a shard's records call for, as its generate job plans it.

    Raises:
        InputError: a file or a prompt is faulty.
    """
    own = {"evaluated": shard.corpus} if shard.stage == "evaluate" else {"corpus": shard.corpus}
    settings = plan.settings(shard.stage, **own)
    model, revision = identity
    return RequestPlan(
        stage=shard.stage,
        records=shard.records,
        prompts=shard.prompts,
        model=model,
        revision=revision,
        sampling=Sampling(**settings["sampling"]),
        retries=settings["retries"],
        constrain=settings["constrain"],
        samples=settings.get("samples", 1),
        join=shard.join,
        given=settings.get("given"),
    )


def missing_of(plan: Plan, shard: Shard, identity: tuple[str, str]) -> Iterator[Unit]:
    """Yield what a shard's generate job would have to ask, equal units once and retries of one left out.

    Raises:
        InputError: a file or a prompt is faulty.
    """
    base = plan.experiments[shard.model]["base"] if shard.model in plan.experiments else shard.model
    model = ModelSpec(*identity, engine="", context=plan.config["models"][base]["context"])
    return missing_units(request_plan(plan, shard, identity), shard.journal, model)


def collect_garbage(plan: Plan, results: str | Path) -> Iterator[tuple[Path, int]]:
    """Drop what nothing uses any more from each journal of the configuration; yield (journal, completions dropped).

    Left alone: journals of shards whose records are not there, of models that are not trained, and those
    that the configuration does not know.

    Raises:
        InputError: there is no such folder, a job is working on a journal, or a file is faulty.
    """
    for shard in shards_of(plan, results_folder(results)):
        identity = model_identity(plan, results, shard.model)
        if identity and shard.ready and shard.journal.exists():
            units = request_plan(plan, shard, identity)
            live = {key for unit in units if unit is not None for key in unit.keys}
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
            readers = [JournalReader(file) for file in files]
            counts = (sum(r.completions for r in readers), len({key for r in readers for key in r.keys()}))
            rows.append((stage.name, len(files), *counts, sum(file.stat().st_size for file in files) / 1e6))
    if not rows:
        raise InputError(f"{folder}: there is no journal; mend --results, or run a model stage first")
    return Table(("stage", "journals", "completions", "different requests", "MB"), rows, {"MB": 1})
