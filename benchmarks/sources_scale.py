"""Time and peak memory of importing a public set of 2.5 million rows.

The set is synthetic, in the format of NaturalReasoning and with rows as long as there (3.7 KB on average, widely
spread). Three rows in 400 are faulty: a null, the row before once more, another language; one in 100,000 has 1.5 MB.

    python benchmarks/sources_scale.py [ROWS] [--folder DIR] [--shards N] [--keep]

Prints one line: rows, size of the set, seconds to import, rows a second, peak resident memory, and the counts.
Memory must not grow with the rows: compare two sizes.
"""

import argparse
import json
import random
import resource
import shutil
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow/scripts"))

from megascience.ingest.public.import_source import import_source

MAPPING = {"question": "question", "answer": "responses.0.response", "reference_answer": "reference_answer"}
FUNCTION = "the of and to a in is that for with as by on are from at which it what how when where".split()


def write_set(path: Path, rows: int, seed: int = 0) -> None:
    """Write a set of so many rows, the same for the same seed."""
    rng = random.Random(seed)
    syllables = [a + b for a in "bcdfglmnprstv" for b in ("a", "e", "i", "o", "u", "ar", "en", "il")]
    words = ["".join(rng.choices(syllables, k=rng.randint(2, 4))) for _ in range(20_000)]
    # Pieces of text to draw from: writing must not take longer than reading.
    pieces = [" ".join(rng.choice(FUNCTION if rng.random() < 0.4 else words) for _ in range(20)) for _ in range(50_000)]

    paragraphs = [". ".join(rng.choices(pieces, k=5)) for _ in range(20_000)]

    def text(words: int) -> str:
        units, size = (paragraphs, 100) if words > 100 else (pieces, 20)
        return ". ".join(rng.choices(units, k=max(1, round(rng.lognormvariate(-0.25, 0.7) * words / size))))

    last = ""
    with open(path, "w", encoding="utf-8") as file:
        for number in range(rows):
            row = {
                "question": f"Case {number}: {text(60)}?",
                "reference_answer": text(15) if rng.random() < 0.82 else "",
                "responses": [{"response_model": "synthetic", "response": f"Step 1 of {number}. {text(430)}"}],
            }
            fault = number % 400
            if fault == 399:
                row["question"] = None
            elif fault == 299:
                row["question"] = f"¿Cuál es la masa de {number} moles y cómo está definida según los datos?"
            elif number % 100_000 == 50_000:
                row["question"] = "x" * 1_500_000
            line = last if fault == 199 else json.dumps(row) + "\n"
            file.write(line)
            last = line


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", type=int, nargs="?", default=2_500_000)
    parser.add_argument("--folder", type=Path, default=Path("results/benchmarks/sources_scale"))
    parser.add_argument("--shards", type=int, default=64)
    parser.add_argument("--keep", action="store_true", help="leave the set where it is")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    path = options.folder / f"rows_{options.rows}.jsonl"
    if not path.exists():
        write_set(path, options.rows)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    out = options.folder / "out"
    entry = {"path": str(path), "mapping": MAPPING, "licence": "CC0-1.0"}
    start = time.perf_counter()
    counts = import_source(
        "synthetic",
        entry,
        kept=[out / f"{n:03d}.parquet" for n in range(options.shards)],
        dropped=[out / f"{n:03d}.dropped.parquet" for n in range(options.shards)],
        summary=out / "source.json",
    )
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    size = path.stat().st_size
    print(
        f"{options.rows} rows, {size / 1e9:.2f} GB, {options.shards} shards: {seconds:.1f} s, "
        f"{options.rows / seconds:.0f} rows/s, {size / seconds / 1e6:.0f} MB/s, peak {peak / 1024:.0f} MB "
        f"(before the import {before / 1024:.0f} MB); {dict(counts)}"
    )
    shutil.rmtree(out)
    if not options.keep:
        path.unlink()


if __name__ == "__main__":
    main()
