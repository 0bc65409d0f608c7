"""Deduplication at size: wall time and memory from Parquet to keep-lists, recall and precision by Jaccard bin.

    python benchmarks/dedup_scale.py SOURCES --rows 100000 300000 945683 --work FOLDER [--text-dedup PYTHON]

SOURCES is a folder of benchmark files (see real_files.py), whose questions are expanded to the
wanted number of rows: a quarter to six tenths of a question's words are exchanged for others of the
subset, so that variants of one question are not duplicates; a fifth of the rows are planted copies
of other rows, with as many words exchanged as a similarity of 0.5 to 1 asks for. The true
similarity of a planted pair is computed here from Python sets, apart from the code under test.

Every step runs in a process of its own, `--jobs` sketches at a time, as Snakemake would run them.
With --text-dedup (an interpreter that has text-dedup 0.4.0) the first size is given to it as well.
"""

import argparse
import json
import os
import platform
import random
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "workflow" / "scripts"))

import real_files
from megascience.curation import dedup
from megascience.curation.normalize import shingle_hashes
from megascience.storage.ids import content_id
from megascience.storage.parquet import read_records

PLANTED = 0.2
AIMS = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1.0)
BINS = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1.0)
SHINGLE = 3


def questions(folder: Path) -> list[str]:
    """Return the questions of every file in the folder that have four words or more."""
    found = [real_files.question(row) for _, row in real_files.rows(folder)]
    return [question for question in found if len(question.split()) >= 4]


def subset(base: Sequence[str], rows: int) -> Iterator[tuple[str, int | None]]:
    """Yield (question, the row that it was planted from or None)."""
    rng = random.Random(0)
    words = [word for question in base for word in question.split()]
    earlier: list[tuple[int, str]] = []
    for row in range(rows):
        if earlier and rng.random() < PLANTED:
            origin, question = rng.choice(earlier)
            aim, tokens = rng.choice(AIMS), question.split()
            # An exchanged word changes SHINGLE shingles; evenly spread, they rarely overlap.
            changes = round(len(tokens) * (1 - aim) / (SHINGLE * (1 + aim)))
            for change in range(changes):
                place = int((change + rng.random()) * len(tokens) / changes)
                tokens[min(place, len(tokens) - 1)] = rng.choice(words)
            yield " ".join(tokens), origin
            continue
        share = rng.uniform(0.25, 0.6)
        # Two in five have a second part, which brings the mean length to some 290 characters.
        tokens = rng.choice(base).split() + (rng.choice(base).split() if rng.random() < 0.4 else [])
        question = " ".join(rng.choice(words) if rng.random() < share else token for token in tokens)
        earlier.append((row, question))
        yield question, None


def write_subset(base: Sequence[str], rows: int, shards: int, folder: Path) -> None:
    """Write the subset as extraction would, shard by shard, and the planted pairs with their true similarity."""
    rng = random.Random(1)
    names = ("qa_id", "standard", "question", "answer")
    tables: list[dict[str, list[str]]] = [{name: [] for name in names} for _ in range(shards)]
    all_questions, ids, origins = [], [], []
    for row, (question, origin) in enumerate(subset(base, rows)):
        all_questions.append(question)
        ids.append(content_id(str(row), question))
        origins.append(origin)
        answer = "x" * rng.randrange(50, 400)
        standard = "high" if rng.random() < 0.03 else "low"
        shard = rng.randrange(shards)
        for name, value in zip(names, (ids[-1], standard, question, answer), strict=True):
            tables[shard][name].append(value)
    for number, table in enumerate(tables):
        pq.write_table(pa.table(table), folder / f"{number:02d}.parquet", compression="zstd")
    planted = [(row, origin) for row, origin in enumerate(origins) if origin is not None]
    first, second = (shingle_sets([all_questions[pair[side]] for pair in planted]) for side in (0, 1))
    pairs = {
        "copy": [ids[row] for row, _ in planted],
        "origin": [ids[origin] for _, origin in planted],
        "similarity": [len(a & b) / len(a | b) if a | b else 0.0 for a, b in zip(first, second, strict=True)],
    }
    pq.write_table(pa.table(pairs), folder / "planted.pairs")


def shingle_sets(texts: Sequence[str]) -> list[frozenset[int]]:
    """Return the set of word shingles of each text."""
    hashes, offsets = shingle_hashes(pa.array(texts, pa.large_string()), SHINGLE)
    values = hashes.tolist()
    return [frozenset(values[a:b]) for a, b in pairwise(offsets)]


