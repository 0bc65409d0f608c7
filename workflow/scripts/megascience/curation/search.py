"""Search: each row's nearest benchmark items, exactly, and those that share an n-gram with it.

The nearest are found by faiss over blocks of memory-mapped embeddings, so that memory is bounded
by the blocks and not by the subset. The n-gram net costs next to nothing and catches what an
embedding blurs: a long row that holds an item among other text.
"""

import logging
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from megascience.curation.embed import open_vectors, texts_of
from megascience.curation.nearest import top_k
from megascience.curation.normalize import fold_unicode, shingle_hashes
from megascience.curation.schemas import CANDIDATES
from megascience.storage.errors import InputError
from megascience.storage.ids import content_id
from megascience.storage.parquet import read_table, record_writer

logger = logging.getLogger(__name__)

#: Decimals of a similarity: below what fp16 resolves, so that equal inputs give equal bytes.
DECIMALS = 4
#: Items of at least so many tokens, but fewer than the n-gram, are looked for as a whole.
LEAST_NGRAM = 8
#: An n-gram of more items than this ("which of the following is true of ...") points at none of them.
COMMON = 50
_TEXTS = 50_000


def search_shard(
    records: Sequence[str | Path],
    vectors: str | Path,
    ids: str | Path,
    *,
    items: Sequence[str | Path],
    index: Sequence[tuple[str | Path, str | Path]],
    output: str | Path,
    k: int = 5,
    ngram: int = 13,
    similarity_floor: float = -1.0,
    text_column: str = "question",
    query_block: int = 16_384,
    index_block: int = 131_072,
    device: str = "cpu",
) -> None:
    """Write a shard's candidates: `schemas.CANDIDATES`, in the records' order.

    Args:
        records, vectors, ids: the shard's rows and their embeddings, in one order (see embed.py).
        items: Parquet files of records.ITEMS.
        index: (embeddings, ids) of the items; the ids have the columns id and benchmark. An item may have
            several embeddings (see embed.py), of which the nearest counts.
        k: nearest items of each row.
        ngram: tokens of the n-gram net; 0 turns it off. At most k hits of a row join the
            candidates, those of most overlap (the share of the item's n-grams that the row holds).
        similarity_floor: a pair under it that shares no n-gram is marked as skipped: the record
            counts it, the judge is not asked.
        query_block, index_block: rows of float32 in memory at a time.
        device: "cpu" or a CUDA device such as "cuda" (needs faiss-gpu).

    Raises:
        InputError: files that do not belong together, an item without embedding, or a NaN embedding.
    """
    tables = [read_table(path) for path in records]
    row_ids = [i for table in tables for i in table.column(0).cast(pa.string()).to_pylist()]
    questions = [t for table, path in zip(tables, records, strict=True) for t in texts_of(table, [text_column], path)]
    queries, query_ids = open_vectors(vectors, ids)
    if query_ids.column(0).to_pylist() != row_ids:
        raise InputError(f"{ids}: its ids are not those of {records[0]} in the same order; embed again")
    catalogue = _Catalogue(items, index)
    if catalogue.parts and len(queries) and queries.shape[1] != catalogue.parts[0][1].shape[1]:
        raise InputError(f"{vectors}: {queries.shape[1]} dimensions, the index has {catalogue.parts[0][1].shape[1]}")
    width = k * catalogue.forms
    similar, nearest = top_k(queries, catalogue.parts, width, query_block, index_block, device, vectors)
    hits = ngram_hits(questions, catalogue.texts, ngram, k) if ngram else [{} for _ in questions]
    with record_writer(output, CANDIDATES, {"stage": "search"}) as write:
        for row, (qa_id, question) in enumerate(zip(row_ids, questions, strict=True)):
            found: dict[int, float] = {}
            for vector, value in zip(nearest[row], similar[row], strict=True):
                if vector >= 0 and len(found) < k:
                    found.setdefault(int(catalogue.items[vector]), float(value))
            for item in hits[row].keys() - found.keys():
                found[item] = float((catalogue.vectors(item) @ queries[row].astype(np.float32)).max())
            for item in sorted(found, key=lambda i: (-round(found[i], DECIMALS), catalogue.keys[i])):
                benchmark, item_id = catalogue.keys[item]
                similarity, overlap = round(found[item], DECIMALS), round(hits[row].get(item, 0.0), DECIMALS)
                write(
                    {
                        "pair_id": content_id(qa_id, benchmark, item_id),
                        "qa_id": qa_id,
                        "question": question,
                        "benchmark": benchmark,
                        "item_id": item_id,
                        "item_question": catalogue.texts[item],
                        "similarity": similarity,
                        "ngram_overlap": overlap,
                        "skipped": similarity < similarity_floor and not overlap,
                    }
                )


