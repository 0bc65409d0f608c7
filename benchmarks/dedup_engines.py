"""MinHash engines on the same hashed shingles: time to an array of signatures, and error of the estimate.

    python benchmarks/dedup_engines.py [--rows 20000] [--permutations 128]

Needs rensa and datasketch beside the project's own requirements. The texts are pairs of random
words that share a known part; `error` is the mean absolute difference between the share of equal
slots and the exact Jaccard similarity (sqrt(s (1 - s) / permutations) for independent slots).
"""

import argparse
import os
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "workflow" / "scripts"))

from megascience.curation import minhash

SIZE = 40


def pairs(rows: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return hashes and offsets of `rows` sets of SIZE shingles, row 2i beside 2i + 1, and the pairs' similarity."""
    rng = np.random.default_rng(0)
    sets = rng.integers(0, 2**64, (rows, SIZE), dtype=np.uint64)
    shared = rng.integers(0, SIZE + 1, rows // 2)
    for i, count in enumerate(shared):
        sets[2 * i + 1, :count] = sets[2 * i, :count]
    return np.sort(sets, axis=1).ravel(), np.arange(0, (rows + 1) * SIZE, SIZE), shared / (2 * SIZE - shared)


def own(hashes: np.ndarray, offsets: np.ndarray, permutations: int) -> np.ndarray:
    return minhash.signatures(hashes, offsets, *minhash.permutations(permutations, 42))


def in_numpy(hashes: np.ndarray, offsets: np.ndarray, permutations: int) -> np.ndarray:
    factors, summands = minhash.permutations(permutations, 42)
    out = [
        np.minimum.reduceat((hashes * a + b) >> np.uint64(32), offsets[:-1])
        for a, b in zip(factors, summands, strict=True)
    ]
    return np.stack(out, axis=1).astype(np.uint32)


def rensa(hashes: np.ndarray, offsets: np.ndarray, permutations: int) -> np.ndarray:
    from rensa import RMinHash

    flat = RMinHash.digest_matrix_from_flat_token_hashes(hashes, offsets.astype(np.uint64), permutations, 42)
    return np.array(flat.to_rows(), np.uint32)


def datasketch(hashes: np.ndarray, offsets: np.ndarray, permutations: int) -> np.ndarray:
    from datasketch import MinHash

    def low(value: int) -> int:
        return value & 0xFFFFFFFF

    rows = [hashes[a:b].tolist() for a, b in pairwise(offsets)]
    return np.stack([m.hashvalues for m in MinHash.bulk(rows, num_perm=permutations, hashfunc=low)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--permutations", type=int, default=128)
    args = parser.parse_args()
    hashes, offsets, similarity = pairs(args.rows)
    print(f"{args.rows} sets of {SIZE}, {args.permutations} permutations; load {os.getloadavg()[0]:.1f}")
    engines: list[Callable[..., np.ndarray]] = [own, in_numpy, rensa, datasketch]
    for engine in engines:
        engine(hashes[: SIZE * 2], offsets[:3], args.permutations)  # compile, import
        begin = time.perf_counter()
        signature = engine(hashes, offsets, args.permutations)
        seconds = time.perf_counter() - begin
        error = np.abs((signature[::2] == signature[1::2]).mean(axis=1) - similarity).mean()
        print(f"{engine.__name__}\t{seconds:.2f} s\t{seconds / args.rows * 1e5:.2f} s per 100,000\terror {error:.4f}")


if __name__ == "__main__":
    main()
