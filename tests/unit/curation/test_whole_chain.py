"""The stages' own parsers, deduplication and decontamination, fed with answers of every quality: rows add up,
each one can be traced, and what is released vouches for itself."""

import random
from pathlib import Path

import pytest
import resulttree as tree
from megascience.cli.trace import trace
from megascience.curation.decontaminate import decide_shard
from megascience.curation.dedup import cluster_shards, lsh_settings, select_shard, sketch_shard
from megascience.inference.completions import COMPLETIONS
from megascience.inference.parse import parse_shard
from megascience.ingest.chunk import chunk_books
from megascience.ingest.pdf.pages import page_id
from megascience.report.conservation import conserve, yield_tables
from megascience.stages.prompting.prompt import load_prompt
from megascience.stages.stage import get_stage
from megascience.storage.drops import Drop
from megascience.storage.layout import completions_path, dropped_path, stage_files
from megascience.storage.parquet import read_records, write_records
from owned import SCHEMAS

PROMPTS = Path(__file__).parents[3] / "prompts"
DISCIPLINES = ("physics", "biology", "medicine")
SUBJECTS = ("a wave", "a cell", "an enzyme", "a lens", "a field", "the sum of two vectors in the plane")


def question(rng: random.Random) -> str:
    return f"What becomes of {rng.choice(SUBJECTS)} that is {rng.randint(1, 9)} times as large as before in a box?"


def answer(stage: str, rng: random.Random) -> tuple[str, str]:
    """Return a completion, good or bad, and its finish reason."""
    pair = f"<question>{question(rng)}</question>\n<answer>It is ${rng.randint(1, 99)}$.</answer>\n"
    good = {
        "extract": pair * rng.randint(1, 3) + rng.choice(["", "<question>same</question>\n<answer>same</answer>"]),
        "refine": f"<analysis>fine</analysis>\n{pair}",
        "judge_cot": f"<analysis>well</analysis>\n<decision>{rng.choice(['YES', 'NO'])}</decision>",
        "distill_cot": "<answer>Since it must be so, it is so.</answer>",
        "filter": f"<analysis>well</analysis>\n<decision>{rng.choice(['KEEP', 'KEEP', 'REJECT'])}</decision>",
        "decontaminate": f"<analysis>well</analysis>\n<decision>{rng.choice(['NO', 'NO', 'NO', 'YES'])}</decision>",
        "reference": "<reference>42</reference>",
    }[stage]
    bad = [("NONE", "stop"), ("", "stop"), ("\x1b[2J<question>", "length"), ("", "overflow"), ("I refuse.", "stop")]
    return (good, "stop") if rng.random() < 0.85 else rng.choice(bad)


def ask(stage: str, records: list[dict], prompts: list[Path], output: Path, rng: random.Random) -> None:
    rows = []
    for record in records:
        for path in prompts:
            prompt = load_prompt(path)
            if get_stage(stage).fields({**record, "chunk_text": "text", "prompt": prompt.name}) is not None:
                text, finish = answer(stage, rng)
                row = tree.completion(record[next(iter(record))], prompt.name, text)
                rows.append({**row, "prompt_hash": prompt.hash, "finish_reason": finish})
    write_records(output, rows, COMPLETIONS)


def digitize_and_chunk(root: Path) -> None:
    """Pages of words, an empty page in each book, and the torn book; chunks of two or three pages."""
    pages: dict[str, list[dict]] = {}
    for book in tree.BOOKS[:2]:
        words = " ".join(f"word{n}" for n in range(30))
        rows = [
            {**tree.page(book.book_id, n), "page_id": page_id(book.book_id, n), "text": f"{n} {words}."}
            for n in range(1, 9)
        ]
        rows[4]["text"] = "– 5 –"
        home = book.disciplines[0]
        pages[home] = rows
        drops = [("torn", Drop("book_unreadable"))] if home == "biology" else []
        tree.write(root, "digitize", home, rows, [(page_id(book.book_id, 9), Drop("page_empty")), *drops])
    for discipline in DISCIPLINES:
        mine = [book.book_id for book in tree.BOOKS if discipline in book.disciplines]
        rows, drops = chunk_books(
            [page for group in pages.values() for page in group], mine, discipline, 80, lambda text: len(text.split())
        )
        tree.write(root, "chunk", discipline, rows, drops)


def model_stage(root: Path, stage: str, source: str, rng: random.Random) -> None:
    for discipline in DISCIPLINES:
        records, kept = tree.path(root, source, discipline), tree.path(root, stage, discipline)
        prompts = [PROMPTS / f"{stage}.j2"]
        if stage == "extract":
            prompts = [PROMPTS / "extract" / f"{discipline}_{level}.j2" for level in ("high", "low")]
        ask(stage, read_records(records), prompts, completions_path(kept), rng)
        parse_shard(
            stage=stage,
            records=[records],
            completions=completions_path(kept),
            prompts=prompts,
            kept=kept,
            dropped=dropped_path(kept),
            join=tree.path(root, "chunk", discipline) if stage == "refine" else None,
        )


