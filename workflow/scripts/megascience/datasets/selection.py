"""Selection: which rows of a pool are taken, decided over all its shards by ids and one number a row.

| method          | takes                                                   | needs               |
|-----------------|---------------------------------------------------------|---------------------|
| all             | every row                                               |                     |
| random          | the n rows with the smallest hash of seed and id        |                     |
| response_length | the n rows with the longest responses of a strong model | response lengths    |
| difficulty      | rows whose mean score is in between; of these n, if n   | difficulty scores   |
|                 | is given, with the smallest hash of seed and id         |                     |

Two steps, so that only ids and numbers are in memory at once: `rank_pool` decides and writes the dropped
rows of each shard; `select_shard` copies the others. What is taken depends on the rows
alone, not on how they are sharded: ties are broken by the id.
"""

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from megascience.storage.drops import DROPPED
from megascience.storage.errors import InputError
from megascience.storage.files import write_json
from megascience.storage.parquet import id_column, iter_batches, read_columns, read_schema, table_writer, write_table

STAGE = "select"
METHODS = ("all", "random", "response_length", "difficulty")

#: Method → the column that its measure has.
_MEASURES = {"response_length": "n_tokens", "difficulty": "mean"}


@dataclass(frozen=True)
class Pool:
    """The files of one shard of a pool.

    Attributes:
        records: its rows, whose first column is the id.
        dropped: where the rows that are not selected go.
        measure: response lengths or difficulty scores of its rows, by `id`; none for the other methods.
        refused: dropped rows, which say why rows have no measure.
    """

    records: Path
    dropped: Path
    measure: Path | None = None
    refused: tuple[Path, ...] = ()


def pool_of(
    records: Sequence[str | Path],
    dropped: Sequence[str | Path],
    measures: Sequence[str | Path] = (),
    refused: Sequence[str | Path] = (),
) -> list[Pool]:
    """Return the shards of a pool from lists of files in one order; `refused` holds one or several such lists."""
    width = len(records)
    return [
        Pool(
            records=Path(records[k]),
            dropped=Path(dropped[k]),
            measure=Path(measures[k]) if measures else None,
            refused=tuple(map(Path, refused[k::width])),
        )
        for k in range(width)
    ]


