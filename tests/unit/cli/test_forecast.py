"""Forecast: what is still to do, from records, from measured shares, from the paper's."""

import json
from pathlib import Path

import pytest
import resulttree as tree
from megascience.cli.forecast import (
    ANSWER_TOKENS,
    BOOK_TOKENS,
    HARD,
    PAGE_TOKENS,
    PAIR_TOKENS,
    SELECTED,
    SHARES,
    SOURCE_SHARES,
    forecast,
)
from megascience.inference.engines.base import Completion
from megascience.inference.journal.journal import Journal
from megascience.planning.jobs import request_plan, shards_of
from megascience.planning.plan import Plan
from megascience.storage.errors import InputError
from megascience.storage.parquet import write_records
from owned import SCHEMAS


def lines(table) -> dict[tuple[str, str | None], dict[str, object]]:
    return {(row["stage"], row["model"]): row for row in table.to_dict("records")}


def cost(root: Path, stage: str, **values: object) -> None:
    spent = {
        "stage": stage,
        "model": "org/big",
        "requests": 10,
        "retried": 2,
        "prompt_tokens": 900,
        "cached_tokens": 0,
        "completion_tokens": 300,
        "wall_seconds": 60.0,
        "startup_seconds": 12.0,
        "gpus": 4,
        **values,
    }
    file = root / "cost" / stage / "physics" / "000.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(spent))


def test_before_anything_ran_by_the_counts_of_the_paper(tmp_path: Path) -> None:
    rows = lines(forecast(tree.plan(tmp_path), tmp_path / "results"))
    units = 3 * BOOK_TOKENS / 1000 * 2  # a book in one discipline, one in two; 1000 tokens a chunk; two standards
    assert rows["extract", "big"]["requests"] == pytest.approx(units, rel=1e-3)
    pairs = units * SHARES["extract"] * SHARES["dedup"]
    assert rows["refine", "big"]["requests"] == pytest.approx(pairs, rel=1e-3)
    assert rows["decontaminate", "big"]["requests"] == pytest.approx(5 * pairs * SHARES["filter"], rel=1e-3)
    kept = SHARES["filter"] * SHARES["decontaminate"]
    assert rows["reference", "big"]["requests"] == pytest.approx(pairs * kept, rel=1e-3)
    assert rows["evaluate", "small"]["requests"] == 40  # as the registry says
    assert rows["extract", "big"]["from"] == "estimate"
    assert rows["extract", "big"]["hours"] is None  # nothing measured, nothing given
    total = sum(row["requests"] for (stage, _), row in rows.items() if stage != "all")
    assert rows["all", None]["requests"] == total


def test_a_stage_of_ones_own_is_reckoned_with_a_pairs_tokens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(ANSWER_TOKENS, "judge_cot")  # as of a stage that somebody has added
    row = lines(forecast(tree.plan(tmp_path), tmp_path / "results"))["judge_cot", "big"]
    assert row["completion tokens"] == pytest.approx(row["requests"] * PAIR_TOKENS, rel=1e-3)


def test_a_book_that_is_still_to_be_classified_counts_once(tmp_path: Path) -> None:
    plan = tree.plan(tmp_path)
    shelf = tmp_path / "books.tsv"
    shelf.write_text(shelf.read_text().replace("waves\tphysics\t", "waves\t\t"))
    rows = lines(forecast(Plan(plan.config), tmp_path / "results"))
    assert rows["extract", "big"]["requests"] == pytest.approx(3 * BOOK_TOKENS / 1000 * 2, rel=1e-3)


def test_shares_of_the_paper() -> None:
    pairs = 2 * 546_134
    for stage in ("extract", "dedup", "filter", "decontaminate"):
        pairs *= SHARES[stage]
    assert pairs == pytest.approx(651_840)


