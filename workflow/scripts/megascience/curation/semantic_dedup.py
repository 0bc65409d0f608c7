"""Semantic near-duplicates: rows that MinHash kept, but whose embeddings are almost the same. Off by default.

Embeddings of questions that differ in one number are close as well, so that a high threshold, and a
look at what is dropped, is advised. The neighbours are exact (search.py), so that the work grows with
the square of the rows: for a large subset, a GPU.
"""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from megascience.curation.embed import open_vectors
from megascience.curation.nearest import top_k
from megascience.curation.sketches import Sketches
from megascience.storage.errors import InputError

#: Nearest rows that are looked at for each row; among more copies than this, some may be missed.
NEIGHBOURS = 16


def join_similar(
    subset: Sketches,
    vectors: Sequence[tuple[str | Path, str | Path]],
    leader: np.ndarray,
    similarity: np.ndarray,
    threshold: float,
    device: str = "cpu",
) -> np.ndarray:
    """Drop kept rows in favour of better ones whose cosine similarity reaches the threshold, in place.

    Args:
        vectors: (embeddings, ids) of each shard, in the subset's order.
        leader, similarity: as minhash.leaders gives them.

    Returns:
        bool [n]: the rows that were dropped here; their similarity is now the cosine, rounded to 4
        decimals. What was a duplicate of such a row stays so: it is the row that it resembles.

    Raises:
        InputError: embeddings of other rows.
    """
    parts = []
    for shard, (path, ids) in enumerate(vectors):
        array, table = open_vectors(path, ids)
        own = subset.ids[subset.starts[shard] : subset.starts[shard + 1]]
        if table.column(0).to_pylist() != own.to_pylist():
            raise InputError(f"{ids}: its ids are not those of the shard's sketch in the same order; embed again")
        parts.append((path, array))
    full = [part for part in parts if len(part[1])]
    n = len(subset.ids)
    rank = np.empty(n, np.int64)
    rank[subset.order] = np.arange(n)
    kept = (leader == np.arange(n)) & (np.diff(subset.offsets) > 0)
    near: dict[int, list[tuple[float, int]]] = defaultdict(list)
    for (path, array), start in zip(parts, subset.starts, strict=False):
        if not len(array):
            continue
        found, places = top_k(array, full, NEIGHBOURS + 1, 16_384, 131_072, device, path)
        found = np.round(found, 4)
        rows, columns = np.nonzero(found >= threshold)
        first, second = rows + start, places[rows, columns]
        both = (first != second) & kept[first] & kept[second]
        for one, other, value in zip(first[both], second[both], found[rows, columns][both], strict=True):
            worse, better = (one, other) if rank[one] > rank[other] else (other, one)
            near[int(worse)].append((float(value), int(better)))
    dropped = np.zeros(n, bool)
    for row in sorted(near, key=lambda row: rank[row]):
        standing = [(value, -rank[other], other) for value, other in near[row] if not dropped[other]]
        if standing:
            value, _, leader[row] = max(standing)
            similarity[row], dropped[row] = value, True
    return dropped