def order_key(seed: int, identifier: str) -> int:
    """Return the 64-bit number by which rows are drawn at random: SHA-256 of seed and id."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{identifier}".encode()).digest()[:8], "big")


def order_keys(seed: int, identifiers: Sequence[str]) -> np.ndarray:
    """Return the `order_key` of each id, uint64 [n]."""
    return np.fromiter((order_key(seed, i) for i in identifiers), np.uint64, len(identifiers))


def smallest(keys: np.ndarray, identifiers: pa.Array, n: int) -> np.ndarray:
    """Return which rows have the n smallest keys, bool; equal keys go by the id."""
    taken = np.zeros(len(keys), bool)
    order = pc.sort_indices(pa.table([keys, identifiers], ["key", "id"]), [("key", "ascending"), ("id", "ascending")])
    taken[order.to_numpy()[:n]] = True
    return taken


def rank_pool(
    name: str,
    shards: Sequence[Pool],
    *,
    method: str,
    summary: str | Path,
    n: int | None = None,
    n_of: str | None = None,
    between: tuple[float, float] = (1, 9),
    seed: int = 0,
) -> dict[str, int]:
    """Decide which rows of a pool are selected, and write the dropped ones, shard by shard.

    Args:
        name: the selection's name, for messages and the summary.
        shards: the pool.
        method: one of `METHODS`; see the module.
        summary: JSON of the counts, which another selection may take its n from.
        n: how many rows; for difficulty at most those in between, for `all` None.
        n_of: the selection that n was taken from, for messages.
        between: the least and the greatest mean score, both inclusive.
        seed: of the random draw.

    Returns:
        rows of the pool, those that are eligible, and those selected.

    Raises:
        InputError: more rows are asked for than there are, a method without n, an unknown method, or an id
            that comes twice.
    """
    if method not in METHODS:
        raise InputError(f"selections.{name}.method is {method!r}; known: {', '.join(METHODS)}")
    if n is None and method in ("random", "response_length"):
        raise InputError(f"selections.{name}: the method {method} needs n; give a number or a selection's name")
    columns = [_texts(shard.records) for shard in shards]
    ids = pa.concat_arrays([pa.array([], pa.string()), *columns])
    _check_unique(name, ids)
    starts = np.cumsum([0, *map(len, columns)])
    measure = np.concatenate([np.empty(0), *(_measure(s, c, method) for s, c in zip(shards, columns, strict=True))])
    low, high = between
    if method == "difficulty":
        eligible = (measure >= low) & (measure <= high)
    else:
        eligible = ~np.isnan(measure)
    counts = {"rows": len(ids), "eligible": int(eligible.sum())}
    wanted = counts["eligible"] if n is None else n
    if wanted > counts["eligible"]:
        raise InputError(_too_few(name, method, counts, wanted, n_of))
    taken = eligible
    if wanted < counts["eligible"]:
        places = np.flatnonzero(eligible)
        among = ids.take(pa.array(places))
        keys = -measure[places] if method == "response_length" else order_keys(seed, among.to_pylist())
        taken = np.zeros(len(ids), bool)
        taken[places[smallest(keys, among, wanted)]] = True
    counts["selected"] = wanted
    for shard, column, start in zip(shards, columns, starts, strict=False):
        rest = np.flatnonzero(~taken[start : start + len(column)])
        reasons = _reasons(name, shard, method, between)
        _write_dropped(
            shard.dropped, column.take(pa.array(rest)), measure[start + rest], eligible[start + rest], reasons
        )
    write_json(summary, {"selection": name, "method": method, **counts})
    return counts


def select_shard(records: str | Path, dropped: str | Path, kept: str | Path) -> None:
    """Write a shard's rows that are not among the dropped ones, with all columns of the records.

    Raises:
        InputError: the dropped rows name one that the records do not have (it is of other records).
    """
    key = id_column(records)
    gone = read_columns(dropped, ["id"]).column(0).combine_chunks()
    rows = written = 0
    with table_writer(kept, read_schema(records), {"stage": STAGE}) as write:
        for batch in iter_batches(records):
            stay = batch.filter(pc.invert(pc.is_in(batch[key], gone)))
            rows, written = rows + len(batch), written + len(stay)
            write(pa.table(stay))
    if rows - written != len(gone):
        raise InputError(
            f"{dropped}: names {len(gone)} rows, of which {records} has {rows - written}; delete it and run again"
        )


def _texts(path: Path) -> pa.Array:
    return read_columns(path, [id_column(path)]).column(0).cast(pa.string()).combine_chunks()


def _check_unique(name: str, ids: pa.Array) -> None:
    counts = pc.value_counts(ids)
    if len(counts) < len(ids):
        twice = counts.field("values").filter(pc.greater(counts.field("counts"), 1))[0].as_py()
        raise InputError(f"selections.{name}: id {twice} comes twice in the pool; deduplicate it again")


def _measure(shard: Pool, ids: pa.Array, method: str) -> np.ndarray:
    """Return the number of each row that the method goes by, NaN where it has none; 0 where none is needed."""
    if method not in _MEASURES:
        return np.zeros(len(ids))
    if shard.measure is None:
        raise InputError(f"{shard.records}: the method {method} needs a measure of its rows")
    table = read_columns(shard.measure, ["id", _MEASURES[method]])
    place = pc.index_in(ids, table.column(0).combine_chunks())
    values = table.column(1).combine_chunks().cast(pa.float64()).take(place)
    return pc.fill_null(values, float("nan")).to_numpy(zero_copy_only=False)


#: Gives (reason, detail) of a row that is not selected: its id, its measure, and whether it was eligible.
_Reasons = Callable[[str, float, bool], tuple[str, str]]


def _reasons(name: str, shard: Pool, method: str, between: tuple[float, float]) -> _Reasons:
    refused: dict[str, tuple[str, str]] = {}
    for path in shard.refused:
        table = read_columns(path, ["id", "reason", "detail"])
        refused |= {i: (reason, detail) for i, reason, detail in zip(*table.to_pydict().values())}
    unknown = "unscored" if method == "difficulty" else "not_selected", f"{name}: no {method} is known of this row"
    others = "not_selected", f"{name}: other rows were taken"
    low, high = between

    def reasons(identifier: str, measure: float, eligible: bool) -> tuple[str, str]:
        if eligible:
            return others
        if math.isnan(measure):
            return refused.get(identifier, unknown)
        return "not_selected", f"{name}: mean score {measure:.2f} is not from {low} to {high}"

    return reasons


def _write_dropped(path: Path, ids: pa.Array, measure: np.ndarray, eligible: np.ndarray, reasons: _Reasons) -> None:
    rows = zip(ids.to_pylist(), measure.tolist(), eligible.tolist(), strict=True)
    told = [reasons(*row) for row in rows]
    columns = [
        ids,
        pa.repeat(STAGE, len(ids)),
        pa.array([reason for reason, _ in told], pa.string()),
        pa.array([detail for _, detail in told], pa.string()),
    ]
    write_table(path, pa.table(columns, schema=DROPPED), {"stage": STAGE})


def _too_few(name: str, method: str, counts: Mapping[str, int], wanted: int, n_of: str | None) -> str:
    rows, eligible = counts["rows"], counts["eligible"]
    asked = f"{wanted} rows" + (f" (as many as {n_of} has)" if n_of else "")
    there = f"{eligible} of the pool's {rows} can be taken" if eligible < rows else f"the pool has {rows}"
    fix = "widen its `between`, or lower" if method == "difficulty" else "lower"
    return f"selections.{name}: asks for {asked}, but {there}; {fix} selections.{name}.n"
