"""A small results tree, written file by file: two books, three disciplines, a drop of most kinds."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from megascience.datasets.textbooks import build_dataset
from megascience.evaluation.schemas import ITEMS
from megascience.inference.completions import COMPLETIONS
from megascience.planning.config.read import check_config
from megascience.planning.plan import Plan
from megascience.stages.order import SELECTING_STAGES, STAGES
from megascience.storage.drops import Drop
from megascience.storage.layout import completions_path, dropped_path, stage_files
from megascience.storage.parquet import write_records
from owned import SCHEMAS, write_dropped

SHARD = "000"

BOOKS = [
    SimpleNamespace(book_id="waves", disciplines=("physics",), title="Waves", sha256="ab" * 32, licence="CC-BY-4.0"),
    SimpleNamespace(
        book_id="cells", disciplines=("biology", "medicine"), title="Cells <b>|</b>", sha256="", licence="House rules"
    ),
    SimpleNamespace(book_id="torn", disciplines=("biology",), title="Torn", sha256="", licence="CC0-1.0"),
]

FILES = {"prompt_hash": "", "model": "teacher/base", "revision": "r1"}


def path(root: Path, stage: str, discipline: str) -> Path:
    return root / stage / discipline / f"{SHARD}.parquet"


def write(
    root: Path,
    stage: str,
    discipline: str,
    rows: list[dict[str, Any]],
    drops: list[tuple[str, Drop]] = (),
    prompt_hash: str | None = None,
) -> None:
    """Write a stage's kept rows and its dropped."""
    kept = path(root, stage, discipline)
    footer = {**FILES, "stage": stage, "prompt_hash": prompt_hash or f"{stage}-hash"}
    write_records(kept, rows, SCHEMAS[stage], footer)
    write_dropped(dropped_path(kept), stage, drops)


def page(book: str, number: int) -> dict[str, Any]:
    return {
        "page_id": f"{book}:{number}",
        "book_id": book,
        "page": number,
        "text": "some words",
        "engine": "pdftext",
        "engine_version": "1.0",
    }


def write_classified(root: Path, home: str, name: str, *disciplines: str) -> None:
    """Write a shard of classify whose only book the shelf had settled."""
    book = {"book_id": name, "title": name, "disciplines": list(disciplines), "level": "undergraduate"}
    books = path(root, "classify", home).with_suffix(".books.parquet")
    write_records(books, [{**book, "offered": [], "contents": "", "sample": ""}], SCHEMAS["classify_books"])
    write(root, "classify", home, [book])
    completions(root, "classify", home, [])


def chunk(name: str, book: str, discipline: str, first: int, last: int) -> dict[str, Any]:
    text = f"The text of {name}.\nIts second line."
    return {
        "chunk_id": name,
        "book_id": book,
        "discipline": discipline,
        "page_first": first,
        "page_last": last,
        "n_tokens": 7,
        "text": text,
    }


def pair(name: str, source: str, book: str, discipline: str, standard: str, **more: Any) -> dict[str, Any]:
    return {
        "qa_id": name,
        "chunk_id": source,
        "book_id": book,
        "discipline": discipline,
        "standard": standard,
        "question": f"What is {name}?",
        "answer": f"It is {name}. That is all.",
        **more,
    }


def completion(identifier: str, prompt: str, text: str) -> dict[str, Any]:
    return {
        "id": identifier,
        "prompt": prompt,
        "sample": 0,
        "prompt_hash": f"{prompt}-hash",
        "text": text,
        "finish_reason": "stop",
        "attempts": 1,
        "model": "teacher/base",
        "revision": "r1",
        "prompt_tokens": 90,
        "completion_tokens": 10,
    }


def completions(root: Path, stage: str, discipline: str, rows: list[dict[str, Any]]) -> None:
    write_records(completions_path(path(root, stage, discipline)), rows, COMPLETIONS, {"stage": stage})


