"""Deduplication: MinHash LSH finds candidates, exact Jaccard of word shingles decides.

Three steps, so that an edit of one shard redoes little: `sketch_shard` (per shard), `cluster_shards`
(one job over all sketches; one small keep-list a shard, of equal bytes where nothing changed) and
`select_shard` (per shard). Records may be any table whose first column is the id.

What a cluster is: rows are taken in order of preference; a row whose similarity to a kept row is at
least the threshold is dropped as its duplicate, any other is kept. So each dropped row has a kept
copy at least as good that it really resembles, and a chain a ~ b ~ c never drops c for an a that it
does not resemble, as connected components would. Similarity is the Jaccard index of the two sets of
word shingles (see text.py), compared without rounding: there are no false positives. A pair of
similarity s is found with probability 1 - (1 - s**rows)**bands (Leskovec, Rajaraman, Ullman, Mining
of Massive Datasets, 3.4); `recall` gives it.
"""

import logging
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from megascience.curation.reasons import DEDUP_REASONS
from megascience.curation.sketches import Sketches, batches, load_sketches, sketch_shard
from megascience.storage.drops import Drop, write_dropped
from megascience.storage.errors import InputError
from megascience.storage.parquet import read_table, write_table

__all__ = ["PRESETS", "choose_bands", "cluster_shards", "lsh_settings", "recall", "select_shard", "sketch_shard"]

log = logging.getLogger(__name__)

#: Settings of `cluster_shards`. `threshold`: 128 permutations, recall 0.988 at similarity 0.6, 0.9998 at 0.7.
#: `paper_released`: what the paper's released code does: one band and no check, so that the threshold
#: plays no part; a pair of similarity 0.6 is merged with probability 0.006.
PRESETS: dict[str, dict[str, Any]] = {
    "threshold": {"threshold": 0.6, "bands": 32, "rows": 4},
    "paper_released": {"threshold": None, "bands": 1, "rows": 10},
}

KEEP_LIST = pa.schema(
    [
        pa.field("id", pa.string()),
        pa.field("reason", pa.string()),
        pa.field("duplicate_of", pa.string()),
        pa.field("similarity", pa.float64()),
        pa.field("measure", pa.string()),
    ]
)

#: At most so many kept rows of one LSH bucket are compared with a row (see minhash.leaders).
BUCKET_LIMIT = 200


def recall(similarity: float, bands: int, rows: int) -> float:
    """Return the probability that LSH finds a pair of the given similarity (the S-curve)."""
    return 1.0 - (1.0 - similarity**rows) ** bands


def choose_bands(threshold: float, permutations: int, least_recall: float = 0.98) -> tuple[int, int]:
    """Return (bands, rows) of the most selective LSH whose recall at the threshold is still enough.

    Raises:
        InputError: no split of so few permutations reaches it.
    """
    for rows in range(permutations, 0, -1):
        bands = permutations // rows
        if recall(threshold, bands, rows) >= least_recall:
            return bands, rows
    raise InputError(
        f"dedup: {permutations} permutations cannot reach recall {least_recall} at threshold {threshold}; "
        "raise permutations or the threshold"
    )


def lsh_settings(preset: str, threshold: float = 0.6, permutations: int = 128) -> dict[str, Any]:
    """Return the keyword arguments of `cluster_shards` for a preset, at another threshold where it has one.

    Raises:
        InputError: there is no such preset, or the permutations are too few for the threshold.
    """
    if preset not in PRESETS:
        raise InputError(f"dedup: there is no preset {preset!r}; known: {', '.join(PRESETS)}")
    settings = PRESETS[preset]
    if settings["threshold"] in (None, threshold):
        return dict(settings)
    bands, rows = choose_bands(threshold, permutations)
    return {"threshold": threshold, "bands": bands, "rows": rows}


