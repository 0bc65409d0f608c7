"""The released dataset: Parquet and JSONL in the order of ids, provenance of every row, a dataset card."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from megascience.datasets.card import YIELDS, Facts, ReleasedBook, card
from megascience.datasets.decontamination_quality import KEYS, Used, quality_section
from megascience.datasets.release import BLOCK_ROWS, Release, id_array, sorted_tables
from megascience.stages.reference import SCHEMA as REFERENCED
from megascience.storage.errors import InputError
from megascience.storage.files import write_text
from megascience.storage.layout import STANDARDS, shard_of_path
from megascience.storage.parquet import iter_batches, read_columns, read_metadata
from megascience.storage.tables import read_tsv

_TEXT = pa.string()

#: The released columns.
TRAIN = pa.schema([(name, _TEXT) for name in ("question", "answer", "subject", "reference_answer", "id")])


def provenance_schema(stages: Sequence[str]) -> pa.Schema:
    """Return the provenance's schema: where a row comes from, then prompt, model and revision of each stage."""
    fields = [(name, _TEXT) for name in ("id", "book_id", "title", "sha256")]
    fields += [("page_first", pa.int64()), ("page_last", pa.int64())]
    fields += [(name, _TEXT) for name in ("chunk_id", "discipline", "standard")]
    fields += [(f"{stage}_{what}", _TEXT) for stage in stages for what in ("prompt_hash", "model", "revision")]
    return pa.schema(fields)


def build_dataset(
    *,
    references: Sequence[str | Path],
    books: Iterable[ReleasedBook],
    chunks: Sequence[str | Path],
    stage_files: Mapping[str, Sequence[str | Path]],
    output: str | Path,
    name: str,
    standards: Sequence[str] = STANDARDS,
    verdicts: Sequence[str | Path] = (),
    yields: str | Path | None = None,
    measured: str | Path | None = None,
    embedder: tuple[str, str] | None = None,
) -> None:
    """Write `train.parquet`, `train.jsonl`, `provenance.parquet` and the card `README.md` into `output`.

    Rows are sorted by id; the same inputs give the same bytes. Memory holds one block of `BLOCK_ROWS`
    rows, the ids and the chunks' page spans, however many rows there are.

    Args:
        references: the last stage's rows, `…/reference/{discipline}/{shard}.parquet`.
        books: the shelf.
        chunks: `…/chunk/{discipline}/{shard}.parquet`, for the page spans.
        stage_files: model stage -> its files, one a shard; their footers carry prompt_hash, model and revision.
        output: a folder; it is made.
        name: the dataset's name, as the card has it.
        standards: the standards of extract's prompts, in the order of the hashes in its footers.
        verdicts: the contamination judge's verdict files, whose number the card gives.
        yields: `yield.tsv`, for the card's yield by stage.
        measured: how well retrieval and judges do, see quality.py; the card tells it of those that were used.
        embedder: name and revision of the embedding model that found the judge's candidates.

    Raises:
        InputError: an id is there twice, or a row's book, chunk or stage file is not among the inputs.
    """
    output = Path(output)
    shelf = {book.book_id: book for book in books}
    schema = provenance_schema(list(stage_files))
    lineage = _Lineage(references, shelf, chunks, stage_files, standards)
    facts = Facts()
    with Release(output, TRAIN, schema) as release:
        for block in sorted_blocks(references, scratch=output.parent):
            rows = pa.table([block.column(name) for name in _SOURCE_COLUMNS], TRAIN.names)
            release.add(rows, lineage.table(block, schema))
            facts.add(block)
    table = read_tsv(yields, YIELDS) if yields else None
    section = quality_section(measured, Used(embedder, _judge(verdicts))) if measured and verdicts else ()
    write_text(output / "README.md", card(name, facts, shelf, lineage.models(), table, _judged(verdicts), section))


def _judge(verdicts: Sequence[str | Path]) -> tuple[str, ...] | None:
    """Return model, revision and prompt hash of the judge, None where nothing was judged or by several."""
    made = [read_metadata(path) for path in verdicts]
    judges = {tuple(m.get(key, "") for key in KEYS["judge"]) for m in made if m.get("model")}
    return judges.pop() if len(judges) == 1 else None


def _judged(verdicts: Sequence[str | Path]) -> int | None:
    """Return how many candidates were put to the judge, None without any record of verdicts."""
    columns = [read_columns(path, ["verdict"]).column(0) for path in verdicts]
    return sum(pc.sum(pc.not_equal(column, "skipped")).as_py() or 0 for column in columns) if columns else None


#: Where the released columns come from.
_SOURCE_COLUMNS = ("question", "answer", "discipline", "reference_answer", "qa_id")


def sorted_blocks(
    paths: Sequence[str | Path], block_rows: int = BLOCK_ROWS, scratch: Path | None = None
) -> Iterator[pa.Table]:
    """Yield all rows of the reference stage's files in the order of their ids, in tables of `block_rows` rows.

    A column `source` gives each row's place in `paths`. The rows are first dealt out by id into files in a
    temporary folder, one for each block, so that only a block at a time is in memory.

    Raises:
        InputError: an id is there twice.
    """
    ids = [id_array(read_columns(path, ["qa_id"]).column(0)) for path in paths]
    ordered = np.sort(np.concatenate([np.empty(0, np.str_), *ids]))
    twice = ordered[1:][ordered[1:] == ordered[:-1]]
    if len(twice):
        raise InputError(f"id {twice[0]} is released twice, in {_holders(paths, ids, twice[0])}; deduplicate again")
    schema = REFERENCED.append(pa.field("source", pa.int64()))
    yield from sorted_tables(_tables(paths, schema, block_rows), schema, "qa_id", ordered[::block_rows], scratch)


