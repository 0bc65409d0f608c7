"""Reports: which tables and figures the configuration asks for, and the files that they are made of."""

from collections.abc import Iterable
from functools import cached_property

from megascience.planning.comparisons import TABLES, comparisons, trained
from megascience.planning.config.data import Selection
from megascience.planning.plan import Plan
from megascience.stages.order import HOME_STAGES, MODEL_STAGES

#: The stages that a selection goes by, by its method: the one whose rows hold the measure, then those before it that
#: drop rows too.
MEASURING = {
    "difficulty": ("difficulty_score", "difficulty_sample"),
    "response_length": ("response_length",),
}


class Reports:
    """Tables, figures and lists of files by what they are for.

    Args:
        plan: the plan of everything; what is counted over the whole run comes from `plan.needed`.
        results: the folder of results, as the rules write it.
    """

    def __init__(self, plan: Plan, results: str) -> None:
        self.plan = plan
        self.results = results

    @cached_property
    def comparisons(self) -> dict[str, dict]:
        """The tables of scores by name, see `comparisons.comparisons`."""
        return comparisons(self.plan.config)

    @property
    def tables(self) -> list[str]:
        """The tables that are made when nothing else is asked for."""
        mixtures = [name for name, parts in self.plan.needed.mixtures.parts.items() if len(parts) > 1]
        return [*TABLES, *(f"sources.{name}" for name in mixtures), *self.comparisons]

    @property
    def figures(self) -> list[str]:
        """The figures that are made when nothing else is asked for."""
        names = ["yield", "contamination", "cost", "scores", "answer_length", "training_length", "response_length"]
        measured = {"difficulty": "difficulty", "source_length": "response_length"}
        return [*names, *(figure for figure, measure in measured.items() if self.measured_pools(measure))]

    def measured_pools(self, measure: str) -> list[str]:
        """Return the pools whose rows the experiments' selections go by this measure, in the order of the config."""
        return [pool for pool, how in self.plan.needed.mixtures.measured().items() if measure in how]

    @property
    def difficulty_bounds(self) -> list[float] | None:
        """The mean scores that selection by difficulty takes; None where the experiments' selections do not agree."""
        selections = self.plan.needed.config.selections.values()
        bounds = {tuple(entry.between) for entry in selections if entry.method == "difficulty"}
        return list(bounds.pop()) if len(bounds) == 1 else None

    def pool_files(self, pool: str, stage: str, suffix: str = ".parquet") -> list[str]:
        """Return a stage's files of a pool: of a dataset of textbooks or of a public source."""
        return self.plan.pool_files(pool, stage, f"{self.results}/{{stage}}/{{subset}}/{{shard}}{suffix}")

    def yields(self, pool: str, suffix: str = ".parquet") -> list[str]:
        """Return the files of each stage that a pool's rows go through."""
        stages = self.plan.pool_stages(pool)
        files = [path for stage in stages for path in self.pool_files(pool, stage, suffix)]
        if pool in self.plan.config.sources:
            return files
        shards = self.plan.book_shards.home_shards
        return [f"{self.results}/{stage}/{d}/{s}{suffix}" for stage in HOME_STAGES for d, s in shards] + files

    def model_files(self, pool: str) -> dict[str, list[str]]:
        """Return the files of each model stage that a pool's rows go through."""
        return {stage: self.pool_files(pool, stage) for stage in self.plan.pool_stages(pool) if stage in MODEL_STAGES}

    def scores(self, models: Iterable[str], suffix: str = ".json") -> list[str]:
        """Return the scores (.json) or the scored items (.parquet) of models on every benchmark."""
        return [f"{self.results}/evaluate/{model}/{name}{suffix}" for model in models for name in self.plan.benchmarks]

    def trained_on(self, models: Iterable[str], pattern: str) -> list[str]:
        """Return the pattern, which holds {dataset}, for each dataset that one of the models was trained on."""
        datasets = dict.fromkeys(made["dataset"] for made in trained(self.plan.config, models).values())
        return [pattern.format(dataset=dataset) for dataset in datasets]

    def mixture_parts(self, mixture: str) -> list[tuple[str, str | None]]:
        """Return each part of a mixture: its pool, and the selection that takes rows of it, None for all of them."""
        return [(self.plan.part_pool(part), part.select) for part in self.plan.mixtures.parts[mixture]]

    def mixture_files(self, mixture: str) -> dict[str, list[str]]:
        """Return the files of a mixture's parts, each list named part_<number>_<what>."""
        return {
            f"part_{number}_{what}": files
            for number, part in enumerate(self.plan.mixtures.parts[mixture])
            for what, files in self.plan.part_files(part, self.results).items()
        }

    def measured(self, measure: str) -> list[str]:
        """Return the files of a measure, of the pools that the experiments' selections go by."""
        return [path for pool in self.measured_pools(measure) for path in self._measure(MEASURING[measure][0], pool)]

    def taken(self, selection: str) -> list[str]:
        """Return the files of the rows that a selection takes some of, shard by shard."""
        return self.pool_files(self.plan.mixtures.pool(selection), self.plan.branches.taken(selection))

    def measures(self, selection: Selection) -> dict[str, list[str]]:
        """Return what a selection goes by: the measure of each shard, and the files of the rows without one."""
        if selection.method not in MEASURING:
            return {}
        stages = MEASURING[selection.method]
        dropped = [path for stage in stages for path in self._measure(stage, selection.of, ".dropped.parquet")]
        return {"measures": self._measure(stages[0], selection.of), "refused": dropped}

    def _measure(self, stage: str, pool: str, suffix: str = ".parquet") -> list[str]:
        return [f"{self.results}/{stage}/{subset}/{shard}{suffix}" for subset, shard in self.plan.pool_shards(pool)]
