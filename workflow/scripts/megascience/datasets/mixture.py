"""Mixture: a dataset of several parts, in the form of the dataset of textbooks and with a column `source`.

A row of a part is left out where it has no answer, where a row of an earlier part asks the same question (see
`overlap`), or where the part's n or share is full; the dropped rows say which, and rows in are rows kept and dropped.
The rows are read twice and never all at once: first ids and questions, to decide, then the rows that are kept.
"""

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from megascience.curation.dedup import lsh_settings
from megascience.datasets.card import MixedPart, mixture_card
from megascience.datasets.cross_duplicates import Found, Overlap
from megascience.datasets.mixture_provenance import Vouchers
from megascience.datasets.mixture_rows import MixtureFacts, Reader
from megascience.datasets.release import BLOCK_ROWS, Release, sorted_tables
from megascience.datasets.selection import order_keys, smallest
from megascience.datasets.textbooks import TRAIN
from megascience.storage.drops import DROPPED
from megascience.storage.errors import ConservationError, InputError
from megascience.storage.files import write_text
from megascience.storage.parquet import id_column, iter_batches, table_writer
from megascience.storage.tables import table_of, write_table

if TYPE_CHECKING:
    import pandas as pd

STAGE = "mixture"

#: What became of a row.
_KEPT, _INCOMPLETE, _DUPLICATE, _NOT_DRAWN = range(4)
_REASONS = {_INCOMPLETE: "incomplete_pair", _DUPLICATE: "near_duplicate", _NOT_DRAWN: "not_selected"}


@dataclass(frozen=True)
class Portion:
    """One part of a mixture, with its files.

    Attributes:
        name: the selection's or the dataset's name.
        source: what the released rows have in the column `source`.
        rows: its Parquet files: `qa_id`, `question`, `answer`, `reference_answer`, and `subject` or `discipline`.
        made_by: model stage → the files, one for each of `rows`, whose footers tell prompt, model and revision.
        provenance: of a textbook part the provenance of its dataset, else None.
        n: how many rows are drawn; None: all.
        share: of the mixture's rows; None: what its rows come to.
    """

    name: str
    source: str
    rows: Sequence[Path]
    made_by: Mapping[str, Sequence[Path]] = field(default_factory=dict)
    provenance: Path | None = None
    n: int | None = None
    share: float | None = None


def build_mixture(
    portions: Sequence[Portion],
    *,
    name: str,
    output: str | Path,
    dropped: str | Path,
    counts: str | Path,
    threshold: float,
    bands: int,
    rows: int,
    seed: int = 0,
) -> None:
    """Write a mixture's dataset into `output`, the dropped rows, and the counts by part (TSV).

    The rows are sorted by id, whatever the parts' files; the same inputs give the same bytes.

    Args:
        portions: the parts; of near-duplicates the row of the earliest part is kept.
        threshold, bands, rows: least similarity of duplicates, and the LSH that finds them, as in dedup.
        seed: of the draw of each part's n or share.

    Raises:
        InputError: an id comes twice, a part or a share asks for more rows than there are, or a row has no
            provenance.
        ConservationError: rows in are not rows kept and dropped.
    """
    scratch = Path(output).parent
    scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        subset = _read(portions, Overlap(folder, threshold=threshold, bands=bands, rows=rows))
    fates = subset.fates
    free = fates == _KEPT
    taken = draw(name, portions, subset.ids, subset.parts, free, seed)
    fates[free & ~taken] = _NOT_DRAWN
    _write_dropped(dropped, portions, subset)
    counted = _counts(portions, subset)
    written, facts, models = _release(portions, subset, Path(output))
    if written != int(taken.sum()) or len(fates) != written + int((fates != _KEPT).sum()):
        raise ConservationError(f"mixture {name}: {len(fates)} rows came in, {written} were written; run again")
    write_table(counted, counts)
    parts = [MixedPart(*row) for row in counted.itertuples(index=False, name=None)]
    write_text(Path(output) / "README.md", mixture_card(name, facts, parts, models, threshold))


