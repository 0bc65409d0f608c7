"""The count by which profiles give GPUs: what a generate job sends is what was counted before it ran."""

import json

import pytest
from megascience.generate import generate_shard
from megascience.missing import count_missing, write_missing
from megascience.request_plan import RequestPlan
from test_generate import Shard


@pytest.fixture
def shard(tmp_path):
    return Shard(tmp_path)


def counted(shard: Shard) -> int:
    given = shard.write()
    kept = ("stage", "records", "prompts", "sampling", "retries", "constrain", "join")
    plan = RequestPlan(model=given["model"].name, revision=given["model"].revision, **{key: given[key] for key in kept})
    return count_missing(plan, given["journal"], given["model"])


def test_all_is_missing_before_and_nothing_after(shard):
    assert counted(shard) == len(shard.pairs)
    shard.run()
    assert len(shard.sent()) == len(shard.pairs)
    assert counted(shard) == 0


def test_an_edited_chunk_misses_its_pairs_only(shard):
    shard.run()
    shard.texts["c1"] = "Another document."
    assert counted(shard) == sum(pair["chunk_id"] == "c1" for pair in shard.pairs)


def test_half_a_journal_misses_the_other_half(shard):
    shard.run()
    journal = shard.folder / "journal.jsonl"
    lines = journal.read_text().splitlines(keepends=True)
    kept = [line for line in lines if "key" not in json.loads(line)] + [
        line for line in lines if "key" in json.loads(line)
    ][:5]
    journal.write_text("".join(kept))
    assert counted(shard) == len(shard.pairs) - 5


def test_what_does_not_fit_is_not_missing(shard):
    shard.settings["context"] = 100  # which the answer alone may take
    assert counted(shard) == 0


def test_an_unreadable_answer_is_missing_while_a_retry_is_left(shard):
    shard.rules = [{"text": "nonsense"}]
    generate_shard(**{**shard.write(), "retries": 0})
    assert counted(shard) == len(shard.pairs)
    shard.settings["retries"] = 0
    assert counted(shard) == 0


def test_the_file_holds_the_number(shard, tmp_path):
    given = shard.write()
    plan = RequestPlan(
        stage="refine", records=given["records"], prompts=given["prompts"], model="model", revision="rev",
        sampling=given["sampling"], retries=2, constrain=True, join=given["join"],
    )  # fmt: skip
    write_missing(tmp_path / "missing.txt", plan, given["journal"], given["model"])
    assert int((tmp_path / "missing.txt").read_text()) == len(shard.pairs)
