"""Exact search at size: time against a bare matrix product on the same blocks, and peak memory.

    python benchmarks/decontaminate_search.py --queries 20000 --items 70000 --dimensions 1024 --work FOLDER

Random unit vectors are written as fp16 `.npy` files, as embed.py writes them. The search runs in a
process of its own (its peak memory is reported), then the bare product: float32 blocks of the same
sizes, already in memory, multiplied by NumPy's BLAS and by faiss, with nothing kept.
"""

import argparse
import os
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "workflow" / "scripts"))

from megascience.curation.nearest import top_k

K = 5


def write_vectors(path: Path, rows: int, dimensions: int, seed: int) -> None:
    """Write random unit vectors in fp16."""
    rng = np.random.default_rng(seed)
    array = np.lib.format.open_memmap(path, "w+", np.float16, (rows, dimensions))
    for start in range(0, rows, 10_000):
        block = rng.standard_normal((min(10_000, rows - start), dimensions), dtype=np.float32)
        array[start : start + len(block)] = block / np.linalg.norm(block, axis=1, keepdims=True)
    array.flush()


def search(folder: Path, query_block: int, index_block: int) -> float:
    """Search in this process; return the seconds that it took."""
    queries, items = (np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("queries", "items"))
    begin = time.perf_counter()
    similar, nearest = top_k(queries, [("items", items)], K, query_block, index_block, "cpu")
    seconds = time.perf_counter() - begin
    rows = np.random.default_rng(3).choice(len(queries), 20, replace=False)
    exact = queries[rows].astype(np.float32) @ items[:].astype(np.float32).T
    if not np.allclose(np.sort(exact, axis=1)[:, : -K - 1 : -1], similar[rows], atol=1e-4):
        raise SystemExit("the search is wrong")
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--queries", type=int, default=20_000)
    parser.add_argument("--items", type=int, default=70_000)
    parser.add_argument("--dimensions", type=int, default=1024)
    parser.add_argument("--query-block", type=int, default=16_384)
    parser.add_argument("--index-block", type=int, default=131_072)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--bare", type=int, default=8192, help="queries of the bare product; it is scaled up")
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    for seed, (name, rows) in enumerate((("queries", args.queries), ("items", args.items))):
        write_vectors(args.work / f"{name}.npy", rows, args.dimensions, seed)
    load = os.getloadavg()[0]
    read, write = os.pipe()
    if not (child := os.fork()):
        os.write(write, f"{search(args.work, args.query_block, args.index_block)}".encode())
        os._exit(0)
    _, status, usage = os.wait4(child, 0)
    if status:
        raise SystemExit("the search failed")
    seconds = float(os.read(read, 100))
    print(f"{args.queries} x {args.items} x {args.dimensions}, load {load:.1f}")
    print(f"search: {seconds:.1f} s, peak {usage.ru_maxrss / 1024**2:.2f} GB (mapped files included)")
    import faiss

    items = np.load(args.work / "items.npy").astype(np.float32)
    query = np.load(args.work / "queries.npy")[: args.bare].astype(np.float32)
    scale = args.queries / len(query)
    blocks = [items[i : i + 8192] for i in range(0, len(items), 8192)]
    for name, multiply in (
        ("NumPy's BLAS", lambda: [np.matmul(query, block.T).shape for block in blocks]),
        ("bare faiss", lambda: faiss.knn(query, items, K, metric=faiss.METRIC_INNER_PRODUCT)),
    ):
        begin = time.perf_counter()
        multiply()
        bare = (time.perf_counter() - begin) * scale
        print(f"{name}: {bare:.1f} s for as many queries; ratio {bare / seconds:.2f}")


if __name__ == "__main__":
    main()
