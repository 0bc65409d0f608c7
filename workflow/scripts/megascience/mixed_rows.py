"""Mixed rows: what a mixture reads of its parts' files, and what vouches for each row."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from .batches import id_column, iter_batches
from .card import word_counts
from .records import InputError, read_metadata
from .release import BLOCK_ROWS, sorted_tables

_TEXT, _INT = pa.string(), pa.int64()

#: A public row's own attribution, which stays with it; of textbook rows the dataset's provenance tells more.
_ATTRIBUTION = pa.schema([("licence", _TEXT), ("file", _TEXT), ("row", _INT), ("row_id", _TEXT), ("revision", _TEXT)])

#: What is carried of each row from its file to its block; `place` is its file's number.
_CARRIED = pa.schema(
    [(name, _TEXT) for name in ("id", "question", "answer", "subject", "reference_answer", "source")]
    + [*_ATTRIBUTION, ("annotated", pa.bool_()), ("place", _INT)]
)
_MADE_BY = ("prompt_hash", "model", "revision")


class PortionFiles(Protocol):
    """What is read of a part (`mixture.Portion`)."""

    @property
    def source(self) -> str: ...
    @property
    def rows(self) -> Sequence[Path]: ...
    @property
    def made_by(self) -> Mapping[str, Sequence[Path]]: ...
    @property
    def provenance(self) -> Path | None: ...


@dataclass
class MixtureFacts:
    """What the card counts."""

    rows: int = 0
    words: int = 0
    subjects: Counter[str | None] = field(default_factory=Counter)
    licences: Counter[tuple[str, str | None]] = field(default_factory=Counter)

    def add(self, block: pa.Table) -> None:
        self.rows += len(block)
        self.words += pc.sum(word_counts(block.column("answer"))).as_py() or 0
        self.subjects.update(block.column("subject").to_pylist())
        self.licences.update(zip(block.column("source").to_pylist(), block.column("licence").to_pylist(), strict=True))


class Reader:
    """Reads the parts' rows, file by file.

    Attributes:
        schema: the columns of its tables.
        facts: what the card counts, filled as the rows are released.
    """

    def __init__(self, portions: Sequence[PortionFiles]) -> None:
        self.portions = portions
        self.schema = _CARRIED
        self.facts = MixtureFacts()

    def tables(self, kept: np.ndarray) -> Iterator[pa.Table]:
        """Yield the kept rows in tables of some `BLOCK_ROWS`; `kept` is bool, in the order of parts and files."""
        waiting: list[pa.Table] = []
        for table in self._read(kept):
            waiting.append(table)
            if sum(map(len, waiting)) >= BLOCK_ROWS:
                yield pa.concat_tables(waiting)
                waiting = []
        if waiting:
            yield pa.concat_tables(waiting)

    def _read(self, kept: np.ndarray) -> Iterator[pa.Table]:
        start = place = 0
        for portion in self.portions:
            for path in portion.rows:
                key = id_column(path)
                names = set(pq.read_schema(path).names)
                subject = "subject" if "subject" in names else "discipline"
                found = {"id": key, "subject": subject, **{n: n for n in _CARRIED.names if n in names and n != "id"}}
                found.pop("source", None)
                for batch in iter_batches(path, list(dict.fromkeys(found.values()))):
                    own = kept[start : start + len(batch)]
                    start += len(batch)
                    if not own.any():
                        continue
                    chosen = batch.filter(pa.array(own))
                    given = {"source": pa.repeat(portion.source, len(chosen)), "place": pa.repeat(place, len(chosen))}
                    columns = [
                        given[name]
                        if name in given
                        else chosen[found[name]]
                        if name in found
                        else pa.nulls(len(chosen), kind)
                        for name, kind in zip(_CARRIED.names, _CARRIED.types, strict=True)
                    ]
                    yield pa.table([c.cast(k) for c, k in zip(columns, _CARRIED.types, strict=True)], schema=_CARRIED)
                place += 1


class Vouchers:
    """The provenance of a mixture's rows.

    Its columns: id and source; a public row's attribution; what the provenance of a textbook dataset has; and of
    each model stage prompt, model and revision, null where the stage's model was not asked.
    """

    def __init__(self, portions: Sequence[PortionFiles], reader: Reader) -> None:
        self.portions = portions
        self.books = next((portion.provenance for portion in portions if portion.provenance is not None), None)
        told = pq.read_schema(self.books).remove_metadata() if self.books else pa.schema([])
        fields = [pa.field("id", _TEXT), pa.field("source", _TEXT), *_ATTRIBUTION]
        fields += [one for one in told if one.name not in {f.name for f in fields}]
        stages = dict.fromkeys(stage for portion in portions for stage in portion.made_by)
        fields += [
            pa.field(f"{stage}_{what}", _TEXT)
            for stage in stages
            for what in _MADE_BY
            if f"{stage}_{what}" not in told.names
        ]
        self.schema = pa.schema(fields)
        self.told = [one.name for one in told if one.name != "id"]
        self.of_books = [portion.provenance is not None for portion in portions for _ in portion.rows]
        #: Stage → the footer of each file of rows, None where the part did not go through it.
        self.footers: dict[str, list[dict[str, str] | None]] = {
            stage: [
                footer
                for portion in portions
                for footer in (
                    [_footer(path) for path in portion.made_by[stage]]
                    if stage in portion.made_by
                    else [None] * len(portion.rows)
                )
            ]
            for stage in stages
        }

    def blocks(self, ids: pa.Array, starts: Sequence[str], scratch: Path) -> Iterator[pa.Table | None]:
        """Yield the textbooks' provenance of each block of ids, None where there are no textbooks."""
        if self.books is None:
            yield from (None for _ in starts)
            return
        schema = pq.read_schema(self.books).remove_metadata()
        batches = iter_batches(self.books)
        tables = (pa.table(batch.filter(pc.is_in(batch["id"], ids))).cast(schema) for batch in batches)
        yield from sorted_tables((table for table in tables if len(table)), schema, "id", starts, scratch)

    def table(self, block: pa.Table, proof: pa.Table | None) -> pa.Table:
        """Return the provenance of a block's rows.

        Raises:
            InputError: a textbook's row is not in the provenance of its dataset.
        """
        places = block.column("place").to_numpy()
        columns: dict[str, Any] = {name: block.column(name) for name in ("id", "source", *_ATTRIBUTION.names)}
        if proof is not None:
            found = pc.index_in(block.column("id"), proof.column("id").combine_chunks())
            booked = np.array(self.of_books)[places]
            lost = np.flatnonzero(booked & pc.is_null(found).to_numpy())
            if len(lost):
                identifier = block.column("id")[int(lost[0])].as_py()
                raise InputError(f"{self.books}: row {identifier} is not in it; release its dataset again")
            columns |= {name: proof.column(name).take(found) for name in self.told if name not in columns}
        for stage in self.footers:
            for what, values in self._made_by(stage, block).items():
                name = f"{stage}_{what}"
                made = pa.array(values, _TEXT)
                columns[name] = pc.coalesce(made, columns[name]) if name in columns else made
        return pa.table([columns[name] for name in self.schema.names], schema=self.schema)

    def _made_by(self, stage: str, block: pa.Table) -> dict[str, list[str | None]]:
        footers = [self.footers[stage][place] for place in block.column("place").to_pylist()]
        if stage == "annotate":
            new = block.column("annotated").to_pylist()
            footers = [footer if own else None for footer, own in zip(footers, new, strict=True)]
        return {what: [(footer or {}).get(what) or None for footer in footers] for what in _MADE_BY}

    def models(self) -> list[tuple[str, ...]]:
        """Return (stage, model, revision) of every model that was asked about rows that are no textbooks'."""
        made = {
            (stage, footer["model"], footer["revision"])
            for stage, footers in self.footers.items()
            for footer in footers
            if footer and footer.get("model")
        }
        return sorted(made)


def _footer(path: Path) -> dict[str, str]:
    return read_metadata(path)
