"""What is asked again after a change: one book of twenty, a parser, a touched file, a fresh checkout, another module.

    python benchmarks/rerun_after_change.py [--books 20] [--cores 2] [--work FOLDER]

Runs the workflow's curation in a copy of this checkout on books written here (four pages each, an exercise a page),
with a server of our own in the place of the models: it answers by the rules below, and logs each request and each
start of an engine (which asks for the list of models). Needs the packages of the workflow and, in results/models,
the embedding model of config/demo.yaml.

Prints one line a change: jobs, requests sent, engines started. For the changed book it tells stage by stage how many
requests were sent, how many its rows call for that were not asked before, and how many sent ones are of no row of it.
"""

import argparse
import contextlib
import hashlib
import json
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pyarrow.parquet as pq
import yaml

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path[:0] = [str(ROOT / "workflow" / "scripts"), str(ROOT / "tests" / "unit")]

from megascience.planning.config import read_settings
from megascience.planning.jobs import model_identity, request_plan, shards_of
from megascience.planning.plan import Plan
from megascience.storage.ids import content_id
from minipdf import pdf, text_page

STAGES = ("extract", "refine", "judge_cot", "distill_cot", "filter", "decontaminate", "reference")
TARGETS = ("dataset_only", "results/run/tables/yield.tsv")
PAGES = 4
WORDS = (
    "steel copper water river engine lens magnet spring field charge orbit planet crystal polymer enzyme tissue cell "
    "market price demand matrix vector limit series graph tree queue cipher packet signal filter circuit valve pump "
    "turbine furnace alloy solvent acid base salt buffer isotope nucleus photon laser mirror prism cloud wind tide"
).split()


class Models(ThreadingHTTPServer):
    """The server: `sent` are (stage, hash of the messages), `starts` counts the engines that came up."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.sent: list[tuple[str, str]] = []
        self.starts = 0
        threading.Thread(target=self.serve_forever, daemon=True).start()


class _Handler(BaseHTTPRequestHandler):
    server: Models
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.starts += 1
        self._reply({"data": []})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        prompt = body["messages"][-1]["content"]
        stage = prompt.split()[1]
        self.server.sent.append((stage, message_hash(body["messages"])))
        choice = {"message": {"content": answer(stage, prompt)}, "finish_reason": "stop"}
        self._reply({"choices": [choice], "usage": {"prompt_tokens": len(prompt) // 4, "completion_tokens": 20}})

    def _reply(self, value: dict) -> None:
        data = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


def message_hash(messages) -> str:
    """Return a hash of the chat messages alone."""
    return hashlib.sha256(json.dumps([[m["role"], m["content"]] for m in messages]).encode()).hexdigest()


def answer(stage: str, prompt: str) -> str:
    """Return what a model would say, found by rules in the prompt."""
    question, _, rest = prompt.partition("Question: ")[2].partition("\nAnswer: ")
    pair = "<question>{}</question>\n<answer>{}</answer>"
    if stage == "extract":
        found = re.findall(r"(Problem \w+: [^?]+\?) (Answer: \d+)", " ".join(prompt.split()))
        high = "extract high" in prompt
        return "\n".join(pair.format(*one) for one in found) if high and found else "NOTHING"
    if stage == "refine":
        return pair.format(question.strip(), rest.strip() + " as follows.")
    if stage == "judge_cot":
        return f"<decision>{'YES' if int(content_id(question), 16) % 2 else 'NO'}</decision>"
    if stage == "distill_cot":
        return f"<answer>By the law of the book. {rest.strip()}</answer>"
    return {
        "filter": "<decision>KEEP</decision>",
        "decontaminate": "<decision>NO</decision>",
        "reference": f"<reference>{rest.strip()[:40]}</reference>",
    }[stage]


def write_book(path: Path, number: int, edition: int) -> None:
    """Write a book; another edition has other numbers in every exercise and the same prose."""
    prose, figures = random.Random(number), random.Random(f"{number}, {edition}")
    pages = []
    for page in range(PAGES):
        lines = [" ".join(prose.choices(WORDS, k=9)) + "." for _ in range(12)]
        stuff = " ".join(prose.sample(WORDS, 12))
        lines += ["", f"Problem b{number:02}p{page}: take {figures.randrange(1000)} units of {stuff[:40]}"]
        lines += [f"{stuff[40:]} and tell how many remain?", f"Answer: {figures.randrange(1000)}"]
        pages.append(text_page(*lines, leading=16.0, x=20.0))
    path.write_bytes(pdf(pages))


class Run:
    """A copy of the checkout with its shelf, its config and the server's address."""

    def __init__(self, folder: Path, books: int, cores: int, models: Models) -> None:
        self.folder = folder
        self.models = models
        self.cores = cores
        copy_checkout(folder)
        (folder / "results").mkdir(exist_ok=True)
        (folder / "results/models").symlink_to((ROOT / "results/models").resolve())
        (folder / "shelf").mkdir()
        rows = ["book_id\tdisciplines\ttitle\tpath\tsha256\tlicence\tlevel"]
        for number in range(books):
            write_book(folder / f"shelf/b{number:02}.pdf", number, 0)
            discipline = ("physics", "chemistry")[number % 2]
            rows.append(f"b{number:02}\t{discipline}\tBook {number}\tshelf/b{number:02}.pdf\t\tMIT\tundergraduate")
        (folder / "shelf/books.tsv").write_text("\n".join(rows) + "\n")
        config = yaml.safe_load((folder / "tests/data/canned/config.yaml").read_text())
        place = f"http://127.0.0.1:{models.server_port}/v1"
        config |= {
            "pathvars": {"results": "results/run", "models": "results/models", "logs": "results/run/logs"},
            "shelf": "shelf/books.tsv",
            "shards": {"physics": 2, "chemistry": 2},
            "serving": {"canned": {"engine": "openai", "base_url": place, "concurrency": 8}},
        }
        config["chunk"]["tokens"] = 200
        (folder / "run.yaml").write_text(yaml.safe_dump(config))
        # The demo's own shards are left out: a discipline that is not named has none.
        demo = yaml.safe_load((folder / "config/demo.yaml").read_text())
        demo["shards"] = {}
        (folder / "demo.yaml").write_text(yaml.safe_dump(demo))

    def snakemake(self, *flags: str) -> str:
        """Run Snakemake; return what it said."""
        snakemake = [str(Path(sys.executable).with_name("snakemake")), *TARGETS, *flags]
        command = [*snakemake, "--configfile", "demo.yaml", "run.yaml", "--cores", str(self.cores)]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if done.returncode:
            raise SystemExit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
        return done.stdout + done.stderr

    def redo(self, name: str) -> list[tuple[str, str]]:
        """Run what is due, print what it took, and return the requests."""
        before, starts = len(self.models.sent), self.models.starts
        said = self.snakemake()
        jobs = re.search(r"^total\s+(\d+)", said, re.MULTILINE)
        sent = self.models.sent[before:]
        engines = self.models.starts - starts
        print(f"{name}: {jobs[1] if jobs else 0} jobs, {len(sent)} requests, {engines} engines started", flush=True)
        return sent

    def wanted(self) -> dict[str, dict[str, str]]:
        """Return stage → hash of the messages → the book that they are about, of all rows on disk."""
        config = read_settings(
            [self.folder / "config/config.yaml", self.folder / "demo.yaml", self.folder / "run.yaml"],
            self.folder / "config/schema.yaml",
        )
        found: dict[str, dict[str, str]] = {stage: {} for stage in STAGES}
        with contextlib.chdir(self.folder):
            plan = Plan(config)
            books = {
                row["qa_id"]: row["book_id"]
                for path in Path("results/run/extract").glob("*/???.parquet")
                for row in pq.read_table(path, columns=["qa_id", "book_id"]).to_pylist()
            }
            for shard in shards_of(plan, "results/run"):
                # Branches, whose datasets are not targets here, were never asked.
                if shard.stage not in STAGES or not shard.ready or not shard.completions.exists():
                    continue
                table = pq.read_table(shard.records[0])
                owner = "book_id" if "book_id" in table.column_names else "qa_id"
                owners = dict(zip(table.column(0).to_pylist(), table[owner].to_pylist(), strict=True))
                identity = model_identity(plan, "results/run", shard.model)
                assert identity is not None
                for unit in request_plan(plan, shard, identity):
                    if unit is not None:
                        book = owners[unit.record]
                        found[shard.stage][message_hash(unit.messages)] = books.get(book, book)
        return found


