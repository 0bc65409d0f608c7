"""Counts: how many books, chunks, pairs and rows there are at each step, with the paper's number beside ours."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.compute as pc

from megascience.report.tables.paper import PaperNumbers
from megascience.storage.files import read_json
from megascience.storage.layout import STANDARDS
from megascience.storage.parquet import read_columns
from megascience.storage.tables import read_tsv, table_of

if TYPE_CHECKING:
    import pandas as pd

#: The last row of a table of counts.
TOTAL = "all"


def counts_table(first: str, counts: "pd.DataFrame", paper: PaperNumbers, caption: str) -> "pd.DataFrame":
    """Return the table of some counts; a column that the paper has for any row gets one beside it.

    Args:
        first: the heading of the first column, which names the rows.
        counts: a column a kind of count; its index names the rows.
        paper: the paper's numbers by row and column.
        caption: what is counted.
    """
    columns: dict[str, list[int | None]] = {}
    for name in map(str, counts.columns):
        columns[name] = [None if count != count else int(count) for count in counts[name]]
        numbers = [paper.get((str(row), name)) for row in counts.index]
        if any(number is not None for number in numbers):
            columns[f"{name}_paper"] = [None if number is None else round(number) for number in numbers]
    note = " Columns that end in paper: the paper's number." if len(columns) > len(counts.columns) else ""
    return table_of((first, *columns), zip(counts.index, *columns.values()), caption=f"{caption}{note}")


def extraction_table(
    chunks: Mapping[str, Sequence[str | Path]], pairs: Mapping[str, Sequence[str | Path]], paper: PaperNumbers
) -> "pd.DataFrame":
    """Return what extraction found by discipline: books, chunks, chunks with a pair, pairs of each standard.

    A book of two disciplines is cut for both, so that the chunks of the last row count it twice; its books do not.

    Args:
        chunks, pairs: discipline -> the files of kept rows of chunk and of extract.
    """
    import pandas as pd

    counts: dict[str, dict[str, int]] = {}
    shelf: set[str] = set()
    for discipline in chunks:
        books: set[str] = set()
        row = dict.fromkeys(("books", "chunks", "chunks_with_pairs", *(f"pairs_{s}" for s in STANDARDS)), 0)
        for path in chunks[discipline]:
            cut = read_columns(path, ("book_id",))["book_id"]
            row["chunks"] += len(cut)
            books |= set(pc.unique(cut).to_pylist())
        for path in pairs.get(discipline, ()):
            found = read_columns(path, ("chunk_id", "standard"))
            # A chunk's pairs all lie in its shard's file.
            row["chunks_with_pairs"] += len(pc.unique(found["chunk_id"]))
            for standard in STANDARDS:
                row[f"pairs_{standard}"] += pc.sum(pc.equal(found["standard"], standard)).as_py() or 0
        shelf |= books
        counts[discipline] = row | {"books": len(books)}
    frame = pd.DataFrame.from_dict(counts, orient="index")
    frame.loc[TOTAL] = frame.sum()
    frame.loc[TOTAL, "books"] = len(shelf)
    return counts_table("discipline", frame, paper, "Question-answer pairs extracted from the textbooks.")


#: Stage -> its column in the table of the textbooks' curation, in the order of the paper.
_LEFT = {
    "extract": "extracted",
    "dedup": "deduplicated",
    "filter": "filtered",
    "decontaminate": "decontaminated",
    "reference": "released",
}


def curation_table(yields: str | Path, paper: PaperNumbers) -> "pd.DataFrame":
    """Return the pairs left by discipline after each step that drops some, from `yield.tsv`."""
    rows = read_tsv(yields, {"stage": str, "discipline": str, "rows_out": int})
    left = rows[rows["stage"].isin(_LEFT)].groupby(["discipline", "stage"])["rows_out"].sum().unstack()
    counts = left[[stage for stage in _LEFT if stage in left]].rename(columns=_LEFT)
    counts.loc[TOTAL] = counts.sum()
    return counts_table("discipline", counts, paper, "Pairs left after each step of the textbooks' curation.")


@dataclass(frozen=True)
class Part:
    """One part of a mixture.

    Attributes:
        pool: the source or the dataset of textbooks that its rows are of.
        yields: the pool's table of yields.
        selected: JSON of the selection's counts, None where the whole pool is taken.
    """

    pool: str
    yields: str | Path
    selected: str | Path | None = None


def sources_table(name: str, parts: Sequence[Part], mixed: str | Path, paper: PaperNumbers) -> "pd.DataFrame":
    """Return the rows left of each source of a mixture: as imported, after each step, and in the mixture.

    A dataset of textbooks comes in when it is finished, so that its first columns are equal, as in the paper.

    Args:
        name: the mixture's, for the last row.
        mixed: the mixture's counts by part.
    """
    import pandas as pd

    made = read_tsv(mixed, {"source": str, "rows_kept": int})
    kept = dict(zip(made["source"], made["rows_kept"]))
    counts: dict[str, dict[str, int]] = {}
    for part in parts:
        rows = read_tsv(part.yields, {"stage": str, "rows_in": int, "rows_out": int})
        totals = rows.groupby("stage")[["rows_in", "rows_out"]].sum()
        left, imported = totals["rows_out"], "import_source" in totals.index
        whole = left.get("decontaminate" if imported else "reference", 0)
        counts[part.pool] = {
            "raw": totals["rows_in"]["import_source"] if imported else whole,
            "deduplicated": left["dedup"] if imported else whole,
            "decontaminated": whole,
            "selected": read_json(part.selected)["selected"] if part.selected else whole,
            "mixed": kept[part.pool],
        }
    frame = pd.DataFrame.from_dict(counts, orient="index")
    frame.loc[name] = frame.sum()
    return counts_table("source", frame, paper, f"Rows of the sources of {name} after each step.")
