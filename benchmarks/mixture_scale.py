"""Selection and mixture at size: wall time and memory, the same bytes for the same seed, what was planted found.

    python benchmarks/mixture_scale.py SOURCES --rows 100000 500000 2500000 --work FOLDER

SOURCES is a folder of benchmark files (see real_files.py), whose questions are varied (see dedup_scale.py) to
three pools like those of the paper: textbooks (half of the rows), two public sources with difficulty scores.
Answers are drawn to the paper's mean length of 721 tokens. A tenth of the second source's questions are planted
copies of textbook questions with a few words exchanged, at a similarity that is computed here from Python sets.

Measured, each in a process of its own as Snakemake runs them: select by difficulty, select as many at random,
copy the selected rows, mix. Memory is the largest resident set that the kernel saw. With --again the mixture is made
a second time, with its parts' files in another order, and its bytes are compared.
"""

import argparse
import hashlib
import json
import os
import platform
import random
import resource
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "workflow" / "scripts"))

import dedup_scale
from megascience.curation.dedup import lsh_settings
from megascience.datasets.mixture import Portion, build_mixture
from megascience.datasets.schemas import DIFFICULTY
from megascience.datasets.selection import pool_of, rank_pool, select_shard
from megascience.ingest.schemas import SOURCE_ROWS
from megascience.stages.reference import SCHEMA as REFERENCED
from megascience.storage.files import write_json
from megascience.storage.ids import content_id
from megascience.storage.parquet import record_writer

SHARDS = 24
#: Shares of the rows: textbooks and the two sources.
POOLS = {"textbook_reasoning": 0.5, "nemotron": 0.25, "natural": 0.25}
PLANTED = 0.1
ANSWER_WORDS = 540  # 721 tokens


