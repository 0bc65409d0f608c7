"""Conservation: at every stage, rows in = rows kept + rows dropped with a reason.

What is counted differs where a stage turns one kind of row into another:

| stage         | rows in                    | kept                      | rows out |
|---------------|----------------------------|---------------------------|----------|
| digitize      | pages and unreadable books | pages with text           | pages    |
| classify      | books with pages           | books                     | books    |
| chunk         | pages                      | pages that a chunk covers | chunks   |
| extract       | units (chunk × standard)   | units that gave a pair    | pairs    |
| import_source | rows of a public set       | rows                      | rows     |
| others        | pairs or rows              | pairs or rows             | the same |
"""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from megascience.stages.order import HOME_STAGES, STAGES
from megascience.storage.errors import ConservationError
from megascience.storage.layout import STANDARDS, UNCLASSIFIED, dropped_path, shard_of_path
from megascience.storage.parquet import id_column, read_columns
from megascience.storage.tables import table_of, write_table

_SHOWN = 5


class ShelfBook(Protocol):
    """What is needed of a book (`ingest.books.Book`): its disciplines, the home discipline first, if any."""

    @property
    def book_id(self) -> str: ...

    @property
    def disciplines(self) -> tuple[str, ...]: ...


@dataclass
class Counts:
    """Rows of one stage and discipline; see the module's table for what a row is."""

    rows_in: int = 0
    rows_kept: int = 0
    rows_dropped: int = 0
    rows_out: int = 0
    reasons: Counter[str] = field(default_factory=Counter)

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.rows_in + other.rows_in,
            self.rows_kept + other.rows_kept,
            self.rows_dropped + other.rows_dropped,
            self.rows_out + other.rows_out,
            self.reasons + other.reasons,
        )


def check(
    stage: str,
    in_paths: Sequence[str | Path],
    kept_paths: Sequence[str | Path],
    dropped_paths: Sequence[str | Path],
    *,
    books: Collection[str] | None = None,
    standards: Sequence[str] = STANDARDS,
) -> Counts:
    """Check that no row of a stage was lost, doubled or made up, and count the rows.

    Args:
        stage: the stage's name.
        in_paths: what the stage read: the kept files of the stage before (for digitize: none).
        kept_paths, dropped_paths: what the stage wrote for exactly these inputs.
        books: for digitize, the ids of the books that had to be read; for chunk, the books whose
            pages were to be chunked (pages of other books in `in_paths` are not counted).
        standards: for extract, the standards that every chunk is read at.

    Raises:
        ConservationError: with stage, file and the ids that are missing, doubled or unknown.
        InputError: a file cannot be read.
    """
    if stage == "digitize":
        return _check_digitize(kept_paths, dropped_paths, books or ())
    if stage == "classify":
        return _check_classify(in_paths, kept_paths, dropped_paths)
    if stage == "chunk":
        return _check_chunk(in_paths, kept_paths, dropped_paths, books or ())
    if stage == "extract":
        return _check_extract(in_paths, kept_paths, dropped_paths, standards)
    rows = _unique(stage, in_paths, _ids(in_paths))
    kept = _unique(stage, kept_paths, _ids(kept_paths))
    dropped, reasons = _read_drops(dropped_paths)
    lost = _unique(stage, dropped_paths, dropped)
    _refuse(stage, dropped_paths, "both kept and dropped", kept & lost)
    _refuse(stage, kept_paths, "neither kept nor dropped", rows - kept - lost)
    _refuse(stage, kept_paths, "kept but never came in", kept - rows)
    _refuse(stage, dropped_paths, "dropped but never came in", lost - rows)
    return Counts(len(rows), len(kept), len(lost), len(kept), reasons)


