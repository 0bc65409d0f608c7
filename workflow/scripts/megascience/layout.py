"""Layout: where the stages' files lie, and a look into some of their columns."""

from collections.abc import Collection, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from .records import InputError

#: The stages of a textbook's way, in order. A branch may leave some out between dedup and reference.
STAGES = (
    "digitize",
    "classify",
    "chunk",
    "extract",
    "dedup",
    "refine",
    "judge_cot",
    "distill_cot",
    "filter",
    "decontaminate",
    "reference",
)

#: The stages of a public source's way.
SOURCE_STAGES = ("import_source", "dedup", "decontaminate")

#: The stages that ask a model about the last rows of a pool, to select and to annotate them.
SELECTING_STAGES = ("difficulty_sample", "difficulty_score", "response_length", "annotate")

#: The stages whose shards are those where the books are at home, not those of a discipline's pairs.
HOME_STAGES = ("digitize", "classify")

#: The home of the books whose disciplines the shelf leaves open.
UNCLASSIFIED = "unclassified"

#: The standards of extraction, in the order of its prompts.
STANDARDS = ("high", "low")


#: The dataset that is the trunk: every stage, as the config has it.
TRUNK = "textbook_reasoning"

#: Between a discipline and its branch in a corpus's name, `physics.no_refine`; see `chains`.
SEPARATOR = "."


def split_corpus(corpus: str) -> tuple[str, str]:
    """Return a corpus's discipline or source, and its branch ("" for the trunk and for sources)."""
    base, _, branch = corpus.partition(SEPARATOR)
    return base, branch


def pool_of(corpus: str, sources: Collection[str]) -> str:
    """Return the pool of a corpus: the source itself, else the dataset of textbooks that the branch is of."""
    base, branch = split_corpus(corpus)
    return base if base in sources else branch or TRUNK


def ledger_path(kept: str | Path) -> Path:
    """Return the ledger of dropped rows that lies beside a stage's kept rows."""
    return Path(kept).with_suffix(".dropped.parquet")


def completions_path(kept: str | Path) -> Path:
    """Return the raw completions that lie beside a model stage's kept rows."""
    return Path(kept).with_suffix(".completions.parquet")


def shard_of_path(path: str | Path) -> tuple[str, str, str]:
    """Return (stage, discipline or source, shard) of `…/<stage>/{corpus}/{shard}.parquet`."""
    path = Path(path)
    return path.parent.parent.name, split_corpus(path.parent.name)[0], path.name.split(".")[0]


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


def read_columns(path: str | Path, names: Sequence[str]) -> pa.Table:
    """Read some columns of a Parquet file, so that a look at ids does not load the texts.

    Raises:
        InputError: the file is not Parquet, is cut off, or lacks a column.
    """
    try:
        with pq.ParquetFile(path) as file:
            missing = [name for name in names if name not in file.schema_arrow.names]
            if missing:
                raise InputError(f"{path}: column {missing[0]!r} is missing; delete the file and run again")
            return file.read(columns=list(names)).select(list(names))
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{path}: not a readable Parquet file ({error}); delete it and run again") from error
