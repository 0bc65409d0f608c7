"""The plan: what the configuration and the shelf say will be made."""

from functools import cached_property
from pathlib import Path
from typing import Any

from megascience.evaluation.items import local_files
from megascience.ingest.public.import_source import is_local, local_patterns
from megascience.models.manifest import prices
from megascience.planning.branches import Branches
from megascience.planning.comparisons import needed
from megascience.planning.config.benchmarks import Benchmark, load_registry
from megascience.planning.config.data import Experiment, Part
from megascience.planning.config.model import Config
from megascience.planning.config.stages import DifficultySample, Evaluate, ModelStage
from megascience.planning.mixtures import Mixtures
from megascience.planning.shards import BookShards
from megascience.stages.evaluate import GIVEN
from megascience.stages.order import HOME_STAGES
from megascience.storage.errors import InputError
from megascience.storage.layout import Layout, split_subset
from megascience.storage.shipped import find_file, find_files


class Plan:
    """Names and paths that the rules are built from, of everything that the configuration names.

    Args:
        config: the validated configuration.
        book_shards: the shelf where it was read already, of a configuration with the same books and shards.

    Raises:
        InputError: the shelf or the registry of benchmarks is faulty.
    """

    def __init__(self, config: Config, book_shards: BookShards | None = None) -> None:
        self.config = config
        self.disciplines: list[str] = list(config.shards)
        self.mixtures = Mixtures(config.selections, config.datasets)
        self.branches = Branches(self.disciplines, config.datasets, list(config.sources), self.mixtures)
        counts: dict[str, int] = {str(discipline): count for discipline, count in config.shards.items()}
        self.book_shards = book_shards or BookShards(config.shelf, counts, config.classify.shards)

    @cached_property
    def needed(self) -> "Plan":
        """The plan of what the experiments need, of the same shelf: the whole run is counted over it. What else the
        config names, such as a dataset that no experiment is trained on, is made when it is asked for."""
        return type(self)(needed(self.config), self.book_shards)

    def shards_of(self, subset: str) -> list[str]:
        """Return the shards of a subset: of a discipline those that hold a book, of a source all."""
        base, _ = split_subset(subset)
        if base in self.config.sources:
            return [f"{n:03d}" for n in range(self.config.sources[base].shards)]
        return self.book_shards.shards_of(base)

    def pool_shards(self, pool: str) -> list[tuple[str, str]]:
        """Return the (subset, shard) pairs of a pool's last stage."""
        return [(subset, shard) for subset in self.branches.subsets(pool) for shard in self.shards_of(subset)]

    def pool_files(self, pool: str, stage: str, pattern: str) -> list[str]:
        """Return a stage's files of a pool; the pattern holds {stage}, {subset} and {shard}."""
        return [
            pattern.format(stage=stage, subset=self.branches.holder(stage, subset), shard=shard)
            for subset, shard in self.pool_shards(pool)
            if stage in self.branches.stages(subset)
        ]

    def pool_stages(self, pool: str) -> tuple[str, ...]:
        """Return the stages that a pool's rows go through, but for those whose shards are the books' homes."""
        stages = self.branches.stages(self.branches.subsets(pool)[0])
        return tuple(stage for stage in stages if stage not in HOME_STAGES)

    def asked(self, stage: str) -> list[tuple[str, str]]:
        """Return the (subset, shard) pairs of a model stage between the pages and the datasets."""
        if stage in HOME_STAGES:
            return self.book_shards.home_shards
        return [(c, shard) for c in self.subsets if stage in self.branches.own(c) for shard in self.shards_of(c)]

    @property
    def subsets(self) -> list[str]:
        """Every subset: the disciplines, the sources, and the branches of the disciplines."""
        return [subset for pool in self.branches.pools for subset in self.branches.subsets(pool)]

    @property
    def selected_subsets(self) -> list[str]:
        """Every subset of a selection or an annotation."""
        return [subset for name in self.mixtures.names for subset in self.branches.selected(name)]

    def selected_files(self, name: str, stage: str, pattern: str) -> list[str]:
        """Return a stage's files of a selection or an annotation; the pattern holds {stage}, {subset} and {shard}."""
        return [
            pattern.format(stage=stage, subset=subset, shard=shard)
            for subset in self.branches.selected(name)
            for shard in self.shards_of(subset)
        ]

    def part_pool(self, part: Part) -> str:
        """Return the pool that a mixture's part takes rows of, which names the source of its rows."""
        return self.mixtures.pool(part.select) if part.select else part.dataset or ""

    def part_files(self, part: Part, results: str) -> dict[str, list[str]]:
        """Return the files of a mixture's part by what they are: `rows`; of textbooks the `provenance` of their
        dataset; and by model stage those whose footers tell who made the rows, in the order of `rows`."""
        pattern = f"{results}/{{stage}}/{{subset}}/{{shard}}.parquet"
        pool = self.part_pool(part)
        last = self.branches.last(self.branches.subsets(pool)[0])
        files = {"rows": self.pool_files(pool, last, pattern)}
        if pool not in self.config.sources:
            files["provenance"] = [str(Layout(results).provenance(pool))]
        else:
            files["decontaminate"] = self.pool_files(pool, "decontaminate", pattern)
        if part.select:
            if self.config.selections[part.select].before == "decontaminate":
                files.pop("decontaminate", None)  # its rows did not go through it
            files["rows"] = self.selected_files(part.select, "select", pattern)
        if part.annotation:
            files["rows"] = files["annotate"] = self.selected_files(part.annotation, "annotate", pattern)
        return files

    @cached_property
    def registry(self) -> dict[str, Benchmark]:
        return load_registry(find_file(self.config.evaluate.registry))

    @cached_property
    def benchmarks(self) -> list[str]:
        """The benchmarks that are evaluated, which are those that the dataset is cleaned of."""
        chosen = self.config.evaluate.benchmarks
        if chosen == "all":
            return list(self.registry)
        for name in chosen:
            if name not in self.registry:
                raise InputError(
                    f"config: evaluate.benchmarks names {name!r}, which is not in "
                    f"{self.config.evaluate.registry}; known: {', '.join(self.registry)}"
                )
        return list(chosen)

    @cached_property
    def benchmark_entries(self) -> dict[str, Any]:
        """The registry's entries of the benchmarks that are evaluated, as plain values."""
        return {name: self.registry[name].entry(name) for name in self.benchmarks}

    def benchmark_source(self, name: str) -> dict[str, Any]:
        """Return what shapes a benchmark's items: its entry, but for how they are asked and counted."""
        unused = ("prompt", "few_shot_prompt", "metric", "in_average", "group")
        return {key: value for key, value in self.registry[name].entry(name).items() if key not in unused}

    def benchmark_files(self, name: str) -> list[str]:
        """Return the local files that a benchmark is read from, as far as they are there.

        A missing one is not an input, so that the plan can be seen without it; reading the items, which comes
        before any model starts, then says which file is missing and where to get it.
        """
        root = Path(self.config.evaluate.root)
        paths = (find_file(root / path) for path in local_files(self.registry[name].entry(name)))
        return [str(path) for path in paths if path.exists()]

    def source_entry(self, name: str) -> dict[str, Any]:
        """Return what shapes a public source's rows: its part of the config, but for what is not used."""
        entry = self.config.sources[name].plain()
        unused = {"rows", "hub"} if is_local(entry) else {"rows"}
        return {key: value for key, value in entry.items() if key not in unused}

    def source_files(self, name: str) -> list[str]:
        """Return the local files of a public source, as far as they are there; its check reports a missing one."""
        patterns = local_patterns(self.config.sources[name].plain())
        found = (path for pattern in patterns for path in find_files(pattern))
        return list(dict.fromkeys(found))

    @cached_property
    def evaluated(self) -> list[str]:
        """The models that the experiments are compared with, then the experiments."""
        return [*dict.fromkeys(row.compared_with for row in self.config.experiments), *self.experiments]

    @cached_property
    def experiments(self) -> dict[str, Experiment]:
        """The experiments by name."""
        return {row.name: row for row in self.config.experiments}

    @property
    def prices(self) -> dict[str, Any]:
        """The config's prices by the name that the model's records carry."""
        return prices(self.config.plain())

    def section(self, stage: str, subset: str | None = None) -> ModelStage:
        """Return a model stage's part of the config, as the subset's branch overrides it."""
        section = self.config.stage(stage)
        branch = split_subset(subset)[1] if subset else ""
        # A selection's subset has its name in the place of a branch.
        dataset = self.config.datasets.get(branch)
        override = {name: keys for name, keys in (dataset and dataset.override or {}).items() if name == stage}
        if not override:
            return section
        keys = next(iter(override.values()))
        return section.model_copy(update={name: getattr(keys, name) for name in keys.model_fields_set})

    def model(self, stage: str, subset: str | None = None, evaluated: str | None = None) -> str:
        """Return the config's name of the model that a stage asks."""
        return evaluated if stage == "evaluate" and evaluated else self.section(stage, subset).model

    @property
    def embedder(self) -> tuple[str, str]:
        """The name and revision of the embedding model."""
        model = self.config.models[self.config.embed.model]
        return model.name, model.revision

    def benchmark_prompts(self, evaluated: str) -> dict[str, str]:
        """Return benchmark -> prompt file for a model: few-shot for a base model, zero-shot for any other.

        A benchmark's own prompt in the registry goes before the config's.
        """
        model, evaluate = self.config.models.get(evaluated), self.config.evaluate
        few_shot = model is not None and model.base
        return {
            name: (own.few_shot_prompt or evaluate.few_shot_prompt) if few_shot else (own.prompt or evaluate.prompt)
            for name, own in ((name, self.registry[name]) for name in self.benchmarks)
        }

    def prompts(self, stage: str, subset: str | None = None, evaluated: str | None = None) -> list[str]:
        """Return the prompt files of a stage, for extract those of one discipline, for evaluate those of a model."""
        if stage == "evaluate":
            models = self.evaluated if evaluated is None else [evaluated]
            names = [*dict.fromkeys(path for model in models for path in self.benchmark_prompts(model).values())]
            return [str(find_file(name)) for name in names]
        pattern = self.section(stage, subset).prompt
        if stage != "extract":
            return [str(find_file(pattern))]
        standards = self.config.extract.standards
        names = [pattern.format(discipline=subset, standard=standard) for standard in standards]
        return [str(find_file(name)) for name in names]

    def settings(self, stage: str, subset: str | None = None, evaluated: str | None = None) -> dict[str, Any]:
        """Return what shapes a stage's completions, beside its prompts and its records."""
        section = self.config.evaluate if stage == "evaluate" else self.section(stage, subset)
        settings: dict[str, Any] = {
            "stage": stage,
            "sampling": section.sampling.plain(),
            "retries": section.retries,
            "constrain": section.constrain,
        }
        if isinstance(section, ModelStage):
            model = self.config.models[section.model]
            settings |= {"model": model.name, "revision": model.revision, "context": model.context}
        if isinstance(section, Evaluate | DifficultySample):
            settings["samples"] = section.samples
        if stage == "evaluate" and evaluated:
            settings["given"] = {GIVEN: {n: Path(path).stem for n, path in self.benchmark_prompts(evaluated).items()}}
        if stage == "annotate" and subset:
            below = self.mixtures.annotations[split_subset(subset)[1]].annotate_below
            settings |= {"given": {"below": below}} if below else {}
        return settings
