"""Layout: where every file of a run is. No other module, script or rule makes one path out of another."""

from collections.abc import Collection
from pathlib import Path

from megascience.storage.errors import InputError

#: The home of the books whose disciplines the shelf leaves open.
UNCLASSIFIED = "unclassified"

#: The standards of extraction, in the order of its prompts.
STANDARDS = ("high", "low")

#: The dataset that is the trunk: every stage, as the config has it.
TRUNK = "textbook_reasoning"

#: Between a discipline and its branch in a subset's name, `physics.no_refine`; see `chains`.
SEPARATOR = "."


def split_subset(subset: str) -> tuple[str, str]:
    """Return a subset's discipline or source, and its branch ("" for the trunk and for sources)."""
    base, _, branch = subset.partition(SEPARATOR)
    return base, branch


def pool_of(subset: str, sources: Collection[str]) -> str:
    """Return the pool of a subset: the source itself, else the dataset of textbooks that the branch is of."""
    base, branch = split_subset(subset)
    return base if base in sources else branch or TRUNK


class Layout:
    """The files of a run, all of them below its results folder.

    `part` is the part of a stage that a job makes: a subset and three digits of a shard; for `evaluate`, which has
    no shards, the name of the model.

    Args:
        results: the results folder; it need not be there.
    """

    def __init__(self, results: str | Path) -> None:
        self.results = Path(results)

    def kept(self, stage: str, subset: str, shard: str) -> Path:
        """The rows that a stage keeps of a shard; beside them are `dropped_path`, `completions_path` and others."""
        return self.results / stage / subset / f"{shard}.parquet"

    def completions(self, stage: str, *part: str) -> Path:
        """The raw completions of a model stage."""
        if len(part) == 1:
            return self.results / stage / part[0] / "completions.parquet"
        return completions_path(self.kept(stage, *part))

    def books(self, home: str, shard: str) -> Path:
        """The books of a home shard, as `classify` asks about them."""
        return self.results / "classify" / home / f"{shard}.books.parquet"

    @property
    def journals(self) -> Path:
        """The folder of all journals, which a budget counts."""
        return self.results / "journal"

    def journal(self, stage: str, *part: str) -> Path:
        """Every completion that was paid for, as it came. Not a declared output: Snakemake deletes those of a job
        that failed."""
        return self.journals.joinpath(stage, *part[:-1], f"{part[-1]}.jsonl")

    def workspace(self, stage: str, *part: str) -> Path:
        """The folder in which an engine of a stage keeps unfinished work."""
        return self.journals.joinpath(stage, *part)

    def cost(self, stage: str, *part: str) -> Path:
        """What the requests of a part took."""
        return self.results.joinpath("cost", stage, *part[:-1], f"{part[-1]}.json")

    def pending(self, stage: str, *part: str) -> Path:
        """For the time of a job: how many requests its journal does not answer."""
        return self.results.joinpath("pending", stage, *part[:-1], f"{part[-1]}.txt")

    def benchmark(self, name: str) -> Path:
        """The items of a benchmark."""
        return self.results / "benchmarks" / f"{name}.parquet"

    def checkpoint(self, experiment: str) -> Path:
        """The manifest of an experiment's checkpoint."""
        return self.results / "train" / experiment / "model.json"

    def provenance(self, dataset: str) -> Path:
        """Where each row of a released dataset comes from."""
        return self.results / "dataset" / dataset / "provenance.parquet"

    def yields(self, pool: str = TRUNK) -> Path:
        """The table of rows that came in, were kept and were dropped at each stage of a pool."""
        return self.results / "tables" / ("yield.tsv" if pool == TRUNK else f"yield.{pool}.tsv")

    @property
    def checks(self) -> Path:
        """What the checks before any model wrote when they were done."""
        return self.results / "preflight.txt"


def dropped_path(kept: str | Path) -> Path:
    """Return the dropped rows that lies beside a stage's kept rows."""
    return Path(kept).with_suffix(".dropped.parquet")


def completions_path(kept: str | Path) -> Path:
    """Return the raw completions that lie beside a model stage's kept rows."""
    return Path(kept).with_suffix(".completions.parquet")


def verdicts_path(kept: str | Path) -> Path:
    """Return the record of verdicts that lies beside the rows that decontamination kept."""
    return Path(kept).with_suffix(".verdicts.parquet")


def stage_of_path(kept: str | Path) -> str:
    """Return the stage of `…/<stage>/{subset}/{shard}.parquet`."""
    return Path(kept).parent.parent.name


def at_stage(kept: str | Path, stage: str) -> Path:
    """Return the file that another stage has of the same subset and shard."""
    kept = Path(kept)
    return kept.parents[2] / stage / kept.parent.name / kept.name


def shard_of_path(path: str | Path) -> tuple[str, str, str]:
    """Return (stage, discipline or source, shard) of `…/<stage>/{subset}/{shard}.parquet`."""
    path = Path(path)
    return stage_of_path(path), split_subset(path.parent.name)[0], path.name.split(".")[0]


def results_folder(results: str | Path) -> Path:
    """Return a results folder as a path.

    Raises:
        InputError: it is not there.
    """
    if not Path(results).is_dir():
        raise InputError(f"{results}: no such folder; name the results folder with --results")
    return Path(results)


def stage_files(results: str | Path, stage: str) -> list[Path]:
    """Return the files of kept rows that a stage has in a results folder, sorted."""
    return sorted(path for path in Path(results, stage).glob("*/*.parquet") if path.name.count(".") == 1)