class _Catalogue:
    """The items that rows are compared with.

    Attributes:
        keys, texts: (benchmark, item id) and text of each item.
        parts: the index's files and their embeddings, numbered through.
        items: int64, the item of each embedding.
        places: the embeddings of each item.
        forms: the most embeddings that an item has.
    """

    def __init__(self, items: Sequence[str | Path], index: Sequence[tuple[str | Path, str | Path]]) -> None:
        texts: dict[tuple[str, str], str] = {}
        for path in items:
            table = read_table(path)
            for name in ("item_id", "benchmark", "question"):
                if name not in table.column_names:
                    raise InputError(f"{path}: column {name!r} is missing; run rule benchmark_items again")
            keys = zip(table["benchmark"].to_pylist(), table["item_id"].to_pylist(), strict=True)
            for key, text in zip(keys, texts_of(table, ["question"], path), strict=True):
                if texts.setdefault(key, text) != text:
                    raise InputError(f"{path}: item {key[1]!r} of {key[0]!r} comes twice; item ids must be unique")
        self.parts: list[tuple[str | Path, np.ndarray]] = []
        embedded: list[tuple[str, str]] = []
        for vectors, ids in index:
            array, table = open_vectors(vectors, ids)
            if "benchmark" not in table.column_names:
                raise InputError(f"{ids}: column 'benchmark' is missing; embed the benchmark items again")
            if len(array):
                self.parts.append((vectors, array))
            embedded += zip(table["benchmark"].to_pylist(), table["id"].to_pylist(), strict=True)
        counts = Counter(embedded)
        if odd := sorted(counts.keys() ^ texts.keys()):
            raise InputError(f"search: item {odd[0]} is not both in the items and in the index; embed again")
        self.keys = list(counts)
        self.texts = [texts[key] for key in self.keys]
        number = {key: i for i, key in enumerate(self.keys)}
        self.items = np.array([number[key] for key in embedded], np.int64)
        self.places: list[list[int]] = [[] for _ in self.keys]
        for place, item in enumerate(self.items):
            self.places[item].append(place)
        self.forms = max(counts.values(), default=1)

    def vectors(self, item: int) -> np.ndarray:
        """Return the item's embeddings, float32 [forms of it, dimensions]."""
        found, start = [], 0
        for _, array in self.parts:
            own = [place - start for place in self.places[item] if start <= place < start + len(array)]
            found.append(array[own].astype(np.float32))
            start += len(array)
        return np.concatenate(found)


def ngram_hits(texts: Sequence[str], items: Sequence[str], ngram: int, most: int) -> list[dict[int, float]]:
    """Return for each text the items that share an n-gram with it, and the share of the item's n-grams found.

    An item of fewer tokens than `ngram`, but at least `LEAST_NGRAM`, counts as one n-gram of its own
    length; a shorter one is found where it is the whole text. At most `most` items a text, those of the
    largest share first.
    """
    hits: list[dict[int, float]] = [{} for _ in texts]
    item_hashes, item_offsets = shingle_hashes(pa.array(items, pa.large_string()), ngram)
    sizes = np.diff(item_offsets)
    owners = np.repeat(np.arange(len(items)), sizes)
    order = np.argsort(item_hashes, kind="stable")
    owners = owners[order]
    ngrams, first, counts = np.unique(item_hashes[order], return_index=True, return_counts=True)
    for start in range(0, len(texts), _TEXTS):
        part = pa.array([fold_unicode(text) for text in texts[start : start + _TEXTS]], pa.large_string())
        found = [
            _matches(part, size, ngrams, first, counts, owners) for size in range(min(LEAST_NGRAM, ngram), ngram + 1)
        ]
        # One n-gram that comes twice in a text, or under two sizes, counts once.
        distinct = np.unique(np.concatenate(found, axis=1), axis=1)
        pairs, shared = np.unique(distinct[:2], axis=1, return_counts=True)
        for text, item, count in zip(*pairs.tolist(), shared.tolist(), strict=True):
            hits[start + text][item] = min(1.0, count / int(sizes[item]))
    return [dict(sorted(h.items(), key=lambda e: (-e[1], e[0]))[:most]) for h in hits]


def _matches(
    texts: pa.Array, size: int, ngrams: np.ndarray, first: np.ndarray, counts: np.ndarray, owners: np.ndarray
) -> np.ndarray:
    """Return int64 [3, matches]: text, item and number of each n-gram that they share.

    Args:
        ngrams: the items' n-grams, sorted and distinct; number i belongs to the items
            owners[first[i]:first[i] + counts[i]].
    """
    hashes, offsets = shingle_hashes(texts, size)
    if not len(ngrams):
        return np.empty((3, 0), np.int64)
    number = np.minimum(np.searchsorted(ngrams, hashes), len(ngrams) - 1)
    which = np.flatnonzero((ngrams[number] == hashes) & (counts[number] <= COMMON))
    number = number[which]
    repeats = counts[number]
    # Places first[i], first[i] + 1, … of each match, one after the other.
    places = np.arange(repeats.sum()) + np.repeat(first[number] - np.cumsum(repeats) + repeats, repeats)
    text = np.searchsorted(offsets, np.repeat(which, repeats), side="right") - 1
    return np.stack([text, owners[places], np.repeat(number, repeats)]).astype(np.int64)