def run_steps(commands: Sequence[Sequence[str]], jobs: int) -> tuple[float, float, float]:
    """Run commands, `jobs` at a time; return wall time (s), CPU time (s) and the largest peak memory of one (GB)."""
    begin, cpu, peak, waiting = time.perf_counter(), 0.0, 0, list(commands)
    running: set[int] = set()
    while waiting or running:
        while waiting and len(running) < jobs:
            command = waiting.pop(0)
            running.add(os.posix_spawnp(command[0], command, os.environ))
        pid, status, usage = os.wait3(0)
        if status:
            raise SystemExit(f"a step failed with status {status}")
        running.discard(pid)
        peak = max(peak, usage.ru_maxrss)
        cpu += usage.ru_utime + usage.ru_stime
    return time.perf_counter() - begin, cpu, peak / 1024**2


def step(name: str, folder: Path, preset: str, *arguments: str) -> None:
    """One step in a process of its own: the sketch of a shard, the clustering, both of all shards, or by text-dedup."""
    shards = sorted(path.stem for path in folder.glob("*.parquet"))
    sketches = {shard: folder / f"{shard}.sketch" for shard in shards}
    records = {shard: [folder / f"{shard}.parquet"] for shard in shards}
    settings = dict(dedup.PRESETS[preset])
    ending = "keep"
    if name == "sketch":
        dedup.sketch_shard(records[arguments[0]], sketches[arguments[0]], shingle=SHINGLE)
        return
    if name == "whole":
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda shard: dedup.sketch_shard(records[shard], sketches[shard], shingle=SHINGLE), shards))
    elif name == "text-dedup":
        command = [arguments[0], "-m", "text_dedup.minhash"]
        settings |= {"engine": "text-dedup", "command": command, "records": records, "threads": 2}
        ending = "peer-keep"
    counts = dedup.cluster_shards(sketches, {shard: folder / f"{shard}.{ending}" for shard in shards}, **settings)
    print(json.dumps(counts), flush=True)


def dropped_ids(folder: Path, ending: str) -> set[str]:
    """Return the ids of all keep-lists of an engine."""
    return {row["id"] for path in folder.glob(f"*.{ending}") for row in read_records(path)}


def quality(folder: Path, preset: str) -> list[tuple[str, ...]]:
    """Return one row a bin: planted pairs, recall, what the S-curve expects, and wrongly merged pairs."""
    kept_copy = {}
    for path in folder.glob("*.keep"):
        kept_copy.update({row["id"]: row["duplicate_of"] for row in read_records(path)})
    bands, rows = (dedup.PRESETS[preset][key] for key in ("bands", "rows"))
    groups = defaultdict(list)
    for pair in pq.read_table(folder / "planted.pairs").to_pylist():
        floor = max((b for b in BINS if b <= pair["similarity"]), default=None)
        if floor is not None:
            groups[floor].append(pair)
    lines = []
    for floor in BINS:
        pairs = groups[floor]
        if not pairs:
            continue
        separated = sum(p["copy"] not in kept_copy and p["origin"] not in kept_copy for p in pairs)
        merged = sum(kept_copy.get(p["copy"]) == p["origin"] or kept_copy.get(p["origin"]) == p["copy"] for p in pairs)
        expected = sum(dedup.recall(p["similarity"], bands, rows) for p in pairs) / len(pairs)
        below = floor < (dedup.PRESETS[preset]["threshold"] or 0)
        lines.append(
            (
                f"{floor:.2f}",
                str(len(pairs)),
                "–" if below else f"{1 - separated / len(pairs):.4f}",
                "–" if below else f"{expected:.4f}",
                str(merged) if below else "–",
            )
        )
    return lines


def precision(folder: Path, threshold: float) -> tuple[int, int]:
    """Return how many dropped rows there are, and how many do not reach the threshold to their kept copy."""
    drops = [row for path in folder.glob("*.keep") for row in read_records(path) if row["duplicate_of"]]
    texts = {}
    for path in folder.glob("*.parquet"):
        texts.update(
            {row["qa_id"]: row["question"] for row in pq.read_table(path, columns=["qa_id", "question"]).to_pylist()}
        )
    wrong = 0
    for start in range(0, len(drops), 20_000):
        part = drops[start : start + 20_000]
        own, other = (shingle_sets([texts[d[key]] for d in part]) for key in ("id", "duplicate_of"))
        wrong += sum(len(a & b) / len(a | b) < threshold for a, b in zip(own, other, strict=True))
    return len(drops), wrong