def copy_checkout(folder: Path) -> None:
    """Copy the files that git knows or would take, with new times."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
    for name in filter(None, listed.decode().split("\0")):
        if (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).unlink(missing_ok=True)
            shutil.copyfile(ROOT / name, folder / name, follow_symlinks=False)


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text, f"{path} has no {old!r}"
    path.write_text(text.replace(old, new, 1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--books", type=int, default=20)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--work", type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.work or Path(temporary) / "checkout"
        run = Run(folder, args.books, args.cores, Models())
        run.redo(f"{args.books} books from nothing")
        library = folder / "workflow/scripts/megascience"

        edit(library / "stages/filter.py", '== "KEEP"', 'in ("KEEP",)')
        run.redo("a parser was edited")
        for path in folder.rglob("*"):
            if path.is_file() and "results" not in path.parts and ".snakemake" not in path.parts:
                path.touch()
        run.redo("every file was touched")
        edit(library / "scoring/markup.py", '"""', '"""Changed. ')
        edit(library / "addbooks.py", "\nfrom ", "\nEXTRA = 1\nfrom ")
        run.redo("modules that the curation does not run were edited")
        copy_checkout(folder)
        edit(library / "stages/filter.py", '== "KEEP"', 'in ("KEEP",)')
        run.redo("the checkout was made again")

        before = run.wanted()
        write_book(folder / "shelf/b07.pdf", 7, 1)
        sent = Counter(run.redo("one book has a new edition"))
        after = run.wanted()
        print("stage\tsent\tits new requests\tof other books\tasked twice")
        for stage in STAGES:
            mine = {key for key, book in after[stage].items() if book == "b07"} - before[stage].keys()
            asked = {key for name, key in sent if name == stage}
            twice = sum(n - 1 for (name, _), n in sent.items() if name == stage)
            print(f"{stage}\t{len(asked)}\t{len(mine)}\t{len(asked - mine)}\t{twice}")
            if asked != mine or twice:
                raise SystemExit(f"{stage} asked other requests than the new ones of the changed book")


if __name__ == "__main__":
    main()
