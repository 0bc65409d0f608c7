"""Counts: how many books, chunks, pairs and rows there are at each step, with the paper's number beside ours."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from megascience.report.tables.paper import PaperNumbers
from megascience.storage.files import read_json
from megascience.storage.layout import STANDARDS
from megascience.storage.parquet import read_columns
from megascience.storage.tables import Table, read_tsv

#: The last row of a table of counts.
TOTAL = "all"


def counts_table(first: str, counts: Mapping[str, Mapping[str, Any]], paper: PaperNumbers, caption: str) -> Table:
    """Return a row for each key of `counts`; a column that the paper has for any row gets one beside it.

    Args:
        first: the heading of the first column.
        counts: row -> column -> count, the same columns in each row.
        paper: the paper's numbers by row and column.
        caption: what is counted.
    """
    names = list(dict.fromkeys(name for row in counts.values() for name in row))
    known = [name for name in names if any((row, name) in paper for row in counts)]
    columns = [part for name in names for part in ((name, f"{name}_paper") if name in known else (name,))]
    rows = []
    for key, row in counts.items():
        cells: list[Any] = [key]
        for name in names:
            cells.append(row.get(name))
            if name in known:
                number = paper.get((key, name))
                cells.append(round(number) if number is not None else None)
        rows.append(cells)
    note = " Columns that end in paper: the paper's number." if known else ""
    return Table((first, *columns), rows, caption=f"{caption}{note}")


def extraction_table(
    chunks: Mapping[str, Sequence[str | Path]], pairs: Mapping[str, Sequence[str | Path]], paper: PaperNumbers
) -> Table:
    """Return what extraction found by discipline: books, chunks, chunks with a pair, pairs of each standard.

    A book of two disciplines is cut for both, so that the chunks of the last row count it twice; its books do not.

    Args:
        chunks, pairs: discipline -> the files of kept rows of chunk and of extract.
    """
    counts: dict[str, dict[str, int]] = {}
    shelf: set[str] = set()
    for discipline in chunks:
        books: set[str] = set()
        row = dict.fromkeys(("books", "chunks", "chunks_with_pairs", *(f"pairs_{s}" for s in STANDARDS)), 0)
        for path in chunks[discipline]:
            table = read_columns(path, ("book_id",))
            row["chunks"] += len(table)
            books |= set(pc.unique(table["book_id"]).to_pylist())
        for path in pairs.get(discipline, ()):
            table = read_columns(path, ("chunk_id", "standard"))
            # A chunk's pairs all lie in its shard's file.
            row["chunks_with_pairs"] += len(pc.unique(table["chunk_id"]))
            for standard in STANDARDS:
                row[f"pairs_{standard}"] += pc.sum(pc.equal(table["standard"], standard)).as_py() or 0
        shelf |= books
        counts[discipline] = row | {"books": len(books)}
    counts[TOTAL] = {**_sum(counts.values()), "books": len(shelf)}
    return counts_table("discipline", counts, paper, "Question-answer pairs extracted from the textbooks.")


#: Stage -> its column in the table of the textbooks' curation, in the order of the paper.
_LEFT = {
    "extract": "extracted",
    "dedup": "deduplicated",
    "filter": "filtered",
    "decontaminate": "decontaminated",
    "reference": "released",
}


def curation_table(yields: str | Path, paper: PaperNumbers) -> Table:
    """Return the pairs left by discipline after each step that drops some, from `yield.tsv`."""
    counts: dict[str, dict[str, int]] = {}
    for row in read_tsv(yields):
        if row["stage"] in _LEFT:
            counts.setdefault(row["discipline"], {})[_LEFT[row["stage"]]] = int(row["rows_out"])
    counts = dict(sorted(counts.items()))
    counts[TOTAL] = _sum(counts.values())
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


def sources_table(name: str, parts: Sequence[Part], mixed: str | Path, paper: PaperNumbers) -> Table:
    """Return the rows left of each source of a mixture: as imported, after each step, and in the mixture.

    A dataset of textbooks comes in when it is finished, so that its first columns are equal, as in the paper.

    Args:
        name: the mixture's, for the last row.
        mixed: the mixture's counts by part.
    """
    kept = {row["source"]: int(row["rows_kept"]) for row in read_tsv(mixed)}
    counts: dict[str, dict[str, int]] = {}
    for part in parts:
        left: dict[str, int] = {}
        for row in read_tsv(part.yields):
            if row["stage"] == "import_source":
                left["raw"] = left.get("raw", 0) + int(row["rows_in"])
            left[row["stage"]] = left.get(row["stage"], 0) + int(row["rows_out"])
        whole = left.get("decontaminate" if "raw" in left else "reference", 0)
        taken = read_json(part.selected)["selected"] if part.selected else whole
        counts[part.pool] = {
            "raw": left.get("raw", whole),
            "deduplicated": left["dedup"] if "raw" in left else whole,
            "decontaminated": whole,
            "selected": taken,
            "mixed": kept[part.pool],
        }
    counts[name] = _sum(counts.values())
    return counts_table("source", counts, paper, f"Rows of the sources of {name} after each step.")


def _sum(rows: Any) -> dict[str, int]:
    total: dict[str, int] = {}
    for row in rows:
        for name, count in row.items():
            total[name] = total.get(name, 0) + count
    return total