def cluster_shards(
    sketches: Mapping[str, str | Path],
    keep_lists: Mapping[str, str | Path],
    *,
    threshold: float | None,
    bands: int,
    rows: int,
    engine: str = "minhash",
    records: Mapping[str, Sequence[str | Path]] | None = None,
    command: Sequence[str] = ("python", "-m", "text_dedup.minhash"),
    text_column: str = "question",
    threads: int = 1,
    vectors: Mapping[str, tuple[str | Path, str | Path]] | None = None,
    semantic_threshold: float | None = None,
    device: str = "cpu",
) -> dict[str, int]:
    """Cluster all rows of a subset and write a keep-list (`KEEP_LIST`) for each shard.

    Args:
        sketches, keep_lists: shard name → file; equal keys.
        threshold: least Jaccard similarity of duplicates, inclusive; None: all candidates are taken
            for duplicates unchecked (`paper_released`).
        bands, rows: of the LSH; bands * rows ≤ permutations of the sketches.
        engine: what finds the candidates: "minhash" (the sketches) or "text-dedup", a command in
            an environment of its own that reads the records; the rest is the same.
        records, command, text_column, threads: for text-dedup; shard name → the files it was sketched from.
        vectors, semantic_threshold, device: drop also kept rows whose embeddings' cosine similarity
            reaches the threshold (see semantic.py); shard name → (embeddings, ids). None: do not.

    Returns:
        counts: rows, duplicates, semantic (of these), empty, overfull_buckets.

    Raises:
        InputError: sketches of different settings, too few permutations, an id that comes twice,
            or records that do not belong to the sketches.
    """
    from megascience.curation import minhash

    if sketches.keys() != keep_lists.keys():
        raise InputError("dedup: sketches and keep_lists name different shards")
    shards = sorted(sketches)
    subset = load_sketches(shards, sketches, bands, rows)
    n, empty = len(subset.ids), np.diff(subset.offsets) == 0
    if engine == "minhash":
        keys, alone = subset.keys, empty[None]
    elif engine == "text-dedup":
        from megascience.curation.text_dedup import components

        places = np.flatnonzero(~empty)
        found = np.full(n, -1, np.int64)
        found[places] = components(
            _questions(shards, records or {}, text_column, subset).take(pa.array(places)),
            command=command,
            shingle=subset.shingle,
            bands=bands,
            rows=rows,
            seed=subset.seed,
            threads=threads,
        )
        keys, alone = found[None], found[None] < 0
    else:
        raise InputError(f"dedup: engine {engine!r} is neither 'minhash' nor 'text-dedup'")
    buckets, n_buckets = number_buckets(keys, alone)
    subset.keys = keys = np.empty((0, 0))
    leader, similarity, overfull = minhash.leaders(
        subset.order,
        buckets,
        n_buckets,
        subset.hashes,
        subset.offsets,
        threshold or 0.0,
        BUCKET_LIMIT,
        np.arange(n, dtype=np.int32),
    )
    if overfull:
        log.warning("%d LSH buckets hold over %d kept rows: recall is lower there", overfull, BUCKET_LIMIT)
    semantic = np.zeros(n, bool)
    if semantic_threshold is not None:
        from megascience.curation.semantic_dedup import join_similar

        if not vectors or vectors.keys() != sketches.keys():
            raise InputError("dedup: a semantic threshold needs the embeddings of every shard")
        parts = [vectors[shard] for shard in shards]
        semantic = join_similar(subset, parts, leader, similarity, semantic_threshold, device)
    settings = {"stage": "dedup_cluster", "threshold": str(threshold), "bands": str(bands), "rows": str(rows)}
    for shard, (start, end) in zip(shards, pairwise(subset.starts), strict=True):
        places = np.arange(start, end)
        gone = places[(leader[start:end] != places) | empty[start:end]]
        blank = empty[gone]
        table = pa.table(
            [
                subset.ids.take(pa.array(gone)),
                pa.array(np.where(blank, "empty_question", "near_duplicate"), pa.string()),
                pc.if_else(pa.array(blank), pa.scalar(None, pa.string()), subset.ids.take(pa.array(leader[gone]))),
                pa.array(np.round(similarity[gone], 6), mask=blank),
                pa.array(np.where(semantic[gone], "cosine", "jaccard"), pa.string(), mask=blank),
            ],
            schema=KEEP_LIST,
        )
        write_table(keep_lists[shard], table, settings)
    return {
        "rows": n,
        "duplicates": int((leader != np.arange(n)).sum()),
        "semantic": int(semantic.sum()),
        "empty": int(empty.sum()),
        "overfull_buckets": int(overfull),
    }