def _check_import(kept_paths: Sequence[Path]) -> Counts:
    """Check all shards of a public source against the count of rows that its files were found to have."""
    stage = "import_source"
    left_out = list(map(dropped_path, kept_paths))
    kept = _unique(stage, kept_paths, _ids(kept_paths))
    dropped, reasons = _read_drops(left_out)
    lost = _unique(stage, left_out, dropped)
    summary = kept_paths[0].with_name("source.json")
    try:
        read = json.loads(summary.read_text(encoding="utf-8"))["rows"]["read"]
    except (OSError, ValueError, KeyError) as error:
        raise ConservationError(f"{summary}: does not tell how many rows were read ({error}); import again") from error
    if read != len(kept) + len(lost):
        raise ConservationError(f"{stage}: {summary}: {read} rows were read, {len(kept)} kept and {len(lost)} dropped")
    return Counts(read, len(kept), len(lost), len(kept), reasons)


def _check_digitize(
    kept_paths: Sequence[str | Path], dropped_paths: Sequence[str | Path], books: Collection[str]
) -> Counts:
    stage = "digitize"
    pages, owners = _columns(kept_paths, "page_id", "book_id")
    kept = _unique(stage, kept_paths, pages)
    dropped, reasons = _read_drops(dropped_paths)
    lost = _unique(stage, dropped_paths, dropped)
    _refuse(stage, dropped_paths, "both kept and dropped", kept & lost)
    seen = set(owners) | {owner_of_page(i) for i in lost}
    _refuse(stage, kept_paths, "a book without a page, kept or dropped", set(books) - seen)
    _refuse(stage, kept_paths, "pages of a book that is not on this part of the shelf", seen - set(books))
    return Counts(len(kept) + len(lost), len(kept), len(lost), len(kept), reasons)


def _check_classify(
    in_paths: Sequence[str | Path], kept_paths: Sequence[str | Path], dropped_paths: Sequence[str | Path]
) -> Counts:
    stage = "classify"
    books = set(_columns(in_paths, "book_id")[0])
    kept = _unique(stage, kept_paths, _ids(kept_paths))
    dropped, reasons = _read_drops(dropped_paths)
    lost = _unique(stage, dropped_paths, dropped)
    _refuse(stage, dropped_paths, "both kept and dropped", kept & lost)
    _refuse(stage, kept_paths, "books neither kept nor dropped", books - kept - lost)
    _refuse(stage, kept_paths, "books that have no page here", (kept | lost) - books)
    return Counts(len(books), len(kept), len(lost), len(kept), reasons)


def owner_of_page(page_id: str) -> str:
    """Return the book's id in a page's id, or the id itself where it is a book's."""
    return page_id.rsplit(":", 1)[0]


def _check_chunk(
    in_paths: Sequence[str | Path],
    kept_paths: Sequence[str | Path],
    dropped_paths: Sequence[str | Path],
    books: Collection[str],
) -> Counts:
    stage = "chunk"
    ids, owners, numbers = _columns(in_paths, "page_id", "book_id", "page")
    wanted = set(books)
    pages = {i: (b, n) for i, b, n in zip(ids, owners, numbers) if b in wanted}
    _unique(stage, in_paths, ids)
    chunks, chunk_books, firsts, lasts = _columns(kept_paths, "chunk_id", "book_id", "page_first", "page_last")
    made = _unique(stage, kept_paths, chunks)
    dropped, reasons = _read_drops(dropped_paths)
    # The dropped records also name chunks: those whose very text is on the same pages a second time.
    repeated = made.intersection(dropped)
    lost = _unique(stage, dropped_paths, [i for i in dropped if i not in repeated])
    _refuse(stage, dropped_paths, "dropped but never came in", lost - set(pages))
    covered = {(b, n) for b, first, last in zip(chunk_books, firsts, lasts) for n in range(first, last + 1)}
    borders = {(b, n) for b, first, last in zip(chunk_books, firsts, lasts) for n in (first, last)}
    there = set(pages.values())
    _refuse(
        stage, kept_paths, "chunks begin or end on pages that never came in", {f"{b}:{n}" for b, n in borders - there}
    )
    _refuse(
        stage,
        kept_paths,
        "in no chunk and not dropped",
        {i for i, p in pages.items() if p not in covered and i not in lost},
    )
    _refuse(stage, dropped_paths, "dropped, yet a chunk begins or ends there", {i for i in lost if pages[i] in borders})
    return Counts(len(pages), len(pages) - len(lost), len(lost), len(chunks), reasons)