def build(root: Path) -> Path:
    """Write the tree: p1 and p2 are released, p3 is a near duplicate, p4 rejected, p5 not self-contained."""
    write(root, "digitize", "physics", [page("waves", n) for n in (1, 2, 3)], [("waves:4", Drop("page_empty"))])
    write(root, "digitize", "biology", [page("cells", n) for n in (1, 2)], [("torn", Drop("book_unreadable"))])

    write_classified(root, "physics", "waves", "physics")
    write_classified(root, "biology", "cells", "biology", "medicine")

    write(root, "chunk", "physics", [chunk("c1", "waves", "physics", 1, 2)], [("waves:3", Drop("no_text"))])
    for discipline in ("biology", "medicine"):
        write(root, "chunk", discipline, [chunk("c3", "cells", discipline, 1, 2)])

    p1 = pair("p1", "c1", "waves", "physics", "high")
    p2 = pair("p2", "c1", "waves", "physics", "low")
    p3 = pair("p3", "c1", "waves", "physics", "low")
    p4 = pair("p4", "c3", "cells", "biology", "low")
    p5 = pair("p5", "c3", "cells", "medicine", "high")
    write(root, "extract", "physics", [p1, p2, p3], [("c1:low#3", Drop("incomplete_pair"))], "high-hash,low-hash")
    write(root, "extract", "biology", [p4], [("c3:high", Drop("no_pairs"))], "high-hash,low-hash")
    write(root, "extract", "medicine", [p5], [("c3:low", Drop("unreadable", "\x1b[2Jwiped"))], "high-hash,low-hash")
    completions(
        root,
        "extract",
        "physics",
        [completion("c1", "physics_high", "<question>raw p1"), completion("c1", "physics_low", "raw low")],
    )
    completions(
        root,
        "extract",
        "medicine",
        [completion("c3", "medicine_high", "raw p5"), completion("c3", "medicine_low", "\x1b[2Jwiped")],
    )

    write(root, "dedup", "physics", [p1, p2], [("p3", Drop("near_duplicate", "p2 (similarity 0.800)"))])
    write(root, "dedup", "biology", [p4])
    write(root, "dedup", "medicine", [p5])

    p1 = {**p1, "question": "What is p1 in physics?"}
    write(root, "refine", "physics", [p1, p2])
    completions(
        root, "refine", "physics", [completion("p1", "refine", "refined p1"), completion("p2", "refine", "same")]
    )
    write(root, "refine", "biology", [p4])
    write(root, "refine", "medicine", [], [("p5", Drop("not_self_contained"))])

    p1, p2, p4 = {**p1, "has_reasoning": True}, {**p2, "has_reasoning": False}, {**p4, "has_reasoning": True}
    write(root, "judge_cot", "physics", [p1, p2])
    write(root, "judge_cot", "biology", [p4])
    p2 = {**p2, "answer": "Since one follows from the other, it is p2. That is all.", "has_reasoning": True}
    write(root, "distill_cot", "physics", [p1, p2])
    completions(root, "distill_cot", "physics", [completion("p2", "distill_cot", "reasoned p2")])
    write(root, "distill_cot", "biology", [p4])
    write(root, "filter", "physics", [p1, p2])
    write(root, "filter", "biology", [], [("p4", Drop("rejected", "it contradicts itself"))])
    for stage in ("judge_cot", "distill_cot", "filter"):
        write(root, stage, "medicine", [])

    write(root, "decontaminate", "physics", [p1, p2])
    candidate = {
        "pair_id": "p1-near",
        "qa_id": "p1",
        "question": p1["question"],
        "benchmark": "mini",
        "item_id": "i7",
        "item_question": "What is q in physics?",
        "similarity": 0.75,
        "ngram_overlap": 0.0,
        "skipped": False,
    }
    verdict = {**candidate, "verdict": "no", "rationale": "They ask\x1b[31m different things.", **FILES}
    write_records(path(root, "search", "physics"), [candidate], SCHEMAS["search"])
    verdicts = path(root, "decontaminate", "physics").with_suffix(".verdicts.parquet")
    skipped = {**verdict, "pair_id": "p1-far", "item_id": "i9", "verdict": "skipped", "rationale": "", "model": ""}
    write_records(verdicts, [verdict, skipped], SCHEMAS["verdicts"])
    write(root, "reference", "physics", [{**p1, "reference_answer": "p1"}, {**p2, "reference_answer": "p2"}])
    for stage in ("decontaminate", "reference"):
        write(root, stage, "biology", [])
        write(root, stage, "medicine", [])
    return root


