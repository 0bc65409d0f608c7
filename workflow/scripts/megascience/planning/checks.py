"""Checks of a configuration before anything runs: against the shelf, the models, the prompts and itself."""

from difflib import get_close_matches
from pathlib import Path

from megascience.ingest.public.field_mapping import parse_mapping
from megascience.ingest.public.import_source import local_faults
from megascience.planning.branches import TRUNK
from megascience.planning.comparisons import comparison_faults
from megascience.planning.config.serving import ENGINES, PROGRAMS, foreign_keys
from megascience.planning.plan import Plan
from megascience.stages.order import MODEL_STAGES, SELECTING_STAGES
from megascience.stages.stage import prompt_faults
from megascience.storage.errors import InputError
from megascience.storage.layout import UNCLASSIFIED


def check(plan: Plan) -> None:
    """Check a configuration against the shelf, the prompts and the models, before anything expensive.

    Raises:
        InputError: one line a fault.
    """
    if found := faults(plan):
        raise InputError("\n".join(found))


def faults(plan: Plan) -> list[str]:
    """Return one line a fault, each with what to do about it."""
    return _clashing_names(plan) or [  # nothing else can be checked where a subset is two things
        *_book_faults(plan),
        *_model_faults(plan),
        *_serving_faults(plan),
        *_source_faults(plan),
        *_dataset_faults(plan),
        *plan.mixtures.faults(plan.branches.pools, [TRUNK, *plan.branches.names]),
        *_experiment_faults(plan),
        *comparison_faults(plan.config),
        *_prompt_faults(plan),
    ]


def _serving_faults(plan: Plan) -> list[str]:
    """Faults that only a job on its GPU would find, or that nothing would: a name or a key that nothing reads."""
    serving, default = plan.config.serving, plan.config.serving.default.engine
    if default is None:
        return ["config: serving.default names no engine; known: " + ", ".join(ENGINES)]
    names = [*plan.config.models, *plan.experiments]
    faults = []
    for name, entry in serving.models.items():
        if name not in names:
            known = ["default", *names, *PROGRAMS]
            near = get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]!r}? Known: " if near else "known: "
            faults.append(f"config: serving.{name} is not a model; {hint}{', '.join(known)}")
        base = plan.experiments[name].base if name in plan.experiments else name
        inherited = serving.models[base].engine if base in serving.models else None
        engine = entry.engine or inherited or default
        faults += [
            f"config: serving.{name}.{key} is not a setting of {engine}, which serves it; "
            f"take it out, or see {engine} in docs/configuration.md"
            for key in foreign_keys(entry, engine)
        ]
    return faults


def _book_faults(plan: Plan) -> list[str]:
    results = plan.config.pathvars.results
    return [
        f"{book.row}: {book.path} is not there; correct the path or take the row out"
        for book in plan.book_shards.books
        # The example books are typeset by a rule.
        if book.path != f"{results}/books/{book.book_id}.pdf" and not Path(book.path).exists()
    ]


def _model_faults(plan: Plan) -> list[str]:
    config = plan.config
    named = [(f"{stage}.model", config.stage(stage).model) for stage in (*MODEL_STAGES, *SELECTING_STAGES)]
    named += [("chunk.model", config.chunk.model), ("embed.model", config.embed.model)]
    named += [
        (f"datasets.{name}.override.{stage}.model", keys.model)
        for name, entry in config.datasets.items()
        for stage, keys in (entry.override or {}).items()
        if keys.model is not None
    ]
    named += [(f"prices.{key}", key) for key in config.prices]
    for row in config.experiments:
        named.append((f"experiments.{row.name}.base", row.base))
        if row.baseline is not None:
            named.append((f"experiments.{row.name}.baseline", row.baseline))
    faults = [
        f"config: {key} names {name!r}, which is not under models; known: {', '.join(config.models)}"
        for key, name in named
        if name not in config.models
    ]
    for name, entry in config.models.items():
        sources = entry.sources or []
        paths = [source.path for source in sources if source.path is not None]
        if paths and len(paths) == len(sources) and not any(Path(p).exists() for p in paths):
            faults.append(f"config: models.{name}: {paths[0]} is not there; correct the path or add another source")
    return faults


def _clashing_names(plan: Plan) -> list[str]:
    return [
        f"config: sources.{name} has the name of a discipline; rename it"
        for name in plan.config.sources
        if name in (*plan.disciplines, UNCLASSIFIED)
    ]


def _source_faults(plan: Plan) -> list[str]:
    faults = []
    for name, entry in plan.config.sources.items():
        try:
            parse_mapping(entry.mapping.plain(), f"config: sources.{name}.mapping")
        except InputError as error:
            faults.append(str(error))
        faults += local_faults(name, entry.plain())
    return faults


def _dataset_faults(plan: Plan) -> list[str]:
    datasets = plan.config.datasets
    faults = [
        f"config: datasets.{name} has the name of a source; rename it"
        for name in datasets
        if name in plan.config.sources
    ]
    if datasets[TRUNK].plain():
        faults.append(f"config: datasets.{TRUNK} is the whole way and takes no keys; name another dataset")
    return faults


def _experiment_faults(plan: Plan) -> list[str]:
    names = [row.name for row in plan.config.experiments]
    faults = [f"config: experiments has {n!r} twice; rename one" for n in sorted(set(names)) if names.count(n) > 1]
    for name, experiment in plan.experiments.items():
        if name in plan.config.models:
            faults.append(f"config: experiments.{name} has the name of a model; rename it")
        if experiment.dataset not in plan.config.datasets:
            known = ", ".join(plan.config.datasets)
            faults.append(f"config: experiments.{name}.dataset is {experiment.dataset!r}; known: {known}")
        if experiment.train not in plan.config.train:
            known = ", ".join(plan.config.train)
            faults.append(f"config: experiments.{name}.train is {experiment.train!r}; known presets: {known}")
    return faults


def _prompt_faults(plan: Plan) -> list[str]:
    subsets = [subset for pool in (TRUNK, *plan.branches.names) for subset in plan.branches.subsets(pool)]
    used = {
        (stage, path)
        for stage in (*MODEL_STAGES, "evaluate")
        for subset in subsets
        if stage == "evaluate" or stage in plan.branches.own(subset)
        for path in plan.prompts(stage, subset)
    }
    used |= {(stage, path) for stage in SELECTING_STAGES for path in plan.prompts(stage)}
    return [fault for stage, path in sorted(used) for fault in prompt_faults(stage, path)]
