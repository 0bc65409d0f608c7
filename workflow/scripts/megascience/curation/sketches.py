"""Sketches: what deduplication needs to know of a shard's rows, and all shards' sketches as one subset."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from megascience.storage.errors import InputError
from megascience.storage.files import atomic_file
from megascience.storage.parquet import SCHEMA_VERSION, open_parquet

#: Which copy of a cluster is best: columns in order of weight; a list names values, best first.
PREFER: dict[str, Any] = {"standard": ["high", "low"], "answer": "longest"}

_BATCH = 50_000


def sketch_shard(
    records: Sequence[str | Path],
    output: str | Path,
    *,
    shingle: int = 3,
    permutations: int = 128,
    seed: int = 42,
    text_column: str = "question",
    prefer: Mapping[str, Any] | None = None,
) -> None:
    """Write a shard's sketch: a row's id, preference, shingle hashes and MinHash signature.

    Args:
        records: Parquet files of one shard, read batch by batch.
        shingle: tokens in a shingle (the paper's released code: 3).
        prefer: preference columns as in `PREFER` (the default): a list of values, best first;
            "longest" (text); "highest" or "lowest" (number). A column that the records lack is passed over.

    Raises:
        InputError: a file is unreadable or has no text column, or `prefer` is malformed.
    """
    from megascience.curation import minhash
    from megascience.curation.normalize import shingle_hashes

    prefer = PREFER if prefer is None else prefer
    factors, summands = minhash.permutations(permutations, seed)
    settings = {
        "stage": "dedup_sketch",
        "schema_version": str(SCHEMA_VERSION),
        "shingle": str(shingle),
        "permutations": str(permutations),
        "seed": str(seed),
        "prefer": json.dumps(prefer),
    }
    schema = _sketch_schema(len(prefer), permutations).with_metadata(settings)
    # Hashes do not compress: zstd and dictionaries would only cost time.
    plain = {"compression": "none", "use_dictionary": False, "write_statistics": False}
    with atomic_file(output) as handle, pq.ParquetWriter(handle, schema, **plain) as writer:
        for path in records:
            for batch in batches(path, [text_column, *prefer], text_column):
                hashes, offsets = shingle_hashes(batch.column(text_column), shingle)
                signature = minhash.signatures(hashes, offsets, factors, summands)
                columns = [
                    batch.column(0).cast(pa.string()),
                    *(_preference(batch, column, rule) for column, rule in prefer.items()),
                    pa.LargeListArray.from_arrays(pa.array(offsets), pa.array(hashes)),
                    pa.FixedSizeBinaryArray.from_buffers(
                        pa.binary(4 * permutations), len(signature), [None, pa.py_buffer(signature.astype("<u4"))]
                    ),
                ]
                writer.write_table(pa.table(columns, schema=schema))


def _sketch_schema(preferences: int, permutations: int) -> pa.Schema:
    return pa.schema(
        [
            pa.field("id", pa.string()),
            *(pa.field(f"preference_{i}", pa.float64()) for i in range(preferences)),
            pa.field("shingles", pa.large_list(pa.uint64())),
            pa.field("signature", pa.binary(4 * permutations)),
        ]
    )


def batches(path: str | Path, columns: Sequence[str], needed: str) -> Iterator[pa.Table]:
    """Yield tables of the first column (the id) and those of `columns` that the file has."""
    with open_parquet(path, [needed], "set text_column") as file:
        names = file.schema_arrow.names
        wanted = list(dict.fromkeys([names[0], *(c for c in columns if c in names)]))
        for batch in file.iter_batches(batch_size=_BATCH, columns=wanted):
            yield pa.table(batch).select(wanted)


def _preference(batch: pa.Table, column: str, rule: Any) -> pa.Array:
    """Return a preference column as float64, smaller being better; a missing value is worst."""
    if column not in batch.column_names:
        return pa.array(np.zeros(len(batch)))
    values = batch.column(column).combine_chunks()
    if rule == "longest":
        ranks = pc.negate(pc.utf8_length(values).cast(pa.float64()))
    elif rule == "lowest":
        ranks = values.cast(pa.float64())
    elif rule == "highest":
        ranks = pc.negate(values.cast(pa.float64()))
    elif isinstance(rule, Sequence) and not isinstance(rule, str):
        ranks = pc.index_in(values.cast(pa.string()), pa.array([str(v) for v in rule], pa.string())).cast(pa.float64())
    else:
        raise InputError(f"prefer: {column}: {rule!r} is neither a list of values, longest, highest nor lowest")
    return pc.fill_null(ranks, np.inf)


@dataclass
class Sketches:
    """All rows of all shards: n rows, whose places follow each other shard by shard.

    Attributes:
        ids: n strings.
        starts: the first place of each shard, then n.
        hashes, offsets: the rows' shingles, see `text.shingle_hashes`.
        keys: uint64 [bands, n], the rows' LSH keys.
        order: the places in order of preference, the best copy first.
        shingle, seed: what the sketches were made with.
    """

    ids: pa.Array
    starts: list[int]
    hashes: np.ndarray
    offsets: np.ndarray
    keys: np.ndarray
    order: np.ndarray
    shingle: int
    seed: int


def load_sketches(shards: Sequence[str], sketches: Mapping[str, str | Path], bands: int, rows: int) -> Sketches:
    """Return the rows of all sketches, with the keys of an LSH of so many bands and rows.

    Raises:
        InputError: a file is not a sketch, the sketches' settings differ, they have too few
            permutations, or an id comes twice.
    """
    from megascience.curation import minhash

    ids, hashes, offsets, keys, preferences, starts = [], [], [np.zeros(1, np.int64)], [], [], [0]
    settings: dict[str, tuple[str, str]] = {}
    rows_read = shingles_read = 0
    for shard in shards:
        path = sketches[shard]
        with open_parquet(path) as file:
            footer = file.schema_arrow.metadata or {}
            for name in ("shingle", "permutations", "seed", "prefer"):
                value = footer.get(name.encode(), b"").decode()
                first, wanted = settings.setdefault(name, (str(path), value))
                if not value:
                    raise InputError(f"{path}: not a sketch; delete it and run again")
                if value != wanted:
                    raise InputError(f"{path}: its {name} is not that of {first}; delete both and sketch again")
            width = int(settings["permutations"][1])
            if bands * rows > width:
                raise InputError(
                    f"dedup: {bands} bands of {rows} rows need {bands * rows} permutations, {path} has {width}"
                )
            for batch in file.iter_batches(batch_size=_BATCH):
                ids.append(batch.column("id"))
                lists = batch.column("shingles")
                own = lists.offsets.to_numpy()
                hashes.append(lists.values.to_numpy()[own[0] : own[-1]])
                offsets.append(own[1:] - own[0] + shingles_read)
                shingles_read += int(own[-1] - own[0])
                packed = batch.column("signature")
                signature = np.frombuffer(packed.buffers()[1], "<u4").reshape(-1, width)
                keys.append(minhash.band_keys(signature[packed.offset : packed.offset + len(packed)], bands, rows))
                names = [name for name in batch.schema.names if name.startswith("preference_")]
                preferences.append(np.stack([batch.column(n).to_numpy() for n in names] or [np.zeros(len(batch))]))
                rows_read += len(batch)
        starts.append(rows_read)
    all_ids = pa.chunked_array(ids, pa.string()).combine_chunks()
    _check_unique(all_ids, shards, sketches, starts)
    by_id = np.empty(len(all_ids), np.int64)
    by_id[pc.sort_indices(all_ids).to_numpy()] = np.arange(len(all_ids))
    weights = np.concatenate(preferences, axis=1) if preferences else np.empty((1, 0))
    return Sketches(
        all_ids,
        starts,
        np.concatenate(hashes) if hashes else np.empty(0, np.uint64),
        np.concatenate(offsets),
        np.concatenate(keys, axis=1) if keys else np.empty((bands, 0), np.uint64),
        np.lexsort((by_id, *weights[::-1])),
        int(settings["shingle"][1]) if settings else 1,
        int(settings["seed"][1]) if settings else 0,
    )


def _check_unique(ids: pa.Array, shards: Sequence[str], sketches: Mapping[str, Any], starts: Sequence[int]) -> None:
    counts = pc.value_counts(ids)
    if len(counts) == len(ids):
        return
    twice = counts.field("values").filter(pc.greater(counts.field("counts"), 1))[0]
    places = np.flatnonzero(pc.equal(ids, twice).to_numpy(zero_copy_only=False))[:2]
    first, second = (shards[int(np.searchsorted(starts, p, side="right")) - 1] for p in places)
    raise InputError(
        f"dedup: id {twice.as_py()!r} comes twice, in {sketches[first]} and {sketches[second]}; ids must be unique"
    )