def kept(root: Path) -> list[Path]:
    """Return the kept files of all stages of the tree."""
    return [file for stage in STAGES for file in stage_files(root, stage)]


def items(root: Path, count: int) -> None:
    """Write the items of the benchmark `mini`."""
    rows = [{"item_id": f"i{n}", "benchmark": "mini", "question": f"Why {n}?", "kind": "number"} for n in range(count)]
    write_records(root / "benchmarks" / "mini.parquet", rows, ITEMS)


def release(root: Path, output: Path, **changed: Any) -> Path:
    """Build the dataset of the tree."""
    stages = ("extract", "refine", "judge_cot", "distill_cot", "filter", "decontaminate", "reference")
    arguments = {
        "references": stage_files(root, "reference"),
        "books": BOOKS,
        "chunks": stage_files(root, "chunk"),
        "stage_files": {stage: stage_files(root, stage) for stage in stages},
        "verdicts": sorted(root.glob("decontaminate/*/*.verdicts.parquet")),
        "output": output,
        "name": "mini",
        **changed,
    }
    build_dataset(**arguments)
    return output


PROMPTS = {
    "physics_high": "{{ document }}",
    "physics_low": "low {{ document }}",
    "refine": "{{ document }} {{ question }} {{ answer }}",
    "plain": "{{ question }} {{ answer }}",
    "near": "{{ question }} {{ item_question }}",
    "evaluate": "{{ question }}",
}


def plan(folder: Path, **changed: Any) -> Plan:
    """Return the plan of a configuration whose shelf holds the books of the tree that can be read."""
    for name, body in PROMPTS.items():
        text = f"---\nanswer:\n  decision: [YES, NO]\n---\n{{% block user %}}{body}{{% endblock %}}\n"
        (folder / f"{name}.j2").write_text(text)
    lines = ["book_id\tdisciplines\ttitle\tpath\tsha256\tlicence\tlevel"]
    lines += [f"{b.book_id}\t{';'.join(b.disciplines)}\t{b.title}\t{b.book_id}.pdf\t\tMIT\tgraduate" for b in BOOKS[:2]]
    (folder / "books.tsv").write_text("\n".join(lines) + "\n")
    registry = "mini: {source: {path: mini.jsonl}, adapter: gsm8k, kind: number, group: math, rows: 40}\n"
    (folder / "registry.yaml").write_text(registry)
    model = {"revision": "r1", "format": "served", "context": 1000}
    common = {"sampling": {"max_tokens": 50}, "retries": 2, "constrain": False}

    def asks(prompt: str) -> dict[str, Any]:
        return {"prompt": str(folder / f"{prompt}.j2"), **common}

    def stage(prompt: str) -> dict[str, Any]:
        return {"model": "big", **asks(prompt)}

    preset = {"stage": "sft", "finetuning_type": "full", "template": "t", "learning_rate": 1e-5}
    config = {
        "shelf": str(folder / "books.tsv"),
        "shards": {"physics": 1, "biology": 1, "medicine": 1},
        "models": {"big": {"name": "org/big", **model}, "small": {"name": "org/small", **model}},
        "digitize": {"engine": "pdftext"},
        "classify": {**stage("plain"), "contents_chars": 100, "sample_pages": 1, "page_chars": 100, "shards": 1},
        "chunk": {"model": "big", "tokens": 1000},
        "extract": {**stage("physics_{standard}"), "standards": ["high", "low"]},
        "refine": stage("refine"),
        **{name: stage("plain") for name in ("judge_cot", "distill_cot", "filter", "reference")},
        "embed": {"model": "big"},
        "decontaminate": stage("near"),
        **{name: stage("evaluate") for name in SELECTING_STAGES},
        "train": {"t": {**preset, "global_batch": 1, "cutoff_len": 100, "max_steps": 1}},
        "experiments": [{"name": "small-again", "base": "small", "dataset": "textbook_reasoning", "train": "t"}],
        "evaluate": {"registry": str(folder / "registry.yaml"), "root": ".", **asks("evaluate")},
        "serving": {"default": {"engine": "canned"}},
        **changed,
    }
    return Plan(check_config(config))