def write_pools(base: list[str], rows: int, folder: Path) -> dict[str, Any]:
    """Write the pools' shards, the sources' difficulty scores and the textbooks' provenance; return the planted."""
    rng = random.Random(0)
    words = [word for text in base for word in text.split()]
    prose = " ".join(rng.choices(words, k=200_000))
    texts = varied(base, words)
    planted: dict[str, float] = {}
    books: list[tuple[str, str]] = []
    for pool, share in POOLS.items():
        count = round(rows * share)
        schema = REFERENCED if pool == "textbook_reasoning" else SOURCE_ROWS
        for shard in range(SHARDS):
            path = folder / pool / f"{shard:03d}.parquet"
            scores = folder / f"{pool}-scores" / f"{shard:03d}.parquet"
            with (
                record_writer(path, schema, {"prompt_hash": "p", "model": "m", "revision": "r"}) as write,
                record_writer(scores, DIFFICULTY) as score,
            ):
                for number in range(shard, count, SHARDS):
                    text, origin, similarity = next(texts), None, 0.0
                    if pool == "natural" and rng.random() < PLANTED:
                        origin, text, similarity = plant(rng, books, words)
                    start = rng.randrange(len(prose) // 2)
                    answer = prose[start : start + int(rng.lognormvariate(0, 0.6) * 5 * ANSWER_WORDS)]
                    identifier = content_id(pool, str(number), text)
                    row = {"qa_id": identifier, "question": text, "answer": answer, "reference_answer": "42"}
                    row |= {"source": pool, "discipline": "physics", "subject": "physics", "licence": "MIT"}
                    row |= {"file": "f.jsonl", "row": number, "revision": "r", "chunk_id": "c", "book_id": "b"}
                    write(row)
                    score({"id": identifier, "mean": rng.uniform(0, 10), "spread": 1.0, "n_scored": 16})
                    if pool == "textbook_reasoning" and len(books) < 100_000:
                        books.append((identifier, text))
                    if origin:
                        planted[identifier] = similarity
    told = pa.schema([(name, pa.string()) for name in ("id", "book_id", "title", "extract_model")])
    ids = sorted(i for path in (folder / "textbook_reasoning").iterdir() for i in ids_of(path))
    with record_writer(folder / "provenance.parquet", told) as write:
        for identifier in ids:
            write({"id": identifier, "book_id": "b", "title": "Waves", "extract_model": "m"})
    return planted


def ids_of(path: Path) -> list[str]:
    return pq.read_table(path, columns=["qa_id"])["qa_id"].to_pylist()


def varied(base: list[str], words: list[str]) -> Iterator[str]:
    """Yield questions of which no two are near-duplicates."""
    rng = random.Random(1)
    while True:
        share = rng.uniform(0.35, 0.7)
        yield " ".join(rng.choice(words) if rng.random() < share else token for token in rng.choice(base).split())


def plant(rng: random.Random, books: list[tuple[str, str]], words: list[str]) -> tuple[str, str, float]:
    """Return (id of the origin, a copy of its question with some words exchanged, their similarity)."""
    origin, text = rng.choice(books)
    tokens = text.split()
    for _ in range(rng.randrange(0, 1 + len(tokens) // 6)):
        tokens[rng.randrange(len(tokens))] = rng.choice(words)
    copy = " ".join(tokens)
    one, two = dedup_scale.shingle_sets([text, copy])
    return origin, copy, len(one & two) / len(one | two) if one | two else 0.0


def measured(job: Callable[..., None], *arguments: Any) -> dict[str, float]:
    """Run a job in a process of its own; return its wall time in seconds and its largest resident set in GB."""
    context = get_context("spawn")
    queue = context.Queue()
    process = context.Process(target=_run, args=(queue, job, arguments))
    process.start()
    process.join()
    if process.exitcode:
        raise SystemExit(f"{job.__name__} ended with {process.exitcode}")
    return queue.get()


def _run(queue: Any, job: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    began = time.monotonic()
    job(*arguments)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    queue.put({"seconds": round(time.monotonic() - began, 1), "GB": round(peak, 2)})


def shards(folder: Path, kind: str, suffix: str = "") -> list[Path]:
    return [folder / kind / f"{shard:03d}{suffix}.parquet" for shard in range(SHARDS)]


def rank(folder: Path, pool: str, method: str, n: int | None) -> None:
    rank_pool(
        f"{pool}_{method}",
        pool_of(
            shards(folder, pool),
            shards(folder, f"{pool}_{method}", ".dropped"),
            shards(folder, f"{pool}-scores") if method == "difficulty" else (),
        ),
        method=method,
        summary=folder / f"{pool}_{method}.json",
        n=n,
    )


def copy_selected(folder: Path, pool: str, method: str) -> None:
    chosen = f"{pool}_{method}"
    for source, dropped, kept in zip(
        shards(folder, pool), shards(folder, chosen, ".dropped"), shards(folder, chosen), strict=True
    ):
        select_shard(source, dropped, kept)


def mix(folder: Path, output: str, backwards: bool) -> None:
    order = slice(None, None, -1) if backwards else slice(None)
    portions = [
        Portion(
            "textbook_reasoning",
            "textbook_reasoning",
            shards(folder, "textbook_reasoning")[order],
            provenance=folder / "provenance.parquet",
        )
    ]
    for pool, method in (("nemotron", "difficulty"), ("natural", "random")):
        rows = shards(folder, f"{pool}_{method}")[order]
        portions.append(Portion(f"{pool}_{method}", pool, rows, {"decontaminate": shards(folder, pool)[order]}))
    build_mixture(
        portions,
        name="megascience",
        output=folder / output,
        dropped=folder / output / "dropped.parquet",
        counts=folder / output / "counts.tsv",
        **lsh_settings("threshold"),
    )


def digest(folder: Path) -> dict[str, str]:
    names = ("train.parquet", "train.jsonl", "provenance.parquet", "README.md")
    return {name: hashlib.file_digest(open(folder / name, "rb"), "sha256").hexdigest()[:16] for name in names}


def found(folder: Path, planted: dict[str, float]) -> dict[str, Any]:
    """Return how many of the planted copies that came in were dropped, by similarity, and what else was."""
    came = {i for path in shards(folder, "natural_random") for i in ids_of(path)} & planted.keys()
    dropped = pq.read_table(folder / "mixed" / "dropped.parquet").to_pylist()
    gone = {row["id"] for row in dropped if row["reason"] == "near_duplicate"}
    bins = {}
    for low, high in ((0.6, 0.7), (0.7, 0.8), (0.8, 0.9), (0.9, 1.01)):
        there = [i for i in came if low <= planted[i] < high]
        bins[f"{low} to {min(high, 1)}"] = f"{len(gone & set(there))} of {len(there)}"
    below = sum(planted[i] < 0.6 for i in came & gone)
    return {"planted that came in": len(came), "dropped": bins, "dropped below 0.6": below, "others": len(gone - came)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sources", type=Path)
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000])
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--write", action="store_true", help="only write the pools, for a later run to find them")
    parser.add_argument("--again", action="store_true", help="mix a second time and compare the bytes")
    options = parser.parse_args()
    base = dedup_scale.questions(options.sources)
    print(f"{platform.machine()}, {os.cpu_count()} cores, {len(base)} questions", file=sys.stderr)
    for rows in options.rows:
        folder = options.work / str(rows)
        pairs = folder / "planted.json"
        if not pairs.exists():
            write_json(pairs, write_pools(base, rows, folder))
        planted = json.loads(pairs.read_text())
        if options.write:
            continue
        result: dict[str, Any] = {"rows": rows}
        result["select difficulty"] = measured(rank, folder, "natural", "difficulty", None)
        n = json.loads((folder / "natural_difficulty.json").read_text())["selected"]
        result["select random"] = measured(rank, folder, "natural", "random", n)
        measured(rank, folder, "nemotron", "difficulty", None)
        result["copy selected rows"] = measured(copy_selected, folder, "natural", "random")
        measured(copy_selected, folder, "nemotron", "difficulty")
        result["mix"] = measured(mix, folder, "mixed", False)
        result["mixed rows"] = pq.read_metadata(folder / "mixed" / "train.parquet").num_rows
        result["GB of train.jsonl"] = round((folder / "mixed" / "train.jsonl").stat().st_size / 1e9, 2)
        result |= found(folder, planted)
        if options.again:
            once = digest(folder / "mixed")
            shutil.rmtree(folder / "mixed")  # two of them may not fit the disk
            measured(mix, folder, "mixed", True)
            result["same bytes"] = digest(folder / "mixed") == once
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