def _check_extract(
    in_paths: Sequence[str | Path],
    kept_paths: Sequence[str | Path],
    dropped_paths: Sequence[str | Path],
    standards: Sequence[str],
) -> Counts:
    stage = "extract"
    chunks = _unique(stage, in_paths, _ids(in_paths))
    units = {f"{chunk}:{standard}" for chunk in chunks for standard in standards}
    pairs, sources, levels = _columns(kept_paths, "qa_id", "chunk_id", "standard")
    _unique(stage, kept_paths, pairs)
    fruitful = {f"{chunk}:{standard}" for chunk, standard in zip(sources, levels)}
    dropped, reasons = _read_drops(dropped_paths)
    lost = _unique(stage, dropped_paths, dropped)
    # The dropped records also name single pairs, as unit#k: such a unit is kept if another pair of it was.
    barren = {unit_of(i) for i in lost}
    _refuse(stage, dropped_paths, "units both dropped and kept", fruitful & lost)
    _refuse(stage, kept_paths, "units with neither a pair nor a reason", units - fruitful - barren)
    _refuse(stage, kept_paths, "pairs of units that never came in", fruitful - units)
    _refuse(stage, dropped_paths, "dropped but never came in", barren - units)
    return Counts(len(units), len(fruitful), len(units - fruitful), len(pairs), reasons)


def unit_of(identifier: str) -> str:
    """Return the unit `chunk:standard` of a record that extract dropped: its own id or a pair's, `chunk:standard#k`."""
    return identifier.partition("#")[0]


def conserve(
    kept: Sequence[str | Path], books: Iterable[ShelfBook], standards: Sequence[str] = STANDARDS
) -> dict[tuple[str, str], Counts]:
    """Check every stage, shard by shard, and the passage from one to the next; return the counts.

    Args:
        kept: the kept rows of every stage of one pool's way, `…/<stage>/{subset}/{shard}.parquet`; the
            dropped records are beside them.
        books: the shelf.
        standards: the standards that every chunk is read at.

    Returns:
        (stage, discipline) -> counts, in the order of the stages, then of the disciplines' names.

    Raises:
        ConservationError: a row is lost, doubled or made up, within a stage or between two.
    """
    shelf = list(books)
    files: dict[str, dict[str, list[Path]]] = {}
    for path in map(Path, kept):
        stage, discipline, _ = shard_of_path(path)
        files.setdefault(stage, {}).setdefault(discipline, []).append(path)
    known = ("import_source", *STAGES)
    stages = [stage for stage in known if stage in files]
    for stage in files.keys() - set(known):
        raise ConservationError(f"{stage}: not a stage of this workflow; known are {', '.join(STAGES)}")
    counts: dict[tuple[str, str], Counts] = {}
    for before, stage in zip([None, *stages], stages):
        for discipline in sorted(files[stage]):
            paths = sorted(files[stage][discipline])
            if stage == "import_source":
                counts[stage, discipline] = _check_import(paths)
            elif stage == "digitize":
                home = [b.book_id for b in shelf if (b.disciplines or (UNCLASSIFIED,))[0] == discipline]
                counts[stage, discipline] = check(stage, [], paths, list(map(dropped_path, paths)), books=home)
            elif stage == "chunk":
                pages = sorted(p for group in files.get("digitize", {}).values() for p in group)
                mine = _books_of(discipline, [p for group in files.get("classify", {}).values() for p in group], shelf)
                counts[stage, discipline] = check(stage, pages, paths, list(map(dropped_path, paths)), books=mine)
            else:
                counts[stage, discipline] = _check_shards(
                    stage, files[before].get(discipline, []) if before else [], paths, standards
                )
        if before and stage not in (*HOME_STAGES, "chunk"):
            _check_passage(before, stage, counts, len(standards))
    for stage in stages[stages.index("dedup") :] if "dedup" in stages else ():
        paths = [p for group in files[stage].values() for p in group]
        _unique(stage, paths, _ids(paths))
    return counts