def text_dedup(python: str, folder: Path, preset: str) -> tuple[float, float, float]:
    """Run text-dedup on the same questions; return its wall and CPU time (s) and peak memory (GB, one process)."""
    table = pa.concat_tables(
        [pq.read_table(p, columns=["qa_id", "question"]) for p in sorted(folder.glob("*.parquet"))]
    )
    peer = folder / "peer"
    peer.mkdir(exist_ok=True)
    pq.write_table(table, peer / "all.parquet")
    options = {
        "path": "parquet", "data_files": peer / "all.parquet", "split": "train", "cache_dir": peer / "cache",
        "output": peer / "out", "column": "question", "ngram": SHINGLE, "min_length": 1, "num_proc": 2,
        "num_perm": 128, "threshold": dedup.PRESETS[preset]["threshold"],
    }  # fmt: skip
    flags = [part for key, value in options.items() for part in (f"--{key}", str(value))]
    return run_steps([[python, "-m", "text_dedup.minhash", *flags]], 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sources", type=Path)
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000])
    parser.add_argument("--shards", type=int, default=14)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--preset", default="threshold", choices=list(dedup.PRESETS))
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--text-dedup", default="")
    parser.add_argument("--step", nargs="+", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.step:
        step(args.step[0], args.work, args.preset, *args.step[1:])
        return
    base = questions(args.sources)
    length = sum(len(question) for question, _ in subset(base, 5000)) / 5000
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; "
        f"{length:.0f} characters a question"
    )
    own = [sys.executable, __file__, str(args.sources), "--preset", args.preset, "--work"]
    for rows in args.rows:
        folder = args.work / str(rows)
        if not (folder / "planted.pairs").exists():
            folder.mkdir(parents=True, exist_ok=True)
            write_subset(base, rows, args.shards, folder)
        shards = sorted(path.stem for path in folder.glob("*.parquet"))
        sketch_s, sketch_cpu, sketch_gb = run_steps(
            [[*own, str(folder), "--step", "sketch", s] for s in shards], args.jobs
        )
        cluster_s, cluster_cpu, cluster_gb = run_steps([[*own, str(folder), "--step", "cluster"]], 1)
        print(
            f"{rows} rows: {sketch_s + cluster_s:.1f} s (sketch {sketch_s:.1f}, cluster {cluster_s:.1f}), "
            f"CPU {sketch_cpu + cluster_cpu:.1f} s (sketch {sketch_cpu:.1f}, cluster {cluster_cpu:.1f}); peak "
            f"{max(sketch_gb * args.jobs, cluster_gb):.2f} GB (sketch {sketch_gb:.2f} a job, cluster {cluster_gb:.2f})"
        )
        print("similarity\tpairs\trecall\tS-curve\tmerged below the threshold")
        for line in quality(folder, args.preset):
            print("\t".join(line))
        threshold = dedup.PRESETS[args.preset]["threshold"]
        if threshold:
            print("dropped {}, of which under the threshold {}".format(*precision(folder, threshold)))
        if args.text_dedup and rows == args.rows[0]:
            whole_s, whole_cpu, whole_gb = run_steps([[*own, str(folder), "--step", "whole"]], 1)
            peer_s, peer_cpu, peer_gb = text_dedup(args.text_dedup, folder, args.preset)
            print(f"ours, two threads: {whole_s:.1f} s, CPU {whole_cpu:.1f} s, {whole_gb:.2f} GB")
            print(f"text-dedup, two processes: {peer_s:.1f} s, CPU {peer_cpu:.1f} s, {peer_gb:.2f} GB each")
            print(f"ratio: {peer_s / whole_s:.1f} in time, {peer_cpu / whole_cpu:.1f} in CPU time")
            run_steps([[*own, str(folder), "--step", "text-dedup", args.text_dedup]], 1)
            ours, theirs = dropped_ids(folder, "keep"), dropped_ids(folder, "peer-keep")
            print(
                f"dropped by both engines {len(ours & theirs)}, by ours alone {len(ours - theirs)}, "
                f"by text-dedup's alone {len(theirs - ours)}"
            )


if __name__ == "__main__":
    main()
