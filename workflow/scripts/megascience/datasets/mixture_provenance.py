"""Provenance of a mixture's rows."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from megascience.datasets.mixture_rows import ATTRIBUTION, TEXT, PortionFiles
from megascience.datasets.release import sorted_tables
from megascience.storage.errors import InputError
from megascience.storage.parquet import iter_batches, read_metadata, read_schema

_MADE_BY = ("prompt_hash", "model", "revision")


class Vouchers:
    """The provenance of a mixture's rows.

    Its columns: id and source; a public row's attribution; what the provenance of a textbook dataset has; and of
    each model stage prompt, model and revision, null where the stage's model was not asked.
    """

    def __init__(self, portions: Sequence[PortionFiles]) -> None:
        self.portions = portions
        self.books = next((portion.provenance for portion in portions if portion.provenance is not None), None)
        told = read_schema(self.books) if self.books else pa.schema([])
        fields = [pa.field("id", TEXT), pa.field("source", TEXT), *ATTRIBUTION]
        fields += [one for one in told if one.name not in {f.name for f in fields}]
        stages = dict.fromkeys(stage for portion in portions for stage in portion.made_by)
        fields += [
            pa.field(f"{stage}_{what}", TEXT)
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
        schema = read_schema(self.books)
        batches = iter_batches(self.books)
        tables = (pa.table(batch.filter(pc.is_in(batch["id"], ids))).cast(schema) for batch in batches)
        yield from sorted_tables((table for table in tables if len(table)), schema, "id", starts, scratch)

    def table(self, block: pa.Table, proof: pa.Table | None) -> pa.Table:
        """Return the provenance of a block's rows.

        Raises:
            InputError: a textbook's row is not in the provenance of its dataset.
        """
        places = block.column("place").to_numpy()
        columns: dict[str, Any] = {name: block.column(name) for name in ("id", "source", *ATTRIBUTION.names)}
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
                made = pa.array(values, TEXT)
                columns[name] = pc.coalesce(made, columns[name]) if name in columns else made
        return pa.table([columns[name] for name in self.schema.names], schema=self.schema)

    def _made_by(self, stage: str, block: pa.Table) -> dict[str, list[str | None]]:
        footers = [self.footers[stage][place] for place in block.column("place").to_pylist()]
        if stage == "annotate":
            new = block.column("annotated").to_pylist()
            footers = [footer if own else None for footer, own in zip(footers, new, strict=True)]
        return {what: [(footer or {}).get(what) or None for footer in footers] for what in _MADE_BY}

    def models(self) -> list[tuple[str, ...]]:
        """Return (stage, model, revision) of every model that was asked about rows that are not textbooks'."""
        made = {
            (stage, footer["model"], footer["revision"])
            for stage, footers in self.footers.items()
            for footer in footers
            if footer and footer.get("model")
        }
        return sorted(made)


def _footer(path: Path) -> dict[str, str]:
    return read_metadata(path)