def _tables(paths: Sequence[str | Path], schema: pa.Schema, rows: int) -> Iterator[pa.Table]:
    names = schema.names[:-1]
    for source, path in enumerate(paths):
        for batch in iter_batches(path, names, rows):
            yield pa.table([*(batch.column(name) for name in names), np.full(len(batch), source)], schema=schema)


def _holders(paths: Sequence[str | Path], ids: Sequence[np.ndarray], identifier: str) -> str:
    return " and ".join(str(path) for path, column in zip(paths, ids) for _ in range((column == identifier).sum()))


class _Lineage:
    """Looks up where rows come from, a block at a time."""

    def __init__(
        self,
        references: Sequence[str | Path],
        shelf: Mapping[str, ReleasedBook],
        chunks: Sequence[str | Path],
        stage_files: Mapping[str, Sequence[str | Path]],
        standards: Sequence[str],
    ) -> None:
        self.shelf = shelf
        self.standards = standards
        self.reasoned = _reasoned(stage_files.get("judge_cot", ()))
        self.chunks = pa.concat_tables(read_columns(path, _CHUNK_COLUMNS) for path in chunks)
        self.footers: dict[str, list[dict[str, str]]] = {}
        for stage, files in stage_files.items():
            by_shard = {shard_of_path(path)[1:]: path for path in files}
            footers = []
            for reference in references:
                shard = shard_of_path(reference)[1:]
                if shard not in by_shard:
                    raise InputError(f"{stage}: no file of shard {'/'.join(shard)}, which {reference} comes from")
                footers.append(_lineage_footer(by_shard[shard]))
            self.footers[stage] = footers

    def table(self, block: pa.Table, schema: pa.Schema) -> pa.Table:
        """Return the provenance of a block's rows."""
        place = pc.index_in(block.column("chunk_id"), self.chunks.column("chunk_id").combine_chunks())
        if place.null_count:
            lost = block.column("qa_id").filter(pc.is_null(place))[0].as_py()
            raise InputError(f"the chunk of row {lost} is not among the chunk files; run the workflow again")
        spans = self.chunks.take(place)
        columns: dict[str, Any] = {
            "id": block.column("qa_id"),
            "page_first": spans.column("page_first"),
            "page_last": spans.column("page_last"),
            **{name: block.column(name) for name in ("book_id", "chunk_id", "discipline", "standard")},
        }
        owners = [self._book(book_id) for book_id in block.column("book_id").to_pylist()]
        columns["title"] = [book.title for book in owners]
        columns["sha256"] = [book.sha256 or None for book in owners]
        for stage in self.footers:
            columns |= self._made_by(stage, block)
        return pa.table([_array(columns[f.name], f.type) for f in schema], schema=schema)

    def models(self) -> list[tuple[str, str, str]]:
        """Return (stage, model, revision) of every model that was asked."""
        made = {
            (n, stage, footer["model"], footer["revision"])
            for n, (stage, footers) in enumerate(self.footers.items())
            for footer in footers
            if footer["model"]
        }
        return [row[1:] for row in sorted(made)]

    def _made_by(self, stage: str, block: pa.Table) -> dict[str, list[str | None]]:
        """Return prompt hash, model and revision of each row at a stage, null where its model was not asked."""
        footers = [self.footers[stage][source] for source in block.column("source").to_pylist()]
        columns = {what: [footer[what] or None for footer in footers] for what in _FOOTER_KEYS}
        if stage == "extract":
            levels = block.column("standard").to_pylist()
            hashes = [dict(zip(self.standards, footer["prompt_hash"].split(","))) for footer in footers]
            columns["prompt_hash"] = [by_level.get(level) for by_level, level in zip(hashes, levels)]
        if stage == "distill_cot":
            untouched = pc.is_in(block.column("qa_id"), self.reasoned).to_pylist()
            columns = {k: [None if u else v for u, v in zip(untouched, values)] for k, values in columns.items()}
        return {f"{stage}_{what}": values for what, values in columns.items()}

    def _book(self, book_id: str) -> ReleasedBook:
        if book_id not in self.shelf:
            raise InputError(f"book {book_id!r} of a released row is not on the shelf; add it again, or run again")
        return self.shelf[book_id]


def _reasoned(judged: Sequence[str | Path]) -> pa.Array:
    """Return the ids of the pairs that were judged to show their reasoning: distill_cot passes them through."""
    found = [pa.array([], _TEXT)]
    for path in judged:
        table = read_columns(path, ["qa_id", "has_reasoning"])
        found += table.column("qa_id").filter(table.column("has_reasoning")).chunks
    return pa.concat_arrays(found)


_CHUNK_COLUMNS = ("chunk_id", "page_first", "page_last")
_FOOTER_KEYS = ("prompt_hash", "model", "revision")


def _array(values: Any, kind: pa.DataType) -> pa.Array | pa.ChunkedArray:
    return pa.array(values, kind) if isinstance(values, list) else values


def _lineage_footer(path: str | Path) -> dict[str, str]:
    footer = read_metadata(path)
    for key in _FOOTER_KEYS:
        if key not in footer:
            raise InputError(f"{path}: its footer does not tell the {key}; delete the file and run again")
    return footer
