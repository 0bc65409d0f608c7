"""text-dedup 0.4.0 as the finder of candidates, in place of our own LSH.

It runs as a command in its own environment over the raw questions and leaves its union-find, whose
components are the candidates. What counts as a duplicate is then decided as always (dedup.py), so
that the two engines' keep-lists differ only in the pairs that their LSH finds: text-dedup splits
words at everything but letters, digits and underscores, and folds neither Unicode nor LaTeX.
"""

import pickle
import subprocess
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from megascience.storage.errors import InputError


class _UnionFind:
    """What text-dedup's union-find is unpickled as: only its table of parents is used."""

    parent: dict[int, int]


class _Unpickler(pickle.Unpickler):
    """Reads text-dedup's dump and nothing else: no other class is looked up."""

    def find_class(self, module: str, name: str) -> Any:
        known = {("text_dedup.utils.union_find", "UnionFind"): _UnionFind, ("collections", "Counter"): Counter}
        if (module, name) not in known:
            raise pickle.UnpicklingError(f"{module}.{name} is not expected here")
        return known[module, name]


def components(
    questions: pa.ChunkedArray,
    *,
    command: Sequence[str],
    shingle: int,
    bands: int,
    rows: int,
    seed: int,
    threads: int = 1,
) -> np.ndarray:
    """Return int64 [n]: the component of each question, -1 where it is alone.

    Args:
        questions: n texts, none empty.
        command: what starts text-dedup's MinHash, such as ["…/bin/python", "-m", "text_dedup.minhash"].

    Raises:
        InputError: the command is not there, fails, or leaves no readable union-find.
    """
    with tempfile.TemporaryDirectory(prefix="text-dedup-") as folder:
        place = Path(folder)
        pq.write_table(pa.table({"text": questions}), place / "rows.parquet")
        options = {
            "path": "parquet",
            "data_files": place / "rows.parquet",
            "split": "train",
            "cache_dir": place / "cache",
            "output": place / "out",
            "column": "text",
            "ngram": shingle,
            "min_length": 1,
            "seed": seed,
            "num_perm": bands * rows,
            "b": bands,
            "r": rows,
            "num_proc": threads,
        }
        flags = [part for name, value in options.items() for part in (f"--{name}", str(value))]
        try:
            done = subprocess.run([*command, *flags, "--debug"], capture_output=True, text=True, check=False)
        except OSError as error:
            raise InputError(f"dedup: cannot start text-dedup ({error}); set its command in the config") from error
        dump = place / "out" / "uf.pkl"
        if done.returncode or not dump.exists():
            raise InputError(f"dedup: text-dedup failed with status {done.returncode}: {done.stderr.strip()[-2000:]}")
        with open(dump, "rb") as handle:
            try:
                parent = _Unpickler(handle).load().parent
            except (pickle.UnpicklingError, AttributeError, EOFError) as error:
                raise InputError(f"dedup: text-dedup left a union-find of another version ({error})") from error
    found = np.full(len(questions), -1, np.int64)
    for row in parent:
        root = row
        while parent[root] != root:
            root = parent[root]
        found[row] = root
    return found