def test_pages_are_counted_where_there_are_pdfs(tmp_path: Path) -> None:
    import pypdfium2

    document = pypdfium2.PdfDocument.new()
    for _ in range(40):
        document.new_page(200, 300)
    plan = tree.plan(tmp_path)
    for book in plan.book_shards.books:
        object.__setattr__(book, "path", str(tmp_path / book.path))
        document.save(tmp_path / f"{book.book_id}.pdf")
    rows = lines(forecast(plan, tmp_path / "results"))
    assert rows["extract", "big"]["requests"] == round(3 * 40 * PAGE_TOKENS / 1000 * 2)


def test_records_at_hand_are_counted_against_the_journal(tmp_path: Path) -> None:
    root = tree.build(tmp_path / "results")
    plan = tree.plan(tmp_path)
    rows = lines(forecast(plan, root))
    assert rows["extract", "big"]["requests"] == 6
    assert rows["extract", "big"]["from"] == "records"
    assert rows["refine", "big"]["requests"] == 4
    assert rows["distill_cot", "big"]["requests"] == 1
    assert rows["decontaminate", "big"]["from"] == "estimate"  # two shards were not searched yet
    job = next(s for s in shards_of(plan, root) if s.stage == "refine" and "physics" in s.completions.parts)
    asked = list(request_plan(plan, job, ("org/big", "r1")))
    before = rows["refine", "big"]["prompt tokens"]
    with Journal(job.journal) as journal:
        journal.start_session(model="org/big", revision="r1", engine="canned", startup_seconds=0.0)
        journal.append(Completion(asked[0].keys[0], "<decision>NO</decision>", prompt_tokens=1, completion_tokens=1))
    rows = lines(forecast(plan, root))
    assert rows["refine", "big"]["requests"] == 3
    assert before - rows["refine", "big"]["prompt tokens"] == pytest.approx(asked[0].size / 4, abs=1)


def test_measured_shares_replace_those_of_the_paper(tmp_path: Path) -> None:
    root = tree.build(tmp_path / "results")
    for stage in ("refine", "judge_cot", "distill_cot", "filter", "decontaminate", "reference"):
        tree.path(root, stage, "medicine").unlink()
    rows = lines(forecast(tree.plan(tmp_path), root))
    # Of physics' two and biology's one refined pair all were kept; medicine's one pair is still to be refined.
    assert rows["judge_cot", "big"]["requests"] == 3 + 1
    # filter kept two of three.
    assert rows["reference", "big"]["requests"] == round(2 + 1 * 2 / 3)


def test_measured_speed_answers_retries_and_money(tmp_path: Path) -> None:
    root = tree.build(tmp_path / "results")
    prices = {"big": {"prompt_per_million": 1000.0, "completion_per_million": 2000.0, "gpu_hour": 3.0}}
    plan = tree.plan(tmp_path, prices=prices)
    cost(root, "refine")
    row = lines(forecast(plan, root))["refine", "big"]
    assert row["requests"] == 5  # four, and one in five of the requests was a retry
    assert row["completion tokens"] == 5 * 30
    seconds = (row["prompt tokens"] + row["completion tokens"]) / (1200 / 60)
    assert row["hours"] == pytest.approx(seconds / 3600, rel=0.01)
    assert row["GPU-hours"] == pytest.approx(4 * row["hours"])
    money = row["prompt tokens"] * 1e-3 + 150 * 2e-3 + 3 * row["GPU-hours"]
    assert row["money"] == pytest.approx(money, rel=0.01)
    assert lines(forecast(plan, root))["filter", "big"]["hours"] is not None  # the model's speed at another stage


def test_given_speed_is_used_where_nothing_was_measured(tmp_path: Path) -> None:
    plan = tree.plan(tmp_path)
    rows = lines(forecast(plan, tmp_path / "results", {"big": {"tokens_per_second": 100.0, "gpus": 2}}))
    row = rows["refine", "big"]
    assert row["hours"] == pytest.approx((row["prompt tokens"] + row["completion tokens"]) / 100 / 3600, rel=1e-3)
    assert row["GPU-hours"] == pytest.approx(2 * row["hours"])
    assert row["money"] is None
    assert rows["evaluate", "small"]["hours"] is None
    assert rows["all", None]["hours"] is None


