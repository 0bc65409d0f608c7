"""Layout: where the stages' files lie, and a look into some of their columns."""

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


def ledger_path(kept: str | Path) -> Path:
    """Return the ledger of dropped rows that lies beside a stage's kept rows."""
    return Path(kept).with_suffix(".dropped.parquet")


def completions_path(kept: str | Path) -> Path:
    """Return the raw completions that lie beside a model stage's kept rows."""
    return Path(kept).with_suffix(".completions.parquet")


def shard_of_path(path: str | Path) -> tuple[str, str, str]:
    """Return (stage, discipline or source, shard) of `…/<stage>/{subset}/{shard}.parquet`."""
    path = Path(path)
    return path.parent.parent.name, split_subset(path.parent.name)[0], path.name.split(".")[0]


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
