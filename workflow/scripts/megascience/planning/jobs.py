"""Upkeep: which requests the records on disk call for, which of them a journal knows, and which it knows in vain."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from megascience.inference.engines.base import ModelSpec, Sampling
from megascience.inference.pending import missing_units
from megascience.inference.requests import RequestPlan, Unit
from megascience.planning.plan import MODEL_STAGES, Plan
from megascience.storage.layout import split_subset


@dataclass(frozen=True)
class Shard:
    """A generate job: what it reads, whom it asks, and where its journal is.

    Attributes:
        subset: the subset that the shard is of; for evaluate the model.
        model: the config's name of the model.
        records: its input files; they may not be there yet.
        join: chunks or difficulty scores, see `batches.completer`, or None.
    """

    stage: str
    subset: str
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
        yield from (find_shard(plan, results, stage, subset, shard) for subset, shard in plan.asked(stage))
    for stage, subsets in _selecting(plan).items():
        for subset in subsets:
            yield from (find_shard(plan, results, stage, subset, shard) for shard in plan.shards_of(subset))
    for model in plan.evaluated:
        yield Shard(
            stage="evaluate",
            subset=model,
            model=model,
            records=tuple(results / "benchmarks" / f"{name}.parquet" for name in plan.benchmarks),
            prompts=tuple(plan.prompts("evaluate", evaluated=model)),
            completions=results / "evaluate" / model / "completions.parquet",
            cost=results / "cost" / "evaluate" / f"{model}.json",
            journal=results / "journal" / "evaluate" / f"{model}.jsonl",
        )


def _selecting(plan: Plan) -> dict[str, list[str]]:
    """Return the subsets of each stage that selections and mixtures need, in the order of the stages."""
    measured = plan.recipes.measured()
    hard = [c for pool, how in measured.items() if "difficulty" in how for c in plan.chains.subsets(pool)]
    long = [c for pool, how in measured.items() if "response_length" in how for c in plan.chains.subsets(pool)]
    annotated = [c for name in plan.recipes.annotations for c in plan.chains.selected(name)]
    return {"difficulty_sample": hard, "difficulty_score": hard, "response_length": long, "annotate": annotated}


def find_shard(plan: Plan, results: str | Path, stage: str, subset: str, shard: str) -> Shard:
    """Return one generate job of a stage; `shard` are its three digits."""
    results = Path(results)
    source, holder = plan.chains.before(stage, subset)
    if stage == "decontaminate":  # asks about the candidates of its rows
        source, holder = "search", subset
    records = results / source / holder / f"{shard}.parquet"
    if stage == "classify":  # asks about books, not about their pages
        records = results / stage / subset / f"{shard}.books.parquet"
    place = Path(subset, shard)
    join = None
    settings = plan.settings(stage, subset)
    if stage == "refine":
        join = results / "chunk" / split_subset(subset)[0] / f"{shard}.parquet"
    elif "below" in settings.get("given", {}):
        join = results / "difficulty_score" / plan.chains.pool_subset(subset) / f"{shard}.parquet"
    return Shard(
        stage=stage,
        subset=subset,
        model=plan.model(stage, subset),
        records=(records,),
        prompts=tuple(plan.prompts(stage, subset)),
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


def missing_of(plan: Plan, shard: Shard, identity: tuple[str, str]) -> Iterator[Unit]:
    """Yield what a shard's generate job would have to ask, equal units once and retries of one left out.

    Raises:
        InputError: a file or a prompt is faulty.
    """
    base = plan.experiments[shard.model]["base"] if shard.model in plan.experiments else shard.model
    model = ModelSpec(*identity, engine="", context=plan.config["models"][base]["context"])
    return missing_units(request_plan(plan, shard, identity), shard.journal, model)
