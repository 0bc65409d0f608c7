"""Checks of a configuration before anything runs: against the shelf, the models, the prompts and itself."""

from pathlib import Path

from megascience.inference.engines.registry import ENGINES
from megascience.ingest.public.field_mapping import parse_mapping
from megascience.ingest.public.import_source import local_faults
from megascience.planning.branches import TRUNK
from megascience.planning.comparisons import comparison_faults
from megascience.planning.plan import MODEL_STAGES, Plan
from megascience.stages.order import SELECTING_STAGES
from megascience.stages.stage import prompt_faults
from megascience.storage.errors import InputError
from megascience.storage.layout import UNCLASSIFIED


def faults(plan: Plan) -> list[str]:
    """Return one line a fault, each with what to do about it."""
    return _clashing_names(plan) or [  # nothing else can be told where a subset is two things
        *_book_faults(plan),
        *_model_faults(plan),
        *_serving_faults(plan),
        *_source_faults(plan),
        *_dataset_faults(plan),
        *plan.recipes.faults(plan.chains.pools, [TRUNK, *plan.chains.branches]),
        *_experiment_faults(plan),
        *comparison_faults(plan.config),
        *_prompt_faults(plan),
    ]


def _serving_faults(plan: Plan) -> list[str]:
    """Faults that only a job on its GPU would find: an engine that does not exist; or none would: a misspelt name."""
    programs = ("default", "pdftext", "olmocr", "text-dedup", "train")
    names = [*plan.config["models"], *plan.experiments, *programs]
    faults = []
    for name, entry in plan.config.get("serving", {}).items():
        if name not in names:
            faults.append(f"config: serving.{name} is no model; known: {', '.join(names)}")
        if entry.get("engine", "vllm") not in ENGINES:
            faults.append(f"config: serving.{name}.engine is {entry['engine']!r}; known: {', '.join(ENGINES)}")
    return faults


def _book_faults(plan: Plan) -> list[str]:
    results = plan.config.get("pathvars", {}).get("results", "results")
    return [
        f"{book.row}: {book.path} is not there; correct the path or take the row out"
        for book in plan.shelving.books
        # The example books are typeset by a rule.
        if book.path != f"{results}/books/{book.book_id}.pdf" and not Path(book.path).exists()
    ]


def _model_faults(plan: Plan) -> list[str]:
    models = plan.config["models"]
    named = [
        (f"{stage}.model", plan.config[stage]["model"])
        for stage in (*MODEL_STAGES, *_selecting(plan), "chunk", "embed")
    ]
    named += [
        (f"datasets.{name}.override.{stage}.model", section["model"])
        for name, entry in plan.config["datasets"].items()
        for stage, section in entry.get("override", {}).items()
        if "model" in section
    ]
    named += [(f"prices.{key}", key) for key in plan.config["prices"]]
    named += [
        (f"experiments.{name}.{key}", experiment[key])
        for name, experiment in plan.experiments.items()
        for key in ("base", "baseline")
        if key in experiment
    ]
    faults = [
        f"config: {key} names {name!r}, which is not under models; known: {', '.join(models)}"
        for key, name in named
        if name not in models
    ]
    for name, entry in models.items():
        sources = entry.get("sources", [])
        paths = [source["path"] for source in sources if "path" in source]
        if paths and len(paths) == len(sources) and not any(Path(p).exists() for p in paths):
            faults.append(f"config: models.{name}: {paths[0]} is not there; mend the path or add another source")
    return faults


def _clashing_names(plan: Plan) -> list[str]:
    return [
        f"config: sources.{name} bears the name of a discipline; rename it"
        for name in plan.config["sources"]
        if name in (*plan.disciplines, UNCLASSIFIED)
    ]


def _source_faults(plan: Plan) -> list[str]:
    faults = []
    for name, entry in plan.config["sources"].items():
        try:
            parse_mapping(entry["mapping"], f"config: sources.{name}.mapping")
        except InputError as error:
            faults.append(str(error))
        faults += local_faults(name, entry)
    return faults


def _dataset_faults(plan: Plan) -> list[str]:
    datasets = plan.config["datasets"]
    faults = [
        f"config: datasets.{name} bears the name of a source; rename it"
        for name in datasets
        if name in plan.config["sources"]
    ]
    if datasets.get(TRUNK):
        faults.append(f"config: datasets.{TRUNK} is the whole way and takes no keys; name another dataset")
    return faults


def _experiment_faults(plan: Plan) -> list[str]:
    names = [row["name"] for row in plan.config["experiments"]]
    faults = [f"config: experiments has {n!r} twice; rename one" for n in sorted(set(names)) if names.count(n) > 1]
    for name, experiment in plan.experiments.items():
        if name in plan.config["models"]:
            faults.append(f"config: experiments.{name} bears the name of a model; rename it")
        if experiment["dataset"] not in plan.config["datasets"]:
            known = ", ".join(plan.config["datasets"])
            faults.append(f"config: experiments.{name}.dataset is {experiment['dataset']!r}; known: {known}")
        if experiment["train"] not in plan.config["train"]:
            known = ", ".join(plan.config["train"])
            faults.append(f"config: experiments.{name}.train is {experiment['train']!r}; known presets: {known}")
    return faults


def _prompt_faults(plan: Plan) -> list[str]:
    subsets = [subset for pool in (TRUNK, *plan.chains.branches) for subset in plan.chains.subsets(pool)]
    used = {
        (stage, path)
        for stage in (*MODEL_STAGES, "evaluate")
        for subset in subsets
        if stage == "evaluate" or stage in plan.chains.own(subset)
        for path in plan.prompts(stage, subset)
    }
    used |= {(stage, plan.config[stage]["prompt"]) for stage in _selecting(plan)}
    return [fault for stage, path in sorted(used) for fault in prompt_faults(stage, path)]


def _selecting(plan: Plan) -> list[str]:
    return [stage for stage in SELECTING_STAGES if stage in plan.config]