def dedup(root: Path) -> None:
    sketches = {d: root / "sketch" / f"{d}.parquet" for d in DISCIPLINES}
    lists = {d: root / "keep" / f"{d}.parquet" for d in DISCIPLINES}
    for discipline, sketch in sketches.items():
        sketch_shard([tree.path(root, "extract", discipline)], sketch)
    cluster_shards(sketches, lists, **lsh_settings("threshold", 0.6))
    for discipline, keep in lists.items():
        kept = tree.path(root, "dedup", discipline)
        select_shard([tree.path(root, "extract", discipline)], keep, kept, dropped_path(kept))


def decontaminate(root: Path, rng: random.Random) -> None:
    for discipline in DISCIPLINES:
        rows = read_records(tree.path(root, "filter", discipline))
        candidates = [
            {
                "pair_id": f"{row['qa_id']}-{n}",
                "qa_id": row["qa_id"],
                "question": row["question"],
                "benchmark": "mini",
                "item_id": f"i{n}",
                "item_question": question(rng),
                "similarity": 0.5,
                "ngram_overlap": 0.0,
                "skipped": False,
            }
            for row in rows
            for n in range(2)
        ]
        search, kept = tree.path(root, "search", discipline), tree.path(root, "decontaminate", discipline)
        write_records(search, candidates, SCHEMAS["search"])
        prompts = [PROMPTS / "decontaminate.j2"]
        ask("decontaminate", candidates, prompts, completions_path(kept), rng)
        decide_shard(
            records=[tree.path(root, "filter", discipline)],
            candidates=search,
            completions=completions_path(kept),
            prompts=prompts,
            kept=kept,
            dropped=dropped_path(kept),
            verdicts=kept.with_suffix(".verdicts.parquet"),
        )


@pytest.fixture(scope="module", params=[1, 2, 3])
def root(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = random.Random(request.param)
    root = tmp_path_factory.mktemp("chain")
    digitize_and_chunk(root)
    model_stage(root, "extract", "chunk", rng)
    dedup(root)
    for stage, source in (("refine", "dedup"), ("judge_cot", "refine"), ("distill_cot", "judge_cot")):
        model_stage(root, stage, source, rng)
    model_stage(root, "filter", "distill_cot", rng)
    decontaminate(root, rng)
    model_stage(root, "reference", "decontaminate", rng)
    return root


def test_rows_add_up(root: Path) -> None:
    counts = conserve(tree.kept(root), tree.BOOKS)
    assert counts["digitize", "biology"].reasons == {"page_empty": 1, "book_unreadable": 1}
    assert counts["chunk", "medicine"].reasons["no_text"] == 1
    assert counts["extract", "physics"].rows_in == 2 * counts["chunk", "physics"].rows_out
    assert sum(counts["dedup", d].reasons["near_duplicate"] for d in DISCIPLINES) > 0
    assert sum(counts["reference", d].rows_out for d in DISCIPLINES) > 0


def test_every_row_and_every_drop_can_be_traced(root: Path) -> None:
    for stage in ("extract", "reference"):
        for file in stage_files(root, stage):
            for row in read_records(file):
                text = trace(root, row["qa_id"], PROMPTS)
                assert "lost by" not in text
                assert "which is not in" not in text  # every prompt's file is found
                assert ("released" in text.split("\n")[0]) or stage == "extract"
    for file in sorted(root.glob("*/*/*.dropped.parquet")):
        for row in read_records(file):
            assert f"dropped: {row['reason']}" in trace(root, row["id"], PROMPTS), (file, row)


def test_release_vouches_for_itself(root: Path, tmp_path: Path) -> None:
    yields = tmp_path / "yield.tsv"
    yield_tables(kept=tree.kept(root), books=tree.BOOKS, yields=yields, reasons=tmp_path / "reasons.tsv")
    output = tree.release(root, tmp_path / "out", yields=yields)
    rows = read_records(output / "provenance.parquet")
    assert len(rows) == len(read_records(output / "train.parquet")) > 0
    asked = {
        (row["id"], stage): (row["prompt_hash"], row["model"])
        for stage in ("refine", "judge_cot", "distill_cot", "filter", "reference")
        for file in sorted((root / stage).glob("*/*.completions.parquet"))
        for row in read_records(file)
    }
    for row in rows:
        level = load_prompt(PROMPTS / "extract" / f"{row['discipline']}_{row['standard']}.j2")
        assert row["extract_prompt_hash"] == level.hash
        for stage in ("refine", "judge_cot", "distill_cot", "filter", "reference"):
            vouched = (row[f"{stage}_prompt_hash"], row[f"{stage}_model"])
            assert vouched == asked.get((row["id"], stage), (None, None)), (row["id"], stage)