def portion(part: Mapping[str, Any], files: Mapping[str, Sequence[str]]) -> Portion:
    """Return a portion from a part's name, source, n and share, and its files as `plan.Plan.part_files` names them."""
    paths = {what: [Path(path) for path in given] for what, given in files.items()}
    rows, provenance = paths.pop("rows"), paths.pop("provenance", [None])
    return Portion(**part, rows=rows, provenance=provenance[0], made_by=paths)


def thresholds(dedup: Mapping[str, Any]) -> dict[str, Any]:
    """Return threshold, bands and rows for the config's `dedup`; without a threshold there, that of the paper."""
    settings = lsh_settings(dedup["preset"], dedup["threshold"])
    return settings if settings["threshold"] is not None else lsh_settings("threshold")


@dataclass
class _Rows:
    """All rows of all parts, in the order of parts and files: ids, the part and the fate of each, and its copy."""

    ids: pa.Array
    parts: np.ndarray
    fates: np.ndarray
    found: Found


def _read(portions: Sequence[Portion], overlap: Overlap) -> _Rows:
    ids: list[pa.Array] = []
    answered: list[np.ndarray] = []
    sizes = []
    for portion in portions:
        before = overlap.count if len(portions) > 1 else sum(map(len, ids))
        for path in portion.rows:
            key = id_column(path)
            for batch in iter_batches(path, [key, "question", "answer"]):
                ids.append(batch[key].cast(pa.string()))
                answered.append(_stated(batch["question"]) & _stated(batch["answer"]))
                if len(portions) > 1:
                    overlap.add(batch["question"])
        sizes.append((overlap.count if len(portions) > 1 else sum(map(len, ids))) - before)
    everything = pa.concat_arrays([pa.array([], pa.string()), *ids])
    _check_unique(everything)
    parts = np.repeat(np.arange(len(portions), dtype=np.int8), sizes)
    fates = np.where(np.concatenate([np.empty(0, bool), *answered]), _KEPT, _INCOMPLETE).astype(np.int8)
    found = Found(np.full(len(parts), -1, np.int64), np.ones(len(parts)))
    if len(portions) > 1:
        ranks = np.empty(len(parts), np.int64)
        ranks[pc.sort_indices(everything).to_numpy()] = np.arange(len(parts))
        # A row without an answer keeps no other out: it comes after all that have one, as a part of its own.
        order = np.where(fates == _KEPT, parts, len(portions)).astype(np.int8)
        found = overlap.find(order, ranks, lambda mask: _questions(portions, mask))
        fates[(found.leader >= 0) & (fates == _KEPT)] = _DUPLICATE
    return _Rows(everything, parts, fates, found)


def _stated(column: pa.Array) -> np.ndarray:
    """Return which texts are neither null nor blank."""
    filled = pc.greater(pc.utf8_length(pc.utf8_trim_whitespace(column)), 0)
    return pc.fill_null(filled, False).to_numpy(zero_copy_only=False)


def _questions(portions: Sequence[Portion], mask: np.ndarray) -> Iterator[pa.Array]:
    start = 0
    for portion in portions:
        for path in portion.rows:
            for batch in iter_batches(path, ["question"]):
                own = mask[start : start + len(batch)]
                start += len(batch)
                if own.any():
                    yield batch["question"].filter(pa.array(own))


def _check_unique(ids: pa.Array) -> None:
    counts = pc.value_counts(ids)
    if len(counts) < len(ids):
        twice = counts.field("values").filter(pc.greater(counts.field("counts"), 1))[0].as_py()
        raise InputError(f"mixture: id {twice} comes twice; two of its parts take the same rows: make one part of them")


