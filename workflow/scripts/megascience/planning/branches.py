"""Branches: the stages that a subset goes through, and where each of its stages finds its records.

A subset is a discipline of the shelf (`physics`), a public source (`natural_reasoning`), or a branch of a
discipline (`physics.no_refine`), named after the dataset that leaves stages out or overrides their settings.
A branch begins at the first stage that differs; before it the discipline's own files serve, so that what
two datasets share is computed once.

A pool is what is released or mixed: all subsets of one dataset of textbooks, or one public source. Its last rows
are measured (difficulty_sample, difficulty_score, response_length) under the pool's own subsets; what is selected
of them, and annotated, has subsets named after the selection or the annotation (see `mixtures`).
"""

from collections.abc import Mapping, Sequence

from megascience.planning.config.data import Dataset
from megascience.planning.mixtures import Mixtures
from megascience.stages.order import SOURCE_STAGES, STAGES
from megascience.storage.layout import SEPARATOR, TRUNK, split_subset


class Branches:
    """The ways of all subsets.

    Args:
        disciplines: the shelf's disciplines.
        datasets: the config's `datasets`; those with `mixture` have no chain of their own.
        sources: the names of the public sources.
        mixtures: the selections and mixtures.
    """

    def __init__(
        self,
        disciplines: Sequence[str],
        datasets: Mapping[str, Dataset],
        sources: Sequence[str],
        mixtures: Mixtures | None = None,
    ) -> None:
        self.mixtures = mixtures or Mixtures({}, datasets)
        self.disciplines = list(disciplines)
        self.sources = list(sources)
        self.names = {
            name: entry for name, entry in datasets.items() if name != TRUNK and first_difference(entry) is not None
        }

    @property
    def pools(self) -> list[str]:
        """The trunk, the branches and the sources."""
        return [TRUNK, *self.names, *self.sources]

    @property
    def unbranched(self) -> list[str]:
        """The pools whose rows are deduplicated: the trunk and the sources."""
        return [TRUNK, *self.sources]

    def reads(self, stage: str, pool: str) -> str:
        """Return the stage before a stage in a pool's way."""
        return self.before(stage, self.subsets(pool)[0])[0]

    def subsets(self, pool: str) -> list[str]:
        """Return the subsets of a pool's last stage."""
        if pool in self.sources:
            return [pool]
        return [self.subset(discipline, pool) for discipline in self.disciplines]

    def subset(self, discipline: str, pool: str) -> str:
        """Return the name of a discipline's part of a textbook pool."""
        return discipline if pool == TRUNK else f"{discipline}{SEPARATOR}{pool}"

    def stages(self, subset: str) -> tuple[str, ...]:
        """Return the stages of a subset's way, in order."""
        base, branch = split_subset(subset)
        if base in self.sources:
            return SOURCE_STAGES
        without: Sequence[str] = (self.names[branch].without or ()) if branch else ()
        return tuple(stage for stage in STAGES if stage not in without)

    def own(self, subset: str) -> tuple[str, ...]:
        """Return the stages whose files bear the subset's own name: for a branch those from its first difference."""
        stages = self.stages(subset)
        branch = split_subset(subset)[1]
        if not branch:
            return stages
        start = STAGES.index(first_difference(self.names[branch]) or STAGES[-1])
        return tuple(stage for stage in stages if STAGES.index(stage) >= start)

    def holder(self, stage: str, subset: str) -> str:
        """Return the subset whose files hold a stage of this subset: its own, or its discipline's."""
        return subset if stage in self.own(subset) else split_subset(subset)[0]

    def selected(self, name: str) -> list[str]:
        """Return the subsets of a selection or an annotation."""
        return [self.mixtures.subset(subset, name) for subset in self.subsets(self.mixtures.pool(name))]

    def pool_subset(self, subset: str) -> str:
        """Return the pool's subset that a selection's or an annotation's subset takes rows of."""
        base, name = split_subset(subset)
        pool = self.mixtures.pool(name)
        return base if pool in self.sources else self.subset(base, pool)

    def before(self, stage: str, subset: str) -> tuple[str, str]:
        """Return (stage, subset) of the files that a stage reads.

        Raises:
            KeyError: the subset does not go through the stage.
        """
        if stage == "annotate":
            base, name = split_subset(subset)
            return "select", self.mixtures.subset(base, self.mixtures.selection(name))
        if stage == "difficulty_score":
            return "difficulty_sample", subset
        if stage in ("difficulty_sample", "response_length"):
            return self.last(subset), self.holder(self.last(subset), subset)
        if stage == "select":
            source = self.taken(split_subset(subset)[1])
            return source, self.holder(source, self.pool_subset(subset))
        stages = self.stages(subset)
        if stage not in stages[1:]:
            raise KeyError(f"{subset} does not go through {stage}")
        source = stages[stages.index(stage) - 1]
        return source, self.holder(source, subset)

    def taken(self, selection: str) -> str:
        """Return the stage of its pool that a selection takes rows of: the last, or the one before its `before`."""
        stages = self.stages(self.subsets(self.mixtures.pool(selection))[0])
        before = self.mixtures.selections[selection].before
        return stages[stages.index(before) - 1] if before else stages[-1]

    def last(self, subset: str) -> str:
        """Return the last stage of a subset's way."""
        return self.stages(subset)[-1]


def first_difference(dataset: Dataset) -> str | None:
    """Return the first stage at which a dataset's way differs from the trunk's, None where none does."""
    if dataset.mixture is not None:
        return None
    changed: set[str] = {*(dataset.without or ()), *(dataset.override or {})}
    return next((stage for stage in STAGES if stage in changed), None)
