"""kill -9 of a generate job at random moments: what is lost, what is asked again, and whether the bytes are equal.

    python benchmarks/journal_kill.py [--requests 500] [--kills 5] [--concurrency 16] [--seed N]

The shard is that of journal_overhead.py; the canned engine takes 30 ms an answer and logs every request before it
answers. The job is killed `--kills` times, each time after a random number of further requests, then left to end.
Prints one line a kill (requests sent so far, completions in the journal, in flight), then how many requests were
asked more than once, how many were lost, and whether the completions equal those of a run that nobody killed.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "workflow" / "scripts"))

from journal_overhead import write_records_of
from megascience.inference.engines.base import ModelSpec, Sampling
from megascience.inference.generate import generate_shard
from megascience.inference.journal.journal import JournalReader

DELAY = 0.03


def job(folder: Path, concurrency: int) -> None:
    """Generate the shard, in this process."""
    serving = {"answers": str(folder / "answers.jsonl"), "log": str(folder / "sent.jsonl"), "concurrency": concurrency}
    generate_shard(
        stage="refine",
        records=[folder / "pairs.parquet"],
        prompts=[folder / "refine.j2"],
        join=folder / "chunks.parquet",
        output=folder / "completions.parquet",
        cost=folder / "cost.json",
        journal=folder / "journal.jsonl",
        model=ModelSpec("canned", "1", "canned", context=8192, serving=serving),
        sampling=Sampling(),
        retries=2,
        constrain=True,
    )


def sent(folder: Path) -> list[str]:
    """Return the keys of the requests that the engine was given so far."""
    path = folder / "sent.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    return [json.loads(line)["key"] for line in lines]


def killed_run(folder: Path, args: argparse.Namespace) -> int:
    """Run the job with its kills; return how many requests were in flight at the kills, all together."""
    dice = random.Random(args.seed)
    flying = 0
    command = [sys.executable, __file__, "--job", str(folder), "--concurrency", str(args.concurrency)]
    for number in range(1, args.kills + 1):
        process = subprocess.Popen(command)
        target = len(sent(folder)) + dice.randint(1, args.requests // args.kills)
        while process.poll() is None and len(sent(folder)) < target:
            time.sleep(0.002)
        time.sleep(dice.uniform(0, DELAY))
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        known = JournalReader(folder / "journal.jsonl")
        open_requests = sum(key not in known for key in set(sent(folder)))
        flying += open_requests
        print(f"kill {number}: {len(sent(folder))} sent, {len(known)} in the journal, {open_requests} in flight")
    subprocess.run(command, check=True)
    return flying


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=500)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--concurrency", type=int, default=16)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--job", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.job:
        job(args.job, args.concurrency)
        return
    print(f"{args.requests} requests, {args.concurrency} at a time, seed {args.seed}")
    with tempfile.TemporaryDirectory() as temporary:
        whole, killed = Path(temporary, "whole"), Path(temporary, "killed")
        for folder in (whole, killed):
            folder.mkdir()
            write_records_of(folder, args.requests, 0)
            answer = json.loads((folder / "answers.jsonl").read_text())
            (folder / "answers.jsonl").write_text(json.dumps({**answer, "delay": DELAY}) + "\n")
        job(whole, args.concurrency)
        flying = killed_run(killed, args)
        asked, wanted = Counter(sent(killed)), set(sent(whole))
        again = sum(asked.values()) - len(asked)
        same = (whole / "completions.parquet").read_bytes() == (killed / "completions.parquet").read_bytes()
    print(f"asked again {again}, in flight at the kills {flying}, lost {len(wanted - set(asked))}, bytes equal: {same}")
    if again > flying or set(asked) != wanted or not same:
        raise SystemExit("the journal does not keep its promise")


if __name__ == "__main__":
    main()
