"""Mixed rows: what a mixture reads of its parts' files, and what vouches for each row."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from megascience.datasets.card import word_counts
from megascience.datasets.release import BLOCK_ROWS
from megascience.storage.parquet import id_column, iter_batches, read_schema

TEXT, _INT = pa.string(), pa.int64()

#: A public row's own attribution, which stays with it; of textbook rows the dataset's provenance says more.
ATTRIBUTION = pa.schema([("licence", TEXT), ("file", TEXT), ("row", _INT), ("row_id", TEXT), ("revision", TEXT)])

#: What is carried of each row from its file to its block; `place` is its file's number.
_CARRIED = pa.schema(
    [(name, TEXT) for name in ("id", "question", "answer", "subject", "reference_answer", "source")]
    + [*ATTRIBUTION, ("annotated", pa.bool_()), ("place", _INT)]
)


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
                names = set(read_schema(path).names)
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
