"""Nearest: the k largest inner products, exactly, block by block."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from megascience.curation.embed import blocks
from megascience.storage.errors import InputError

logger = logging.getLogger(__name__)


def top_k(
    queries: np.ndarray,
    parts: Sequence[tuple[str | Path, np.ndarray]],
    k: int,
    query_block: int,
    index_block: int,
    device: str,
    query_path: str | Path = "queries",
) -> tuple[np.ndarray, np.ndarray]:
    """Return the k largest inner products, exactly: similarities float32 and items int64, both [n, k].

    Items are numbered through all parts. Where there are fewer than k, the rest is numbered -1.
    """
    total = sum(len(array) for _, array in parts)
    similar = np.full((len(queries), k), -np.inf, np.float32)
    nearest = np.full((len(queries), k), -1, np.int64)
    knn = _knn(device)
    first = 0
    for path, array in parts:
        for start, block in blocks(array, index_block, path):
            for at, query in blocks(queries, query_block, query_path):
                found, places = knn(query, block, min(k, len(block)))
                end = at + len(query)
                merged = np.concatenate([similar[at:end], found], axis=1)
                numbers = np.concatenate([nearest[at:end], places + first + start], axis=1)
                best = np.argsort(-merged, axis=1, kind="stable")[:, :k]
                similar[at:end] = np.take_along_axis(merged, best, axis=1)
                nearest[at:end] = np.take_along_axis(numbers, best, axis=1)
                logger.info(
                    "searched %d of %d items for %d of %d rows", first + start + len(block), total, end, len(queries)
                )
        first += len(array)
    return similar, nearest


def _knn(device: str) -> Any:
    import faiss

    if device == "cpu":
        return lambda query, block, k: faiss.knn(query, block, k, metric=faiss.METRIC_INNER_PRODUCT)
    if not hasattr(faiss, "StandardGpuResources"):
        raise InputError(f"search: device {device!r} needs faiss-gpu, and faiss-cpu is installed")
    resources = faiss.StandardGpuResources()
    number = int(device.partition(":")[2] or 0)
    return lambda query, block, k: faiss.knn_gpu(
        resources, query, block, k, metric=faiss.METRIC_INNER_PRODUCT, device=number
    )