def test_nothing_is_left_to_do(tmp_path: Path) -> None:
    root = tree.build(tmp_path / "results")
    plan = tree.plan(tmp_path)
    for job in shards_of(plan, root):
        if job.stage == "extract":
            with Journal(job.journal) as journal:
                journal.start_session(model="org/big", revision="r1", engine="canned", startup_seconds=0.0)
                for request in request_plan(plan, job, ("org/big", "r1")):
                    journal.append(Completion(request.keys[0], "<decision>NO</decision>"))
    row = lines(forecast(plan, root))["extract", "big"]
    assert (row["requests"], row["prompt tokens"], row["hours"]) == (0, 0, 0)


def test_missing_prompt_is_named(tmp_path: Path) -> None:
    plan = tree.plan(tmp_path)
    (tmp_path / "refine.j2").unlink()
    with pytest.raises(InputError, match=r"refine\.j2"):
        forecast(plan, tmp_path / "results")


def test_benchmark_of_unknown_size(tmp_path: Path) -> None:
    plan = tree.plan(tmp_path)
    plan.registry["mini"] = plan.registry["mini"].model_copy(update={"rows": None})
    rows = lines(forecast(plan, tmp_path / "results"))
    assert rows["evaluate", "small"]["requests"] is None
    assert rows["evaluate", "small"]["from"] == "size unknown"
    assert rows["all", None]["from"] == "what is known"
    tree.items(tmp_path / "results", 7)
    assert lines(forecast(plan, tmp_path / "results"))["evaluate", "small"]["requests"] == 7


def test_selections_and_annotations_of_a_public_source(tmp_path: Path) -> None:
    stage = {"model": "big", "prompt": str(tmp_path / "evaluate.j2"), "retries": 0, "constrain": False}
    asking = {**stage, "sampling": {"max_tokens": 50, "temperature": 0.7}}
    plan = tree.plan(
        tmp_path,
        sources={"web": {"path": "x", "licence": "MIT", "mapping": {"question": "q"}, "shards": 2, "rows": 1000}},
        selections={
            "hard": {"of": "web", "method": "difficulty"},
            "chance": {"of": "web", "method": "random", "n": "hard"},
            "pairs": {"of": "textbook_reasoning", "method": "all"},
        },
        datasets={
            "textbook_reasoning": {},
            "mixed": {"mixture": [{"select": "chance", "annotate": True}]},
            "distilled": {"mixture": [{"select": "pairs", "annotate_below": 6}]},
        },
        difficulty_sample={**asking, "samples": 4},
        difficulty_score=asking,
        annotate=asking,
    )
    rows = lines(forecast(plan, tmp_path / "results"))
    pool = 1000 * SOURCE_SHARES["dedup"] * SOURCE_SHARES["decontaminate"]
    kept = rows["reference", "big"]["requests"] * SHARES["reference"]
    assert rows["difficulty_sample", "big"]["requests"] == pytest.approx(4 * (pool + kept), rel=1e-2)
    assert rows["difficulty_score", "big"]["requests"] == pytest.approx(4 * (pool + kept), rel=1e-2)
    assert rows["annotate", "big"]["requests"] == pytest.approx(pool * SELECTED + kept * HARD, rel=1e-2)
    # What the selection really took counts more than what was assumed.
    for shard in ("000", "001"):
        taken = [{"qa_id": f"{shard}-{k}", "question": f"Why {k}?"} for k in range(30)]
        write_records(tmp_path / "results/select/web.chance" / f"{shard}.parquet", taken, SCHEMAS["import_source"])
    rows = lines(forecast(plan, tmp_path / "results"))
    assert rows["annotate", "big"]["requests"] == pytest.approx(60 + kept * HARD, rel=1e-2)