def _questions(
    shards: Sequence[str], records: Mapping[str, Sequence[str | Path]], text_column: str, subset: Sketches
) -> pa.ChunkedArray:
    """Return the texts of all rows in the subset's order."""
    chunks: list[pa.Array] = []
    for shard, (start, end) in zip(shards, pairwise(subset.starts), strict=True):
        tables = [t for path in records.get(shard, ()) for t in batches(path, [text_column], text_column)]
        ids = [i for table in tables for i in table.column(0).cast(pa.string()).to_pylist()]
        if ids != subset.ids[start:end].to_pylist():
            raise InputError(f"dedup: the records of shard {shard} are not those of its sketch; sketch again")
        chunks += [c for table in tables for c in table.column(text_column).cast(pa.string()).chunks]
    return pa.chunked_array(chunks, pa.string())


def number_buckets(keys: np.ndarray, alone: np.ndarray) -> tuple[np.ndarray, int]:
    """Number the groups of equal keys, band by band.

    Args:
        keys: [bands, n].
        alone: bool [1, n], rows that no group takes.

    Returns:
        int32 [bands, n], the number of each row's group, -1 where it has less than two rows; and their count.
    """
    buckets = np.full(keys.shape, -1, np.int32)
    places = np.flatnonzero(~alone[0])
    total = 0
    for band, row_keys in enumerate(keys):
        order = places[np.argsort(row_keys[places])]
        ordered = row_keys[order]
        like_next = np.zeros(len(order), bool)
        like_next[:-1] = ordered[1:] == ordered[:-1]
        like_last = np.roll(like_next, 1)
        shared = like_next | like_last
        number = np.cumsum(like_next & ~like_last) - 1 + total
        buckets[band, order[shared]] = number[shared]
        total = int(number[-1]) + 1 if len(number) else total
    return buckets, total


def select_shard(records: Sequence[str | Path], keep_list: str | Path, kept: str | Path, dropped: str | Path) -> None:
    """Write a shard's kept rows (all columns of the records) and the dropped ones.

    Raises:
        InputError: the keep-list names a row that the records do not have (it is of other records).
    """
    tables = [read_table(path) for path in records]
    table = pa.concat_tables([t.replace_schema_metadata() for t in tables])
    ids = table.column(0).cast(pa.string())
    gone = read_table(keep_list, KEEP_LIST)
    unknown = gone.filter(pc.invert(pc.is_in(gone.column("id"), ids.combine_chunks())))
    if len(unknown):
        raise InputError(f"{keep_list}: id {unknown['id'][0].as_py()!r} is not in the records; delete it and run again")
    mask = pc.is_in(ids, gone.column("id").combine_chunks())
    write_table(kept, table.filter(pc.invert(mask)), {"stage": "dedup"})
    write_dropped(dropped, "dedup", ((row["id"], _drop(row)) for row in gone.to_pylist()), DEDUP_REASONS)


def _drop(row: Mapping[str, Any]) -> Drop:
    if row["reason"] == "empty_question":
        return Drop("empty_question")
    measure = "similarity" if row["measure"] == "jaccard" else "cosine similarity"
    return Drop(row["reason"], f"{row['duplicate_of']} ({measure} {row['similarity']:.3f})")