def draw(
    name: str, portions: Sequence[Portion], ids: pa.Array, parts: np.ndarray, free: np.ndarray, seed: int
) -> np.ndarray:
    """Return which rows are drawn, bool [n]: of each part those with the smallest hash of seed and id.

    A part with n gives n rows, one without gives all. Where parts have shares, the mixture is as large as the
    other parts make it, or, if all have shares, as large as the scarcest part allows.

    Args:
        ids, parts: of all rows.
        free: which rows may be drawn.

    Raises:
        InputError: a part has fewer rows than it must give.
    """
    there = np.bincount(parts[free], minlength=len(portions)).tolist()
    came = np.bincount(parts, minlength=len(portions)).tolist()
    wanted = [count if portion.n is None else portion.n for portion, count in zip(portions, there, strict=True)]
    shared = [k for k, portion in enumerate(portions) if portion.share is not None]
    if shared:
        rest = sum(n for k, n in enumerate(wanted) if k not in shared)
        shares = {k: float(portions[k].share or 0) for k in shared}
        closed = len(shared) == len(portions)
        total = min(there[k] / shares[k] for k in shared) if closed else rest / (1 - sum(shares.values()))
        for k in shared:
            wanted[k] = int(shares[k] * total + 1e-6)
    taken = np.zeros(len(parts), bool)
    for k, portion in enumerate(portions):
        if wanted[k] > there[k]:
            how = "n" if portion.n is not None else "share"
            raise InputError(
                f"datasets.{name}.mixture, part {k + 1} ({portion.name}): {how} asks for {wanted[k]} rows, but of "
                f"{came[k]} that came in {there[k]} have an answer and repeat no earlier part; lower {how}"
            )
        places = np.flatnonzero(free & (parts == k))
        if wanted[k] < len(places):
            among = ids.take(pa.array(places))
            places = places[smallest(order_keys(seed, among.to_pylist()), among, wanted[k])]
        taken[places] = True
    return taken


def _write_dropped(path: str | Path, portions: Sequence[Portion], subset: _Rows) -> None:
    with table_writer(path, DROPPED, {"stage": STAGE}) as write:
        gone = np.flatnonzero(subset.fates != _KEPT)
        for start in range(0, len(gone), BLOCK_ROWS):
            places = gone[start : start + BLOCK_ROWS]
            fates = subset.fates[places].tolist()
            leaders = subset.found.leader[places]
            copies = subset.ids.take(pa.array(np.maximum(leaders, 0))).to_pylist()
            of = subset.parts[np.maximum(leaders, 0)]
            details = [
                f"{copy} of {portions[part].name} (similarity {similarity:.3f})"
                if fate == _DUPLICATE
                else f"{portions[own].name}: other rows were drawn"
                if fate == _NOT_DRAWN
                else f"{portions[own].name}: no question or no answer"
                for fate, copy, part, similarity, own in zip(
                    fates, copies, of, subset.found.similarity[places], subset.parts[places], strict=True
                )
            ]
            reasons = [_REASONS[fate] for fate in fates]
            columns = [subset.ids.take(pa.array(places)), [STAGE] * len(places), reasons, details]
            write(pa.table(columns, schema=DROPPED))


def _counts(portions: Sequence[Portion], subset: _Rows) -> "pd.DataFrame":
    """Return rows in, without an answer, duplicates, not drawn and kept, by part."""
    rows: list[list[Any]] = []
    for k, portion in enumerate(portions):
        fates = np.bincount(subset.fates[subset.parts == k], minlength=4).tolist()
        dropped = [fates[fate] for fate in (_INCOMPLETE, _DUPLICATE, _NOT_DRAWN)]
        rows.append([portion.name, portion.source, sum(fates), *dropped, fates[_KEPT]])
    return table_of(("part", "source", "rows_in", "incomplete", "duplicates", "not_drawn", "rows_kept"), rows)


def _release(
    portions: Sequence[Portion], subset: _Rows, output: Path
) -> tuple[int, MixtureFacts, list[tuple[str, ...]]]:
    """Write the kept rows; return how many, what the card tells of them, and the models."""
    kept = subset.fates == _KEPT
    ids = subset.ids.filter(pa.array(kept))
    ordered = ids.take(pc.sort_indices(ids))
    starts = ordered.take(pa.array(np.arange(0, len(ordered), BLOCK_ROWS))).to_pylist()
    reader = Reader(portions)
    vouchers = Vouchers(portions)
    scratch = output.parent
    blocks = sorted_tables(reader.tables(kept), reader.schema, "id", starts, scratch)
    proofs: Iterable[pa.Table | None] = vouchers.blocks(ids, starts, scratch)
    written = 0
    schema = pa.schema([*TRAIN, pa.field("source", pa.string())])
    with Release(output, schema, vouchers.schema) as release:
        for block, proof in zip(blocks, proofs, strict=True):
            release.add(block.select(schema.names), vouchers.table(block, proof))
            reader.facts.add(block)
            written += len(block)
    return written, reader.facts, vouchers.models()
