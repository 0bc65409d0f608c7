"""Overlap: questions of one part of a mixture that a part before it asks, too.

The measure is that of dedup: LSH finds candidates, the exact Jaccard index of their word shingles decides, and
what is dropped resembles a kept row of an earlier part. Rows of one part are not compared, since each part was
deduplicated by itself. To hold millions of rows in little memory, the LSH keys go to disk and are looked at
band by band; only the questions that share a key with another part are then read again and compared.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from megascience.curation.dedup import BUCKET_LIMIT, number_buckets

#: Rows whose questions are turned into shingles at a time.
_BATCH = 20_000


class Found(NamedTuple):
    """For each row the row that it duplicates (-1: none), int64 [n], and their similarity, float64 [n]."""

    leader: np.ndarray
    similarity: np.ndarray


class Overlap:
    """The questions of all parts, added in any order and then compared.

    Args:
        folder: where the keys go, 8 bytes a row and band.
        threshold: least Jaccard similarity of duplicates.
        bands, rows: of the LSH, see `dedup.recall`.
        shingle: tokens in a shingle.
        seed: of the permutations.
    """

    def __init__(
        self, folder: str | Path, *, threshold: float, bands: int, rows: int, shingle: int = 3, seed: int = 42
    ) -> None:
        from megascience.curation import minhash

        self.threshold, self.bands, self.rows, self.shingle = threshold, bands, rows, shingle
        self.permutations = minhash.permutations(bands * rows, seed)
        self.paths = [Path(folder) / f"band-{band:03d}.u64" for band in range(bands)]
        self.count = 0
        self._empty: list[np.ndarray] = []

    def add(self, questions: pa.Array | pa.ChunkedArray) -> None:
        """Note the keys of further rows."""
        from megascience.curation import minhash
        from megascience.curation.normalize import shingle_hashes

        for start in range(0, len(questions), _BATCH):
            hashes, offsets = shingle_hashes(questions.slice(start, _BATCH), self.shingle)
            keys = minhash.band_keys(minhash.signatures(hashes, offsets, *self.permutations), self.bands, self.rows)
            for path, row in zip(self.paths, keys, strict=True):
                with open(path, "ab") as file:
                    row.tofile(file)
            self._empty.append(np.diff(offsets) == 0)
        self.count += len(questions)

    def find(
        self, parts: np.ndarray, ranks: np.ndarray, questions: Callable[[np.ndarray], Iterable[pa.Array]]
    ) -> Found:
        """Return which rows duplicate a row of an earlier part.

        Args:
            parts: the part of each row, int [n]; of two copies that of the smaller number is kept.
            ranks: the order of rows within a part, int [n].
            questions: gives the questions of the rows of a mask, bool [n], in their order, in any batches.
        """
        leader, similarity = np.full(self.count, -1, np.int64), np.ones(self.count)
        empty = np.concatenate([np.empty(0, bool), *self._empty])
        mask = self._shared(parts, empty)
        places = np.flatnonzero(mask)
        if not len(places):
            return Found(leader, similarity)
        from megascience.curation import minhash

        keys = np.stack([np.fromfile(path, np.uint64)[places] for path in self.paths])
        buckets, n_buckets = number_buckets(keys, np.zeros((1, len(places)), bool))
        del keys
        hashes, offsets = self._shingles(questions(mask))
        mine, alike, _ = minhash.leaders(
            np.lexsort((ranks[places], parts[places])),
            buckets,
            n_buckets,
            hashes,
            offsets,
            self.threshold,
            BUCKET_LIMIT,
            parts[places].astype(np.int32),
        )
        copies = mine != np.arange(len(places))
        leader[places[copies]] = places[mine[copies]]
        similarity[places[copies]] = alike[copies]
        return Found(leader, similarity)

    def _shared(self, parts: np.ndarray, empty: np.ndarray) -> np.ndarray:
        """Return which rows share a key with a row of another part, bool [n]."""
        shared = np.zeros(self.count, bool)
        for path in self.paths:
            if not path.exists():
                continue
            keys = np.fromfile(path, np.uint64)
            order = np.argsort(keys)
            ordered = keys[order]
            borders = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if len(order) else np.empty(0, int)
            if not len(borders):
                continue
            owners = parts[order]
            mixed = np.minimum.reduceat(owners, borders) != np.maximum.reduceat(owners, borders)
            shared[order[np.repeat(mixed, np.diff(np.r_[borders, len(order)]))]] = True
        return shared & ~empty

    def _shingles(self, texts: Iterable[pa.Array]) -> tuple[np.ndarray, np.ndarray]:
        from megascience.curation.normalize import shingle_hashes

        found = [shingle_hashes(batch, self.shingle) for batch in texts]
        starts = np.cumsum([0, *(len(hashes) for hashes, _ in found)])
        offsets = [offset[1:] + start for (_, offset), start in zip(found, starts, strict=False)]
        return np.concatenate([hashes for hashes, _ in found]), np.concatenate([np.zeros(1, np.int64), *offsets])
