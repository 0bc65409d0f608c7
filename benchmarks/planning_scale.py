"""What planning costs at the paper's size: time and memory of Snakemake's plan, and whether it is exact.

    python benchmarks/planning_scale.py [--shards 30 95 225] [--folder FOLDER]

For each number of shards: a copy of the checkout with the paper's 12,800 books (empty files; 2,305 of them serve
biology and medicine) in so many shards, shared out over the seven disciplines as config/config.yaml does. First the
plan of a run from nothing: of all that the paper's config asks for, and of the seven disciplines' dataset with its
yield, which the rest is about. Then every output is made by `touch` in the place of the rules' scripts, and planned
again, with the rules as they are: nothing changed; one figure; that figure's rule alone, which is nearly what each
job's own Snakemake takes to start; and one change each of a book, a prompt, a parameter and a parser, whose lists of
jobs are counted. Prints one JSON line a plan: jobs, seconds by the clock and of CPU, the largest resident set in MiB,
and the jobs of each rule.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
SNAKEMAKE = str(Path(sys.executable).with_name("snakemake"))

FIGURE = "results/figures/yield.pdf"
DATASET = ("dataset_only", FIGURE)

#: Books of each discipline in the paper's Table 2; medicine shares those of biology.
BOOKS = {
    "biology;medicine": 2305,
    "chemistry": 1017,
    "computer_science": 6057,
    "economics": 158,
    "mathematics": 1578,
    "physics": 1685,
}


def checkout(folder: Path, shards: int) -> None:
    """Copy the files that git knows, with the paper's books in about so many shards."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout
    for name in filter(None, listed.decode().split("\0")):
        if (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name, follow_symlinks=False)
    (folder / "books").mkdir()
    rows = ["book_id\tdisciplines\ttitle\tpath\tsha256\tlicence"]
    for disciplines, count in BOOKS.items():
        for number in range(count):
            name = f"{disciplines.split(';')[0]}_{number}"
            (folder / f"books/{name}.pdf").touch()
            rows.append(f"{name}\t{disciplines}\t{name}\tbooks/{name}.pdf\t\tCC-BY-4.0")
    (folder / "config/books.tsv").write_text("\n".join(rows) + "\n")
    path = folder / "config/config.yaml"
    config = yaml.safe_load(path.read_text())
    total = sum(config["shards"].values())
    config["shards"] = {name: max(1, round(n * shards / total)) for name, n in config["shards"].items()}
    path.write_text(yaml.safe_dump(config, sort_keys=False))


def snakemake(folder: Path, *arguments: str) -> tuple[str, dict[str, float]]:
    """Run Snakemake; return what it printed, and what it took."""
    began = time.monotonic()
    process = subprocess.Popen(
        [SNAKEMAKE, *arguments], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.monotonic() - began
    if status:
        sys.exit(f"snakemake {' '.join(arguments)} failed:\n{output[-3000:]}")
    cpu = used.ru_utime + used.ru_stime
    return output, {"seconds": round(seconds, 1), "cpu": round(cpu, 1), "mib": used.ru_maxrss // 1024}


def plan(folder: Path, what: str, *targets: str) -> None:
    """Print what a plan takes, and its jobs by rule."""
    output, took = snakemake(folder, *targets, "--dry-run", "--quiet", "rules")
    counts = dict(re.findall(r"^(\w+) +(\d+)$", output, flags=re.MULTILINE))
    total = int(counts.pop("total", 0))
    print(
        json.dumps({"plan": what, "jobs": total, **took, "rules": {k: int(v) for k, v in counts.items()}}), flush=True
    )


def make_all(folder: Path) -> None:
    """Make every output by `touch`, with the rules' own inputs and params, so that only their work is left out."""
    for path in (folder / "rules").glob("*.smk"):
        (folder / "kept").mkdir(exist_ok=True)
        shutil.copy2(path, folder / "kept" / path.name)
        touched = re.sub(r"(script|shell):\n( +)\".*\"", r'shell:\n\2"touch {output}"', path.read_text())
        path.write_text(touched)
    began = time.monotonic()
    snakemake(folder, *DATASET, "--quiet", "all", "--cores", "2")
    print(json.dumps({"plan": "made by touch", "seconds": round(time.monotonic() - began)}), flush=True)
    for path in (folder / "kept").iterdir():
        shutil.copy2(path, folder / "rules" / path.name)


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text, f"{path} has no {old!r}"
    path.write_text(text.replace(old, new, 1))


def measure(folder: Path, shards: int) -> None:
    checkout(folder, shards)
    plan(folder, f"all of the paper in {shards} shards")
    plan(folder, f"{shards} shards", *DATASET)
    make_all(folder)
    plan(folder, "nothing changed", *DATASET)
    plan(folder, "one figure", FIGURE)
    plan(folder, "that figure alone", FIGURE, "--allowed-rules", "figure_yield")
    changes = {
        "a book": ("books/economics_0.pdf", "", "%PDF"),
        "a prompt": ("prompts/filter.j2", "{% block user %}", "{% block user %}Now. "),
        "a parameter": ("config/config.yaml", "similarity_floor: 0.0", "similarity_floor: 0.1"),
        "a parser": ("workflow/scripts/megascience/stages/reference.py", "def parse(", "CHANGED = 1\n\n\ndef parse("),
    }
    for what, (name, old, new) in changes.items():
        path = folder / name
        text, times = path.read_text(), path.stat()
        edit(path, old, new)
        plan(folder, what, *DATASET)
        path.write_text(text)
        os.utime(path, (times.st_atime, times.st_mtime))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shards", type=int, nargs="+", default=[30, 95, 225])
    parser.add_argument("--folder", type=Path, help="work here rather than in a temporary folder, and keep it")
    options = parser.parse_args()
    for shards in options.shards:
        with tempfile.TemporaryDirectory() as temporary:
            folder = (options.folder or Path(temporary)) / str(shards)
            folder.mkdir(parents=True)
            measure(folder, shards)
