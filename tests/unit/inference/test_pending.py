"""The count by which profiles give GPUs: what a generate job sends is what was counted before it ran."""

import json

import pytest
from megascience.inference.generate import generate_shard
from megascience.inference.pending import count_pending, write_pending
from megascience.inference.requests import RequestPlan
from refineshard import Shard


@pytest.fixture
def shard(tmp_path):
    return Shard(tmp_path)


def counted(shard: Shard) -> int:
    given = shard.write()
    kept = ("stage", "records", "prompts", "sampling", "retries", "constrain", "join")
    plan = RequestPlan(model=given["model"].name, revision=given["model"].revision, **{key: given[key] for key in kept})
    return count_pending(plan, given["journal"], given["model"])


def test_all_is_pending_before_and_nothing_after(shard):
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


def test_what_does_not_fit_is_not_pending(shard):
    shard.settings["context"] = 100  # which the answer alone may take
    assert counted(shard) == 0


def test_an_unreadable_answer_is_pending_while_a_retry_is_left(shard):
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
    write_pending(tmp_path / "pending.txt", plan, given["journal"], given["model"])
    assert int((tmp_path / "pending.txt").read_text()) == len(shard.pairs)


# --- what another attempt gets


@pytest.fixture
def number(shard, tmp_path):
    """Run the shard with a count from before; return the count that is there afterwards, and the fault."""

    def run(before):
        (tmp_path / "pending.txt").write_text(f"{before}\n")
        fault = None
        try:
            shard.run(pending=tmp_path / "pending.txt")
        except Exception as error:
            fault = error
        return int((tmp_path / "pending.txt").read_text()), fault

    return run


def test_a_job_that_fails_after_its_last_answer_leaves_nothing_to_ask(shard, number, tmp_path):
    (tmp_path / "completions.parquet").mkdir()  # which cannot be written
    left, fault = number(before=12)
    assert left == 0 == counted(shard) and isinstance(fault, OSError)


def test_a_job_that_fails_before_leaves_what_it_has_not_asked(shard, number):
    shard.budget = {"max_requests": 5}
    left, fault = number(before=12)
    assert left == 7 == counted(shard) and "max_requests 5" in str(fault)


def test_a_count_that_is_wrong_is_set_right(shard, number, monkeypatch):
    monkeypatch.setattr("megascience.inference.engines.canned.CannedEngine.start", lambda self: 1 / 0)
    left, fault = number(before=0)
    assert left == 12 == counted(shard) and isinstance(fault, ZeroDivisionError)
