"""Jobs: what each generate job reads, whom it asks and where it writes; which of its requests are still pending."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from megascience.inference.engines.base import ModelSpec, Sampling
from megascience.inference.pending import pending_units
from megascience.inference.requests import RequestPlan, Unit
from megascience.planning.plan import Plan
from megascience.stages.order import MODEL_STAGES
from megascience.storage.layout import Layout, split_subset


@dataclass(frozen=True)
class Shard:
    """A generate job: the one place that says what it reads, whom it asks, and where its files are.

    Attributes:
        subset: the subset that the shard is of; for evaluate the model.
        model: the config's name of the model.
        records: its input files; they may not be there yet.
        join: chunks or difficulty scores, see `joins.completer`, or None.
        pending: where its pending requests are counted.
    """

    stage: str
    subset: str
    model: str
    records: tuple[Path, ...]
    prompts: tuple[str, ...]
    completions: Path
    cost: Path
    journal: Path
    pending: Path
    join: Path | None = None

    @property
    def ready(self) -> bool:
        """Whether its input is there."""
        return all(path.exists() for path in self.records) and (self.join is None or self.join.exists())


def shards_of(plan: Plan, results: str | Path) -> Iterator[Shard]:
    """Yield every generate job of the configuration, stage by stage, evaluation last."""
    for stage in MODEL_STAGES:
        yield from (find_shard(plan, results, stage, subset, shard) for subset, shard in plan.asked(stage))
    for stage, subsets in _selecting(plan).items():
        for subset in subsets:
            yield from (find_shard(plan, results, stage, subset, shard) for shard in plan.shards_of(subset))
    yield from (find_shard(plan, results, "evaluate", model) for model in plan.evaluated)


def _selecting(plan: Plan) -> dict[str, list[str]]:
    """Return the subsets of each stage that selections and mixtures need, in the order of the stages."""
    measured = plan.mixtures.measured()
    hard = [c for pool, how in measured.items() if "difficulty" in how for c in plan.branches.subsets(pool)]
    long = [c for pool, how in measured.items() if "response_length" in how for c in plan.branches.subsets(pool)]
    annotated = [c for name in plan.mixtures.annotations for c in plan.branches.selected(name)]
    return {"difficulty_sample": hard, "difficulty_score": hard, "response_length": long, "annotate": annotated}


def find_shard(plan: Plan, results: str | Path, stage: str, *part: str) -> Shard:
    """Return one generate job of a stage; `part` is a subset and three digits of a shard, for `evaluate` a model."""
    files = Layout(results)
    evaluated = {"evaluated": part[0]} if stage == "evaluate" else {"subset": part[0]}
    return Shard(
        stage=stage,
        subset=part[0],
        model=plan.model(stage, **evaluated),
        records=tuple(_records(plan, files, stage, *part)),
        join=_join(plan, files, stage, *part),
        prompts=tuple(plan.prompts(stage, **evaluated)),
        completions=files.completions(stage, *part),
        cost=files.cost(stage, *part),
        journal=files.journal(stage, *part),
        pending=files.pending(stage, *part),
    )


def rows_of(plan: Plan, results: str | Path, stage: str, subset: str, shard: str) -> Path:
    """Return the file of the rows that a stage keeps and drops, those of the stage before it in the subset's way."""
    files = Layout(results)
    if stage == "classify":  # keeps and drops books, not pages
        return files.books(subset, shard)
    return files.kept(*plan.branches.before(stage, subset), shard)


def _records(plan: Plan, files: Layout, stage: str, *part: str) -> list[Path]:
    """Return the files whose rows a stage asks about."""
    if stage == "evaluate":
        return [files.benchmark(name) for name in plan.benchmarks]
    if stage == "decontaminate":  # asks about the candidates of its rows
        return [files.kept("search", *part)]
    return [rows_of(plan, files.results, stage, *part)]


def _join(plan: Plan, files: Layout, stage: str, *part: str) -> Path | None:
    """Return the file that gives the records further columns, None where they need none."""
    if stage == "refine":
        return files.kept("chunk", split_subset(part[0])[0], part[1])
    if stage == "annotate" and "given" in plan.settings(stage, part[0]):
        return files.kept("difficulty_score", plan.branches.pool_subset(part[0]), part[1])
    return None


def model_identity(plan: Plan, results: str | Path, model: str) -> tuple[str, str] | None:
    """Return the name and revision that a model's records carry, None for a checkpoint that is not trained yet."""
    if model not in plan.experiments:
        known = plan.config.models[model]
        return known.name, known.revision
    manifest = Layout(results).checkpoint(model)
    if not manifest.exists():
        return None
    entry = json.loads(manifest.read_text(encoding="utf-8"))
    return entry["name"], entry["revision"]


def request_plan(plan: Plan, shard: Shard, identity: tuple[str, str]) -> RequestPlan:
    """Return what a shard's records call for, as its generate job plans it.

    Raises:
        InputError: a file or a prompt is faulty.
    """
    own = {"evaluated": shard.subset} if shard.stage == "evaluate" else {"subset": shard.subset}
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


def pending_of(plan: Plan, shard: Shard, identity: tuple[str, str]) -> Iterator[Unit]:
    """Yield what a shard's generate job would have to ask, equal units once and retries of one left out.

    Raises:
        InputError: a file or a prompt is faulty.
    """
    base = plan.experiments[shard.model].base if shard.model in plan.experiments else shard.model
    model = ModelSpec(*identity, engine="", context=plan.config.models[base].context)
    return pending_units(request_plan(plan, shard, identity), shard.journal, model)
