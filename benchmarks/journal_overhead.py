"""What our own machinery costs: records to parsed rows with an engine that answers at once.

    python benchmarks/journal_overhead.py [--records 100000] [--folder FOLDER]

Three runs, each in a process of its own so that its memory is its own: all is asked; all is in the
journal, as after an edit of a parser; a tenth of the documents has changed. Each goes from the Parquet
files of records and chunks to kept and dropped rows of `refine`: ten pairs a chunk of some 600 words,
a prompt with its chunk, an answer of 60 words. Prints one JSON line a run: records a second by the
clock and by CPU time (which other work on the machine does not distort), and the largest resident
set in MiB. Run it with different --records to see that the last does not grow with them.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "workflow" / "scripts"))

PROMPT = """---
answer:
  question: text
  answer: text
---
{% block system %}You make questions self-contained.{% endblock %}
{% block user %}{{ document }}

{{ question }}
{{ answer }}{% endblock %}
"""
WORDS = "A body of mass $m$ that falls from the height $h$ has the speed $\\sqrt{2gh}$ when it lands. "
PAIRS_A_CHUNK = 10


def write_records_of(folder: Path, records: int, changed: int) -> None:
    """Write the shard: chunks, pairs, prompt and canned answers; `changed` chunks have another text."""
    from megascience.ingest.schemas import CHUNKS
    from megascience.stages.pairs import PAIR
    from megascience.storage.parquet import record_writer

    chunks = -(-records // PAIRS_A_CHUNK)
    with record_writer(folder / "chunks.parquet", CHUNKS) as append:
        for c in range(chunks):
            mark = "changed " if c < changed else ""
            append({"chunk_id": f"c{c:08}", "book_id": "b", "discipline": "physics", "text": f"{mark}{c} {WORDS * 32}"})
    with record_writer(folder / "pairs.parquet", PAIR) as append:
        for i in range(records):
            append(
                {
                    "qa_id": f"q{i:08}",
                    "chunk_id": f"c{i // PAIRS_A_CHUNK:08}",
                    "book_id": "b",
                    "discipline": "physics",
                    "standard": "high",
                    "question": f"Question {i}: {WORDS}",
                    "answer": WORDS,
                }
            )
    (folder / "refine.j2").write_text(PROMPT)
    answer = f"<question>\n{WORDS}\n</question>\n<answer>\n{WORDS * 2}\n</answer>"
    (folder / "answers.jsonl").write_text(json.dumps({"text": answer}) + "\n")


def run(folder: Path, records: int) -> dict[str, float]:
    """Generate and parse the shard; return what it took."""
    from megascience.inference.engines.base import ModelSpec, Sampling
    from megascience.inference.generate import generate_shard
    from megascience.inference.parse import parse_shard

    files = {
        "records": [folder / "pairs.parquet"],
        "prompts": [folder / "refine.j2"],
        "join": folder / "chunks.parquet",
    }
    clock, cpu = time.perf_counter(), time.process_time()
    generate_shard(
        stage="refine",
        output=folder / "completions.parquet",
        cost=folder / "cost.json",
        journal=folder / "journal.jsonl",
        model=ModelSpec("canned", "1", "canned", context=8192, serving={"answers": str(folder / "answers.jsonl")}),
        sampling=Sampling(),
        retries=2,
        constrain=True,
        **files,
    )
    generated, generated_cpu = time.perf_counter(), time.process_time()
    parse_shard(
        stage="refine",
        completions=folder / "completions.parquet",
        kept=folder / "kept.parquet",
        dropped=folder / "dropped.parquet",
        **files,
    )
    parsed, parsed_cpu = time.perf_counter(), time.process_time()
    return {
        "records": records,
        "records_per_second": round(records / (parsed - clock)),
        "records_per_cpu_second": round(records / (parsed_cpu - cpu)),
        "generate_seconds": round(generated - clock, 2),
        "generate_cpu_seconds": round(generated_cpu - cpu, 2),
        "parse_seconds": round(parsed - generated, 2),
        "parse_cpu_seconds": round(parsed_cpu - generated_cpu, 2),
        "max_rss_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "journal_mib": round((folder / "journal.jsonl").stat().st_size / 2**20),
        "requests": json.loads((folder / "cost.json").read_text())["requests"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, help="where to work; a temporary folder unless given")
    parser.add_argument("--step", choices=["write", "run"], help=argparse.SUPPRESS)
    parser.add_argument("--changed", type=int, default=0, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.step == "write":
        write_records_of(args.folder, args.records, args.changed)
        return
    if args.step == "run":
        print(json.dumps(run(args.folder, args.records)))
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.folder or Path(temporary)

        def step(name: str, changed: int = 0) -> str:
            command = [sys.executable, __file__, "--step", name, "--folder", str(folder)]
            command += ["--records", str(args.records), "--changed", str(changed)]
            return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout

        step("write")
        print("asked     ", step("run"), end="", flush=True)
        print("journaled ", step("run"), end="", flush=True)
        step("write", args.records // PAIRS_A_CHUNK // 10)
        print("tenth     ", step("run"), end="", flush=True)


if __name__ == "__main__":
    main()