def _books_of(discipline: str, classified: Sequence[Path], shelf: Sequence[ShelfBook]) -> list[str]:
    """Return the books that a discipline takes: as classified, or where nothing was, as the shelf has them."""
    if not classified:
        return [book.book_id for book in shelf if discipline in book.disciplines]
    books, served = _columns(classified, "book_id", "disciplines")
    return [book for book, disciplines in zip(books, served) if discipline in disciplines]


def _check_shards(stage: str, before: Sequence[Path], paths: Sequence[Path], standards: Sequence[str]) -> Counts:
    sources = {path.name: path for path in before}
    here = {path.name for path in paths}
    if here != set(sources):
        odd = min(here ^ set(sources))
        raise ConservationError(f"{stage}: {paths[0].parent / odd} and the shards of the stage before do not match")
    total = Counts()
    for path in paths:
        total += check(stage, [sources[path.name]], [path], [dropped_path(path)], standards=standards)
    return total


def _check_passage(before: str, stage: str, counts: Mapping[tuple[str, str], Counts], standards: int) -> None:
    factor = standards if stage == "extract" else 1
    for discipline in sorted({d for s, d in counts if s in (before, stage)}):
        made = counts.get((before, discipline), Counts()).rows_out * factor
        read = counts.get((stage, discipline), Counts()).rows_in
        if made != read:
            raise ConservationError(f"{stage} of {discipline} read {read} rows, but {before} gave {made}")


#: What one row of `rows_in` is.
UNITS = {
    "import_source": "row",
    "digitize": "page or unreadable book",
    "classify": "book",
    "chunk": "page",
    "extract": "chunk and standard",
}


def yield_tables(
    *,
    kept: Sequence[str | Path],
    books: Iterable[ShelfBook],
    yields: str | Path,
    reasons: str | Path,
    standards: Sequence[str] = STANDARDS,
) -> None:
    """Check that every stage adds up and write `yield.tsv` and `yield_reasons.tsv`; see `conserve`.

    The reasons of extract also count single pairs that were left out of a unit, those of chunk also
    repeated chunks; their sum can therefore be above rows_dropped. In every other stage it is equal.
    """
    counts = conserve(kept, books, standards)
    by_stage = [
        (stage, discipline, c.rows_in, c.rows_kept, c.rows_dropped, c.rows_out, UNITS.get(stage, "pair"))
        for (stage, discipline), c in counts.items()
    ]
    by_reason = [
        (stage, discipline, reason, c.reasons[reason])
        for (stage, discipline), c in counts.items()
        for reason in sorted(c.reasons)
    ]
    columns = ("stage", "discipline", "rows_in", "rows_kept", "rows_dropped", "rows_out", "row")
    write_table(table_of(columns, by_stage), yields)
    write_table(table_of(("stage", "discipline", "reason", "rows"), by_reason), reasons)


def _columns(paths: Iterable[str | Path], *names: str) -> list[list[Any]]:
    columns: list[list[Any]] = [[] for _ in names]
    for path in paths:
        for column, values in zip(columns, read_columns(path, names).columns):
            column.extend(values.to_pylist())
    return columns


def _ids(paths: Iterable[str | Path]) -> list[str]:
    return [identifier for path in paths for identifier in _columns([path], id_column(path))[0]]


def _read_drops(paths: Iterable[str | Path]) -> tuple[list[str], Counter[str]]:
    ids, reasons = _columns(paths, "id", "reason")
    return ids, Counter(reasons)


def _unique(stage: str, paths: Sequence[str | Path], ids: Sequence[str]) -> set[str]:
    unique = set(ids)
    if len(unique) != len(ids):
        _refuse(stage, paths, "there more than once", {i for i, n in Counter(ids).items() if n > 1})
    return unique


def _refuse(stage: str, paths: Sequence[str | Path], fault: str, ids: Collection[str]) -> None:
    if ids:
        shown = ", ".join(sorted(ids)[:_SHOWN]) + (", …" if len(ids) > _SHOWN else "")
        where = str(paths[0]) + (f" and {len(paths) - 1} more" if len(paths) > 1 else "") if paths else "no file"
        raise ConservationError(f"{stage}: {where}: {len(ids)} ids are {fault}: {shown}")
